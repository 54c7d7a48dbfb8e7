"""Quantities of where a path goes: time in a box, distance to obstacles."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.blocks import by_block
from pushforward.quantities.motion import AbstractInUnit, AbstractMotion
from pushforward.quantities.positions import Positions, norm, positions_of
from pushforward.trajectories import Trajectories

__all__ = ["MinimumClearance", "TimeInRegion"]

_Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True)
class TimeInRegion(AbstractInUnit):
    """Time spent inside a box: ∫ 1[low ≤ x(t) ≤ high] dt by the trapezoidal rule.

    A trajectory that is always inside spends its whole duration there.

    Attributes:
        low, high: the box's corners, one number for each channel; −inf and inf leave a side open.
        channels: which channels (default: the position's). Longitudes are compared as they are stored.
    """

    low: tuple[float, ...] = ()
    high: tuple[float, ...] = ()
    channels: tuple[str, ...] = ()

    name: ClassVar[str] = "time-in-region"
    formula: ClassVar[str] = "t = Σ_t ½ (1[x_t ∈ box] + 1[x_{t+1} ∈ box]) Δt"
    source: ClassVar[str] = "Definition (occupation time), trapezoidal rule"

    def __post_init__(self) -> None:
        """Refuse a box without corners or upside down."""
        super().__post_init__()
        require(
            len(self.low) > 0 and len(self.high) > 0,
            f"quantity {self.name!r}: needs low and high, such as low=[0,0],high=[1,1]",
        )
        require(
            len(self.low) == len(self.high),
            f"quantity {self.name!r}: got {len(self.low)} in low, {len(self.high)} in high; expected as many",
        )
        for low, high in zip(self.low, self.high, strict=True):
            require(
                low <= high,
                f"quantity {self.name!r}: got low {low:g} above high {high:g}; expected low ≤ high",
            )

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) times in the data's time unit."""
        if self.channels:
            index = tuple(trajectories.channel_index(name) for name in self.channels)
        else:
            index = positions_of(trajectories).index
        require(
            len(index) == len(self.low),
            f"quantity {self.name!r}: got {len(self.low)} numbers in low for {len(index)} channels",
        )
        low, high = np.array(self.low), np.array(self.high)

        def measure(points: _Array, steps: NDArray[np.int64]) -> _Array:
            valid = np.arange(points.shape[1])[None, :] < steps[:, None]
            inside = ((points >= low) & (points <= high)).all(axis=-1) & valid
            ends = inside[:, 0] + inside[np.arange(len(points)), steps - 1].astype(np.float64)
            return np.where(steps > 1, inside.sum(axis=1) - ends / 2, 0.0)

        return by_block(trajectories, index, measure) * trajectories.dt

    def natural_unit(self, trajectories: Trajectories) -> str:
        """The data's time unit."""
        return trajectories.time_unit


@final
@dataclass(frozen=True, kw_only=True)
class MinimumClearance(AbstractMotion):
    """Smallest signed distance of recorded points to obstacles: min_t min_k d(x_t, O_k); negative inside.

    Only recorded points count, not the way between them.

    Attributes:
        circles: (centre..., radius) each; balls in more than two dimensions. On the Earth (latitude,
            longitude, radius in km), by great-circle distance.
        boxes: (low..., high...) each; not on the Earth.
    """

    circles: tuple[tuple[float, ...], ...] = ()
    boxes: tuple[tuple[float, ...], ...] = ()

    name: ClassVar[str] = "minimum-clearance"
    formula: ClassVar[str] = "c = min_t min_k d(x_t, O_k)"
    source: ClassVar[str] = "Definition, with signed distances of balls and boxes"

    def __post_init__(self) -> None:
        """Refuse no obstacles, negative radii and boxes upside down."""
        super().__post_init__()
        if not self.circles and not self.boxes:
            raise InputError(
                f"quantity {self.name!r}: needs obstacles, such as circles=[[0.5,0.5,0.1]] (centre, radius) "
                "or boxes=[[0,0,1,1]] (low, high)"
            )
        for circle in self.circles:
            require(
                len(circle) >= 2 and circle[-1] >= 0,
                f"quantity {self.name!r}: got circle {circle}; expected centre and radius ≥ 0",
            )
        for box in self.boxes:
            half = len(box) // 2
            ordered = len(box) == 2 * half > 0 and all(
                a <= b for a, b in zip(box[:half], box[half:], strict=True)
            )
            require(ordered, f"quantity {self.name!r}: got box {box}; expected low corner, then high corner")

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) distances in the position's unit."""
        positions = self.positions(trajectories)
        self._require_fit(positions)

        def measure(points: _Array, steps: NDArray[np.int64]) -> _Array:
            clearance = np.full(points.shape[:2], np.inf)
            for circle in self.circles:
                centre = np.array(circle[:-1])
                clearance = np.minimum(clearance, positions.distances(points, centre) - circle[-1])
            for box in self.boxes:
                clearance = np.minimum(clearance, _distance_to_box(points, box))
            # Padding repeats the last point, which cannot lower the minimum.
            smallest: _Array = clearance.min(axis=1)
            return smallest

        return by_block(trajectories, positions.index, measure)

    def _require_fit(self, positions: Positions) -> None:
        width = len(positions.index)
        for circle in self.circles:
            require(
                len(circle) == width + 1,
                f"quantity {self.name!r}: got {circle} for {width} channels; expected {width + 1} numbers",
            )
        for box in self.boxes:
            require(
                len(box) == 2 * width,
                f"quantity {self.name!r}: got box {box} for {width} channels; expected {2 * width} numbers",
            )
        require(
            not (positions.geographic and self.boxes),
            f"quantity {self.name!r}: boxes have no meaning in latitude and longitude; expected circles",
        )


def _distance_to_box(points: _Array, box: tuple[float, ...]) -> _Array:
    """Signed distance of points (..., c) to a box (low..., high...): outside ‖max(d, 0)‖, inside max d."""
    width = points.shape[-1]
    low, high = np.array(box[:width]), np.array(box[width:])
    beyond = np.maximum(low - points, points - high)
    outside = norm(np.maximum(beyond, 0.0))
    signed: _Array = outside + np.minimum(beyond.max(axis=-1), 0.0)
    return signed
