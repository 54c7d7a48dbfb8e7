"""Distances between two laws on one grid, as functions of the difference of their cell masses.

Every function takes `difference` (..., cells + 2) = p − q, so one call serves the observed counts and all
resamples. F − G below is its cumulative sum. The grid's error is at most one cell width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pushforward.measure.grid import Grid

__all__ = ["cdf_difference", "cramer_von_mises", "energy", "ks", "quantile", "tv", "w1"]

Array = NDArray[np.float64]


def cdf_difference(difference: Array) -> Array:
    """(..., cells + 1) F − G at the edges of the fine cells."""
    return np.cumsum(difference[..., :-1], axis=-1)


def w1(cdf: Array, grid: Grid, tail_means: tuple[float, float] = (0.0, 0.0)) -> Array:
    """Wasserstein-1, ∫ |F − G| dq, in the quantity's unit.

    Mass outside the range counts as lying at the mean distance `tail_means` beyond its end.
    Source: Ramdas, García Trillos & Cuturi 2017, arXiv 1509.02237, section 2.3.
    """
    size = np.abs(cdf)
    first, last = size[..., 0], size[..., -1]
    inner = (size.sum(axis=-1) - 0.5 * (first + last)) * grid.width
    return np.asarray(inner + first * tail_means[0] + last * tail_means[1])


def ks(cdf: Array) -> Array:
    """Kolmogorov–Smirnov, max |F − G| over the edges of the fine cells; dimensionless."""
    return np.asarray(np.maximum(cdf.max(axis=-1), -cdf.min(axis=-1)))


def energy(cdf: Array, grid: Grid, tail_means: tuple[float, float] = (0.0, 0.0)) -> Array:
    """Energy distance, √(2 ∫ (F − G)² dq), in √unit, as SciPy defines it.

    Source: Székely & Rizzo 2013, Journal of Statistical Planning and Inference 143, 1249–1272.
    """
    squares = np.square(cdf)
    first, last = squares[..., 0], squares[..., -1]
    inner = (squares.sum(axis=-1) - 0.5 * (first + last)) * grid.width
    return np.asarray(np.sqrt(2 * (inner + first * tail_means[0] + last * tail_means[1])))


def cramer_von_mises(cdf: Array, pooled: Array) -> Array:
    """Cramér–von Mises, ∫ (F − G)² dH with H the pooled (or the intended) law; dimensionless.

    Source: Anderson 1962, Annals of Mathematical Statistics 33, 1148–1159.
    """
    return np.asarray(np.square(cdf) @ pooled[:-1])


def tv(difference: Array, grid: Grid) -> Array:
    """Total variation between the binned laws, ½ Σ |p − q| over bins and the two outer cells; dimensionless."""
    return np.asarray(0.5 * np.abs(grid.by_bin(difference)).sum(axis=-1))


def quantile(mass: Array, grid: Grid, level: float, tail_means: tuple[float, float] = (0.0, 0.0)) -> float:
    """The value below which `level` of the (cells + 2,) mass lies, linear within a cell.

    In the two outer cells the mean position stands for all of their mass.
    """
    cumulative = np.cumsum(mass)
    # Cumulated masses carry rounding; a level that is met to 1e-12 is met.
    level = min(max(level, 0.0), float(cumulative[-1])) - 1e-12
    if level <= cumulative[0] and cumulative[0] > 0:
        return grid.low - tail_means[0] if level < cumulative[0] else grid.low
    if level > cumulative[-2]:
        return grid.high + tail_means[1]
    cell = int(np.searchsorted(cumulative[:-1], level, side="left"))
    if cell == 0:
        cell = int(np.flatnonzero(mass > 0)[0])
    share = (level - cumulative[cell - 1]) / mass[cell] if mass[cell] > 0 else 0.0
    return float(grid.low + (cell - 1 + min(max(share, 0.0), 1.0)) * grid.width)
