"""Means over seeds with t-intervals, and differences from the control arm, pair by pair."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

__all__ = ["COMPARED", "Difference", "Interval", "Line", "interval", "summarised"]

COMPARED = ("w1", "w1_null_95", "ks", "tv", "tv_null_95", "mean_shift", "valid_share")
"""Numbers that are averaged over seeds."""


@final
@dataclass(frozen=True)
class Interval:
    """A mean over n seeds with its confidence interval; low and high are NaN for fewer than two."""

    mean: float
    low: float
    high: float
    n: int


@final
@dataclass(frozen=True)
class Difference:
    """Mean over seeds of arm − control, paired by seed, with its confidence interval."""

    mean: float
    low: float
    high: float
    n: int


@final
@dataclass(frozen=True)
class Line:
    """One arm on one quantity of one data set, over seeds.

    Attributes:
        numbers: name -> interval; a name is absent where it is not defined.
        differences: name -> difference from the control arm; empty for the control itself.
        n_drift: seeds whose audit said `drift`.
        n: seeds.
    """

    data: str
    samples: int
    quantity: str
    unit: str
    arm: str
    numbers: Mapping[str, Interval]
    differences: Mapping[str, Difference]
    n_drift: int
    n: int

    def flat(self) -> tuple[dict[str, Any], list[dict[str, Any]]]:
        """What names the line, and a row per number."""
        head = {name: getattr(self, name) for name in ("data", "samples", "quantity", "unit", "arm")}
        rows = []
        for name, found in self.numbers.items():
            row = {"number": name, **_finite(asdict(found))}
            if name in self.differences:
                paired = _finite(asdict(self.differences[name]))
                row |= {f"difference{_suffix(key)}": value for key, value in paired.items() if key != "n"}
                row["n_pairs"] = paired["n"]
            rows.append(row)
        return head, rows


def interval(values: Sequence[float], level: float = 0.05) -> Interval:
    """Mean ± t(1 − level/2; n − 1) s/√n of independent values, Student's interval.

    Exact for normal values; the runs of different seeds are independent by construction.
    """
    from scipy import special

    array = np.asarray(values, dtype=np.float64)
    n, mean = len(array), float(array.mean())
    if n < 2:
        return Interval(mean, math.nan, math.nan, n)
    half = float(special.stdtrit(n - 1, 1 - level / 2) * array.std(ddof=1) / math.sqrt(n))
    return Interval(mean, mean - half, mean + half, n)


def summarised(rows: Iterable[Mapping[str, Any]], control: str, level: float = 0.05) -> list[Line]:
    """A line per data, number of samples, quantity and arm, in the order in which they first occur.

    Intervals are each by themselves, not adjusted for their number.
    """
    groups: dict[tuple[str, int, str], dict[str, dict[int, Mapping[str, Any]]]] = {}
    for row in rows:
        key = (row["data"], row["samples"], row["quantity"])
        groups.setdefault(key, {}).setdefault(row["arm"], {})[row["seed"]] = row
    lines = []
    for (data, samples, quantity), arms in groups.items():
        for arm, by_seed in arms.items():
            found = list(by_seed.values())
            lines.append(
                Line(
                    data=data,
                    samples=samples,
                    quantity=quantity,
                    unit=str(found[0]["unit"]),
                    arm=arm,
                    numbers={
                        name: interval(values, level) for name in COMPARED if (values := _values(found, name))
                    },
                    differences={} if arm == control else _differences(by_seed, arms.get(control, {}), level),
                    n_drift=sum(row["verdict"] == "drift" for row in found),
                    n=len(found),
                )
            )
    return lines


def _differences(
    arm: Mapping[int, Mapping[str, Any]], control: Mapping[int, Mapping[str, Any]], level: float
) -> dict[str, Difference]:
    seeds = [seed for seed in arm if seed in control]
    found = {}
    for name in COMPARED:
        pairs = [(arm[seed][name], control[seed][name]) for seed in seeds]
        values = [mine - theirs for mine, theirs in pairs if mine is not None and theirs is not None]
        if values:
            found[name] = Difference(**asdict(interval(values, level)))
    return found


def _values(rows: Sequence[Mapping[str, Any]], name: str) -> list[float]:
    return [float(row[name]) for row in rows if row[name] is not None]


def _finite(record: dict[str, Any]) -> dict[str, Any]:
    return {k: None if isinstance(v, float) and not math.isfinite(v) else v for k, v in record.items()}


def _suffix(key: str) -> str:
    return "" if key == "mean" else f"_{key}"
