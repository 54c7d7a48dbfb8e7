"""Angles as sine and cosine, and sine and cosine as angles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named
from pushforward.representations.base import AbstractRepresentation, Channels, Space

__all__ = ["SineCosine", "UnwrappedAngle"]

_Array = NDArray[np.float64]
_ANGLE_UNITS = {"rad": 1.0, "deg": np.pi / 180}


@final
@dataclass(frozen=True)
class SineCosine(AbstractRepresentation):
    """(sin θ, cos θ) for every angle θ: no jump where an angle wraps.

    The way back is atan2 unwrapped along the trajectory from [−π, π) on: data that start elsewhere, or turn by more
    than half a turn in a step, do not come back.

    Attributes:
        channels: the angles (default: channels in rad or deg).
    """

    channels: tuple[str, ...] = ()

    name: ClassVar[str] = "sine-cosine"
    formula: ClassVar[str] = "θ ↦ (sin θ, cos θ)"

    def codes(self, space: Space) -> Channels:
        """The other channels, then sine and cosine of each angle."""
        index = self._index(space)
        others = [i for i in range(len(space.channels)) if i not in index]
        names = [space.channels[i] for i in others]
        names += [f"{f}_{space.channels[i]}" for i in index for f in ("sin", "cos")]
        return tuple(names), (*(space.units[i] for i in others), *("" for _ in index for _ in (0, 1)))

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C + angles)."""
        index = self._index(space)
        angle = x[:, :, index] * self._radians(space, index)
        pairs = np.stack([np.sin(angle), np.cos(angle)], axis=3).reshape(*x.shape[:2], -1)
        return np.concatenate([np.delete(x, index, axis=2), pairs], axis=2)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        index = self._index(space)
        others = [i for i in range(len(space.channels)) if i not in index]
        pairs = z[:, :, len(others) :].reshape(*z.shape[:2], len(index), 2)
        x = np.empty((*z.shape[:2], len(space.channels)))
        x[:, :, others] = z[:, :, : len(others)]
        angle = np.unwrap(np.arctan2(pairs[..., 0], pairs[..., 1]), axis=1)
        x[:, :, index] = angle / self._radians(space, index)
        return x

    def _index(self, space: Space) -> list[int]:
        for name in self.channels:
            if name not in space.channels:
                raise named("channel", name, space.channels)
        chosen = self.channels or tuple(
            name for name, unit in zip(space.channels, space.units, strict=True) if unit in _ANGLE_UNITS
        )
        if not chosen:
            raise InputError(
                f"representation {self.name!r}: got no channel in rad or deg; expected one, or channels=[...]"
            )
        return [space.channels.index(name) for name in chosen]

    def _radians(self, space: Space, index: list[int]) -> _Array:
        return np.array([_ANGLE_UNITS.get(space.units[i], 1.0) for i in index])


@final
@dataclass(frozen=True)
class UnwrappedAngle(AbstractRepresentation):
    """The angle θ for every pair (sin_θ, cos_θ), unwrapped along the trajectory.

    Half as many numbers, and always of unit length after decoding; data whose pairs are not do not come back.
    """

    name: ClassVar[str] = "unwrapped-angle"
    formula: ClassVar[str] = "(sin θ, cos θ) ↦ θ"

    def codes(self, space: Space) -> Channels:
        """The other channels, then the angles in rad."""
        stems, others = self._parts(space)
        names = (*(space.channels[i] for i in others), *stems)
        return names, (*(space.units[i] for i in others), *("rad" for _ in stems))

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C − angles)."""
        stems, others = self._parts(space)
        sine, cosine = (
            x[:, :, [space.channels.index(f"{f}_{stem}") for stem in stems]] for f in ("sin", "cos")
        )
        return np.concatenate([x[:, :, others], np.unwrap(np.arctan2(sine, cosine), axis=1)], axis=2)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        stems, others = self._parts(space)
        x = np.empty((*z.shape[:2], len(space.channels)))
        x[:, :, others] = z[:, :, : len(others)]
        for i, stem in enumerate(stems):
            angle = z[:, :, len(others) + i]
            x[:, :, space.channels.index(f"sin_{stem}")] = np.sin(angle)
            x[:, :, space.channels.index(f"cos_{stem}")] = np.cos(angle)
        return x

    def _parts(self, space: Space) -> tuple[list[str], list[int]]:
        found = space.channels
        stems = [n.removeprefix("sin_") for n in found if n.startswith("sin_") and f"cos_{n[4:]}" in found]
        if not stems:
            raise InputError(
                f"representation {self.name!r}: got channels {', '.join(found)}; expected pairs sin_NAME and cos_NAME"
            )
        used = {f"{f}_{stem}" for stem in stems for f in ("sin", "cos")}
        return stems, [i for i, name in enumerate(found) if name not in used]
