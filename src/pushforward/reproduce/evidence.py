"""What a claim is judged by: the audits, forecasts and probes of its study, looked up by data and arm."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, final

from pushforward.errors import named
from pushforward.reproduce.measured import Measured, Number

__all__ = ["Evidence", "wilson"]

Row = Mapping[str, Any]


@final
@dataclass(frozen=True)
class Evidence:
    """All numbers of a claim's study.

    Attributes:
        audits: a row per run, of the study's table; and per set of trajectories that a probe looked at, whose arm is
            called `ARM, SET`.
        forecasts: a row per kernel and run.
        data, arms, kernels: labels, in the order of the plan.
        seeds: of the plan.
    """

    audits: Sequence[Row]
    forecasts: Sequence[Row]
    data: tuple[str, ...]
    arms: tuple[str, ...]
    kernels: tuple[str, ...]
    seeds: tuple[int, ...]

    def ratio(self, data: str, arm: str) -> Number:
        """W1 over its noise floor, which 95 % of comparisons without drift stay below."""
        return self._number(data, arm, "W1 / noise floor", _ratio)

    def audited(self, data: str, arm: str, column: str, name: str) -> Number:
        """A number of the audit with its limits where it has some, such as `w1`."""

        def of(row: Row) -> tuple[Any, Any, Any]:
            return row[column], row.get(f"{column}_low"), row.get(f"{column}_high")

        return self._number(data, arm, name, of)

    def valid(self, data: str, arm: str) -> Number:
        """The share of trajectories that obey the system's law, each by itself, with Wilson's interval."""

        def of(row: Row) -> tuple[Any, Any, Any]:
            share = row["valid_share"]
            if share is None:
                return None, None, None
            return share, *wilson(share, row["n_made"] + row["n_invalid"])

        return self._number(data, arm, "valid share", of)

    def score(self, data: str, arm: str, kernel: str, column: str) -> Number:
        """A number of a kernel's forecast with its limits, such as `corr` or `floor_corr_high`."""
        rows = [
            row for row in self.forecasts if (row["data"], row["arm"], row["kernel"]) == (data, arm, kernel)
        ]
        by_seed = {row["seed"]: row for row in rows}

        def measured(seed: int) -> Measured:
            row = by_seed.get(seed)
            if row is None:
                return Measured(seed, None)
            return Measured(seed, row[column], row.get(f"{column}_low"), row.get(f"{column}_high"))

        return Number(f"{data}, {arm}, {kernel}", column, tuple(map(measured, self.seeds)))

    def _number(self, data: str, arm: str, name: str, of: Callable[[Row], tuple[Any, Any, Any]]) -> Number:
        if not any(arm == known or arm.startswith(f"{known}, ") for known in self.arms):
            raise named("arm", arm, self.arms)
        rows = {row["seed"]: row for row in self.audits if (row["data"], row["arm"]) == (data, arm)}
        found = (
            Measured(seed, *of(rows[seed])) if seed in rows else Measured(seed, None) for seed in self.seeds
        )
        return Number(f"{data}, {arm}", name, tuple(found))


def wilson(share: float, n: int) -> tuple[float, float]:
    """Wilson's 95 % interval of a share of n independent trials (Wilson, JASA 22, 1927)."""
    z = 1.959964
    middle = (share + z * z / (2 * n)) / (1 + z * z / n)
    half = z / (1 + z * z / n) * math.sqrt(share * (1 - share) / n + z * z / (4 * n * n))
    return middle - half, middle + half


def _ratio(row: Row) -> tuple[Any, Any, Any]:
    floor = row["w1_null_95"]
    if not floor or row["w1"] is None:
        return None, None, None
    return row["w1"] / floor, row["w1_low"] / floor, row["w1_high"] / floor
