"""Increments: each step as the way from the one before."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.representations.base import AbstractRepresentation, Channels, Space

__all__ = ["Increments"]


@final
@dataclass(frozen=True)
class Increments(AbstractRepresentation):
    """z_0 = x_0 and z_t = x_t − x_{t−1}; every z decodes, by summing up, so errors add up along the trajectory."""

    name: ClassVar[str] = "increments"
    formula: ClassVar[str] = "z_0 = x_0, z_t = x_t − x_{t−1}"
    marks_start: ClassVar[bool] = True

    def codes(self, space: Space) -> Channels:
        """One for each channel, in its unit."""
        return tuple(f"delta_{name}" for name in space.channels), space.units

    def forward(self, x: NDArray[np.float64], steps: NDArray[np.int64], space: Space) -> NDArray[np.float64]:
        """(n, T, C) increments."""
        return np.diff(x, axis=1, prepend=0.0)

    def backward(self, z: NDArray[np.float64], steps: NDArray[np.int64], space: Space) -> NDArray[np.float64]:
        """(n, T, C) sums."""
        return np.cumsum(z, axis=1)
