"""The page of a study: one self-contained HTML file with every arm beside the control, over seeds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushforward.errors import InputError, printable
from pushforward.study.plan import FRESH
from pushforward.study.results import Results
from pushforward.study.skill_table import SKILL_READING, page_cells, page_headings
from pushforward.study.summary import Difference, Interval, Line

if TYPE_CHECKING:
    import jinja2

__all__ = ["study_page"]

_LARGEST = 4_000_000
_MOST_FIGURES = 60
_MOST_ERRORS = 20
_LONGEST_PLAN = 20_000
_MISSING = "–"


@dataclass(frozen=True)
class _Row:
    """An arm, its numbers each with what stands beside it, and whether its interval lies above the control."""

    arm: str
    values: tuple[tuple[str, str], ...]
    more: bool


@dataclass(frozen=True)
class _Picture:
    svg: str
    caption: str


@dataclass(frozen=True)
class _Section:
    """One quantity of one data set."""

    name: str
    picture: _Picture | None
    rows: tuple[_Row, ...]


def study_page(results: Results, level: float = 0.05) -> str:
    """The page of what a ledger holds, finished or not. The same results give the same bytes.

    Raises:
        InputError: nothing is done yet, or more than fits on a page.
    """
    lines = results.summary(level)
    if not lines:
        raise InputError(f"{printable(results.ledger.folder)}: no run is done yet; nothing to report")
    percent = f"{100 * (1 - level):g} % CI"
    names = {run["id"]: f"{run['data']}, {run['arm']}, seed {run['seed']}" for run in results.runs}
    errors = [
        (printable(names.get(run, "a forecast"), 160), printable(said, 300))
        for run, said in results.errors.items()
    ]
    page = _template().render(
        title=printable(results.title, 160) or f"Study {printable(results.ledger.folder.name, 80)}",
        answer=_answer(lines),
        facts=_facts(results),
        headings=_headings(percent),
        sections=_sections(results, lines),
        skill_headings=page_headings(level),
        skills=_skills(results, level),
        skill_reading=f"{results.n_forecast} of {results.n_forecasts} forecasts made; {SKILL_READING}.",
        reading=_reading(results, level),
        errors=errors[:_MOST_ERRORS],
        plan=_plan(results),
    )
    size = len(page.encode())
    if size > _LARGEST:
        raise InputError(
            f"report: the page would have {size:,} bytes; expected at most {_LARGEST:,}: see summary.parquet"
        )
    return str(page)


def _headings(percent: str) -> tuple[str, ...]:
    return (
        "arm",
        f"W1, {percent}",
        f"shift of the mean, {percent}",
        f"TV, {percent}",
        "valid",
        "drift found in",
        f"W1 − control, {percent}",
    )


def _answer(lines: Sequence[Line]) -> str:
    arms = [line for line in lines if line.differences]
    sure = [line for line in arms if line.differences.get("w1") and line.differences["w1"].n > 1]
    if not sure:
        found, n = sum(line.n_drift for line in arms), sum(line.n for line in arms)
        return f"Drift was found in {found} of {n} audits of generated samples."
    further = sum(line.differences["w1"].low > 0 for line in sure)
    what = "comparison" if len(sure) == 1 else "comparisons"
    return (
        f"In {further} of {len(sure)} {what}, generated samples lie further from the data than the control."
    )


def _facts(results: Results) -> list[str]:
    done, failed, n = results.count("done"), results.count("failed"), len(results.runs)
    seeds = len({run["seed"] for run in results.runs})
    facts = [
        f"{done:,} of {n:,} runs done",
        f"{seeds} seeds",
        f"control arm: {printable(results.control, 60)}",
    ]
    return [*facts, *([f"{failed:,} failed"] if failed else [])]


def _sections(results: Results, lines: Sequence[Line]) -> list[_Section]:
    groups: dict[tuple[str, int, str], list[Line]] = {}
    for line in lines:
        groups.setdefault((line.data, line.samples, line.quantity), []).append(line)
    several = len({line.samples for line in lines}) > 1
    sections = []
    for i, ((data, samples, quantity), found) in enumerate(groups.items()):
        unit = f" ({printable(found[0].unit, 20)})" if found[0].unit else ""
        size = f", {samples:,} samples" if several else ""
        name = f"{printable(data, 80)}: {printable(quantity, 80)}{unit}{size}"
        picture = _picture(found, results.rows, f"s{i}") if i < _MOST_FIGURES else None
        sections.append(_Section(name, picture, tuple(map(_row, found))))
    return sections


def _skills(results: Results, level: float) -> list[tuple[tuple[str, str], ...]]:
    lines = results.skills(level)
    several = len({line.samples for line in lines}) > 1
    return [page_cells(line, several) for line in lines]


def _picture(lines: Sequence[Line], rows: Sequence[Mapping[str, Any]], key: str) -> _Picture:
    from markupsafe import Markup

    from pushforward.report import style
    from pushforward.study.figure import distances, distances_text

    caption = (
        "Distance W1 from the data: each seed (dots), mean and interval over seeds (diamond, line), and the mean noise "
        "floor, which samples without drift stay below in 95 % of cases (bar). Orange: further than the control, by "
        "the interval of their difference."
    )
    # Safe: parsed from matplotlib's output and written anew, all text escaped (style.inline).
    return _Picture(Markup(style.inline(distances(lines, rows), key, distances_text(lines))), caption)


def _row(line: Line) -> _Row:
    valid, difference = line.numbers.get("valid_share"), line.differences.get("w1")
    floor = line.numbers.get("w1_null_95")
    w1, limits = _shown(line.numbers.get("w1"))
    values = (
        (w1, limits + (f" floor {floor.mean:.3g}" if floor else "")),
        _shown(line.numbers.get("mean_shift"), "+"),
        _shown(line.numbers.get("tv")),
        (_MISSING if valid is None else f"{100 * valid.mean:.1f} %", ""),
        (f"{line.n_drift} of {line.n}", ""),
        _shown(difference, "+"),
    )
    return _Row(printable(line.arm, 120), values, difference is not None and difference.low > 0)


def _shown(found: Interval | Difference | None, sign: str = "") -> tuple[str, str]:
    if found is None:
        return _MISSING, ""
    limits = f"[{found.low:{sign}.3g}, {found.high:{sign}.3g}]" if found.low <= found.high else ""
    return f"{found.mean:{sign}.3g}".replace("-", "−"), limits.replace("-", "−")


def _reading(results: Results, level: float) -> list[str]:
    control = "a fresh sample of the data" if results.control == FRESH else printable(results.control, 60)
    sentences = [
        f"Means over seeds with Student's t-intervals at {100 * (1 - level):g} %, each by itself, not adjusted for "
        "their number.",
        f"The control arm is {control}; differences are paired by seed.",
        "W1 is the Wasserstein distance between the quantity's distributions, in the quantity's unit; TV is the total "
        "variation distance of the binned masses.",
        "Valid: the share of the trajectories that obey the system's own law, where there is one.",
        "A fresh sample of the data is audited exactly as the generated ones: what it shows is sampling noise.",
    ]
    if results.count("done") < len(results.runs):
        sentences.append("The study is not finished: means are over the runs that are done.")
    return sentences


def _plan(results: Results) -> str:
    return str(results.ledger.study()["plan"])[:_LONGEST_PLAN]


def _template() -> jinja2.Template:
    import jinja2

    from pushforward.report import style

    here, looks = Path(__file__).parent, Path(style.__file__).parent
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader([here, looks]), autoescape=True, undefined=jinja2.StrictUndefined,
        trim_blocks=True, lstrip_blocks=True,
    )  # fmt: skip
    return environment.get_template("page.html.j2")
