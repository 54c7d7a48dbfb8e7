"""How well kernels forecast the arms' drift: means over seeds with t-intervals, beside floor and ceiling."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, final

from pushforward.study.skill_metrics import SCORES
from pushforward.study.summary import Interval, interval

__all__ = ["SkillLine", "skills_over_seeds"]

_SIDES = ("", "floor_", "ceiling_")
_AVERAGED = (
    *(f"{side}{score}" for side in _SIDES for score in SCORES),
    *(f"floor_{score}_high" for score in SCORES),
    "drift",
    "drift_floor",
    "forecast_tv",
)


@final
@dataclass(frozen=True)
class SkillLine:
    """One kernel against one arm on one quantity of one data set, over seeds.

    Attributes:
        numbers: name -> interval, of the scores and of `floor_` and `ceiling_` with each; a name is absent where it is
            not defined for any seed.
        n: seeds.
    """

    data: str
    samples: int
    quantity: str
    arm: str
    kernel: str
    numbers: Mapping[str, Interval]
    n: int


def skills_over_seeds(rows: Iterable[Mapping[str, Any]], level: float = 0.05) -> list[SkillLine]:
    """A line per data, number of samples, quantity, arm and kernel, those of one arm together.

    Intervals are each by themselves, not adjusted for their number; a seed without a score is left out of its mean.
    """
    groups: dict[tuple[str, int, str], dict[str, dict[str, list[Mapping[str, Any]]]]] = {}
    for row in rows:
        arms = groups.setdefault((row["data"], row["samples"], row["quantity"]), {})
        arms.setdefault(row["arm"], {}).setdefault(row["kernel"], []).append(row)
    lines = []
    for (data, samples, quantity), arms in groups.items():
        for arm, kernels in arms.items():
            for kernel, found in kernels.items():
                numbers = {
                    name: interval(values, level)
                    for name in _AVERAGED
                    if (values := [float(row[name]) for row in found if row[name] is not None])
                }
                lines.append(SkillLine(data, samples, quantity, arm, kernel, numbers, len(found)))
    return lines
