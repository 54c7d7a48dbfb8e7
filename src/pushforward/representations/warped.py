"""Monotone warps of each channel whose shape makes the quantity least sensitive to local errors."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.representations.base import AbstractRepresentation, Channels, Space
from pushforward.representations.identity import Identity
from pushforward.trajectories import Trajectories

__all__ = ["Warped", "interpolated"]

_Array = NDArray[np.float64]
_Table = tuple[tuple[float, ...], ...]


@final
@dataclass(frozen=True)
class Warped(AbstractRepresentation):
    """z_c = w_c(x_c): per channel a monotone piecewise-linear function, straight on beyond its ends.

    Its slopes minimise, by gradient, W₂²(φ(x'), φ(x)) / Var φ of the data: x' = w⁻¹(w(x) + s σ_z ε) has white errors of
    one size s in units of each warped channel's standard deviation σ_z, so the warp is fine where errors of x matter
    and coarse where they do not. Slopes differ by a factor of 400 at most. Where this does not lower the same number
    on trajectories that it was not fitted on, the warp is the identity.

    One of several parts, it sees what the parts before it decode to: `increments + warped`. The quantity needs a
    gradient (see `gradient_of`), the parts before it a decoding that has one.

    Attributes:
        quantity: φ; default: that of the data.
        scale: s.
        knots: where slopes change, at quantiles of the channel.
        rounds: gradient steps.
        seed: of the errors.
    """

    quantity: str = ""
    scale: float = 0.04
    knots: int = 12
    rounds: int = 150
    seed: int = 0
    places: _Table = field(default=(), kw_only=True, metadata={"learned": True})
    heights: _Table = field(default=(), kw_only=True, metadata={"learned": True})

    name: ClassVar[str] = "warped"
    formula: ClassVar[str] = "z_c = w_c(x_c), w monotone, minimising W₂²(φ(x'), φ(x))"
    source: ClassVar[str] = "arXiv 2605.20299 (kernel-informed representation)"

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InputError: a number out of range.
        """
        super().__post_init__()
        for name, low, high in (("scale", 1e-6, 10), ("knots", 3, 256), ("rounds", 1, 10_000)):
            value = getattr(self, name)
            require(
                low <= value <= high, f"{self._owner}: got {name} = {value:g}; expected {low:g} to {high:g}"
            )

    def codes(self, space: Space) -> Channels:
        """One for each channel, without unit."""
        return tuple(f"warped_{name}" for name in space.channels), ("",) * len(space.channels)

    def learn(self, trajectories: Trajectories, space: Space) -> Self:
        """The shapes, for φ of the trajectories themselves."""
        return self._shaped(trajectories, (), trajectories)

    def fitted_after(
        self, parts: tuple[AbstractRepresentation, ...], data: Trajectories, codes: Trajectories
    ) -> Self:
        """The shapes, for φ of what the parts before decode to."""
        return replace(self._shaped(codes, parts, data), space=Identity().fitted(codes).space)

    def _shaped(
        self, codes: Trajectories, parts: tuple[AbstractRepresentation, ...], data: Trajectories
    ) -> Self:
        from pushforward.quantities import parse

        name = self.quantity or data.quantity_name
        if not name:
            raise InputError(f"{self._owner}: the data names no quantity; expected quantity=NAME")
        from pushforward.representations.warping import shaped

        places, heights = shaped(self, parse(name), codes, parts, data)
        return replace(self, places=places, heights=heights)

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        return self._mapped(x, self.places, self.heights)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        return self._mapped(z, self.heights, self.places)

    def _mapped(self, values: _Array, start: _Table, end: _Table) -> _Array:
        pairs = zip(start, end, strict=True)
        columns = [interpolated(values[:, :, c], *pair) for c, pair in enumerate(pairs)]
        return np.stack(columns, axis=2)


def interpolated(x: _Array, start: tuple[float, ...], end: tuple[float, ...]) -> _Array:
    """The piecewise-linear function through (start, end), straight on beyond its ends; exact at the knots."""
    a, b = np.asarray(start), np.asarray(end)
    i = np.clip(np.searchsorted(a, x, side="right") - 1, 0, len(a) - 2)
    return np.asarray(b[i] + (x - a[i]) * ((b[i + 1] - b[i]) / (a[i + 1] - a[i])))
