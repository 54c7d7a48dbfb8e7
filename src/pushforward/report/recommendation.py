"""The report's section of a recommendation: candidates by forecast drift, with what each costs."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pushforward.errors import printable
from pushforward.measure.table import number
from pushforward.recommend.results import Candidate, Recommendation
from pushforward.report.notation import confidence, count
from pushforward.report.style import INK, INTENDED, MUTED, WIDTH, quiet, styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["RecommendationSection", "recommendation_figure", "recommendation_section"]

_LONGEST = 30


@dataclass(frozen=True)
class RecommendationSection:
    """What the page says about one recommendation."""

    name: str
    unit: str
    what: str
    figure: tuple[Figure, str, str]
    rows: list[tuple[str, ...]]
    refused: list[tuple[str, str]]
    advice: str
    selection: str
    command: str
    valid: bool


def recommendation_section(found: Recommendation) -> RecommendationSection:
    """The section of one recommendation."""
    best, nothing = found.best, found["identity"]
    valid = any(one.validity is not None for one in found.candidates)
    if best.name == "identity":
        advice = "No candidate is better than doing nothing beyond its uncertainty."
    else:
        advice = (
            f"Training with {printable(best.name, 80)} is forecast to leave a total variation of "
            f"{number(best.tv.value)} where doing nothing leaves {number(nothing.tv.value)}. {found.warning}"
        ).rstrip()
    caption = (
        f"Forecast total variation of each candidate with {confidence(found.level)} limits, the best first; the dashed "
        "line is doing nothing."
    )
    label = "; ".join(f"{printable(one.name, 60)}: {number(one.tv.value)}" for one in found.candidates)
    pilots = "" if found.pilots is None else f"; {found.pilots}"
    return RecommendationSection(
        name=printable(found.quantity, 120),
        unit=printable(found.unit, 40),
        what=f"errors {printable(found.kernel, 120)} in each candidate's own codes; {count(found.n)} trajectories"
        f"{pilots}",
        figure=(recommendation_figure(found), label, caption),
        rows=[_row(one, valid) for one in found.candidates],
        refused=[(printable(name, 80), printable(why, 200)) for name, why in found.refused],
        advice=advice,
        selection=f"{found.selection[0].upper()}{found.selection[1:]}.",
        command=printable(best.command, 400),
        valid=valid,
    )


def recommendation_figure(found: Recommendation) -> Figure:
    """A line of limits for each candidate, the best at the top; the best filled."""
    from matplotlib.figure import Figure

    candidates = found.candidates
    with styled():
        figure = Figure(figsize=(WIDTH, 0.9 + 0.3 * len(candidates)), layout="constrained")
        axes = figure.subplots()
        for place, one in enumerate(candidates):
            best = one.name == found.best.name
            axes.plot([one.tv.low, one.tv.high], [place, place], color=INK if best else MUTED, linewidth=1.5)
            axes.plot(
                one.tv.value,
                place,
                marker="o",
                markersize=7 if best else 5,
                color=INTENDED if best else "white",
                markeredgecolor=INK,
            )
        axes.axvline(found["identity"].tv.value, color=MUTED, linestyle="--", linewidth=1)
        axes.set_yticks(range(len(candidates)), [_label(one.name) for one in candidates])
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.set_xlabel("forecast total variation")
        quiet(axes)
        figure.draw_without_rendering()
    return figure


def _label(name: str) -> str:
    """On two lines where it is composed."""
    return " +\n".join(printable(part, _LONGEST) for part in name.split(" + ", 1))


def _row(one: Candidate, valid: bool) -> tuple[str, ...]:
    share = ("" if one.validity is None else f"{one.validity:.1%}",) if valid else ()
    w1, shift = one.w1.value, one.mean_shift.value
    return (
        printable(one.name, 80),
        f"{one.tv.value:.4f} [{one.tv.low:.4f}, {one.tv.high:.4f}]",
        f"{w1:.4g}" if math.isfinite(w1) else "–",
        f"{shift:+.4g}" if math.isfinite(shift) else "–",
        number(one.error),
        f"{one.diversity:.3f}",
        *share,
        one.drawn,
        printable(one.cost, 80),
    )
