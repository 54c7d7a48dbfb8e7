"""The table of forecasts: how well each kernel met each arm's drift, beside the noise floor and the ceiling."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from pushforward.errors import printable
from pushforward.study.skills import SkillLine
from pushforward.study.summary import Interval

if TYPE_CHECKING:
    from rich.table import Table

    from pushforward.study.results import Results

__all__ = [
    "SKILL_READING",
    "narrow_skill_table",
    "page_cells",
    "page_headings",
    "skill_cells",
    "skill_headings",
    "skill_table",
]

_MISSING = "–"
# Columns that a kernel's name with a setting or two needs.
_SPELLED = 24
SKILL_READING = (
    "corr, skill, signs: of predicted and observed drift over bins; corrected: for the noise of counts; floor: a fresh "
    "sample of the data in the forecast's place, its mean and what 97.5 % of them stay below; ceiling: the drift of "
    "the same arm's run of the next seed in the forecast's place; drift / floor: TV observed, and what 95 % of audits "
    "without drift stay below; (of n): means over n seeds, where the others have no such score"
)
"""What the columns mean, in one sentence."""


def skill_headings(level: float = 0.05) -> tuple[str, ...]:
    """Headings of the columns that `skill_cells` fills."""
    sure = f"[{100 * (1 - level):g} % CI]"
    return (
        "data", "quantity", "arm", "kernel", "seeds", f"corr {sure}", "corrected", f"skill {sure}", "signs",
        "floor: corr", "floor: skill", "ceiling: corr", "ceiling: corrected", "ceiling: skill", "drift / floor",
    )  # fmt: skip


def skill_cells(line: SkillLine, several_sizes: bool) -> tuple[str, ...]:
    """One line of the table as text."""
    size = f" ({line.samples:,} samples)" if several_sizes else ""
    numbers, n = line.numbers.get, line.n
    return (
        printable(line.data, 60) + size,
        printable(line.quantity, 60),
        printable(line.arm, 60),
        printable(line.kernel, 80),
        str(n),
        _interval(numbers("corr"), n),
        _mean(numbers("corr_corrected"), n),
        _interval(numbers("skill"), n),
        _mean(numbers("sign_accuracy"), n),
        *(_floor(line, name) for name in ("corr", "skill")),
        *(_mean(numbers(f"ceiling_{name}"), n) for name in ("corr", "corr_corrected", "skill")),
        f"{_share(numbers('drift'))} / {_share(numbers('drift_floor'))}",
    )


def _floor(line: SkillLine, score: str) -> str:
    mean, high = (line.numbers.get(f"floor_{score}{limit}") for limit in ("", "_high"))
    return _MISSING if mean is None or high is None else f"{_mean(mean, line.n)} (< {_number(high.mean)})"


def page_headings(level: float = 0.05) -> tuple[str, ...]:
    """Headings of the columns that `page_cells` fills."""
    sure = f"{100 * (1 - level):g} % CI"
    return (
        "data: quantity",
        "arm",
        "kernel",
        f"corr, {sure}",
        "corrected",
        f"skill, {sure}",
        "signs",
        "drift",
    )


def page_cells(line: SkillLine, several_sizes: bool) -> tuple[tuple[str, str], ...]:
    """One line of the page's table: each number, and what stands beneath it, its floor and ceiling."""
    data, quantity, arm, kernel, seeds, *_ = skill_cells(line, several_sizes)
    numbers, n = line.numbers.get, line.n

    def beneath(score: str, floor: bool) -> str:
        high, ceiling = numbers(f"floor_{score}_high"), numbers(f"ceiling_{score}")
        parts = [f"floor < {_number(high.mean)}"] if floor and high is not None else []
        return ", ".join([*parts, *([f"ceiling {_mean(ceiling, n)}"] if ceiling is not None else [])])

    scores = (
        (_interval(numbers("corr"), n), beneath("corr", True)),
        (_mean(numbers("corr_corrected"), n), beneath("corr_corrected", False)),
        (_interval(numbers("skill"), n), beneath("skill", True)),
        (_mean(numbers("sign_accuracy"), n), beneath("sign_accuracy", True)),
        (_share(numbers("drift")), f"floor {_share(numbers('drift_floor'))}"),
    )
    signed = tuple((value.replace("-", "−"), below.replace("-", "−")) for value, below in scores)
    return ((f"{data}: {quantity}", ""), (arm, f"{seeds} seeds"), (kernel, ""), *signed)


def skill_table(results: Results, level: float = 0.05) -> Table:
    """Every kernel against every arm, over seeds; the fresh sample of the data is among the arms."""
    from rich.markup import escape

    lines = results.skills(level)
    several = len({line.samples for line in lines}) > 1
    table = _table(results, skill_headings(level), 4)
    before: tuple[str, ...] = ()
    for line in lines:
        row = skill_cells(line, several)
        if before and row[:2] != before[:2]:
            table.add_section()
        shared = next((i for i in (3, 2) if row[:i] == before[:i]), 0)
        table.add_row(*map(escape, (*[""] * shared, *row[shared:])))
        before = row
    return table


def narrow_skill_table(results: Results, level: float = 0.05) -> Table:
    """What of the table of forecasts fits a terminal: means without intervals; floor and ceiling are those of corr."""
    from rich.markup import escape

    lines = results.skills(level)
    several = len({line.samples for line in lines}) > 1
    headings = ("corr", "skill", "signs", "floor", "ceiling")
    table = _table(results, ("", *headings), 1)
    before = ""
    for line in lines:
        shown = skill_cells(line, several)
        heading = f"{shown[0]}: {shown[1]}, {shown[2]}"
        if heading != before:
            table.add_section()
            table.add_row(escape(heading), *[""] * len(headings))
            before = heading
        names = ("corr", "skill", "sign_accuracy", "floor_corr_high", "ceiling_corr")
        cells = (_mean(line.numbers.get(name), line.n) for name in names)
        table.add_row(*map(escape, (f"  {shown[3]}", *cells)))
    return table


def _table(results: Results, headings: Sequence[str], n_texts: int) -> Table:
    from rich import box
    from rich.table import Table

    made = f"{results.n_forecast} of {results.n_forecasts} forecasts made; "
    table = Table(
        title="Forecasts",
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption=made + SKILL_READING,
        caption_justify="left",
    )
    for i, heading in enumerate(headings):
        text = i < n_texts
        table.add_column(
            heading,
            justify="left" if text else "right",
            overflow="fold",
            min_width=_SPELLED if text and n_texts == 1 else None,
        )
    return table


def _mean(found: Interval | None, n: int) -> str:
    if found is None:
        return _MISSING
    return _number(found.mean) + ("" if found.n == n else f" (of {found.n})")


def _interval(found: Interval | None, n: int) -> str:
    if found is None or not found.low <= found.high:
        return _mean(found, n)
    return f"{_mean(found, n)} [{_number(found.low)}, {_number(found.high)}]"


def _number(value: float) -> str:
    return f"{value + 0.0:.2f}".replace("-0.00", "0.00")


def _share(found: Interval | None) -> str:
    return _MISSING if found is None else f"{found.mean:.3g}"
