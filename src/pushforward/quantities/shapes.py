"""Quantities of the shape that a trajectory lies on."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.quantities.blocks import by_block
from pushforward.quantities.motion import AbstractInUnit
from pushforward.trajectories import Trajectories

__all__ = ["ConeHalfAngle"]

_Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True, kw_only=True)
class ConeHalfAngle(AbstractInUnit):
    """Half-angle α of the cone around a known axis that lies closest to the points.

    With ρ_t the distance from the axis and z_t the height above the apex, α̂ minimises Σ_t (ρ_t cos α − z_t sin α)²,
    the squared distances to the cone, and is ½ atan2(2 Σ ρ_t z_t, Σ z_t² − Σ ρ_t²). Between 0 and π: above π/2
    the cone opens downwards. Noise in x and y widens it (ρ is a length): that is part of φ. NaN where every
    point is the apex.

    Attributes:
        channels: the position, the axis last.
        apex: coordinates of the apex, in the position's unit.
    """

    channels: tuple[str, ...] = ("x", "y", "z")
    apex: tuple[float, ...] = (0.0, 0.0, 0.0)

    name: ClassVar[str] = "cone-half-angle"
    formula: ClassVar[str] = "α̂ = ½ atan2(2 Σ_t ρ_t z_t, Σ_t z_t² − Σ_t ρ_t²)"
    source: ClassVar[str] = "orthogonal least squares (Pearson 1901)"

    def __post_init__(self) -> None:
        """Refuse other than three channels and coordinates."""
        super().__post_init__()
        require(
            len(self.channels) == len(self.apex) == 3,
            f"quantity {self.name!r}: got {len(self.channels)} channels and {len(self.apex)} coordinates of "
            "the apex; expected 3 of each",
        )

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) half-angles in rad."""
        index = tuple(trajectories.channel_index(name) for name in self.channels)

        def measure(points: _Array, steps: NDArray[np.int64]) -> _Array:
            kept = np.arange(points.shape[1])[None, :] < steps[:, None]
            centred = (points - np.array(self.apex)) * kept[:, :, None]
            radius, height = np.hypot(centred[:, :, 0], centred[:, :, 1]), centred[:, :, 2]
            product = 2 * (radius * height).sum(axis=1)
            difference = np.square(height).sum(axis=1) - np.square(radius).sum(axis=1)
            angle = 0.5 * np.arctan2(product, difference) % np.pi
            return np.where((product != 0) | (difference != 0), angle, np.nan)

        return by_block(trajectories, index, measure)

    def natural_unit(self, trajectories: Trajectories) -> str:
        """Radians."""
        return "rad"
