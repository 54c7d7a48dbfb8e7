"""The table of forecasts: how well each kernel met each arm's drift, beside the noise floor and the ceiling."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pushforward.errors import printable
from pushforward.study.skills import SkillLine
from pushforward.study.summary import Interval

if TYPE_CHECKING:
    from rich.table import Table

    from pushforward.study.results import Results

__all__ = ["SKILL_READING", "skill_cells", "skill_headings", "skill_table"]

_MISSING = "–"
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
        "floor: corr", "skill", "ceiling: corr", "corrected", "skill", "drift / floor",
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


def skill_table(results: Results, level: float = 0.05) -> Table:
    """Every kernel against every arm, over seeds; the fresh sample of the data is among the arms."""
    from rich import box
    from rich.markup import escape
    from rich.table import Table

    lines = results.skills(level)
    several = len({line.samples for line in lines}) > 1
    made = f"{results.n_forecast} of {results.n_forecasts} forecasts made; "
    table = Table(
        box=box.SIMPLE_HEAD,
        pad_edge=False,
        caption=made + SKILL_READING,
        caption_justify="left",
        title="Forecasts",
    )
    for i, heading in enumerate(skill_headings(level)):
        table.add_column(heading, justify="left" if i < 4 else "right", overflow="fold")
    before: tuple[str, ...] = ()
    for line in lines:
        row = skill_cells(line, several)
        if before and row[:2] != before[:2]:
            table.add_section()
        shared = next((i for i in (3, 2) if row[:i] == before[:i]), 0)
        table.add_row(*map(escape, (*[""] * shared, *row[shared:])))
        before = row
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
