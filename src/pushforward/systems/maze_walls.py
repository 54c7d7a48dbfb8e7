"""Walls of a maze: where they are, and whether a ball that moves along a path touches one."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["Walls"]

_Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Walls:
    """Square cells of 1 m about the origin, row 0 on top: cell (i, j) has its centre at (j + ½ − C/2, R/2 − i − ½).

    Attributes:
        cells: (R, C) True at walls. All that is outside counts as wall too.
    """

    cells: NDArray[np.bool_]

    @property
    def half(self) -> _Array:
        """(2,) half the maze's extent in x and y, in m."""
        rows, columns = self.cells.shape
        return np.array([columns / 2, rows / 2])

    def centres(self, cells: NDArray[np.integer[Any]]) -> _Array:
        """(K, 2) centres x, y of cells (K, 2) given by row and column."""
        return np.stack([cells[:, 1] + 0.5, -cells[:, 0] - 0.5], axis=1) + self.half * [-1, 1]

    def clear(self, points: _Array, radius: float) -> NDArray[np.bool_]:
        """(n,) whether a ball of `radius` < 0.5 m moving straight from point to point (n, T, 2) touches no wall.

        Exact: the distance between each segment and each wall's square is at least `radius`.
        """
        inside = np.asarray((np.abs(points) <= self.half - radius).all(axis=(1, 2)))
        result = inside.copy()
        # A path that leaves the maze is decided; its far points must not ask for many pieces.
        rows = np.flatnonzero(inside)
        start, end = points[rows, :-1].reshape(-1, 2), points[rows, 1:].reshape(-1, 2)
        owner = np.repeat(rows, points.shape[1] - 1)
        start, end, owner = _pieces(start, end, owner)
        near = self._near_walls(start, end, radius)
        hit = self._touching(start[near], end[near], radius)
        result[owner[near][hit]] = False
        return result

    @cached_property
    def _padded(self) -> NDArray[np.bool_]:
        return np.pad(self.cells, 2, constant_values=True)

    @cached_property
    def _summed(self) -> NDArray[np.int64]:
        return np.pad(self._padded, ((1, 0), (1, 0))).cumsum(axis=0).cumsum(axis=1)

    def _row_column(self, points: _Array) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        place = np.floor((points * [1, -1]) + self.half).astype(np.int64) + 2
        return place[:, 1], place[:, 0]

    def _near_walls(self, start: _Array, end: _Array, radius: float) -> NDArray[np.bool_]:
        """Whether a wall lies in the segment's box, widened by `radius`: the others need no exact look."""
        left, right = np.minimum(start, end) - radius, np.maximum(start, end) + radius
        bottom, first = self._row_column(left)
        top, last = self._row_column(right)
        total = self._summed
        count = (
            total[bottom + 1, last + 1] - total[top, last + 1] - total[bottom + 1, first] + total[top, first]
        )
        return np.asarray(count > 0)

    def _touching(self, start: _Array, end: _Array, radius: float) -> NDArray[np.bool_]:
        """Exact for segments of at most 1 m: only the nine cells about the middle can be within 0.5 m of it."""
        row, column = self._row_column((start + end) / 2)
        touching = np.zeros(len(start), dtype=bool)
        for down in (-1, 0, 1):
            for right in (-1, 0, 1):
                wall = np.flatnonzero(self._padded[row + down, column + right])
                at = np.stack([row[wall] + down - 2, column[wall] + right - 2], axis=1)
                centre = self.centres(at)
                touching[wall] |= _too_close(start[wall] - centre, end[wall] - centre, radius)
        return touching


def _pieces(start: _Array, end: _Array, owner: NDArray[np.int64]) -> tuple[_Array, _Array, NDArray[np.int64]]:
    """The segments cut into pieces of at most 1 m."""
    count = np.ceil(np.hypot(*(end - start).T)).astype(np.int64)
    long = np.flatnonzero(count > 1)
    if not len(long):
        return start, end, owner
    again = np.repeat(long, count[long])
    place = np.arange(len(again)) - np.repeat(np.cumsum(count[long]) - count[long], count[long])
    step = (end - start)[again] / count[again][:, None]
    first = start[again] + place[:, None] * step
    short = count <= 1
    return (
        np.concatenate([start[short], first]),
        np.concatenate([end[short], first + step]),
        np.concatenate([owner[short], owner[again]]),
    )


def _too_close(start: _Array, end: _Array, radius: float) -> NDArray[np.bool_]:
    """(m,) whether segments come nearer than `radius` to the square of side 1 about the origin."""
    along = end - start
    squared = np.maximum((along * along).sum(axis=1), 1e-300)
    # Nearest of both ends to the square, and of the square's corners to the segment.
    best = np.minimum(*(np.hypot(*np.maximum(np.abs(point) - 0.5, 0).T) for point in (start, end)))
    for corner in ((0.5, 0.5), (0.5, -0.5), (-0.5, 0.5), (-0.5, -0.5)):
        place = np.clip(((corner - start) * along).sum(axis=1) / squared, 0, 1)
        best = np.minimum(best, np.hypot(*(start + place[:, None] * along - corner).T))
    step = np.where(along == 0, 1e-300, along)
    crossings = (-0.5 - start) / step, (0.5 - start) / step
    enter = np.minimum(*crossings).max(axis=1)
    leave = np.maximum(*crossings).min(axis=1)
    return np.asarray((best < radius) | (np.maximum(enter, 0) < np.minimum(leave, 1)))
