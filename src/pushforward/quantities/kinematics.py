"""Quantities of speed and its changes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.blocks import by_block
from pushforward.quantities.motion import AbstractInUnit, AbstractMotion, path_lengths
from pushforward.quantities.positions import Positions, norm, velocity_of
from pushforward.quantities.units import converts, factor, per, squared
from pushforward.trajectories import Trajectories

__all__ = ["Duration", "KineticEnergy", "MaxSpeed", "MeanAcceleration", "MeanJerk", "MeanSpeed"]

_Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True, kw_only=True)
class Duration(AbstractInUnit):
    """Time from the first to the last valid step: (T − 1) Δt."""

    name: ClassVar[str] = "duration"
    formula: ClassVar[str] = "(T − 1) Δt"
    source: ClassVar[str] = "Definition"

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) times in the data's time unit."""
        return _durations(trajectories)

    def natural_unit(self, trajectories: Trajectories) -> str:
        """The data's time unit."""
        return trajectories.time_unit


@final
@dataclass(frozen=True, kw_only=True)
class MeanSpeed(AbstractMotion):
    """Path length over duration: v̄ = L / ((T − 1) Δt). NaN with fewer than two valid steps."""

    name: ClassVar[str] = "mean-speed"
    formula: ClassVar[str] = "v̄ = L / ((T − 1) Δt)"
    source: ClassVar[str] = "Definition; on the Earth the haversine formula (Sinnott 1984)"

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) speeds in position unit per time unit."""
        durations = _durations(trajectories)
        lengths = path_lengths(trajectories, self.positions(trajectories))
        return lengths / np.where(durations > 0, durations, np.nan)

    def natural_unit(self, trajectories: Trajectories) -> str:
        """Position unit per time unit."""
        return per(self.positions(trajectories).unit, trajectories.time_unit)


@final
@dataclass(frozen=True, kw_only=True)
class MaxSpeed(AbstractMotion):
    """Largest speed of a step: max_t ‖x_{t+1} − x_t‖ / Δt. NaN with fewer than two valid steps."""

    name: ClassVar[str] = "max-speed"
    formula: ClassVar[str] = "max_t ‖x_{t+1} − x_t‖ / Δt"
    source: ClassVar[str] = "Definition; on the Earth the haversine formula (Sinnott 1984)"

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) speeds in position unit per time unit."""
        positions = self.positions(trajectories)

        def measure(points: _Array, steps: NDArray[np.int64]) -> _Array:
            # Padding repeats the last point: its steps have length zero and cannot be the largest.
            longest = positions.distances(points[:, :-1], points[:, 1:]).max(axis=1, initial=0.0)
            return np.where(steps >= 2, longest, np.nan)

        return by_block(trajectories, positions.index, measure) / trajectories.dt

    def natural_unit(self, trajectories: Trajectories) -> str:
        """Position unit per time unit."""
        return per(self.positions(trajectories).unit, trajectories.time_unit)


@final
@dataclass(frozen=True, kw_only=True)
class MeanAcceleration(AbstractMotion):
    """Mean magnitude of second differences: ā = 1/(T − 2) Σ_t ‖x_{t+2} − 2x_{t+1} + x_t‖ / Δt².

    On the Earth the differences are taken along great circles. NaN with fewer than three valid steps.
    """

    name: ClassVar[str] = "mean-acceleration"
    formula: ClassVar[str] = "ā = 1/(T − 2) Σ_t ‖x_{t+2} − 2x_{t+1} + x_t‖ / Δt²"
    source: ClassVar[str] = "Finite differences; on the Earth with parallel transport"

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) accelerations in position unit per squared time unit."""
        return _mean_difference(trajectories, self.positions(trajectories), order=2)

    def natural_unit(self, trajectories: Trajectories) -> str:
        """Position unit per squared time unit."""
        return per(self.positions(trajectories).unit, trajectories.time_unit, power=2)


@final
@dataclass(frozen=True, kw_only=True)
class MeanJerk(AbstractMotion):
    """Mean magnitude of third differences: j̄ = 1/(T − 3) Σ_t ‖x_{t+3} − 3x_{t+2} + 3x_{t+1} − x_t‖ / Δt³.

    On the Earth the differences are taken along great circles. NaN with fewer than four valid steps.
    """

    name: ClassVar[str] = "mean-jerk"
    formula: ClassVar[str] = "j̄ = 1/(T − 3) Σ_t ‖x_{t+3} − 3x_{t+2} + 3x_{t+1} − x_t‖ / Δt³"
    source: ClassVar[str] = "Finite differences; on the Earth with parallel transport"

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) jerks in position unit per cubed time unit."""
        return _mean_difference(trajectories, self.positions(trajectories), order=3)

    def natural_unit(self, trajectories: Trajectories) -> str:
        """Position unit per cubed time unit."""
        return per(self.positions(trajectories).unit, trajectories.time_unit, power=3)


@final
@dataclass(frozen=True, kw_only=True)
class KineticEnergy(AbstractMotion):
    """Mean kinetic energy: E = ½ m ⟨‖v_t‖²⟩_t, in joules where the velocity's unit is known.

    Velocities are the channels named in `velocity`, or else, unless `channels` names positions, the data's
    channels vx, vy, vz, vel..., velocity...; or else the first differences of the position over Δt, which
    are not defined (NaN) with fewer than two valid steps.

    Attributes:
        mass: in kg.
        velocity: the velocity's channels.
    """

    mass: float = 1.0
    velocity: tuple[str, ...] = ()

    name: ClassVar[str] = "kinetic-energy"
    formula: ClassVar[str] = "E = ½ m ⟨‖v_t‖²⟩_t"
    source: ClassVar[str] = "Definition"

    def __post_init__(self) -> None:
        """Refuse a mass that is not positive."""
        super().__post_init__()
        require(
            0 < self.mass < np.inf, f"quantity {self.name!r}: got mass {self.mass:g}; expected above 0 kg"
        )

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) energies in `natural_unit`."""
        index = self._velocity_index(trajectories)
        positions = None if index else self.positions(trajectories)

        def measure(points: _Array, steps: NDArray[np.int64]) -> _Array:
            if positions is None:
                return _mean_over(np.square(points).sum(axis=-1), steps)
            legs = positions.distances(points[:, :-1], points[:, 1:]) / trajectories.dt
            return _mean_over(np.square(legs), steps - 1)

        squares = by_block(trajectories, index if positions is None else positions.index, measure)
        unit = self._velocity_unit(trajectories)
        to_si = factor(unit, "m/s") if converts(unit, "m/s") else 1.0
        return 0.5 * self.mass * to_si**2 * squares

    def natural_unit(self, trajectories: Trajectories) -> str:
        """Joules where the velocity can be had in m/s; else kg times its square; "" where it is unknown."""
        unit = self._velocity_unit(trajectories)
        if converts(unit, "m/s"):
            return "J"
        return f"kg·{squared(unit)}" if unit else ""

    def _velocity_index(self, trajectories: Trajectories) -> tuple[int, ...]:
        if self.velocity:
            return tuple(trajectories.channel_index(name) for name in self.velocity)
        return () if self.channels else velocity_of(trajectories)

    def _velocity_unit(self, trajectories: Trajectories) -> str:
        index = self._velocity_index(trajectories)
        if not index:
            return per(self.positions(trajectories).unit, trajectories.time_unit)
        units = {trajectories.units[i] for i in index}
        if len(units) != 1:
            got = ", ".join(sorted(unit or "unknown" for unit in units))
            raise InputError(
                f"quantity {self.name!r}: velocity channels in different units: got {got}; expected one"
            )
        return units.pop()


def _durations(trajectories: Trajectories) -> NDArray[np.float64]:
    return np.asarray((trajectories.steps - 1) * trajectories.dt, dtype=np.float64)


def _mean_difference(trajectories: Trajectories, positions: Positions, order: int) -> NDArray[np.float64]:
    def measure(points: _Array, steps: NDArray[np.int64]) -> _Array:
        if points.shape[1] <= order:
            return np.full(len(points), np.nan)
        return _mean_over(norm(positions.differences(points, order)), steps - order)

    return by_block(trajectories, positions.index, measure) / trajectories.dt**order


def _mean_over(table: _Array, counts: NDArray[np.int64]) -> _Array:
    """(m,) mean of the first `counts` entries of each row; NaN where there are none."""
    kept = np.arange(table.shape[1])[None, :] < counts[:, None]
    mean: _Array = np.where(kept, table, 0.0).sum(axis=1) / np.where(counts > 0, counts, np.nan)
    return mean
