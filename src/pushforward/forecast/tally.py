"""FlowTally: what is kept of pairs (q, q'): who moved where, by fold. All of a forecast is a function of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.forecast.folds import FOLDS
from pushforward.forecast.pushing import Pushed
from pushforward.measure.grid import OUTER, Grid

__all__ = ["FlowTally"]

Array = NDArray[np.float64]
Counts = NDArray[np.int64]


@final
@dataclass(frozen=True, eq=False)
class FlowTally:
    """Counts of deviations by where they started and ended: a mergeable state in constant memory.

    W = bins + 2: all below the range, the bins, all above it. J folds.

    Attributes:
        grid: where values are counted.
        origins: (J, W) trajectories by fold and bin of q.
        joint: (J, W, W) deviations by fold, bin of q and bin of q'.
        cells: (size,) trajectories by fine cell of q.
        landed: (W, size) deviations by bin of q and fine cell of q'.
        sums: (4, J, W) Σ q over trajectories (from the grid's centre), and over deviations Σ q likewise, Σ δq and Σ δq²
            with δq = q' − q.
        n_undefined: trajectories on which the quantity is not defined.
        n_lost: deviations on which it is not, of trajectories on which it is.
        n_dropped: invalid trajectories that the reader had left out.
    """

    grid: Grid
    origins: Counts
    joint: Counts
    cells: Counts
    landed: Counts
    sums: Array
    n_undefined: int = 0
    n_lost: int = 0
    n_dropped: int = 0

    @classmethod
    def zero(cls, grid: Grid) -> FlowTally:
        """The tally of nothing."""
        J, W = FOLDS, grid.bins + 2
        return cls(
            grid,
            np.zeros((J, W), dtype=np.int64),
            np.zeros((J, W, W), dtype=np.int64),
            np.zeros(grid.size, dtype=np.int64),
            np.zeros((W, grid.size), dtype=np.int64),
            np.zeros((4, J, W)),
        )

    @classmethod
    def of(cls, grid: Grid, pushed: Pushed) -> FlowTally:
        """The tally of one block."""
        J, W = FOLDS, grid.bins + 2
        defined = np.isfinite(pushed.q)
        q, fold, deviated = pushed.q[defined], pushed.fold[defined], pushed.deviated[:, defined]
        bin_of_cell = _bin_of_cell(grid)
        cell = grid.index(q)
        origin = fold * W + bin_of_cell[cell]
        offset = q - grid.centre

        def summed(places: Counts, weights: Array) -> Array:
            return np.asarray(np.bincount(places, weights, minlength=J * W).reshape(J, W), dtype=np.float64)

        joint, landed = np.zeros(J * W * W, dtype=np.int64), np.zeros(W * grid.size, dtype=np.int64)
        sums = np.zeros((4, J, W))
        sums[0] = summed(origin, offset)
        lost = 0
        for values in deviated:
            kept = np.isfinite(values)
            start, ends, before = origin, values, offset
            if not kept.all():
                start, ends, before = origin[kept], values[kept], offset[kept]
                lost += int((~kept).sum())
            end = grid.index(ends)
            joint += np.bincount(start * W + bin_of_cell[end], minlength=J * W * W)
            landed += np.bincount(start % W * grid.size + end, minlength=W * grid.size)
            sums[1] += summed(start, before)
            moved = (ends - grid.centre) - before
            sums[2] += summed(start, moved)
            sums[3] += summed(start, moved * moved)
        return cls(
            grid,
            np.bincount(origin, minlength=J * W).reshape(J, W),
            joint.reshape(J, W, W),
            np.bincount(cell, minlength=grid.size),
            landed.reshape(W, grid.size),
            sums,
            int((~defined).sum()),
            lost,
            pushed.n_dropped,
        )

    def __add__(self, other: FlowTally) -> FlowTally:
        """Both samples together."""
        require(self.grid == other.grid, f"flows on different grids: {self.grid} and {other.grid}")
        return FlowTally(
            self.grid,
            self.origins + other.origins,
            self.joint + other.joint,
            self.cells + other.cells,
            self.landed + other.landed,
            self.sums + other.sums,
            self.n_undefined + other.n_undefined,
            self.n_lost + other.n_lost,
            self.n_dropped + other.n_dropped,
        )

    @property
    def n(self) -> int:
        """Trajectories on which the quantity is defined."""
        return int(self.origins.sum())

    def within(self, mass: Array) -> Array:
        """(size,) the data's law with each bin's mass replaced by `mass` (W,): within bins it stays the data's."""
        bins = _bin_of_cell(self.grid)
        count = self.origins.sum(axis=0)
        return np.asarray(mass[bins] * (self.cells / np.maximum(count, 1)[bins]))


def _bin_of_cell(grid: Grid) -> Counts:
    """(size,) bin of each fine cell: 0 below the range, 1 … bins, bins + 1 above it."""
    below = np.zeros(OUTER + 1, dtype=np.int64)
    return np.concatenate([below, 1 + np.arange(grid.cells) // grid.subdivisions, below + grid.bins + 1])
