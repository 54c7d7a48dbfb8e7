"""The data as they are: what every other representation is compared with."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.representations.base import AbstractRepresentation, Channels, Space

__all__ = ["Identity"]


@final
@dataclass(frozen=True)
class Identity(AbstractRepresentation):
    """z = x."""

    name: ClassVar[str] = "identity"
    formula: ClassVar[str] = "z = x"

    def codes(self, space: Space) -> Channels:
        """The data's own."""
        return space.channels, space.units

    def forward(self, x: NDArray[np.float64], steps: NDArray[np.int64], space: Space) -> NDArray[np.float64]:
        """x."""
        return x

    def backward(self, z: NDArray[np.float64], steps: NDArray[np.int64], space: Space) -> NDArray[np.float64]:
        """z."""
        return z
