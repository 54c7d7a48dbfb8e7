"""Least squares for one factor, robust against laws that jump or are not defined everywhere."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

__all__ = ["Residuals", "best_factor", "fitted_factor"]

_SHIFT = 1e-6

_Exact = NDArray[np.float64]
# (m, K) residuals for factors (m,): NaN where a residual does not count, infinite where the law is not defined.
Residuals = Callable[[_Exact], _Exact]


def best_factor(residuals: Residuals, m: int, candidates: _Exact, largest: float) -> _Exact:
    """(m,) the candidate, of (S,) for all or (S, m), with the least ⟨min(r_k(c)², κ²)⟩_k, κ being `largest`."""
    each = np.broadcast_to(candidates.reshape(len(candidates), -1), (len(candidates), m))
    best: _Exact = each[0]
    least = np.full(m, np.inf)
    for candidate in each:
        cost = _cost(residuals(candidate), largest)
        best, least = np.where(cost < least, candidate, best), np.minimum(cost, least)
    return best


def fitted_factor(residuals: Residuals, start: _Exact, largest: float, rounds: int) -> _Exact:
    """(m,) argmin_c ⟨min(r_k(c)², κ²)⟩_k near `start` (m,): truncated least squares with κ = `largest`.

    Gauss–Newton steps over the residuals below κ; a step that makes the mean worse is halved. A residual beyond κ,
    such as that of a state which the factor carries over a jump of the law, costs κ² and pulls no further.

    Args:
        residuals: see `Residuals`.
        start: where to begin.
        largest: κ; infinite for ordinary least squares.
        rounds: Gauss–Newton steps.

    Returns:
        (m,) factors; NaN where no residual is below κ or where c changes none.

    Source: Huber, Robust Statistics (1981), chapter 7.
    """
    factor, here = start, residuals(start)
    cost = _cost(here, largest)
    slopes, share = np.zeros_like(cost), np.ones_like(cost)
    for _ in range(rounds):
        moved = residuals(factor * (1 + _SHIFT))
        inner = (np.abs(here) < largest) & (np.abs(moved) < largest)
        error = np.where(inner, here, 0.0)
        slope = (np.where(inner, moved, 0.0) - error) / (factor * _SHIFT)[:, None]
        slopes = np.square(slope).sum(axis=1)
        trial = factor - share * (slope * error).sum(axis=1) / np.where(slopes > 0, slopes, np.inf)
        there = residuals(trial)
        trial_cost = _cost(there, largest)
        better = trial_cost <= cost
        factor, cost = np.where(better, trial, factor), np.where(better, trial_cost, cost)
        here = np.where(better[:, None], there, here)
        share = np.where(better, 1.0, share / 2)
    return np.where((slopes > 0) & (cost < largest**2), factor, np.nan)


def _cost(residual: _Exact, largest: float) -> _Exact:
    """(m,) ⟨min(r², κ²)⟩ over the residuals that count; infinite where none does."""
    counted = ~np.isnan(residual)
    squares = np.where(counted, np.square(np.minimum(np.abs(residual), largest)), 0.0)
    count = counted.sum(axis=1)
    return np.where(count > 0, squares.sum(axis=1) / np.maximum(count, 1), np.inf)
