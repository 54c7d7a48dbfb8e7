"""Dose–response: the forecast over the scale of the deviations, where that is not known."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.forecast.counting import grid_over, pushed_values, require_values
from pushforward.forecast.making import Request
from pushforward.forecast.pushing import Source
from pushforward.forecast.results import Estimate, Forecast, finite
from pushforward.forecast.settings import MOST_BINS, ForecastSettings
from pushforward.kernels.base import AbstractDeviationKernel
from pushforward.measure.grid import Grid
from pushforward.measure.streams import Wanted
from pushforward.progress import Progress, silent
from pushforward.quantities.base import AbstractQuantity

__all__ = ["DoseResponse", "LargestScale", "dose_response"]

# How far beyond the data the common grid reaches on either side, in widths of the data's range.
_BEYOND = 0.25


@dataclass(frozen=True)
class LargestScale:
    """The largest scale whose predicted drift (W1) stays within a tolerance.

    Attributes:
        tolerance: accepted drift, in the quantity's unit.
        value: where the predicted W1 reaches it, linear between the scales that were tried; None where it stays within
            it at all of them.
        low, high: where the upper and the lower limit of W1 reach it; None likewise.
    """

    tolerance: float
    value: float | None
    low: float | None
    high: float | None


@final
@dataclass(frozen=True, eq=False)
class DoseResponse:
    """Forecasts of one quantity over the scale of one kernel, all on one grid and from the same random numbers.

    Attributes:
        forecasts: one for each scale, the scales increasing.
    """

    forecasts: tuple[Forecast, ...]

    @property
    def scales(self) -> NDArray[np.float64]:
        """(S,) the scales."""
        return np.array([forecast.scale for forecast in self.forecasts], dtype=np.float64)

    @property
    def mean_shifts(self) -> tuple[Estimate, ...]:
        """Predicted shift of the mean at each scale, in the unit."""
        return tuple(forecast.mean_shift for forecast in self.forecasts)

    @property
    def tvs(self) -> tuple[Estimate, ...]:
        """Predicted total variation at each scale."""
        return tuple(forecast.tv for forecast in self.forecasts)

    @property
    def w1s(self) -> tuple[Estimate, ...]:
        """Predicted Wasserstein distance at each scale, in the unit."""
        return tuple(forecast.w1 for forecast in self.forecasts)

    def at(self, scale: float) -> Forecast:
        """The forecast at one of the scales.

        Raises:
            InputError: a scale that was not forecast.
        """
        for forecast in self.forecasts:
            if np.isclose(forecast.scale or 0.0, scale):
                return forecast
        raise InputError(
            f"scale: got {scale:g}; expected one of {', '.join(f'{one:g}' for one in self.scales)}"
        )

    def within(self, tolerance: float) -> LargestScale:
        """The largest scale whose predicted drift stays within `tolerance`, in the quantity's unit.

        Drift is W1, as an audit's tolerance means it; the shift of the mean is never larger.

        Raises:
            InputError: a tolerance that is not a positive number.
        """
        require(
            bool(np.isfinite(tolerance)) and tolerance > 0,
            f"tolerance: got {printable(tolerance, 40)}; expected a positive number in the quantity's unit",
        )

        def reached(drifts: Sequence[float]) -> float | None:
            return _reached(self.scales, np.maximum.accumulate(np.array(drifts)), tolerance)

        return LargestScale(
            float(tolerance),
            reached([w1.value for w1 in self.w1s]),
            reached([w1.high for w1 in self.w1s]),
            reached([w1.low for w1 in self.w1s]),
        )

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, lists and strings: a row for each scale, with its whole forecast."""
        first = self.forecasts[0]
        names = ("mean_shift", "tv", "w1")
        return {
            "format": "pushforward-dose-response",
            "format_version": 1,
            "version": first.version,
            "seed": first.seed,
            "level": first.level,
            "quantity": first.name,
            "unit": first.unit,
            "scales": self.scales.tolist(),
            **{name: [asdict(getattr(forecast, name)) for forecast in self.forecasts] for name in names},
            "forecasts": [forecast.to_json() for forecast in self.forecasts],
        }

    def to_text(self) -> str:
        """`to_json` as strict JSON text (numbers that are not finite become null)."""
        return json.dumps(finite(self.to_json()), indent=1, allow_nan=False)

    def __str__(self) -> str:
        """A table, a line per scale."""
        from pushforward.forecast.table import dose_table

        return dose_table(self)


def dose_response(
    kernel: AbstractDeviationKernel,
    trajectories: Source,
    quantity: AbstractQuantity | Callable[..., Any] | str,
    scales: Sequence[float] | None = None,
    *,
    intended: Wanted | None = None,
    repeats: int | None = None,
    grid: Grid | None = None,
    group: str | None = None,
    seed: int = 0,
    settings: ForecastSettings | None = None,
    progress: Progress = silent,
) -> DoseResponse:
    """How does the predicted drift grow with the size of the local errors?

    Args:
        scales: at least one, at least 0; default: the kernel's own sweep.
        grid: where to count; default: the data's range and a quarter of it on either side, for every scale.
        kernel, trajectories, quantity, intended, repeats, group, seed, settings: as in `forecast`.

    Raises:
        InputError: as `forecast`, and scales that are negative or given twice.
    """
    wanted = _scales(kernel, scales)
    # Where the scale is asked for, its own uncertainty is not the question.
    kernel = replace(kernel, scale_error=0.0)
    request = Request.of(kernel, trajectories, quantity, intended, repeats, group, seed, settings, progress)
    if grid is None and request.settings.range is None:
        grid = _grid(request)
    return DoseResponse(tuple(request.at(scale).forecast(grid) for scale in wanted))


def _scales(kernel: AbstractDeviationKernel, scales: Sequence[float] | None) -> list[float]:
    given = list(kernel.scales if scales is None else scales)
    numbers = (
        np.asarray(given, dtype=np.float64)
        if all(isinstance(s, int | float) for s in given)
        else np.array([-1.0])
    )
    require(
        len(given) > 0 and bool(np.isfinite(numbers).all()) and float(numbers.min()) >= 0,
        f"scales: got {printable(given, 80)}; expected numbers of at least 0",
    )
    require(
        len(np.unique(numbers)) == len(numbers), f"scales: got {printable(given, 80)}; expected each once"
    )
    return sorted(float(number) for number in numbers)


def _grid(request: Request) -> Grid:
    """The data's own range, widened: what deviates further is counted in the outer cells."""
    still = replace(request.at(0.0).push, repeats=1)
    _, scans, _ = pushed_values(still, request.source, None)
    require_values(still.quantity, scans[0].n, "trajectory")
    found = grid_over(scans[:1], request.law, request.settings)
    # Whole bins, so that the ends of a stated law stay edges.
    more = min(round(_BEYOND * found.bins), (MOST_BINS - found.bins) // 2)
    margin = more * found.subdivisions * found.width
    return Grid(found.low - margin, found.high + margin, found.bins + 2 * more, found.subdivisions)


def _reached(scales: NDArray[np.float64], drifts: NDArray[np.float64], tolerance: float) -> float | None:
    """Where a curve that does not fall first exceeds the tolerance; from no drift at scale 0."""
    above = np.flatnonzero(drifts > tolerance)
    if not len(above):
        return None
    i = int(above[0])
    before = (0.0, 0.0) if i == 0 else (float(scales[i - 1]), float(drifts[i - 1]))
    share = (tolerance - before[1]) / (float(drifts[i]) - before[1])
    return before[0] + share * (float(scales[i]) - before[0])
