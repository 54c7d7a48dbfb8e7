"""What the mazes share: demonstrations whose executed path has exactly the wanted length."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.geometry import PathLength
from pushforward.systems.base import AbstractSystem
from pushforward.systems.maze_layouts import INTENDED
from pushforward.systems.maze_routes import RouteGraph, Routes
from pushforward.systems.maze_walls import Walls
from pushforward.trajectories import Trajectories

__all__ = ["AbstractMaze"]

_Array = NDArray[np.float64]

_TOGETHER = 1024
_MOST_TRIES = 40
_MOST_CORRECTIONS = 15
_CLOSE = 1e-7


@dataclass(frozen=True)
class AbstractMaze(AbstractSystem):
    """A ball in a maze follows routes under a PD controller; the quantity is its executed path length.

    For each wanted length L a route is drawn: a shortest one, or a detour through random cells. A set point moves along
    it from rest to rest in the whole record, and u = m ω² (r − x) + 2 m ω (ṙ − v) follows it, up to the largest
    force. The goal is the place on the route for which the *executed* path, measured over the saved steps as
    Σ_t ‖x_{t+1} − x_t‖, has length L: it is found by the secant method on whole executions. Demonstrations that
    touch a wall or break the speed limit are replaced by others of the same L, so the law of L is exactly the
    intended one. All demonstrations last (T − 1)·dt; longer ones are faster.
    """

    layout: str = "large"
    detours: float = 0.5
    jitter: float = 0.1
    radius: float = 0.1
    bandwidth: float = 8.0
    control: float = 0.05
    max_speed: float = 5.0
    tolerance: float = 0.01

    formula: ClassVar[str] = "m ẍ = u − b ẋ, u = m ω² (r − x) + 2 m ω (ṙ − ẋ), ‖u‖ ≤ u_max"
    channels: ClassVar[tuple[str, ...]] = ("x", "y", "vx", "vy")
    units: ClassVar[tuple[str, ...]] = ("m", "m", "m/s", "m/s")
    default_T: ClassVar[int] = 64
    default_dt: ClassVar[float] = 0.25
    default_intended: ClassVar[str] = INTENDED["large"]

    def __post_init__(self) -> None:
        """Refuse settings that do not fit, and mazes without a route between some cells."""
        super().__post_init__()
        bounds = {
            "detours": (0 <= self.detours <= 1, "0 to 1"),
            "jitter": (0 <= self.jitter < 0.5, "0 m to below 0.5 m"),
            "radius": (0 < self.radius < 0.5, "above 0 m and below 0.5 m, half a cell"),
            "bandwidth": (0 < self.bandwidth < np.inf, "a positive number (rad/s)"),
            "control": (0 < self.control < np.inf, "a positive number (s)"),
            "max_speed": (0 < self.max_speed < np.inf, "a positive number (m/s)"),
            "tolerance": (0 <= self.tolerance < self.radius, f"0 m to below the radius, {self.radius:g} m"),
        }
        for name, (fits, expected) in bounds.items():
            require(fits, f"system {self.name!r}: got {name} {getattr(self, name):g}; expected {expected}")
        # A sensible range depends on the layout, so the instance's law hides the class's.
        object.__setattr__(self, "default_intended", INTENDED.get(self.layout, "uniform(2, 16)"))

    @property
    @abstractmethod
    def walls(self) -> Walls:
        """The maze's walls."""

    @abstractmethod
    def control_periods(self, dt: float) -> int:
        """Times that the controller acts between two saved steps.

        Raises:
            InputError: a dt that the simulation cannot step.
        """

    @abstractmethod
    def execute(self, reference: NDArray[np.complex128], periods: int, dt: float) -> NDArray[np.complex128]:
        """(n, T, 2) saved positions and velocities, each x + iy, of a ball that follows `reference`.

        The set points (n, (T − 1)·periods + 1) are equal times apart; the first is where the ball rests at the start.
        """

    @property
    def quantity(self) -> PathLength:
        """The length of the saved path."""
        return PathLength()

    @cached_property
    def graph(self) -> RouteGraph:
        """The maze's open cells and the distances between them."""
        return RouteGraph.of(self.walls)

    def simulate(self, quantity: _Array, T: int, dt: float, rng: np.random.Generator) -> _Array:
        """(N, T, 4) demonstrations with executed path lengths (N,).

        Raises:
            InputError: a length that the maze, the record or the speed limit does not allow.
        """
        return self.simulate_with_conditions(quantity, T, dt, rng)[0]

    def simulate_with_conditions(
        self, quantity: _Array, T: int, dt: float, rng: np.random.Generator
    ) -> tuple[_Array, Mapping[str, _Array]]:
        """The demonstrations, and the length of the route that each was to follow as `planned_length` (N,).

        Raises:
            InputError: as `simulate`.
        """
        self._require_reachable(quantity, T, dt)
        n = len(quantity)
        values, planned, tries = np.empty((n, T, 4)), np.empty(n), np.zeros(n, dtype=np.int64)
        waiting = np.arange(n)
        while len(waiting):
            rows = waiting[:_TOGETHER]
            tries[rows] += 1
            made, goal, good = self._attempt(quantity[rows], T, dt, rng)
            values[rows[good]], planned[rows[good]] = made[good], goal[good]
            waiting = np.concatenate([waiting[_TOGETHER:], rows[~good]])
            if tries.max() >= _MOST_TRIES and len(waiting):
                raise InputError(
                    f"system {self.name!r}: no path of {quantity[waiting[-1]]:g} m in {T} steps of {dt:g} s without "
                    f"touching a wall, in {_MOST_TRIES} tries; expected shorter paths, more steps or less jitter"
                )
        return values, {"planned_length": planned}

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether the ball goes no deeper than `tolerance` into a wall on straight lines between the saved points,

        and neither its velocity nor its steps exceed `max_speed`.
        """
        values = trajectories.values[:, :, [trajectories.channel_index(name) for name in self.channels]]
        return self._plausible(values.astype(np.float64), trajectories.dt, self.radius - self.tolerance)

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Draw the walls as filled cells and the paths over them on matplotlib `axes`, to scale."""
        from matplotlib.collections import PolyCollection

        square = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
        cells = self.walls.centres(np.argwhere(self.walls.cells))
        axes.add_collection(PolyCollection(list(cells[:, None] + square), facecolor="0.8", edgecolor="0.8"))
        x, y = (trajectories.channel_index(name) for name in ("x", "y"))
        for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
            axes.plot(values[:steps, x], values[:steps, y], linewidth=0.8)
        (width, height) = self.walls.half
        axes.set(xlim=(-width, width), ylim=(-height, height), aspect="equal", xlabel="x (m)", ylabel="y (m)")

    def _require_reachable(self, lengths: _Array, T: int, dt: float) -> None:
        shortest, longest = float(lengths.min()), float(lengths.max())
        require(
            shortest > 0,
            f"system {self.name!r}: got a path length of {shortest:g} m; expected lengths above 0 m",
        )
        # A tenth of the record each is for leaving rest and coming to rest.
        fastest = 0.9 * self.max_speed * (T - 1) * dt
        require(
            longest <= fastest,
            f"system {self.name!r}: got a path length of {longest:g} m in {(T - 1) * dt:g} s; expected at most "
            f"{fastest:g} m, at max_speed {self.max_speed:g} m/s",
        )
        require(
            self.detours > 0 or longest <= self.graph.longest,
            f"system {self.name!r}: got a path length of {longest:g} m without detours; expected at most "
            f"{self.graph.longest} m, the longest of the maze's shortest routes",
        )

    def _attempt(
        self, lengths: _Array, T: int, dt: float, rng: np.random.Generator
    ) -> tuple[_Array, _Array, NDArray[np.bool_]]:
        """(n, T, 4) executions along new routes, (n,) where their goals are, and (n,) which are good."""
        routes = self.graph.routes(lengths, self.detours, self.jitter, rng)
        saved, goal, solved = self._shoot(routes, lengths, T, dt)
        values = np.ascontiguousarray(saved).view(np.float64)
        # Judged as they will be stored.
        stored = values.astype(np.float32).astype(np.float64)
        return values, goal, solved & self._plausible(stored, dt, self.radius)

    def _shoot(
        self, routes: Routes, lengths: _Array, T: int, dt: float
    ) -> tuple[NDArray[np.complex128], _Array, NDArray[np.bool_]]:
        """Executions (n, T, 2) with the wanted path lengths, their goals (n,), and (n,) which have been found."""
        periods = self.control_periods(dt)

        def executed(rows: NDArray[np.int64], goal: _Array) -> tuple[NDArray[np.complex128], _Array]:
            reference = routes.select(rows).reference(goal, (T - 1) * periods + 1)
            saved = self.execute(reference, periods, dt)
            return saved, np.abs(np.diff(saved[..., 0], axis=1)).sum(axis=1) - lengths[rows]

        goal = np.minimum(lengths, routes.total)
        saved, miss = executed(np.arange(len(lengths)), goal)
        search = _RootSearch(goal, miss)
        rows = np.flatnonzero(np.abs(miss) > _CLOSE * lengths)
        for _ in range(_MOST_CORRECTIONS):
            if not len(rows):
                break
            # Where the route is too short its end is tried again and again, and missed.
            proposed = np.minimum(search.proposed(rows), routes.total[rows])
            saved[rows], miss = executed(rows, proposed)
            search.learn(rows, proposed, miss)
            rows = rows[np.abs(miss) > _CLOSE * lengths[rows]]
        return saved, search.place, np.abs(search.miss) <= _CLOSE * lengths

    def _plausible(self, values: _Array, dt: float, radius: float) -> NDArray[np.bool_]:
        # A single step is a way of length 0.
        values = np.repeat(values, 2, axis=1) if values.shape[1] == 1 else values
        position, velocity = values[..., :2], values[..., 2:]
        fastest = np.maximum(
            np.sqrt((np.diff(position, axis=1) ** 2).sum(axis=2)).max(axis=1) / dt,
            np.sqrt((velocity**2).sum(axis=2)).max(axis=1),
        )
        return np.asarray(self.walls.clear(position, radius) & (fastest <= self.max_speed))


class _RootSearch:
    """Where each of n continuous functions is 0, by secants within brackets.

    The functions grow by about 1 per metre but need not be monotone: saved steps may or may not see the tip of a turn.
    """

    def __init__(self, place: _Array, miss: _Array) -> None:
        self.place, self.miss = place.copy(), miss.copy()
        self.slope = np.ones(len(place))
        self.low, self.high = (np.where(side, place, np.nan) for side in (miss < 0, miss >= 0))

    def proposed(self, rows: NDArray[np.int64]) -> _Array:
        """(m,) where to look next."""
        place, miss, low, high = (array[rows] for array in (self.place, self.miss, self.low, self.high))
        secant = place - miss / self.slope[rows]
        bracketed = np.isfinite(low) & np.isfinite(high)
        inside = (np.fmin(low, high) < secant) & (secant < np.fmax(low, high))
        outward = np.maximum(place - np.clip(miss, -0.5, 0.5), place / 2)
        return np.where(bracketed, np.where(inside, secant, (low + high) / 2), outward)

    def learn(self, rows: NDArray[np.int64], place: _Array, miss: _Array) -> None:
        """Take in what the functions are at `place` (m,)."""
        moved, changed = place - self.place[rows], miss - self.miss[rows]
        known = (moved != 0) & (changed != 0)
        self.slope[rows] = np.divide(changed, moved, out=np.ones(len(rows)), where=known)
        self.place[rows], self.miss[rows] = place, miss
        self.low[rows] = np.where(miss < 0, place, self.low[rows])
        self.high[rows] = np.where(miss >= 0, place, self.high[rows])
