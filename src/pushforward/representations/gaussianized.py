"""Monotone warps of each channel that give its values the normal law."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr, ndtri

from pushforward.errors import InputError, named, require
from pushforward.representations.base import AbstractRepresentation, Channels, Space
from pushforward.representations.warped import interpolated
from pushforward.trajectories import Trajectories

__all__ = ["Gaussianized"]

_Array = NDArray[np.float64]
_Table = tuple[tuple[float, ...], ...]
# Beyond the outermost knots; a channel's range over its size, and the gap of two knots over theirs.
_LEAST_SHARE, _CONSTANT, _APART = 1e-4, 1e-5, 2e-6


@final
@dataclass(frozen=True)
class Gaussianized(AbstractRepresentation):
    """z_c = Φ⁻¹(F_c(x_c)): normal scores of each channel, F_c its distribution function over all valid steps.

    Networks learn a normal law at once; of a uniform one they round the edges off and spill over them, which is drift
    wherever a channel holds the quantity. F_c is piecewise linear between quantiles that are evenly spread in z, and
    goes straight on beyond the outermost, so that every z decodes: what has long tails may decode far beyond them. A
    value that many share (a bound that clips) gets one end of its scores; a channel that takes one value only keeps it.

    Attributes:
        channels: which (default: all); the others stay as they are.
        knots: quantiles.
    """

    channels: tuple[str, ...] = ()
    knots: int = 65
    places: _Table = field(default=(), kw_only=True, metadata={"learned": True})
    heights: _Table = field(default=(), kw_only=True, metadata={"learned": True})

    name: ClassVar[str] = "gaussianized"
    formula: ClassVar[str] = "z_c = Φ⁻¹(F_c(x_c))"
    source: ClassVar[str] = "Chen and Gopinath, Gaussianization, NeurIPS 13 (2000)"

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InputError: a number out of range.
        """
        super().__post_init__()
        require(3 <= self.knots <= 1025, f"{self._owner}: got knots = {self.knots}; expected 3 to 1025")

    def codes(self, space: Space) -> Channels:
        """The same channels; those with normal scores are called so and have no unit."""
        index = self.index(space)
        names = tuple(f"normal_{n}" if c in index else n for c, n in enumerate(space.channels))
        return names, tuple("" if c in index else unit for c, unit in enumerate(space.units))

    def learn(self, trajectories: Trajectories, space: Space) -> Self:
        """The quantiles."""
        columns = [trajectories.values[:, :, c][trajectories.mask] for c in self.index(space)]
        pairs = [_table(column.astype(np.float64), self.knots) for column in columns]
        places, heights = zip(*pairs, strict=True)
        return replace(self, places=places, heights=heights)

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        return self._mapped(x, space, self.places, self.heights)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        return self._mapped(z, space, self.heights, self.places)

    def _mapped(self, values: _Array, space: Space, start: _Table, end: _Table) -> _Array:
        mapped = values.copy()
        for c, *pair in zip(self.index(space), start, end, strict=True):
            mapped[:, :, c] = interpolated(values[:, :, c], *pair)
        return mapped

    def index(self, space: Space) -> list[int]:
        """Which channels have normal scores.

        Raises:
            InputError: a channel that is not there, or one twice.
        """
        if len(set(self.channels)) < len(self.channels):
            raise InputError(f"{self._owner}: got channels {', '.join(self.channels)}; expected each once")
        for name in self.channels:
            if name not in space.channels:
                raise named("channel", name, space.channels)
        return [space.channels.index(name) for name in self.channels or space.channels]


def _table(values: _Array, knots: int) -> tuple[tuple[float, ...], tuple[float, ...]]:
    """x and z of the knots of one channel, both rising."""
    x = np.quantile(values, [0.0, 1.0])
    if len(values) < 2 or x[1] - x[0] <= _CONSTANT * np.abs(x).max():
        # Rounding is not a law.
        half = max(1.0, abs(x[0]))
        return (x[0] - half, x[0] + half), (x[0] - half, x[0] + half)
    outermost = -float(ndtri(max(0.5 / len(values), _LEAST_SHARE)))
    z = np.linspace(-outermost, outermost, knots)
    share = ndtr(z)
    x = np.quantile(values, (share - share[0]) / (share[-1] - share[0]))
    kept = [0]
    for i in range(1, knots):
        # Closer than float32 tells apart (a value that is often there): the first stays, of the highest the last.
        if x[i] - x[kept[-1]] > _APART * max(abs(x[i]), abs(x[kept[-1]])):
            kept.append(i)
    kept[-1] = knots - 1
    return tuple(x[kept].tolist()), tuple(z[kept].tolist())
