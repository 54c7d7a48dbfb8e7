"""Routes through a maze: shortest ones and detours, with jittered waypoints and rounded corners."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pushforward.systems.maze_walls import Walls

__all__ = ["RouteGraph", "Routes"]

# Metres between the points of a route; a corner's chord is then 0.02 % shorter than its arc.
_SPACING = 0.02
# Share of the record for leaving at rest, and for coming to rest.
_RAMP = 0.1

_Integers = NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Routes:
    """n routes as points at equal distances along them.

    Attributes:
        points: (n, P) positions x + iy in m; the end is held.
        total: (n,) length of each in m.
    """

    points: NDArray[np.complex128]
    total: NDArray[np.float64]

    def select(self, rows: _Integers) -> Self:
        """Some of the routes."""
        return type(self)(self.points[rows], self.total[rows])

    def reference(self, goal: NDArray[np.float64], steps: int) -> NDArray[np.complex128]:
        """(n, steps) set points at equal times: from rest to rest at the distances `goal` (n,) along the routes.

        Speed rises linearly over the first tenth of the record, is constant, and falls over the last tenth.
        """
        u = np.linspace(0, 1, steps)
        later = np.minimum(u, 1 - u)
        ramp = np.where(later < _RAMP, later**2 / (2 * _RAMP), later - _RAMP / 2) / (1 - _RAMP)
        progress = np.where(u <= 0.5, ramp, 1 - ramp)
        place = goal[:, None] * progress / _SPACING
        left = np.minimum(place.astype(np.int64), self.points.shape[1] - 2)
        flat = self.points.ravel()
        offset = left + np.arange(len(goal))[:, None] * self.points.shape[1]
        return np.asarray(flat[offset] + (place - left) * (flat[offset + 1] - flat[offset]))


@dataclass(frozen=True, eq=False)
class RouteGraph:
    """The open cells of a maze and the distances between them.

    Attributes:
        centres: (K, 2) x, y of each cell in m.
        neighbours: (K, 4) cells beside each, K where there is none.
        hops: (K + 1, K) cells from one to another along a shortest route; the last row is unreachable.
        nearest_first: (K²,) all pairs in order of their hops, as start · K + goal.
    """

    centres: NDArray[np.float64]
    neighbours: _Integers
    hops: NDArray[np.int16]
    nearest_first: _Integers

    @classmethod
    def of(cls, walls: Walls) -> Self:
        """The graph of a maze's open cells."""
        from scipy.sparse import csr_array
        from scipy.sparse.csgraph import shortest_path

        cells = np.argwhere(~walls.cells)
        n = len(cells)
        place = np.full(np.add(walls.cells.shape, 2), n)
        place[cells[:, 0] + 1, cells[:, 1] + 1] = np.arange(n)
        beside = ((1, 0), (-1, 0), (0, 1), (0, -1))
        neighbours = np.stack([place[cells[:, 0] + 1 + i, cells[:, 1] + 1 + j] for i, j in beside], axis=1)
        start, side = np.nonzero(neighbours < n)
        edges = csr_array((np.ones(len(start)), (start, neighbours[start, side])), shape=(n, n))
        hops = np.full((n + 1, n), np.iinfo(np.int16).max, dtype=np.int16)
        hops[:n] = shortest_path(edges, unweighted=True)
        return cls(walls.centres(cells), neighbours, hops, np.argsort(hops[:n], axis=None, kind="stable"))

    @property
    def longest(self) -> int:
        """Hops of the longest shortest route."""
        return int(self.hops[:-1].max())

    def routes(
        self, lengths: NDArray[np.float64], detours: float, jitter: float, rng: np.random.Generator
    ) -> Routes:
        """(n,) random routes, each long enough for a path of `lengths` (n,) m in all but rare cases.

        A share `detours`, and all that are longer than any shortest route, run along shortest routes between one random
        cell after another; the others along one shortest route. Each waypoint is the cell's centre moved by up to
        `jitter` in x and y; corners are cut twice at a quarter of each leg (Chaikin 1974).
        """
        # Rounding shortens a staircase by a quarter, jitter one straight leg by twice itself.
        needed = np.ceil(lengths / 0.9).astype(np.int64) + 1
        detour = (rng.random(len(lengths)) < detours) | ((needed > self.longest) & (detours > 0))
        walk, count = self._walks(np.minimum(needed, self.longest), detour, int(1.5 * lengths.max()) + 6, rng)
        waypoints = self.centres[walk] + rng.uniform(-jitter, jitter, (*walk.shape, 2))
        held = np.minimum(np.arange(walk.shape[1]), count[:, None] - 1)
        waypoints = np.take_along_axis(waypoints, held[:, :, None], axis=1)
        return _spaced(_rounded(_rounded(waypoints[..., 0] + 1j * waypoints[..., 1])))

    def _walks(
        self, needed: _Integers, detour: NDArray[np.bool_], width: int, rng: np.random.Generator
    ) -> tuple[_Integers, _Integers]:
        """(n, width) cells, and (n,) how many of them count: a direct route ends at its first goal."""
        n = len(self.centres)
        ordered = self.hops[:-1].ravel()[self.nearest_first]
        first = np.searchsorted(ordered, needed)
        pair = self.nearest_first[rng.integers(first, n * n)]
        at = np.where(detour, rng.integers(n, size=len(needed)), pair // n)
        goal = np.where(detour, _another(at, n, rng), pair % n)
        walk = np.empty((len(needed), width), dtype=np.int64)
        count = np.where(detour, width, np.minimum(self.hops[at, goal] + 1, width)).astype(np.int64)
        for step in range(width):
            walk[:, step] = at
            goal = np.where(at == goal, _another(at, n, rng), goal)
            beside = self.neighbours[at]
            # Any of the neighbours that are nearer to the goal, so that equally short routes are equally likely steps.
            nearer = self.hops[beside, goal[:, None]] < self.hops[at, goal][:, None]
            chosen = np.where(nearer, rng.random(beside.shape), -1).argmax(axis=1)
            at = beside[np.arange(len(at)), chosen]
        return walk, count


def _another(cell: _Integers, n: int, rng: np.random.Generator) -> _Integers:
    return np.asarray((cell + rng.integers(1, n, size=len(cell))) % n)


def _rounded(points: NDArray[np.complex128]) -> NDArray[np.complex128]:
    """(n, 2W) one step of Chaikin's corner cutting; both ends stay."""
    legs = np.diff(points, axis=1)
    inner = np.stack([points[:, :-1] + legs / 4, points[:, :-1] + 3 * legs / 4], axis=2)
    return np.concatenate([points[:, :1], inner.reshape(len(points), -1), points[:, -1:]], axis=1)


def _spaced(points: NDArray[np.complex128]) -> Routes:
    along = np.pad(np.abs(np.diff(points, axis=1)).cumsum(axis=1), ((0, 0), (1, 0)))
    total = along[:, -1]
    grid = np.arange(int(total.max(initial=0) / _SPACING) + 3) * _SPACING
    spaced = np.empty((len(points), len(grid)), dtype=np.complex128)
    for row, (distance, route) in enumerate(zip(along, points, strict=True)):
        spaced[row] = np.interp(grid, distance, route)
    return Routes(spaced, total)
