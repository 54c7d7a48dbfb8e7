"""Nearest trajectories: a search among the data in few dimensions, and means over those found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pushforward.errors import require
from pushforward.kernels.base import standard_deviations
from pushforward.kernels.moments import flattened_moments
from pushforward.trajectories import Trajectories

__all__ = ["Neighbourhood"]

_LARGEST_BANK = 1 << 24
_MOST_TRAJECTORIES = 50_000
_MOST_VALUES = 4096


@final
@dataclass(frozen=True, eq=False)
class Neighbourhood:
    """A bank of trajectories, found by their leading principal components.

    Channels count alike, whatever their units: each is divided by its standard deviation first. Components keep
    their variances, so that distances are those between the trajectories, but for what the last components hold.

    Attributes:
        bank: (M, T, C) trajectories.
        mean, axes: z = (x − mean) @ axes are the components, axes (T'·C, d).
        stride: every stride-th step is looked at, so that long trajectories stay searchable.
        tree: the bank's components.
    """

    bank: NDArray[np.float32]
    mean: NDArray[np.float64]
    axes: NDArray[np.float64]
    stride: int
    tree: cKDTree

    @classmethod
    def of(cls, trajectories: Trajectories, dimensions: int = 8, thinned: bool = True) -> Self:
        """The search among `trajectories`, or where `thinned` an even choice of as many as fit into 64 MB.

        Raises:
            InputError: fewer than two trajectories, or all alike.
        """
        n, T, C = trajectories.values.shape
        require(n >= 2, f"neighbours: got {n} trajectories; expected at least two")
        size = min(n, _MOST_TRAJECTORIES, max(_LARGEST_BANK // (T * C), 2)) if thinned else n
        chosen = np.linspace(0, n - 1, size).astype(np.int64)
        stride = max(-(-T * C // _MOST_VALUES), 1)
        bank = trajectories.values[chosen]
        mean, axes = _leading(trajectories.select(chosen), stride, dimensions)
        scores = (bank[:, ::stride].reshape(size, -1) - mean) @ axes
        return cls(bank, mean, axes, stride, cKDTree(scores))

    def nearest(self, trajectories: Trajectories, k: int, itself: bool = False) -> NDArray[np.int64]:
        """(N, k) places in the bank of the nearest trajectories; the trajectory itself counts only where `itself`.

        Raises:
            InputError: trajectories of another shape than the bank's.
        """
        require(
            trajectories.values.shape[1:] == self.bank.shape[1:],
            f"neighbours: got trajectories of shape {trajectories.values.shape[1:]}; expected {self.bank.shape[1:]}",
        )
        k = min(k, len(self.bank) - 1)
        x = trajectories.values[:, :: self.stride].reshape(len(trajectories), -1)
        answer = self.tree.query((x - self.mean) @ self.axes, k=k + 1)
        distance, found = np.asarray(answer[0]), np.asarray(answer[1])
        if itself:
            return found[:, :-1]
        # Rounding may put a trajectory of the bank a little beside itself.
        same = distance[:, :1] <= 1e-9 * np.maximum(distance[:, -1:], 1e-30)
        return np.where(same, found[:, 1:], found[:, :-1])

    def means(self, trajectories: Trajectories, k: int) -> NDArray[np.float32]:
        """(N, T, C) mean of the k nearest other trajectories of each."""
        found = self.nearest(trajectories, k)
        total = np.zeros(trajectories.values.shape, dtype=np.float32)
        # One neighbour at a time: memory does not grow with k.
        for j in range(found.shape[1]):
            total += self.bank[found[:, j]]
        total /= found.shape[1]
        return total


def _leading(
    trajectories: Trajectories, stride: int, dimensions: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and axes of the leading components of trajectories whose channels have unit variance."""
    kept = Trajectories(values=trajectories.values[:, ::stride])
    spread = standard_deviations(trajectories)
    require(bool(spread.any()), "neighbours: all trajectories are alike; expected some that differ")
    unit = np.tile(1 / np.where(spread > 0, spread, np.inf), kept.T)
    mean, covariance = flattened_moments(kept)
    _, direction = np.linalg.eigh(covariance * np.outer(unit, unit))
    return mean, unit[:, None] * direction[:, ::-1][:, :dimensions]
