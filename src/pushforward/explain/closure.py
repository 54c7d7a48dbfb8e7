"""What two moments explain: every trajectory moved by b(q), spread by a normal law of variance 2 D(q), or both."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pushforward.forecast.noise import Law
from pushforward.forecast.tally import FlowTally
from pushforward.measure.grid import OUTER

__all__ = ["Closure"]

Array = NDArray[np.float64]
# Parts of a bin within which the law is taken as uniform.
_PARTS = 8


class Closure:
    """Pushes a law by given moments, exactly in mass, on the bins of a forecast.

    Within its bin a law keeps the data's shape, in eighths; moments are linear between bins' means; what lies beyond
    the grid stays. Unlike the expansion this holds for errors of any size and for laws with edges; what it misses is
    the shape of the errors beyond their first two moments, and, in proportion to the squared width of the bins, how b
    varies within one, which is counted as spread.
    """

    def __init__(self, tally: FlowTally) -> None:
        """On the bins of `tally`, with its law within them."""
        grid = tally.grid
        self._parts = next(parts for parts in (_PARTS, 4, 2, 1) if grid.subdivisions % parts == 0)
        inner = tally.cells[OUTER + 1 : OUTER + 1 + grid.cells].astype(np.float64)
        shape = inner.reshape(grid.bins, self._parts, -1).sum(axis=-1)
        total = shape.sum(axis=1, keepdims=True)
        self._shape = np.where(total > 0, shape / np.maximum(total, 1), 1 / self._parts)
        self._edges = grid.edges
        self._ends = np.linspace(grid.low, grid.high, grid.bins * self._parts + 1)
        count, sums = tally.origins.sum(axis=0)[1:-1], tally.sums[0].sum(axis=0)[1:-1]
        # Where a bin's moments were measured: the mean of its values, which rounding must not put outside it.
        means = grid.centre + sums / np.maximum(count, 1)
        self._nodes = np.clip(means, self._edges[:-1], self._edges[1:])

    def pushed(self, mass: Array, b: Array, D: Array) -> Array:
        """(W,) the law after moving by b (W,) and spreading by D (W,), of a law with these masses (W,)."""
        held = (mass[1:-1, None] * self._shape).ravel()
        at = np.flatnonzero(held)
        low, high = self._ends[at], self._ends[at + 1]
        middle, known = (low + high) / 2, mass[1:-1] > 0
        moved, half = (
            np.interp(middle, self._nodes[known], moment[1:-1][known]) if known.any() else middle
            for moment in (b, D)
        )
        spread = np.sqrt(2 * np.maximum(half, 0.0))
        # The mean over a part of P(q + b + √(2D) ε < edge), ε normal.
        below = self._edges[:, None] - moved
        share = (_integral(below - low, spread) - _integral(below - high, spread)) / (high - low)
        cumulative = np.concatenate([[0.0], share @ held[at], [held.sum()]])
        found = np.diff(cumulative)
        found[[0, -1]] += mass[[0, -1]]
        return np.asarray(found)

    def drifts(self, law: Law, b: Array, D: Array) -> dict[str, Array]:
        """(W,) or (J, W) drifts: what `bias` and `spread` make alone and `both` together, from the law that moves."""
        rows = np.atleast_2d(law.share)
        wanted, staying = np.atleast_2d(law.expected), np.atleast_2d(law.staying)
        b, D = np.atleast_2d(b), np.atleast_2d(D)
        moments = {"bias": (b, 0 * D), "spread": (0 * b, D), "both": (b, D)}
        shape = np.shape(law.share)
        return {
            name: np.stack(
                [
                    self.pushed(*row) + stay - want
                    for *row, stay, want in zip(rows, *pair, staying, wanted, strict=True)
                ]
            ).reshape(shape)
            for name, pair in moments.items()
        }


def _integral(x: Array, spread: Array) -> Array:
    """∫ Φ(u/s) du up to x: s·(zΦ(z) + φ(z)), z = x/s; max(x, 0) where s = 0."""
    sharp = spread == 0
    scale = np.where(sharp, 1.0, spread)
    z = x / scale
    smooth = scale * (z * special.ndtr(z) + np.exp(-0.5 * z**2) / np.sqrt(2 * np.pi))
    return np.asarray(np.where(sharp, np.maximum(x, 0.0), smooth))
