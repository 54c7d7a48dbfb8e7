"""Distances between two laws on one grid, as functions of the difference of their cell masses.

Every function takes `difference` (..., size) = p − q, so one call serves the observed counts and all
resamples. F − G below is its cumulative sum. The grid's error is at most one cell width.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pushforward.measure.grid import Grid

__all__ = ["cdf_difference", "cramer_von_mises", "energy", "ks", "quantile", "tv", "w1"]

Array = NDArray[np.float64]


def cdf_difference(difference: Array) -> Array:
    """(..., size − 1) F − G at the edges of the cells."""
    return np.cumsum(difference[..., :-1], axis=-1)


def w1(cdf: Array, grid: Grid) -> Array:
    """Wasserstein-1, ∫ |F − G| dq, in the quantity's unit.

    Source: Ramdas, García Trillos & Cuturi 2017, arXiv 1509.02237, section 2.3.
    """
    return _integral(np.abs(cdf), grid)


def _integral(values: Array, grid: Grid) -> Array:
    """∫ dq of what is known at the edges, by the trapezoid rule."""
    widths = np.diff(grid.cell_edges)
    weight = np.zeros(len(widths) + 1)
    weight[:-1] += widths / 2
    weight[1:] += widths / 2
    return np.asarray(values @ weight)


def ks(cdf: Array) -> Array:
    """Kolmogorov–Smirnov, max |F − G| over the edges of the fine cells; dimensionless."""
    return np.asarray(np.maximum(cdf.max(axis=-1), -cdf.min(axis=-1)))


def energy(cdf: Array, grid: Grid) -> Array:
    """Energy distance, √(2 ∫ (F − G)² dq), in √unit, as SciPy defines it.

    Source: Székely & Rizzo 2013, Journal of Statistical Planning and Inference 143, 1249–1272.
    """
    return np.asarray(np.sqrt(2 * _integral(np.square(cdf), grid)))


def cramer_von_mises(cdf: Array, pooled: Array) -> Array:
    """Cramér–von Mises, ∫ (F − G)² dH with H the pooled (or the intended) law; dimensionless.

    Source: Anderson 1962, Annals of Mathematical Statistics 33, 1148–1159.
    """
    return np.asarray(np.square(cdf) @ pooled[:-1])


def tv(difference: Array, grid: Grid) -> Array:
    """Total variation between the binned laws, ½ Σ |p − q| over bins and what lies outside; dimensionless."""
    return np.asarray(0.5 * np.abs(grid.by_bin(difference)).sum(axis=-1))


def quantile(mass: Array, grid: Grid, level: float) -> float:
    """The value below which `level` of the (size,) mass lies, linear within a cell."""
    cumulative = np.cumsum(mass)
    # Cumulated masses carry rounding; a level that is met to 1e-12 is met.
    level = min(max(level, 0.0), float(cumulative[-1])) - 1e-12
    cell = int(np.searchsorted(cumulative, level, side="left"))
    if level <= 0 or mass[cell] <= 0:
        cell = int(np.flatnonzero(mass > 0)[0])
    edges = grid.cell_edges
    if cell in (0, grid.size - 1):
        return float(edges[0] if cell == 0 else edges[-1])
    before = float(cumulative[cell - 1]) if cell > 0 else 0.0
    share = min(max((level - before) / mass[cell], 0.0), 1.0)
    return float(edges[cell - 1] + share * (edges[cell] - edges[cell - 1]))
