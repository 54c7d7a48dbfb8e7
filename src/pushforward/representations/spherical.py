"""Points in space as distance, polar angle and azimuth about an apex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.representations.base import AbstractRepresentation, Channels, Space

__all__ = ["Spherical"]

_Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Spherical(AbstractRepresentation):
    """(ρ, α, φ): distance from the apex, angle from the axis z, azimuth unwrapped along the trajectory.

    p − apex = ρ (sin α cos φ, sin α sin φ, cos α). At the apex itself the angles are those of the next step that
    has some. Negative ρ and α beyond [0, π], which a model may make, decode by the same formula.

    Attributes:
        apex: in the position's unit.
        turning: the azimuth as its steps, with the first as cosine and sine (whose means are decoded): a constant
            rate of turn is then a constant, and away from the axis no angle jumps.
    """

    apex: tuple[float, ...] = (0.0, 0.0, 0.0)
    turning: bool = False

    name: ClassVar[str] = "spherical"
    formula: ClassVar[str] = "p − apex = ρ (sin α cos φ, sin α sin φ, cos α)"

    def codes(self, space: Space) -> Channels:
        """Distance in the position's unit, two angles in rad, then the other channels."""
        index = self._index(space)
        others = [i for i in range(len(space.channels)) if i not in index]
        names, units = ["distance", "polar_angle", "azimuth"], [space.units[index[0]], "rad", "rad"]
        if self.turning:
            names[2:], units[2:] = ["turn", "first_cos", "first_sin"], ["rad", "", ""]
        return (*names, *(space.channels[i] for i in others)), (*units, *(space.units[i] for i in others))

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        index = self._index(space)
        p = x[:, :, index] - np.asarray(self.apex)
        across = np.hypot(p[:, :, 0], p[:, :, 1])
        distance = np.hypot(across, p[:, :, 2])
        polar = _filled(np.arctan2(across, p[:, :, 2]), distance > 0)
        azimuth = np.unwrap(_filled(np.arctan2(p[:, :, 1], p[:, :, 0]), across > 0), axis=1)
        parts = [distance, polar, azimuth]
        if self.turning:
            azimuth = _continued(azimuth, across > 0)
            turn = np.diff(azimuth, axis=1, append=azimuth[:, -1:])
            turn = np.roll(turn, 1, axis=1)
            turn[:, 0] = turn[:, min(1, x.shape[1] - 1)]
            first = np.broadcast_to(azimuth[:, :1], azimuth.shape)
            parts[2:] = [turn, np.cos(first), np.sin(first)]
        return np.concatenate([np.stack(parts, axis=2), np.delete(x, index, axis=2)], axis=2)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        index = self._index(space)
        distance, polar, azimuth = z[:, :, 0], z[:, :, 1], z[:, :, 2]
        if self.turning:
            valid = np.arange(z.shape[1]) < steps[:, None]
            first = np.arctan2((z[:, :, 4] * valid).sum(axis=1), (z[:, :, 3] * valid).sum(axis=1))
            azimuth = np.concatenate([first[:, None], azimuth[:, 1:]], axis=1).cumsum(axis=1)
        across = distance * np.sin(polar)
        x = np.empty((*z.shape[:2], len(space.channels)))
        p = np.stack([across * np.cos(azimuth), across * np.sin(azimuth), distance * np.cos(polar)], axis=2)
        x[:, :, index] = p + np.asarray(self.apex)
        x[:, :, [i for i in range(x.shape[2]) if i not in index]] = z[:, :, 5 if self.turning else 3 :]
        return x

    def _index(self, space: Space) -> list[int]:
        require(
            len(self.apex) == 3,
            f"representation {self.name!r}: got an apex of {len(self.apex)} numbers; expected 3",
        )
        try:
            return [space.channels.index(name) for name in ("x", "y", "z")]
        except ValueError:
            raise InputError(
                f"representation {self.name!r}: got channels {', '.join(space.channels)}; expected x, y and z"
            ) from None


def _continued(azimuth: _Array, defined: NDArray[np.bool_]) -> _Array:
    """Before the first step that has an azimuth: turning on backwards, as fast as after it."""
    first = defined.argmax(axis=1)
    row, following = np.arange(len(azimuth)), np.minimum(first + 1, azimuth.shape[1] - 1)
    rate = azimuth[row, following] - azimuth[row, first]
    return np.asarray(azimuth - rate[:, None] * np.maximum(first[:, None] - np.arange(azimuth.shape[1]), 0))


def _filled(angle: _Array, defined: NDArray[np.bool_]) -> _Array:
    """Angles where defined, else the next defined one, else the last; 0 where there is none."""
    T = angle.shape[1]
    following = np.where(defined, np.arange(T), T)
    following = np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]
    last = np.maximum.accumulate(np.where(defined, np.arange(T), -1), axis=1)
    chosen = np.where(following < T, following, last)
    filled = np.take_along_axis(angle, np.maximum(chosen, 0), axis=1)
    return np.asarray(np.where(chosen >= 0, filled, 0.0))
