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
    """

    apex: tuple[float, ...] = (0.0, 0.0, 0.0)

    name: ClassVar[str] = "spherical"
    formula: ClassVar[str] = "p − apex = ρ (sin α cos φ, sin α sin φ, cos α)"

    def codes(self, space: Space) -> Channels:
        """Distance in the position's unit, two angles in rad, then the other channels."""
        index = self._index(space)
        others = [i for i in range(len(space.channels)) if i not in index]
        names = ("distance", "polar_angle", "azimuth", *(space.channels[i] for i in others))
        return names, (space.units[index[0]], "rad", "rad", *(space.units[i] for i in others))

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        index = self._index(space)
        p = x[:, :, index] - np.asarray(self.apex)
        across = np.hypot(p[:, :, 0], p[:, :, 1])
        distance = np.hypot(across, p[:, :, 2])
        polar = _filled(np.arctan2(across, p[:, :, 2]), distance > 0)
        azimuth = np.unwrap(_filled(np.arctan2(p[:, :, 1], p[:, :, 0]), across > 0), axis=1)
        others = np.delete(x, index, axis=2)
        return np.concatenate([np.stack([distance, polar, azimuth], axis=2), others], axis=2)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        index = self._index(space)
        distance, polar, azimuth = z[:, :, 0], z[:, :, 1], z[:, :, 2]
        across = distance * np.sin(polar)
        x = np.empty_like(z)
        p = np.stack([across * np.cos(azimuth), across * np.sin(azimuth), distance * np.cos(polar)], axis=2)
        x[:, :, index] = p + np.asarray(self.apex)
        x[:, :, [i for i in range(z.shape[2]) if i not in index]] = z[:, :, 3:]
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


def _filled(angle: _Array, defined: NDArray[np.bool_]) -> _Array:
    """Angles where defined, else the next defined one, else the last; 0 where there is none."""
    T = angle.shape[1]
    following = np.where(defined, np.arange(T), T)
    following = np.minimum.accumulate(following[:, ::-1], axis=1)[:, ::-1]
    last = np.maximum.accumulate(np.where(defined, np.arange(T), -1), axis=1)
    chosen = np.where(following < T, following, last)
    filled = np.take_along_axis(angle, np.maximum(chosen, 0), axis=1)
    return np.asarray(np.where(chosen >= 0, filled, 0.0))
