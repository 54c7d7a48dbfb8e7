"""A forecast as plain text: the predicted drift, and where mass is gained and lost."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pushforward.errors import printable
from pushforward.measure.table import number

if TYPE_CHECKING:
    from pushforward.forecast.dose import DoseResponse
    from pushforward.forecast.results import Change, Estimate, Forecast
    from pushforward.forecast.skill import Scores, Skill

__all__ = ["aligned", "dose_table", "forecast_table", "skill_table"]

_MOST = 8


def aligned(rows: Sequence[tuple[str, ...]]) -> list[str]:
    """Rows as lines with columns of equal width, the first underlined."""
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def limits(estimate: Estimate, signed: bool = False) -> str:
    """A number with its limits."""
    if signed:
        return f"{estimate.value:+.4g} [{estimate.low:+.4g}, {estimate.high:+.4g}]"
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]"


def forecast_table(forecast: Forecast) -> str:
    """The forecast's numbers on a line, then the ranges that gain and lose, then what it rests on."""
    sure = f"{100 * (1 - forecast.level):.4g} %"
    rows = [
        (
            "quantity",
            "unit",
            "intended",
            "predicted",
            f"shift of mean [{sure} CI]",
            "W1 [limits]",
            "TV [limits]",
        ),
        (
            printable(forecast.name, 40),
            printable(forecast.unit, 20),
            number(forecast.mean_expected),
            number(forecast.mean),
            limits(forecast.mean_shift, signed=True),
            limits(forecast.w1),
            limits(forecast.tv),
        ),
    ]
    lines = aligned(rows)
    for word, changes in (("gains", forecast.gains), ("losses", forecast.losses)):
        lines.append(f"predicted {word}: {_changes(changes)}")
    lines.append(
        f"kernel {forecast.kernel}: {forecast.n:,} trajectories, {forecast.repeats} "
        f"deviation{'s' if forecast.repeats > 1 else ''} of each, against {printable(forecast.intended, 60)}"
    )
    return "\n".join([*lines, *_left_out(forecast)])


def _changes(changes: tuple[Change, ...]) -> str:
    if not changes:
        return "none that can be told from noise"
    largest = sorted(changes, key=lambda change: -abs(change.mass))[:_MOST]
    shown = [_change(change) for change in sorted(largest, key=lambda change: change.low)]
    more = len(changes) - len(shown)
    return ", ".join(shown) + (f", and {more} smaller" if more else "")


def _change(change: Change) -> str:
    if math.isinf(change.low):
        where = f"below {number(change.high)}"
    elif math.isinf(change.high):
        where = f"above {number(change.low)}"
    else:
        where = f"{number(change.low)} to {number(change.high)}"
    return f"{where} ({100 * change.mass:+.2g} points)"


def _left_out(forecast: Forecast) -> list[str]:
    notes = []
    if forecast.n_dropped:
        notes.append(f"{forecast.n_dropped:,} invalid trajectories were left out before measuring")
    if forecast.n_undefined:
        notes.append(f"not defined on {forecast.n_undefined:,} trajectories, which were left out")
    if forecast.n_lost:
        share = forecast.n_lost / (forecast.n * forecast.repeats)
        notes.append(
            f"not defined on {forecast.n_lost:,} deviations ({100 * share:.2g} %), which were left out"
        )
    if forecast.uncovered > 0:
        notes.append(
            f"{100 * forecast.uncovered:.2g} % of the intended law has no data near it and is taken to stay where it is"
        )
    return notes


def dose_table(dose: DoseResponse) -> str:
    """A line per scale."""
    first = dose.forecasts[0]
    sure = f"{100 * (1 - first.level):.4g} %"
    rows = [("scale", f"shift of mean [{sure} CI]", "W1 [limits]", "TV [limits]")]
    rows += [
        (
            f"{forecast.scale:g}",
            limits(forecast.mean_shift, signed=True),
            limits(forecast.w1),
            limits(forecast.tv),
        )
        for forecast in dose.forecasts
    ]
    unit = f" ({printable(first.unit, 20)})" if first.unit else ""
    kernel = first.kernel.partition("(")[0]
    about = (
        f"{printable(first.name, 40)}{unit}: mean {number(first.mean_expected)}; kernel {kernel}, {first.n:,} "
        f"trajectories, {first.repeats} deviation{'s' if first.repeats > 1 else ''} of each"
    )
    return "\n".join([about, *aligned(rows), *_left_out(dose.forecasts[-1])])


def skill_table(skill: Skill) -> str:
    """The forecast's scores beside the floor and the ceiling."""
    headings = ("", "corr", "corr (noise-corrected)", "skill", "sign accuracy")
    rows = [("forecast", *_scores(skill.scores)), ("a fresh sample of the data", *_scores(skill.floor))]
    if skill.ceiling is not None:
        rows.append(("another seed of the model", *_scores(skill.ceiling)))
    lines = aligned([headings, *rows])
    lines.append(
        f"observed drift: TV {skill.drift:.3f}, {skill.drift_over_floor:.1f} times its noise floor; "
        f"{skill.n_significant} of {skill.n_bins} bins significant"
    )
    return "\n".join(lines)


def _scores(scores: Scores) -> tuple[str, ...]:
    return tuple(
        f"{one.value:.2f} [{one.low:.2f}, {one.high:.2f}]" if math.isfinite(one.value) else "not defined"
        for one in (scores.corr, scores.corr_corrected, scores.skill, scores.sign_accuracy)
    )
