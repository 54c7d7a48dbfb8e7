"""The ledger of the study of forecast skill: one line of JSON for each thing measured, read back as laws and drifts."""

from __future__ import annotations

import json
import math
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.forecast_skill_plan import DENOISERS, GENERATORS, HELD_OUT, PAPER, SHARE, SMALL_SHARE
from benchmarks.forecast_skill_scores import Drift
from pushforward.forecast.observed import Observed

__all__ = ["Ledger", "Row", "append", "read"]

Row = dict[str, Any]
Pair = tuple[str, str]
_ONCE = ("data", "model")
_LAST = 2
_GAMMA = math.log(1 / SHARE) / math.log(SHARE / SMALL_SHARE)


def read(path: Path) -> Ledger:
    """What was measured so far."""
    lines = path.read_text().splitlines() if path.exists() else []
    return Ledger(tuple(json.loads(line) for line in lines if line))


def append(path: Path, rows: Iterable[Row]) -> None:
    """All rows of one cell, in one write: a cell is there, or not."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("a") as ledger:
        ledger.write("".join(json.dumps(row) + "\n" for row in rows))


@dataclass(frozen=True)
class Ledger:
    """Rows by what they hold."""

    rows: tuple[Row, ...]

    @cached_property
    def cells(self) -> set[tuple[str, str, int, bool]]:
        """Which jobs are done, as `Job.key`: each leaves one row of its kind."""
        done = {
            (row["system"], row["generator"], row["seed"], False) for row in self.rows if row["what"] in _ONCE
        }
        pilots = (row for row in self.rows if row.get("kernel") == "small pilot, level 0")
        return done | {(row["system"], row["generator"], row["seed"], True) for row in pilots}

    @cached_property
    def data(self) -> dict[str, Row]:
        """The demonstrations, by system."""
        return {row["system"]: row for row in self.rows if row["what"] == "data"}

    @cached_property
    def models(self) -> dict[tuple[str, str, int], Row]:
        """The trainings, by system, generator, seed."""
        found = (row for row in self.rows if row["what"] == "model")
        return {(row["system"], row["generator"], row["seed"]): row for row in found}

    @cached_property
    def solvers(self) -> dict[Pair, Row]:
        """The solver's share, by system and generator."""
        return {(row["system"], row["generator"]): row for row in self.rows if row["what"] == "solver"}

    @cached_property
    def kernels(self) -> dict[tuple[str, str, str], Row]:
        """Forecasts by system, generator ("" of kernels from data alone) and kernel."""
        found = (row for row in self.rows if row["what"] == "kernel")
        return {(row["system"], row["generator"], row["kernel"]): row for row in found}

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        """System and generator of all trainings whose data are known, in the order of the plan."""
        known = {(system, generator) for system, generator, _ in self.models if system in self.data}
        order = ((system, generator) for system in (*PAPER, *HELD_OUT) for generator in GENERATORS)
        return tuple(pair for pair in order if pair in known)

    def seeds(self, pair: Pair) -> tuple[int, ...]:
        """Seeds of a pair's trainings."""
        return tuple(sorted(seed for system, generator, seed in self.models if (system, generator) == pair))

    def seen(self, pair: Pair, seed: int) -> Observed:
        """The drift of one training."""
        made, data = self.models[(*pair, seed)], self.data[pair[0]]
        counts, expected = (np.array(row["counts"], dtype=np.float64) for row in (made, data))
        edges = np.linspace(data["low"], data["high"], data["bins"] + 1)
        n, m = counts.sum(), expected.sum()
        return Observed(edges, counts / n, expected / m, n, m, "data")

    def ahead(self, system: str, kernel: str, generator: str = "") -> Drift | None:
        """The drift that a kernel forecasts; None where it was not made."""
        row = self.kernels.get((system, generator, kernel))
        if row is None:
            return None
        values = np.array(row["mass"]) - np.array(row["expected"])
        return Drift(values, row["variance"], row["cross"])

    def pilot(self, pair: Pair) -> Drift | None:
        """The drift of a pilot itself, all of its errors; None where there was none."""
        found = self.ahead(pair[0], f"pilot, level {_LAST}", pair[1])
        # The first cells had pilots without a smaller one beside them.
        return found or self.ahead(pair[0], "pilot", pair[1])

    def pilot_by_level(self, pair: Pair) -> Drift | None:
        """The same less those coarse errors that will not last, as a smaller pilot beside it tells.

        ρ = (‖Δ_coarse‖ ‖δ_fine‖ / (‖δ_coarse‖ ‖Δ_fine‖))^γ, at most 1, of the drift Δ of the pilot and δ of the smaller
        one: the power law in the FLOPs by which coarse errors fall faster than fine ones, carried on to the training.
        Where the fine errors' drift is hardly told from noise ρ is 1.
        """
        found = [
            [self.ahead(pair[0], f"{name}, level {level}", pair[1]) for level in (0, _LAST)]
            for name in ("pilot", "small pilot")
        ]
        (fine, whole), (small_fine, small_whole) = found
        if (
            pair[1] not in DENOISERS
            or fine is None
            or whole is None
            or small_fine is None
            or small_whole is None
        ):
            return None
        coarse, small_coarse = (_size(a.less(b)) for a, b in ((whole, fine), (small_whole, small_fine)))
        rho = 1.0
        if _told(fine) and _told(small_fine) and small_coarse > 0:
            rho = min(coarse * _size(small_fine) / (small_coarse * _size(fine)), 1.0) ** _GAMMA
        return fine.times(1 - rho).plus(whole.times(rho))


def _size(drift: Drift) -> float:
    return float(np.sqrt(max(float(drift.values @ drift.values) - drift.variance, 0.0)))


def _told(drift: Drift) -> bool:
    """Whether a drift is at least as large as its noise, after that is subtracted."""
    return float(drift.values @ drift.values) > 2 * drift.variance
