"""The tables that a terminal shows: results over seeds, and where a study stands."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from pushforward.errors import printable
from pushforward.study.locks import Heartbeat
from pushforward.study.plan import FRESH
from pushforward.study.results import Results
from pushforward.study.skill_table import narrow_skill_table, skill_table
from pushforward.study.summary import Interval, Line

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["as_text", "cells", "headings", "narrow_table", "result_table", "result_text", "status_table"]

_WIDEST, _NARROWEST = 400, 88
_MISSING = "–"


def headings(level: float = 0.05) -> tuple[str, ...]:
    """Headings of the columns that `cells` fills."""
    sure = f"[{100 * (1 - level):g} % CI]"
    return (
        "data", "quantity", "arm", "seeds", f"W1 {sure}", "noise floor", f"shift of mean {sure}",
        f"TV {sure}", "valid", "drift", f"W1 − control {sure}",
    )  # fmt: skip


def cells(line: Line, several_sizes: bool) -> tuple[str, ...]:
    """One line of the result table as text."""
    size = f" ({line.samples:,} samples)" if several_sizes else ""
    unit = f" ({printable(line.unit, 20)})" if line.unit else ""
    difference = line.differences.get("w1")
    valid = line.numbers.get("valid_share")
    return (
        printable(line.data, 60) + size,
        printable(line.quantity, 60) + unit,
        printable(line.arm, 60),
        str(line.n),
        _interval(line.numbers.get("w1")),
        _number(line.numbers.get("w1_null_95")),
        _interval(line.numbers.get("mean_shift"), signed=True),
        _interval(line.numbers.get("tv")),
        _MISSING if valid is None else f"{100 * valid.mean:.1f} %",
        f"{line.n_drift}/{line.n}",
        _MISSING if difference is None else _interval(Interval(**vars(difference)), signed=True),
    )


def result_table(results: Results, level: float = 0.05) -> Table:
    """Every arm on every quantity of all data, over seeds; the fresh sample of the data is always among the arms."""
    from rich import box
    from rich.table import Table

    lines = results.summary(level)
    several = len({line.samples for line in lines}) > 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=_caption(results), caption_justify="left")
    for i, heading in enumerate(headings(level)):
        table.add_column(heading, justify="left" if i < 3 else "right", overflow="fold")
    before: tuple[str, ...] = ()
    for line in lines:
        row = cells(line, several)
        if before and row[:2] != before:
            table.add_section()
        table.add_row(*_plain((*(row[:2] if row[:2] != before else ("", "")), *row[2:])))
        before = row[:2]
    return table


def result_text(results: Results, columns: int | None = None, level: float = 0.05) -> str:
    """The result table as text, for a terminal that is `columns` wide; None: as wide as it needs to be."""
    text = _fitting(result_table(results, level), narrow_table(results, level), columns)
    if not results.forecasts:
        return text
    skills = _fitting(skill_table(results, level), narrow_skill_table(results, level), columns)
    return f"{text}\n\n{skills}"


def _fitting(full: Table, narrow: Table, columns: int | None) -> str:
    text = as_text(full)
    if columns is None or max(map(len, text.splitlines())) <= columns:
        return text
    return as_text(narrow, max(columns, _NARROWEST))


def narrow_table(results: Results, level: float = 0.05) -> Table:
    """What of the result table fits a terminal: W1 and its difference from the control, three digits."""
    from rich import box
    from rich.table import Table

    lines = results.summary(level)
    several = len({line.samples for line in lines}) > 1
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False, caption=_caption(results), caption_justify="left")
    for i, name in enumerate(("", "W1", "noise floor", "drift", "W1 − control")):
        table.add_column(name, justify="left" if i == 0 else "right", overflow="fold", no_wrap=i > 0)
    before = ""
    for line in lines:
        shown = cells(line, several)
        heading = f"{shown[0]}: {shown[1]}"
        if heading != before:
            table.add_section()
            table.add_row(*_plain((heading, *[""] * 4)))
            before = heading
        short = (_interval(line.numbers.get("w1"), digits=3), _number(line.numbers.get("w1_null_95"), 3))
        paired = line.differences.get("w1")
        difference = None if paired is None else Interval(**vars(paired))
        table.add_row(*_plain((f"  {shown[2]}", *short, shown[9], _interval(difference, True, 3))))
    return table


def _caption(results: Results) -> str:
    control = "the fresh sample of the data" if results.control == FRESH else printable(results.control, 60)
    return (
        f"means over seeds, t-intervals (each by itself); control arm: {control}; noise floor: what W1 of "
        "samples without drift stays below in 95 % of cases; valid: share that obeys the system's law"
    )


def status_table(results: Results, level: float = 0.05) -> Table:
    """How many runs of each arm are done, running, failed and left, and who works on what."""
    from rich import box
    from rich.table import Table

    beats = {run: beat for run, beat in results.ledger.heartbeats().items() if beat.alive}
    table = Table(box=box.SIMPLE_HEAD, pad_edge=False)
    for heading in ("data", "arm", "done", "failed", "running", "left"):
        table.add_column(heading, justify="left" if heading in ("data", "arm") else "right")
    counts: dict[tuple[str, str], Counter[str]] = {}
    for run in results.runs:
        state = results.states[run["id"]]
        state = "running" if state != "done" and run["id"] in beats else state
        counts.setdefault((run["data"], run["arm"]), Counter())[state] += 1
    for (data, arm), count in counts.items():
        shown = (str(count[state]) for state in ("done", "failed", "running", "planned"))
        table.add_row(*_plain((printable(data, 60), printable(arm, 60), *shown)))
    lines = _working(results, beats)
    if results.n_forecasts:
        lines.append(
            f"{results.n_forecast} of {results.n_forecasts} forecasts of the runs that are done are made"
        )
    table.caption = "\n".join(lines) or None
    table.caption_justify = "left"
    return table


def _working(results: Results, beats: Mapping[str, Heartbeat]) -> list[str]:
    names = {
        run["id"]: f"{printable(run['data'], 40)}, {printable(run['arm'], 40)}, seed {run['seed']}"
        for run in results.runs
    }
    lines = []
    for run, beat in beats.items():
        if run not in names:
            continue
        share = f" {beat.done}/{beat.total}" if beat.total else ""
        seconds = time.time() - beat.started
        lines.append(f"{names[run]}: {beat.note}{share}, {seconds:.0f} s, process {beat.pid} on {beat.host}")
    return sorted(lines)


def as_text(table: Table, width: int = _WIDEST) -> str:
    """The table as plain text, as wide as it needs to be."""
    from rich.console import Console

    stream = io.StringIO()
    Console(file=stream, width=width, color_system=None, legacy_windows=False).print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines()).strip("\n")


def _plain(row: Iterable[str]) -> list[str]:
    """Text in which nothing is taken for markup."""
    from rich.markup import escape

    return [escape(cell) for cell in row]


def _interval(found: Interval | None, signed: bool = False, digits: int = 4) -> str:
    if found is None:
        return _MISSING
    form = f"{'+' if signed else ''}.{digits}g"
    if not found.low <= found.high:
        return f"{found.mean:{form}}"
    return f"{found.mean:{form}} [{found.low:{form}}, {found.high:{form}}]"


def _number(found: Interval | None, digits: int = 4) -> str:
    return _MISSING if found is None else f"{found.mean:.{digits}g}"
