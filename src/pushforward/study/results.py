"""The result table of a study: a row per run and quantity, and the same over seeds with intervals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self, final

from pushforward.study.forecasts import forecasts_of
from pushforward.study.ledger import Ledger
from pushforward.study.metrics import NUMBERS
from pushforward.study.records import Record
from pushforward.study.skill_metrics import SKILL_COUNTS, SKILL_NUMBERS
from pushforward.study.skills import SkillLine, skills_over_seeds
from pushforward.study.summary import Line, summarised
from pushforward.writing import atomic

if TYPE_CHECKING:
    import pyarrow as pa

__all__ = ["Results"]

_TEXTS = ("run", "data", "arm", "quantity", "unit", "verdict")
_WHOLE = ("samples", "seed")


@final
@dataclass(frozen=True)
class Results:
    """What a study's ledger holds, in the order of its plan.

    Attributes:
        ledger: where it comes from.
        title: of the study.
        control: label of the arm that the others are compared with.
        runs: the runs of the study: `id`, `data`, `arm`, `samples`, `seed`, `control` (whether it is the fresh sample).
        states: run id -> `done`, `failed` or `planned`.
        errors: run id -> why it failed.
        damaged: runs whose record is damaged; they count as planned.
        rows: a row per run that is done and quantity; see `metrics.NUMBERS`.
        forecasts: a row per kernel, run and quantity; see `skill_metrics.SKILL_NUMBERS`.
        n_forecasts: how many forecasts the runs that are done allow.
        n_forecast: how many of these are made.
    """

    ledger: Ledger
    title: str
    control: str
    runs: tuple[dict[str, Any], ...]
    states: Mapping[str, str]
    errors: Mapping[str, str]
    damaged: tuple[str, ...]
    rows: tuple[dict[str, Any], ...]
    forecasts: tuple[dict[str, Any], ...] = ()
    n_forecasts: int = 0
    n_forecast: int = 0

    @classmethod
    def of(cls, ledger: Ledger) -> Self:
        """Read a ledger; nothing is changed.

        Raises:
            InputError: it is not a ledger, or its list of runs is damaged.
        """
        study = ledger.study()
        records, damaged = ledger.records()
        states, errors, rows = {}, {}, []
        for run in study["runs"]:
            record = records.get(run["id"])
            states[run["id"]] = "planned" if record is None else record.state
            if record is None:
                continue
            body = record.body
            if record.state == "failed":
                errors[run["id"]] = str(body.get("error", ""))
                continue
            labels = {name: run[name] for name in ("data", "arm", "samples", "seed")}
            rows += [{"run": run["id"], **labels, **metrics} for metrics in body["metrics"]]
        skills, n, n_made = _forecasts(study, states, records, errors)
        return cls(
            ledger=ledger,
            title=study["title"],
            control=study["control"],
            runs=tuple(study["runs"]),
            states=states,
            errors=errors,
            damaged=tuple(damaged),
            rows=tuple(rows),
            forecasts=tuple(skills),
            n_forecasts=n,
            n_forecast=n_made,
        )

    def count(self, state: str) -> int:
        """Runs in a state."""
        return sum(found == state for found in self.states.values())

    def summary(self, level: float = 0.05) -> list[Line]:
        """The table over seeds: see `summary.summarised`."""
        return summarised(self.rows, self.control, level)

    def table(self) -> pa.Table:
        """A row per run and quantity, as an Arrow table."""
        import pyarrow as pa

        kinds = (
            [(n, pa.string()) for n in _TEXTS]
            + [(n, pa.int64()) for n in _WHOLE]
            + [(n, pa.float64()) for n in NUMBERS]
        )
        return pa.table(
            {name: pa.array([row.get(name) for row in self.rows], type=kind) for name, kind in kinds},
        )

    def summary_table(self, level: float = 0.05) -> pa.Table:
        """The table over seeds, a row per number, as an Arrow table."""
        import pyarrow as pa

        lines = [line.flat() for line in self.summary(level)]
        texts, whole = ("data", "arm", "quantity", "unit", "number"), ("samples", "n", "n_pairs")
        numbers = ("mean", "low", "high", "difference", "difference_low", "difference_high")
        kinds = (
            [(n, pa.string()) for n in texts]
            + [(n, pa.int64()) for n in whole]
            + [(n, pa.float64()) for n in numbers]
        )
        rows = [{**line, **number} for line, numbers_of in lines for number in numbers_of]
        return pa.table({name: pa.array([row.get(name) for row in rows], type=kind) for name, kind in kinds})

    def skills(self, level: float = 0.05) -> list[SkillLine]:
        """The scores of the kernels over seeds: see `skills.skills_over_seeds`."""
        return skills_over_seeds(self.forecasts, level)

    def forecast_table(self) -> pa.Table:
        """A row per kernel, run and quantity, as an Arrow table."""
        import pyarrow as pa

        texts = ("run", "data", "arm", "quantity", "unit", "kernel", "forecast")
        kinds = (
            [(n, pa.string()) for n in texts]
            + [(n, pa.int64()) for n in (*_WHOLE, *SKILL_COUNTS)]
            + [(n, pa.float64()) for n in SKILL_NUMBERS]
        )
        return pa.table(
            {name: pa.array([row.get(name) for row in self.forecasts], type=kind) for name, kind in kinds},
        )

    def save(self) -> None:
        """Write results.parquet and summary.parquet, of a study with kernels also forecasts.parquet, into the ledger.

        The same results give the same bytes.

        Raises:
            InputError: they cannot be written.
        """
        import pyarrow.parquet as pq

        tables: tuple[tuple[str, Callable[[], Any]], ...] = (
            ("results", self.table),
            ("summary", self.summary_table),
            *((("forecasts", self.forecast_table),) if self.n_forecasts else ()),
        )
        for name, table in tables:
            with atomic(self.ledger.folder / f"{name}.parquet") as temporary:
                pq.write_table(table(), temporary, compression="zstd")


def _forecasts(
    study: Mapping[str, Any],
    states: Mapping[str, str],
    records: Mapping[str, Record],
    errors: dict[str, str],
) -> tuple[list[dict[str, Any]], int, int]:
    """Rows of all forecasts that are made, how many there can be, how many are made; adds to `errors`."""
    runs = {run["id"]: run for run in study["runs"]}
    rows: list[dict[str, Any]] = []
    n = n_made = 0
    done = {run for run, state in states.items() if state == "done"}
    for kernel, asked in forecasts_of(study["runs"], study["kernels"], done):
        record, n = records.get(asked.id), n + 1
        if record is None:
            continue
        if record.state == "failed":
            errors[asked.id] = f"{asked.described}: {record.body.get('error', '')}"
            continue
        n_made += 1
        for metrics in record.body["metrics"]:
            run = runs.get(metrics["run"])
            if run is None:
                continue
            labels = {name: run[name] for name in ("data", "arm", "samples", "seed")}
            rows.append({**labels, "kernel": kernel["label"], "forecast": asked.id, **metrics})
    return rows, n, n_made
