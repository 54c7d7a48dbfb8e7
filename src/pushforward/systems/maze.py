"""A maze in NumPy: a point mass under a PD controller, along shortest routes and detours."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.systems.maze_demonstrations import AbstractMaze
from pushforward.systems.maze_layouts import GENERATED, generated, parsed
from pushforward.systems.maze_walls import Walls

__all__ = ["Maze"]


@final
@dataclass(frozen=True)
class Maze(AbstractMaze):
    """m ẍ = u − b ẋ in a maze of 1 m cells; the quantity is the executed path length in m.

    The ball's mass, radius, friction, largest force and time step are those of gymnasium-robotics' PointMaze, and
    so is the integrator: semi-implicit Euler with implicit friction, v ← (m v + h u) / (m + h b), x ← x + h v. There is
    no contact: a demonstration that touches a wall is not kept. `AbstractMaze` says how lengths are made exact.

    Attributes:
        layout: `umaze`, `medium`, `large`, `generated`, or rows of `#` and `.` between slashes: `#####/#...#/#####`.
        detours: share of demonstrations along shortest routes between one random cell after another; paths longer than
            every shortest route are all such. At 0 every demonstration is (part of) a shortest route.
        jitter: largest displacement of a waypoint from its cell's centre, in x and in y, in m.
        radius: the ball's, in m.
        bandwidth: natural frequency ω of the critically damped controller, in rad/s.
        control: longest time for which a force is held, in s.
        max_speed: in m/s.
        tolerance: how deep in m a plausible path goes into a wall at most.
        rows: rooms of a generated maze from top to bottom; it has 2·rows + 1 rows of cells.
        columns: rooms from left to right.
        openings: share of the remaining walls between rooms that are opened, which makes loops.
        maze_seed: draws the generated maze.
        mass: in kg.
        friction: b in N s/m.
        max_force: in N.
        step: longest time step of the integrator, in s.
    """

    rows: int = 5
    columns: int = 5
    openings: float = 0.1
    maze_seed: int = 0
    mass: float = 4.1887902
    friction: float = 1.0
    max_force: float = 100.0
    step: float = 0.01

    name: ClassVar[str] = "maze"
    source: ClassVar[str] = "Fu et al., D4RL, arXiv 2004.07219 (2020): maze2d's layouts and ball"

    def __post_init__(self) -> None:
        """Refuse settings that do not fit, and mazes without a route between some cells."""
        super().__post_init__()
        for name in ("mass", "max_force", "step"):
            number = getattr(self, name)
            require(
                0 < number < np.inf,
                f"system {self.name!r}: got {name} {number:g}; expected a positive number",
            )
        require(
            0 <= self.friction < np.inf,
            f"system {self.name!r}: got friction {self.friction:g}; expected 0 N s/m or more",
        )
        _ = self.walls

    @cached_property
    def walls(self) -> Walls:
        """The maze's walls."""
        if self.layout == GENERATED:
            return Walls(generated(self.rows, self.columns, self.openings, self.maze_seed))
        return Walls(parsed(self.layout))

    def control_periods(self, dt: float) -> int:
        """As few as hold no force for longer than `control`."""
        return max(int(np.ceil(dt / self.control - 1e-9)), 1)

    def execute(self, reference: NDArray[np.complex128], periods: int, dt: float) -> NDArray[np.complex128]:
        """(n, T, 2) saved positions and velocities (each x + iy) of a ball that follows set points."""
        held = dt / periods
        steps = max(int(np.ceil(held / self.step - 1e-9)), 1)
        h = held / steps
        stiffness, damping = self.mass * self.bandwidth**2, 2 * self.mass * self.bandwidth
        targets = np.ascontiguousarray(reference.T)
        x, v = targets[0].copy(), np.zeros_like(targets[0])
        saved = np.empty(((len(targets) - 1) // periods + 1, 2, len(x)), dtype=np.complex128)
        saved[0] = x, v
        for k in range(len(targets) - 1):
            wanted = (targets[k + 1] - targets[k]) / held
            force = stiffness * (targets[k] - x) + damping * (wanted - v)
            force *= self.max_force / np.maximum(np.abs(force), self.max_force)
            gain = 1 / (self.mass + h * self.friction)
            force *= h * gain
            for _ in range(steps):
                v *= self.mass * gain
                v += force
                x += h * v
            if (k + 1) % periods == 0:
                saved[(k + 1) // periods] = x, v
        return saved.transpose(2, 0, 1)
