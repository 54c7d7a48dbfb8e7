"""Laws that are known exactly: normal trajectories, linear and quadratic quantities."""

from __future__ import annotations

import numpy as np
from scipy import stats

from pushforward.measure import Grid
from pushforward.quantities import Quantity
from pushforward.trajectories import Trajectories

T, C = 4, 2


def normal_trajectories(n: int, seed: int = 0) -> Trajectories:
    """N trajectories of independent standard normal values."""
    return Trajectories(np.random.default_rng(seed).standard_normal((n, T, C), dtype=np.float32))


def linear(a: np.ndarray) -> Quantity:
    """q = a·x, a (T, C)."""
    return Quantity(lambda tracks: np.einsum("ntc,tc->n", tracks.values.astype(np.float64), a), name="linear")


def squared_norm() -> Quantity:
    """q = ‖x‖², whose Hessian is 2·1."""
    return Quantity(
        lambda tracks: np.square(tracks.values.astype(np.float64)).sum(axis=(1, 2)), name="squared-norm"
    )


def limits(grid: Grid) -> np.ndarray:
    """(W + 1,) ends of the bins with those below and above the range."""
    return np.concatenate([[-np.inf], grid.edges, [np.inf]])


def masses(law: stats.rv_continuous, grid: Grid) -> np.ndarray:
    """(W,) exact mass of each bin."""
    return np.diff(law.cdf(limits(grid)))


def flow(law, moved_cdf, grid: Grid) -> np.ndarray:
    """(W, W) exact mass that starts in a bin and ends in another, by quadrature in the quantile of q.

    `moved_cdf(q', q)` is the distribution function of q' given q.
    """
    ends = limits(grid)
    nodes, weights = np.polynomial.legendre.leggauss(24)
    found = np.zeros((len(ends) - 1, len(ends) - 1))
    for a in range(len(found)):
        low, high = law.cdf(ends[a]), law.cdf(ends[a + 1])
        level = low + (high - low) * (nodes + 1) / 2
        q = law.ppf(np.clip(level, 1e-15, 1 - 1e-15))
        below = np.stack([moved_cdf(end, q) for end in ends])
        found[a] = (high - low) / 2 * (np.diff(below, axis=0) @ weights)
    return found
