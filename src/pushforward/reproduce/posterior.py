"""Trajectories whose fine errors are replaced by the exact law: noised, and taken back by real trajectories."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.trajectories import Trajectories

__all__ = ["exact_below"]

_Array = NDArray[np.floating[Any]]
_ROWS = 64
# exp(-20) of the largest weight: what is below has no part in a draw of any size here.
_NEGLIGIBLE = 20.0


def exact_below(
    trajectories: Trajectories, bank: Trajectories, scale: float, rng: np.random.Generator
) -> Trajectories:
    """For each trajectory y = x + s·σ_c·ε, and a draw of the bank's by its posterior given y.

    p(i | y) ∝ exp(−Σ_c ‖y_c − x_{i,c}‖² / (2 s² σ_c²)): what the ideal denoiser's sampler makes of y. Where y has
    the law of noised data, the draw has that of the data, whatever was wrong below s; what is wrong above s stays.

    Args:
        trajectories: (N, T, C), of full length.
        bank: (M, T, C) real ones, dense enough for several to be within reach of any.
        scale: s, in standard deviations σ_c of each channel over the bank; above 0.
        rng: draws noise and trajectories.

    Raises:
        InputError: shapes that differ, lengths that do, or a scale that is not above 0.
    """
    same = trajectories.values.shape[1:] == bank.values.shape[1:]
    whole = bool(trajectories.mask.all()) and bool(bank.mask.all())
    require(same and whole, "exact_below: expected trajectories of one length, and a bank of the same")
    require(scale > 0, f"exact_below: got scale {scale:g}; expected a number above 0")
    unit = scale * np.maximum(bank.values.std(axis=(0, 1)), 1e-12)
    known, x = (_flat(one.values, unit) for one in (bank, trajectories))
    y = x + rng.standard_normal(x.shape, dtype=np.float32)
    half = 0.5 * np.square(known).sum(axis=1)
    drawn = [_drawn(y[i : i + _ROWS], known, half, rng) for i in range(0, len(y), _ROWS)]
    return bank.select(np.concatenate(drawn))


def _flat(values: _Array, unit: _Array) -> NDArray[np.float32]:
    return np.ascontiguousarray((values / unit).reshape(len(values), -1), dtype=np.float32)


def _drawn(y: _Array, known: _Array, half: _Array, rng: np.random.Generator) -> NDArray[np.intp]:
    """(n,) rows of the bank."""
    likelihood = y @ known.T - half
    likelihood -= likelihood.max(axis=1, keepdims=True)
    rows = np.empty(len(y), dtype=np.intp)
    for i, found in enumerate(likelihood):
        near = np.flatnonzero(found > -_NEGLIGIBLE)
        weight = np.exp(found[near].astype(np.float64))
        rows[i] = rng.choice(near, p=weight / weight.sum())
    return rows
