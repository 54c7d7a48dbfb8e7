"""Quantities of a path's shape: how long, how far, how winding, and what it comes near to."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.quantities import sphere
from pushforward.quantities.blocks import by_block
from pushforward.quantities.motion import AbstractMotion, first_to_last, path_lengths
from pushforward.quantities.positions import Positions, norm
from pushforward.quantities.units import per
from pushforward.trajectories import Trajectories

__all__ = ["Displacement", "MeanCurvature", "PathLength", "Tortuosity", "TotalTurning"]

_Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True, kw_only=True)
class PathLength(AbstractMotion):
    """Length of the path: L = Σ_t ‖x_{t+1} − x_t‖, along great circles for latitude and longitude.

    Float32 work with a relative error below 1e-6. A single point has length 0. On the Earth: in km on the
    sphere of radius 6371.0088 km; NaN where a latitude is beyond a pole.
    """

    name: ClassVar[str] = "path-length"
    formula: ClassVar[str] = "L = Σ_t ‖x_{t+1} − x_t‖"
    source: ClassVar[str] = "Definition; on the Earth the haversine formula (Sinnott 1984)"

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) lengths in the position's unit."""
        return path_lengths(trajectories, self.positions(trajectories))


@final
@dataclass(frozen=True, kw_only=True)
class Displacement(AbstractMotion):
    """Distance from start to end: D = ‖x_T − x_1‖, along the great circle for latitude and longitude."""

    name: ClassVar[str] = "displacement"
    formula: ClassVar[str] = "D = ‖x_T − x_1‖"
    source: ClassVar[str] = "Definition; on the Earth the haversine formula (Sinnott 1984)"

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) distances in the position's unit."""
        return first_to_last(trajectories, self.positions(trajectories))


@final
@dataclass(frozen=True, kw_only=True)
class Tortuosity(AbstractMotion):
    """How winding a path is: τ = L / D ≥ 1, path length over displacement. NaN where D is 0."""

    name: ClassVar[str] = "tortuosity"
    formula: ClassVar[str] = "τ = L / D"
    source: ClassVar[str] = (
        "Arc-chord ratio; Benhamou, Journal of Theoretical Biology 229 (2004), the inverse of straightness"
    )

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) ratios."""
        positions = self.positions(trajectories)
        displacement = first_to_last(trajectories, positions)
        return path_lengths(trajectories, positions) / np.where(displacement > 0, displacement, np.nan)

    def natural_unit(self, trajectories: Trajectories) -> str:
        """A pure number."""
        return ""


@final
@dataclass(frozen=True, kw_only=True)
class TotalTurning(AbstractMotion):
    """Sum of the angles between successive steps: Θ = Σ_t ∠(x_t − x_{t−1}, x_{t+1} − x_t), each in [0, π].

    Steps of length zero have no direction and are skipped. On the Earth the angle is the one between
    successive great circles. NaN with fewer than two steps of non-zero length.
    """

    name: ClassVar[str] = "total-turning"
    formula: ClassVar[str] = "Θ = Σ_t ∠(x_t − x_{t−1}, x_{t+1} − x_t)"
    source: ClassVar[str] = (
        "Total curvature of a polygon: Milnor, Annals of Mathematics 52 (1950); angle by Kahan's formula"
    )

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) angles in radians."""
        return _total_turning(trajectories, self.positions(trajectories))

    def natural_unit(self, trajectories: Trajectories) -> str:
        """Radians."""
        return "rad"


@final
@dataclass(frozen=True, kw_only=True)
class MeanCurvature(AbstractMotion):
    """Turning per length of path: κ = Θ / L. NaN where the total turning is not defined.

    A polygon of M steps has M − 1 corners, so on a circle of radius R this is (M − 1)/M · 1/R to first order.
    """

    name: ClassVar[str] = "mean-curvature"
    formula: ClassVar[str] = "κ = Θ / L"
    source: ClassVar[str] = "Total curvature (Milnor 1950) over length"

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) radians per unit of length."""
        positions = self.positions(trajectories)
        return _total_turning(trajectories, positions) / path_lengths(trajectories, positions)

    def natural_unit(self, trajectories: Trajectories) -> str:
        """Radians per position unit."""
        return per("rad", self.positions(trajectories).unit)


def _total_turning(trajectories: Trajectories, positions: Positions) -> NDArray[np.float64]:
    def measure(points: _Array, steps: NDArray[np.int64]) -> _Array:
        if positions.geographic:
            p = sphere.directions(points * positions.to_radians)
            # The corner between two great circles is the angle between their planes' normals.
            legs = np.cross(p[:, :-1], p[:, 1:])
            # Shorter than a tenth of a millimetre is rounding, not motion (also 180° to −180°).
            legs = np.where(norm(legs)[..., None] < 1e-11, 0.0, legs)
        else:
            legs = np.diff(points, axis=1)
        return _turning(legs)

    return by_block(trajectories, positions.index, measure)


def _turning(legs: _Array) -> _Array:
    """(m,) sum of angles between successive non-zero vectors of legs (m, M, c); NaN with fewer than two."""
    m, count, _ = legs.shape
    length = norm(legs)
    moved = ~(length == 0)
    unit = legs / np.where(moved, length, 1.0)[..., None]
    # Each leg is compared with the last non-zero one before it.
    place = np.where(moved, np.arange(count), -1)
    before = np.full((m, count), -1)
    before[:, 1:] = np.maximum.accumulate(place, axis=1)[:, :-1]
    previous = np.take_along_axis(unit, np.maximum(before, 0)[..., None], axis=1)
    angle = 2 * np.arctan2(norm(unit - previous), norm(unit + previous))
    total: _Array = np.where(moved & (before >= 0), angle, 0.0).sum(axis=1)
    return np.where(moved.sum(axis=1) >= 2, total, np.nan)
