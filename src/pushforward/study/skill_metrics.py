"""The numbers of a scored forecast, a row per run and quantity."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pushforward.forecast import Forecast
    from pushforward.forecast.results import Estimate
    from pushforward.forecast.skill import Scores, Skill

__all__ = ["SCORES", "SKILL_COUNTS", "SKILL_NUMBERS", "skill_row"]

SCORES = ("corr", "corr_corrected", "skill", "sign_accuracy")
"""Scores of a forecast, as `forecast.skill.Scores` defines them."""

_LIMITS = ("", "_low", "_high")
SKILL_NUMBERS: tuple[str, ...] = (
    *(
        f"{side}{score}{limit}"
        for side in ("", "floor_", "ceiling_")
        for score in SCORES
        for limit in _LIMITS
    ),
    "drift",
    "drift_floor",
    *(f"forecast_{name}{limit}" for name in ("mean_shift", "tv", "w1") for limit in _LIMITS),
)
"""Columns of numbers in the table of forecasts."""

SKILL_COUNTS = ("n_significant", "n_bins", "n_data", "repeats")


def skill_row(run: str, forecast: Forecast, skill: Skill) -> dict[str, Any]:
    """One row: `run`, `quantity`, `unit`, the `SKILL_NUMBERS` (None where one is not defined) and `SKILL_COUNTS`."""
    sides = {"": skill.scores, "floor_": skill.floor, "ceiling_": skill.ceiling}
    row: dict[str, Any] = {"run": run, "quantity": forecast.name, "unit": forecast.unit}
    for prefix, scores in sides.items():
        row |= _scores(prefix, scores)
    row |= {"drift": _finite(skill.drift), "drift_floor": _finite(skill.drift_floor)}
    for name in ("mean_shift", "tv", "w1"):
        row |= _limited(f"forecast_{name}", getattr(forecast, name))
    counts = (skill.n_significant, skill.n_bins, forecast.n, forecast.repeats)
    return row | dict(zip(SKILL_COUNTS, counts, strict=True))


def _scores(prefix: str, scores: Scores | None) -> dict[str, Any]:
    row: dict[str, Any] = {}
    for score in SCORES:
        row |= _limited(f"{prefix}{score}", None if scores is None else getattr(scores, score))
    return row


def _limited(name: str, found: Estimate | None) -> dict[str, float | None]:
    values = (None,) * 3 if found is None else tuple(map(_finite, (found.value, found.low, found.high)))
    return {f"{name}{limit}": value for limit, value in zip(_LIMITS, values, strict=True)}


def _finite(value: float) -> float | None:
    return float(value) if math.isfinite(value) else None
