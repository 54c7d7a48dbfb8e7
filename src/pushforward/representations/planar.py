"""Motion in a plane, or on the Earth, as steps of a length in a direction."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError
from pushforward.quantities.positions import Positions, positions_of
from pushforward.quantities.sphere import EARTH_RADIUS
from pushforward.representations.base import AbstractRepresentation, Channels, Space
from pushforward.trajectories import Trajectories

__all__ = ["LogSpeedTurning", "SpeedHeading"]

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class AbstractPlanar(AbstractRepresentation):
    """Two position channels as lengths and directions of steps; the other channels stay as they are.

    On the Earth a step is (R Δlatitude, R cos(mean latitude) Δlongitude): a straight line on the map of its middle,
    exactly invertible, and within a few parts in 10⁴ of the great circle for steps below 500 km.

    Attributes:
        channels: the two position channels (default: those that quantities take for the position).
    """

    channels: tuple[str, ...] = ()
    west: float = field(default=-180.0, kw_only=True, metadata={"learned": True})

    marks_start: ClassVar[bool] = True

    def learn(self, trajectories: Trajectories, space: Space) -> Self:
        """Where longitudes begin: at 0 where some are beyond half a turn, else at minus half a turn."""
        where = self.position(space)
        if not where.geographic:
            return self
        half = np.pi / where.to_radians
        beyond = bool(trajectories.values[:, :, where.index[1]].max() > half)
        return replace(self, west=0.0 if beyond else -half)

    def position(self, space: Space) -> Positions:
        """The places of the two position channels.

        Raises:
            InputError: not two of them.
        """
        blank = Trajectories(
            np.zeros((1, 1, len(space.channels)), dtype=np.float32),
            channels=space.channels,
            units=space.units,
        )
        found = positions_of(blank, self.channels)
        if len(found.index) != 2:
            raise InputError(
                f"representation {self.name!r}: got {len(found.index)} position channels; expected 2, or channels=[...]"
            )
        return found

    def steps_of(self, x: _Array, where: Positions) -> _Array:
        """(n, T − 1) complex steps, real along the first channel (north on the Earth)."""
        first, second = (x[:, :, i] for i in where.index)
        north, east = np.diff(first, axis=1), np.diff(second, axis=1)
        if where.geographic:
            to = where.to_radians
            east = (east + np.pi / to) % (2 * np.pi / to) - np.pi / to
            middle = to * (first[:, 1:] + first[:, :-1]) / 2
            north, east = EARTH_RADIUS * to * north, EARTH_RADIUS * to * east * np.cos(middle)
        return np.asarray(north + 1j * east)

    def walked(self, start: _Array, steps: _Array, where: Positions) -> _Array:
        """(n, T, 2) positions from starts (n, 2) and complex steps (n, T − 1)."""
        north, east = steps.real, steps.imag
        if where.geographic:
            to = where.to_radians
            north = north / (EARTH_RADIUS * to)
        first = np.cumsum(np.concatenate([start[:, :1], north], axis=1), axis=1)
        if where.geographic:
            middle = to * (first[:, 1:] + first[:, :-1]) / 2
            # A made step over a pole has no longitude; the edge is a cosine of one in a thousand.
            cosine = np.maximum(np.cos(middle), 1e-3)
            east = east / (EARTH_RADIUS * to * cosine)
        second = np.cumsum(np.concatenate([start[:, 1:], east], axis=1), axis=1)
        if where.geographic:
            second = (second - self.west) % (2 * np.pi / to) + self.west
        return np.stack([first, second], axis=2)

    def replaced(self, x: _Array, where: Positions, pair: _Array) -> _Array:
        """x with the two position channels replaced by (n, T, 2)."""
        result = x.copy()
        result[:, :, list(where.index)] = pair
        return result

    def renamed(self, space: Space, names: tuple[str, str], units: tuple[str, str]) -> Channels:
        """The channels with the position's two replaced."""
        channels, all_units = list(space.channels), list(space.units)
        for place, name, unit in zip(self.position(space).index, names, units, strict=True):
            channels[place], all_units[place] = name, unit
        return tuple(channels), tuple(all_units)


@final
@dataclass(frozen=True)
class SpeedHeading(AbstractPlanar):
    """(ℓ_t, θ_t): the length and the direction of each step, the direction unwrapped along the trajectory.

    ℓ_t e^{iθ_t} = p_t − p_{t−1}, the first step holds p_0. A step of length 0 keeps the direction before it. A negative
    length, which a model may make, decodes to a step backwards. Path length is Σ ℓ_t: linear in the codes.
    """

    name: ClassVar[str] = "speed-heading"
    formula: ClassVar[str] = "ℓ_t e^{iθ_t} = p_t − p_{t−1}, p_0"

    def codes(self, space: Space) -> Channels:
        """Step length in the position's unit, heading in rad."""
        return self.renamed(space, ("step_length", "heading"), (self.position(space).unit, "rad"))

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C) lengths and directions in place of positions."""
        where = self.position(space)
        moves = self.steps_of(x, where)
        heading = np.unwrap(_held(np.angle(moves), np.abs(moves) > 0), axis=1)
        pair = np.stack([np.abs(moves), heading], axis=2)
        return self.replaced(x, where, np.concatenate([x[:, :1, list(where.index)], pair], axis=1))

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C) positions."""
        where = self.position(space)
        pair = z[:, :, list(where.index)]
        moves = pair[:, 1:, 0] * np.exp(1j * pair[:, 1:, 1])
        return self.replaced(z, where, self.walked(pair[:, 0], moves, where))


@final
@dataclass(frozen=True)
class LogSpeedTurning(AbstractPlanar):
    """(ln ℓ_t, θ_t − θ_{t−1}): steps are positive by construction, and their directions change smoothly.

    A further channel `first_heading` holds the direction of the first step at every time (its mean is decoded). Lengths
    below `floor` have no logarithm: such trajectories are refused.

    Attributes:
        floor: the shortest step, as a share of the mean step of the data; shorter ones are refused.
    """

    floor: float = 1e-6
    mean_step: float = field(default=1.0, kw_only=True, metadata={"learned": True})

    name: ClassVar[str] = "log-speed-turning"
    formula: ClassVar[str] = "(ln ℓ_t, θ_t − θ_{t−1}) of ℓ_t e^{iθ_t} = p_t − p_{t−1}, p_0, θ_1"

    def codes(self, space: Space) -> Channels:
        """Logarithm of the length, change of direction, first direction as cosine and sine."""
        channels, units = self.renamed(space, ("log_step_length", "turning"), ("", "rad"))
        return (*channels, "first_cos", "first_sin"), (*units, "", "")

    def learn(self, trajectories: Trajectories, space: Space) -> Self:
        """The mean step, which the floor is relative to."""
        begun = super().learn(trajectories, space)
        moves = np.abs(self.steps_of(trajectories.values.astype(np.float64), self.position(space)))
        return replace(begun, mean_step=float(np.mean(moves, where=trajectories.mask[:, 1:])) or 1.0)

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C + 2); not finite where a valid step is shorter than the floor."""
        where = self.position(space)
        moves = self.steps_of(x, where)
        length = np.abs(moves)
        valid = np.arange(1, x.shape[1]) < steps[:, None]
        too_short = valid & ~(length >= self.floor * self.mean_step)
        heading = np.unwrap(_held(np.angle(moves), length > 0), axis=1)
        logarithm = np.where(valid, np.log(np.where(length > 0, length, self.mean_step)), 0.0)
        logarithm[too_short] = np.nan
        pair = np.stack([logarithm, np.diff(heading, axis=1, prepend=heading[:, :1])], axis=2)
        placed = self.replaced(x, where, np.concatenate([x[:, :1, list(where.index)], pair], axis=1))
        first = np.stack([np.cos(heading[:, :1]), np.sin(heading[:, :1])], axis=2)
        return np.concatenate([placed, np.broadcast_to(first, (*x.shape[:2], 2))], axis=2)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C) positions."""
        where = self.position(space)
        pair, kept = z[:, :, list(where.index)], np.arange(z.shape[1]) < steps[:, None]
        first = np.einsum("ntc,nt->nc", z[:, :, -2:], kept)
        heading = np.arctan2(first[:, 1:], first[:, :1]) + np.cumsum(pair[:, 1:, 1], axis=1)
        # A model may ask for a length beyond all numbers; e^30 mean steps is far enough.
        length = np.exp(np.minimum(pair[:, 1:, 0], np.log(self.mean_step) + 30))
        moves = length * np.exp(1j * heading)
        return self.replaced(z[:, :, :-2], where, self.walked(pair[:, 0], moves, where))


def _held(angle: _Array, moving: NDArray[Any]) -> _Array:
    """Angles (n, T) where `moving`, else the one before; 0 before the first."""
    last = np.maximum.accumulate(np.where(moving, np.arange(angle.shape[1]), -1), axis=1)
    held = np.take_along_axis(angle, np.maximum(last, 0), axis=1)
    return np.asarray(np.where(last >= 0, held, 0.0))
