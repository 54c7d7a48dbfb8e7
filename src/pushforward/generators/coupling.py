"""Pairing noise with data within a batch."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["by_optimal_transport"]


def by_optimal_transport(
    noise: NDArray[np.float32], clean: NDArray[np.float32], lengths: NDArray[np.int64]
) -> NDArray[np.int64]:
    """(B,) which noise belongs to which trajectory: argmin_π Σ_i ‖noise_π(i) − clean_i‖² (Tong et al. 2024, §3.2).

    Only among trajectories of the same length: otherwise noise would depend on the length, as short
    trajectories would be left the noise whose start is smallest.

    Args:
        noise: (B, T, C).
        clean: (B, T, C).
        lengths: (B,).
    """
    from scipy.optimize import linear_sum_assignment

    order = np.arange(len(clean))
    for length in np.unique(lengths):
        rows = np.flatnonzero(lengths == length)
        x = clean[rows, :length].reshape(len(rows), -1)
        z = noise[rows, :length].reshape(len(rows), -1)
        # ‖z − x‖² up to terms that do not depend on the pairing.
        _, partner = linear_sum_assignment(-x @ z.T)
        order[rows] = rows[partner]
    return order
