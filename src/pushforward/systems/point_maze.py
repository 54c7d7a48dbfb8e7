"""The same demonstrations in gymnasium-robotics' PointMaze: MuJoCo's physics, with contact (extra `mujoco`)."""

from __future__ import annotations

import contextlib
import importlib
import io
import warnings
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, ClassVar, Final, Literal, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.systems.maze_demonstrations import AbstractMaze
from pushforward.systems.maze_layouts import parsed
from pushforward.systems.maze_walls import Walls

__all__ = ["PointMaze"]

_ENVIRONMENTS: Final = {
    "umaze": "PointMaze_UMaze-v3",
    "medium": "PointMaze_Medium-v3",
    "large": "PointMaze_Large-v3",
}
# The environment's own limit on each component of the velocity.
_FASTEST: Final = 5.0


@final
@dataclass(frozen=True)
class PointMaze(AbstractMaze):
    """Demonstrations in PointMaze_UMaze-v3, Medium or Large; the quantity is the executed path length in m.

    The environment's own model is stepped with `mujoco.mj_step`; mass, friction, force limit and time step are its own.
    Walls stop the ball there; as in `Maze`, only demonstrations that keep clear of them are kept. `AbstractMaze` says
    how lengths are made exact.

    Attributes:
        layout: `umaze`, `medium` or `large`.
        detours: share of demonstrations along shortest routes between one random cell after another; paths longer than
            every shortest route are all such. At 0 every demonstration is (part of) a shortest route.
        jitter: largest displacement of a waypoint from its cell's centre, in x and in y, in m.
        radius: the ball's, in m, for `valid`.
        bandwidth: natural frequency ω of the critically damped controller, in rad/s.
        control: longest time for which a force is held, in s.
        max_speed: in m/s; at most the environment's own 5.
        tolerance: how deep in m a plausible path goes into a wall at most.
    """

    layout: Literal["umaze", "medium", "large"] = "large"

    name: ClassVar[str] = "point-maze"
    source: ClassVar[str] = (
        "gymnasium-robotics PointMaze v3, MuJoCo; Fu et al., D4RL, arXiv 2004.07219 (2020)"
    )

    def __post_init__(self) -> None:
        """Refuse settings that do not fit."""
        super().__post_init__()
        require(
            self.max_speed <= _FASTEST,
            f"system {self.name!r}: got max_speed {self.max_speed:g}; expected at most the environment's 5 m/s",
        )

    @cached_property
    def walls(self) -> Walls:
        """The maze's walls."""
        return Walls(parsed(self.layout))

    def control_periods(self, dt: float) -> int:
        """As few as hold no force for longer than `control`, each of whole time steps of the environment's model.

        Raises:
            InputError: a dt that is no multiple of the model's time step, or the extra `mujoco` is missing.
        """
        step = float(self._environment.unwrapped.model.opt.timestep)
        steps = round(dt / step)
        require(
            steps >= 1 and abs(steps * step - dt) <= 1e-9 * dt,
            f"system {self.name!r}: got dt = {dt:g} s; expected a multiple of MuJoCo's time step, {step:g} s",
        )
        longest = max(int(self.control / step + 1e-9), 1)
        return steps // max(held for held in range(1, longest + 1) if steps % held == 0)

    def execute(self, reference: NDArray[np.complex128], periods: int, dt: float) -> NDArray[np.complex128]:
        """(n, T, 2) saved positions and velocities (each x + iy) of the environment's ball that follows set points."""
        saved = np.empty((len(reference), (reference.shape[1] - 1) // periods + 1, 2), dtype=np.complex128)
        for row, targets in enumerate(reference):
            saved[row] = self._executed(targets, periods, dt)
        return saved

    def _executed(self, targets: NDArray[np.complex128], periods: int, dt: float) -> NDArray[np.complex128]:
        mujoco = importlib.import_module("mujoco")
        environment = self._environment.unwrapped
        model, data = environment.model, environment.data
        mass, gear = float(model.body_mass[-1]), float(model.actuator_gear[0, 0])
        held = dt / periods
        steps = round(held / float(model.opt.timestep))
        stiffness, damping = mass * self.bandwidth**2 / gear, 2 * mass * self.bandwidth / gear
        position, velocity, control = data.qpos, data.qvel, data.ctrl
        # The solver starts from its last result: without a reset a demonstration would depend on the one before it.
        mujoco.mj_resetData(model, data)
        position[:] = targets[0].real, targets[0].imag
        path = targets.tolist()
        saved = [(path[0], 0j)]
        for k in range(len(path) - 1):
            # As the environment does before each of its steps.
            velocity.clip(-_FASTEST, _FASTEST, out=velocity)
            x, v = complex(position[0], position[1]), complex(velocity[0], velocity[1])
            force = stiffness * (path[k] - x) + damping * ((path[k + 1] - path[k]) / held - v)
            force /= max(abs(force), 1.0)
            control[0], control[1] = force.real, force.imag
            mujoco.mj_step(model, data, nstep=steps)
            if (k + 1) % periods == 0:
                saved.append((complex(position[0], position[1]), complex(velocity[0], velocity[1])))
        return np.array(saved)

    @cached_property
    def _environment(self) -> Any:
        try:
            importlib.import_module("mujoco")
            gymnasium = importlib.import_module("gymnasium")
            # On import it prints advice about environments that are not used here.
            with contextlib.redirect_stderr(io.StringIO()):
                gymnasium.register_envs(importlib.import_module("gymnasium_robotics"))
        except ImportError as error:
            raise InputError(
                f"system {self.name!r}: {error.name or 'MuJoCo'} is missing; install the extra: "
                "pip install 'pushforward[mujoco]'"
            ) from None
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            environment = gymnasium.make(_ENVIRONMENTS[self.layout], disable_env_checker=True)
        # The environment leaves its generated model in the temporary folder.
        Path(environment.unwrapped.tmp_xml_file_path).unlink(missing_ok=True)
        maze_map = np.array(environment.unwrapped.maze.maze_map) == 1
        require(
            np.array_equal(maze_map, self.walls.cells),
            f"system {self.name!r}: {_ENVIRONMENTS[self.layout]} has other walls than the layout {self.layout!r}",
        )
        return environment
