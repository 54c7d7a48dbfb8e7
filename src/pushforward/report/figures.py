"""Every figure of a report, each with its name, its content as text, and its files."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from pushforward.errors import printable
from pushforward.measure.results import Audit, QuantityAudit
from pushforward.report.distribution import distribution
from pushforward.report.overview import overview
from pushforward.report.trajectories import gather, panel
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pushforward.explain.results import Explanation
    from pushforward.recommend.results import Recommendation
    from pushforward.report.forecast import Ahead

__all__ = ["Side", "distribution", "every_figure", "file_name", "overview", "panels", "trajectories"]


@dataclass(frozen=True)
class Side:
    """One column of the trajectories panel."""

    title: str
    batch: Trajectories


def sides(made: Trajectories | None, reference: Trajectories | None) -> list[Side]:
    """What there is to show, the reference first."""
    found = [("real", reference), ("generated", made)]
    present = [Side(title, batch) for title, batch in found if batch is not None]
    if len(present) == 2 and present[0].batch.C != present[1].batch.C:
        # Nothing common to draw on: the generated motion is what the report is about.
        return present[1:]
    return present


def trajectories(made: Trajectories | None, reference: Trajectories | None, seed: int = 0) -> Figure | None:
    """Real and generated trajectories side by side on the same axes, or None where there are none."""
    shown = sides(made, reference)
    if not shown:
        return None
    view, samples = gather([side.batch for side in shown], seed)
    return panel(view, [(side.title, tracks) for side, tracks in zip(shown, samples, strict=True)])


def panels(
    made: Trajectories | None, reference: Trajectories | None, seed: int = 0
) -> tuple[list[tuple[str, Figure]], str]:
    """One figure per side with the same axes, so that a narrow screen can stack them; and what they show."""
    shown = sides(made, reference)
    if not shown:
        return [], ""
    view, samples = gather([side.batch for side in shown], seed)
    figures = []
    for side, tracks in zip(shown, samples, strict=True):
        label = f"{len(tracks)} of {len(side.batch):,} {side.title} trajectories, {_KINDS[view.kind]}."
        figures.append((label, panel(view, [(side.title, tracks)])))
    notes = [f"Up to 40 of each, drawn at random with seed {seed}, on the same axes."]
    if view.kind != "time":
        notes.append("Dots mark the starts.")
    if view.hidden:
        names = ", ".join(printable(name, longest=30) for name in view.hidden[:12])
        notes.append(f"Channels not drawn: {names}{', …' if len(view.hidden) > 12 else ''}.")
    if view.clipped:
        notes.append("Some trajectories leave the drawn range, which is kept to three times the real one.")
    return figures, " ".join(notes)


_KINDS = {"map": "longitude and latitude", "plane": "positions in the plane", "time": "channels over time"}


def every_figure(
    audit: Audit | None,
    made: Trajectories | None,
    reference: Trajectories | None,
    ahead: Sequence[Ahead] = (),
    explanations: Sequence[Explanation] = (),
    recommendations: Sequence[Recommendation] = (),
) -> Iterator[tuple[str, Figure]]:
    """(file name without ending, figure) of every figure; names are distinct and safe on any file system."""
    taken: set[str] = set()
    if audit is not None and len(audit.quantities) > 1:
        yield _distinct("overview", taken), overview(audit.quantities)
    for quantity in () if audit is None else audit.quantities:
        yield _distinct(_name_of(quantity), taken), distribution(quantity)
    if ahead and audit is not None:
        from pushforward.report.forecast import ahead_figures

        for name, figure in ahead_figures(audit, ahead):
            yield _distinct(file_name(name), taken), figure
    for explanation in explanations:
        from pushforward.report.explanation import explanation_figures

        for name, figure in explanation_figures(explanation):
            yield _distinct(file_name(name), taken), figure
    for recommendation in recommendations:
        from pushforward.report.recommendation import recommendation_figure

        yield (
            _distinct(file_name(f"{recommendation.quantity}-repair"), taken),
            recommendation_figure(recommendation),
        )
    both = trajectories(made, reference, 0 if audit is None else audit.seed)
    if both is not None:
        yield _distinct("trajectories", taken), both


def file_name(text: str) -> str:
    """`text` as a file name: ASCII letters, digits and single hyphens, at most 60; `figure` where none is left."""
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode("ascii").lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:60].strip("-") or "figure"


def _name_of(quantity: QuantityAudit) -> str:
    return f"distribution-{file_name(quantity.name)}"


def _distinct(name: str, taken: set[str]) -> str:
    candidate, number = name, 2
    while candidate in taken:
        candidate, number = f"{name}-{number}", number + 1
    taken.add(candidate)
    return candidate
