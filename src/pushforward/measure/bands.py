"""Masses per bin, with the band that holds all bins together when nothing drifts."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pushforward.measure import inference
from pushforward.measure.expected import Expected
from pushforward.measure.grid import OUTER, Grid
from pushforward.measure.resampling import is_clustered
from pushforward.measure.results import Bins
from pushforward.measure.tally import Tally

__all__ = ["bins_with_bands"]

Array = NDArray[np.float64]


def bins_with_bands(null: list[Array], made: Tally, expected: Expected, level: float) -> Bins:
    """Masses per bin; the null band is calibrated so that all bins hold together in 1 − level of resamples."""
    grid = made.grid
    by_bin = np.concatenate([grid.by_bin(block) for block in null])
    wanted, found = grid.by_bin(expected.mass), grid.by_bin(made.mass)
    spread = _spread(by_bin, made, expected)
    scale = np.where(spread > 0, spread, 1.0)
    half = float(inference.upper_limit(np.abs(by_bin / scale).max(axis=1), level)) * spread
    n = np.array([made.n / inference.design_effect(made, one) for one in _one_bin_each(grid, made)])
    low, high = inference.bin_interval(found, n, inference.sidak(level, len(found)))
    # Rounding must not make a gain of a bin in which nothing can vary.
    margin = half + 1e-12
    difference = grid.by_bin(made.mass - expected.mass)
    return Bins(
        edges=grid.edges,
        expected=wanted,
        made=found,
        low=low,
        high=high,
        null_low=np.maximum(wanted - half, 0.0),
        null_high=np.minimum(wanted + half, 1.0),
        gain=(difference > margin).astype(np.int64) - (difference < -margin).astype(np.int64),
    )


def _spread(null: Array, made: Tally, expected: Expected) -> Array:
    """(bins + 2,) standard deviation of each bin's difference without drift.

    Of independent values it follows from the pooled masses alone, which keeps the band's calibration exact.
    """
    sample = expected.sample
    if is_clustered(made, sample or expected.mass):
        return np.asarray(null.std(axis=0))
    pooled = made.grid.by_bin(expected.pooled(made))
    inverse = 1 / made.n + (0.0 if sample is None else 1 / sample.n)
    return np.asarray(np.sqrt(pooled * (1 - pooled) * inverse))


def _one_bin_each(grid: Grid, made: Tally) -> Array:
    """(bins + 2, size) indicator of each bin; a cheap row where there are no clusters to look at."""
    if made.groups is None:
        return np.zeros((grid.bins + 2, 1))
    outer = np.zeros(OUTER + 1, dtype=np.int64)
    owner = np.concatenate([outer, 1 + np.arange(grid.cells) // grid.subdivisions, outer + grid.bins + 1])
    return np.asarray(owner[None, :] == np.arange(grid.bins + 2)[:, None], dtype=np.float64)
