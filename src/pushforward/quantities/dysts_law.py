"""What every law of the dysts package offers, one parameter of it scaled: flows, maps and delay equations."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named
from pushforward.quantities.dysts_catalogue import annotations_of, scalable

__all__ = ["AbstractDystsLaw", "relative_extent"]

# The largest share of the motion that predictions may miss, and what float32 leaves of the range to miss.
_MISSED, _ROUNDED = 0.5, 1e-4

_Exact = NDArray[np.float64]


class AbstractDystsLaw(ABC):
    """A law x_{t+1} = Φ(past; c p) for many trajectories at once, p being a parameter of a dysts system.

    Attributes:
        free: the factor that every law of its kind has and that leaves its attractor as it is.
        scales: the parameter that c scales, `free` or one of the system's own.
        width: channels of a trajectory.
        period: the time that waiting is counted in, in the law's time unit.
        annotations: what dysts knows: Lyapunov exponents, dimensions, entropies, source.
    """

    free: ClassVar[str]
    time_unit: ClassVar[str] = "time unit"
    default_T: ClassVar[int] = 64
    default_dt: float
    period: float

    def __init__(self, system: str, found: Any, parameter: str) -> None:
        self.system, self._found = system, found
        values = scalable(found)
        self.scales = parameter or self.free
        if self.scales != self.free and self.scales not in values:
            raise named(f"parameter of dysts {system}:", parameter, [*values, self.free])
        start = np.asarray(found.ic, dtype=np.float64)
        self.start: _Exact = start[0] if start.ndim > 1 else start
        self.annotations = annotations_of(found)

    @property
    def width(self) -> int:
        """Channels of a trajectory."""
        return len(self.start)

    @property
    def own_parameter(self) -> str | None:
        """The parameter of dysts that is scaled; None where it is the factor that all of the kind have."""
        return None if self.scales == self.free else self.scales

    def known(self, T: int, dt: float, factor: _Exact) -> NDArray[np.bool_]:
        """(m, T − 1) the steps that can be predicted: those whose past is recorded; here all."""
        return np.ones((len(factor), T - 1), dtype=bool)

    @abstractmethod
    def ahead(self, points: _Exact, dt: float, factor: _Exact) -> _Exact:
        """(m, T − 1, D) where factors (m,) take each but the last state of records (m, T, D) within `dt`."""

    @abstractmethod
    def fitted(self, points: _Exact, kept: NDArray[np.bool_], dt: float) -> _Exact:
        """(m,) factors of records (m, T, D), of which the steps `kept` (m, T − 1) count; NaN where none fits."""

    def surprise(self, points: _Exact, kept: NDArray[np.bool_], dt: float) -> _Exact:
        """(m,) the largest error of predicting a state with the record's own factor, as a share of its range.

        Infinite where no factor fits, or where the predictions miss more than half of the motion: between states that
        are close in time, any law predicts well with a factor near 0.
        """
        factor = self.fitted(points, kept, dt)
        used = np.where(np.isfinite(factor), factor, 1.0)
        extent = np.maximum(np.ptp(points, axis=1), 1e-3 * np.abs(points).max(axis=1))
        extent = np.where(extent > 0, extent, 1.0)[:, None]
        judged = kept & self.known(points.shape[1], dt, used)
        error = np.abs(points[:, 1:] - self.ahead(points, dt, used)) / extent
        error = np.where(judged[:, :, None], np.where(np.isnan(error), np.inf, error), 0.0)
        motion = np.where(judged[:, :, None], np.diff(points, axis=1) / extent, 0.0)
        missed = _length(error) > np.maximum(
            _MISSED * _length(motion), _ROUNDED * np.sqrt(judged.sum(axis=1))
        )
        refuted = missed | ~np.isfinite(factor) | ~judged.any(axis=1)
        return np.where(refuted, np.inf, error.max(axis=(1, 2)))

    def refuse(self, factor: _Exact, low: float, high: float) -> None:
        """Raise `InputError` unless all factors lie between the bounds.

        Raises:
            InputError: a factor at or below `low`, or above `high`.
        """
        outside = np.flatnonzero(~((factor > low) & (factor <= high)))
        if len(outside):
            raise InputError(
                f"system 'dysts': got a factor of {factor[outside[0]]:g} ({len(outside)} of {len(factor)} draws); "
                f"expected above {low:g}" + (f" and at most {high:g}" if np.isfinite(high) else "")
            )


def relative_extent(points: _Exact) -> _Exact:
    """(m, 1, D) each channel's range over the record; 1 where it does not move."""
    extent = np.ptp(points, axis=1)[:, None, :]
    return np.where(extent > 0, extent, 1.0)


def _length(steps: _Exact) -> _Exact:
    """(m,) the Euclidean length of (m, T − 1, D) all together."""
    return np.asarray(np.sqrt(np.square(steps).sum(axis=(1, 2))))
