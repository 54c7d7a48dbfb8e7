"""The fixed grid on which every law is counted: B inner bins cut into fine cells, and wide cells beyond the range."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError

__all__ = ["OUTER", "Grid"]

OUTER = 40
_BLOCK = 1 << 16


@final
@dataclass(frozen=True)
class Grid:
    """B equal bins over [low, high), each of `subdivisions` fine cells, plus one cell below and one above.

    The bins are what a reader sees (masses, total variation); the fine cells are what W1, KS and quantiles
    use. Cell j + 1 holds low + j·w ≤ q < low + (j + 1)·w; the last inner cell also holds q = high.

    Attributes:
        low, high: range in the quantity's unit, low < high.
        bins: B, inner bins.
        subdivisions: fine cells per bin.

    Raises:
        InputError: a range that is empty, upside down or not finite; fewer than one bin or subdivision.
    """

    low: float
    high: float
    bins: int = 32
    subdivisions: int = 32

    def __post_init__(self) -> None:
        """Validate."""
        if not (math.isfinite(self.low) and math.isfinite(self.high) and self.low < self.high):
            raise InputError(
                f"grid range: got [{self.low}, {self.high}]; expected finite numbers, low < high"
            )
        if self.bins < 1 or self.subdivisions < 1:
            raise InputError(
                f"grid: got {self.bins} bins of {self.subdivisions} cells; expected at least 1 of each"
            )
        if self.cells > 1 << 20:
            raise InputError(f"grid: got {self.cells} cells; expected at most {1 << 20}")

    @property
    def cells(self) -> int:
        """Inner fine cells."""
        return self.bins * self.subdivisions

    @property
    def width(self) -> float:
        """Width of a fine cell."""
        return (self.high - self.low) / self.cells

    @property
    def size(self) -> int:
        """All cells: the inner ones, the outer ones and the two without an end."""
        return self.cells + 2 * OUTER + 2

    @property
    def centre(self) -> float:
        """Middle of the range: the origin of the moments, so that they do not cancel."""
        return self.low + (self.high - self.low) / 2

    @cached_property
    def inner_edges(self) -> NDArray[np.float64]:
        """(cells + 1,) edges of the fine cells."""
        return np.linspace(self.low, self.high, self.cells + 1)

    @cached_property
    def cell_edges(self) -> NDArray[np.float64]:
        """(size − 1,) edges of all cells."""
        beyond = self.width * 2.0 ** np.arange(OUTER)
        return np.concatenate([self.low - beyond[::-1], self.inner_edges, self.high + beyond])

    @property
    def edges(self) -> NDArray[np.float64]:
        """(bins + 1,) edges of the bins."""
        return self.inner_edges[:: self.subdivisions]

    @cached_property
    def positions(self) -> NDArray[np.float64]:
        """(size,) middles of the cells; the ends of the two without an end."""
        edges = self.cell_edges
        return np.concatenate([edges[:1], (edges[1:] + edges[:-1]) / 2, edges[-1:]])

    @classmethod
    def covering(cls, low: float, high: float, bins: int = 32, subdivisions: int = 32) -> Grid:
        """A grid over [low, high]; a range of zero width (a constant quantity) is widened around its value."""
        if low == high:
            half = 0.5 * max(abs(low), 1.0)
            low, high = low - half, high + half
        return cls(low, high, bins, subdivisions)

    def index(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cell of each finite value, 0 … size − 1."""
        edges = self.inner_edges
        with np.errstate(over="ignore", invalid="ignore"):
            position = (values - self.low) * (self.cells / (self.high - self.low))
        guess = np.clip(position, 0, self.cells - 1).astype(np.int64)
        # Rounding may put a value beside an edge on its wrong side; the edges themselves decide.
        guess -= values < edges[guess]
        guess += values >= edges[np.minimum(guess + 1, self.cells)]
        guess[values == self.high] = self.cells - 1
        guess += OUTER + 1
        outside = np.flatnonzero((values < self.low) | (values > self.high))
        if len(outside):
            guess[outside] = np.searchsorted(self.cell_edges, values[outside], side="right")
        return guess

    def count(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """(size,) counts of finite values, in blocks that stay in the cache."""
        counts = np.zeros(self.size, dtype=np.int64)
        for start in range(0, len(values), _BLOCK):
            counts += np.bincount(self.index(values[start : start + _BLOCK]), minlength=self.size)
        return counts

    def by_bin(self, cells: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
        """(..., size) summed to (..., bins + 2): all below the range, the bins, all above it."""
        first, last = OUTER + 1, OUTER + 1 + self.cells
        inner = cells[..., first:last].reshape(*cells.shape[:-1], self.bins, self.subdivisions).sum(axis=-1)
        below = cells[..., :first].sum(axis=-1, keepdims=True)
        above = cells[..., last:].sum(axis=-1, keepdims=True)
        return np.concatenate([below, inner, above], axis=-1).astype(np.float64)
