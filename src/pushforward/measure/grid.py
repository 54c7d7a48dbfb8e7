"""The fixed grid on which every law is counted: B inner bins, each cut into fine cells, plus under- and overflow."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError

__all__ = ["Grid"]

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
    def centre(self) -> float:
        """Middle of the range: the origin of the moments, so that they do not cancel."""
        return self.low + (self.high - self.low) / 2

    @property
    def cell_edges(self) -> NDArray[np.float64]:
        """(cells + 1,) edges of the fine cells."""
        return np.linspace(self.low, self.high, self.cells + 1)

    @property
    def edges(self) -> NDArray[np.float64]:
        """(bins + 1,) edges of the bins."""
        return self.cell_edges[:: self.subdivisions]

    @classmethod
    def covering(cls, low: float, high: float, bins: int = 32, subdivisions: int = 32) -> Grid:
        """A grid over [low, high]; a range of zero width (a constant quantity) is widened around its value."""
        if low == high:
            half = 0.5 * max(abs(low), 1.0)
            low, high = low - half, high + half
        return cls(low, high, bins, subdivisions)

    def index(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """Cell of each finite value: 0 below the range, 1..cells inside, cells + 1 above it."""
        edges = self.cell_edges
        with np.errstate(over="ignore", invalid="ignore"):
            position = (values - self.low) * (self.cells / (self.high - self.low))
        guess = np.clip(position, 0, self.cells - 1).astype(np.int64)
        # Rounding may put a value beside an edge on its wrong side; the edges themselves decide.
        guess -= values < edges[guess]
        guess += values >= edges[np.minimum(guess + 1, self.cells)]
        guess += 1
        guess[values == self.high] = self.cells
        return np.clip(guess, 0, self.cells + 1)

    def count(self, values: NDArray[np.float64]) -> NDArray[np.int64]:
        """(cells + 2,) counts of finite values, in blocks that stay in the cache."""
        counts = np.zeros(self.cells + 2, dtype=np.int64)
        for start in range(0, len(values), _BLOCK):
            counts += np.bincount(self.index(values[start : start + _BLOCK]), minlength=self.cells + 2)
        return counts

    def by_bin(self, cells: NDArray[np.float64] | NDArray[np.int64]) -> NDArray[np.float64]:
        """(..., cells + 2) summed to (..., bins + 2)."""
        inner = cells[..., 1:-1].reshape(*cells.shape[:-1], self.bins, self.subdivisions).sum(axis=-1)
        return np.concatenate([cells[..., :1], inner, cells[..., -1:]], axis=-1).astype(np.float64)
