"""A page of recommendations by themselves, and their part in the report of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pushforward import __version__
from pushforward.errors import InputError, printable, require
from pushforward.recommend.results import Recommendation
from pushforward.report import provenance, references
from pushforward.report.page import LARGEST, Report
from pushforward.report.recommendation import RecommendationSection, recommendation_section
from pushforward.report.rendering import Picture, inline_picture, template

__all__ = ["RecommendationPart", "recommendation_page", "recommendation_parts"]


@dataclass(frozen=True)
class RecommendationPart:
    """One recommendation on the page, its figure as an inline picture."""

    key: str
    section: RecommendationSection
    picture: Picture


def recommendation_parts(recommendations: Sequence[Recommendation]) -> list[RecommendationPart]:
    """What the page says about each recommendation."""
    sections = [recommendation_section(one) for one in recommendations]
    return [
        RecommendationPart(f"r{i}", section, inline_picture(section.figure[0], f"r{i}a", *section.figure[1:]))
        for i, section in enumerate(sections, start=1)
    ]


def recommendation_page(
    recommendations: Recommendation | Sequence[Recommendation],
    *,
    inputs: Mapping[str, Any] | None = None,
    title: str = "What would keep the physics of the generated motion?",
    command: str | None = None,
) -> Report:
    """A page of recommendations without an audit: before anything is trained. The same input gives the same bytes.

    Args:
        recommendations: one or several.
        inputs: the data that they are for, as a table.
        title: the page's heading.
        command: the command line that repeats it.

    Raises:
        InputError: something else than recommendations, or more than fits into 2 MB.
    """
    given = (recommendations,) if isinstance(recommendations, Recommendation) else tuple(recommendations)
    for one in given:
        if not isinstance(one, Recommendation):
            raise InputError(f"report: got {printable(type(one).__name__)}; expected a recommendation")
    require(len(given) > 0, "report: got no recommendations; expected at least one")
    html = template("ahead_page.html.j2").render(
        title=printable(title),
        answer=_answer(given),
        explanations=[],
        recommendations=recommendation_parts(given),
        subject="The data",
        inputs=provenance.rows(inputs or {}),
        measured=_measured(given[0]),
        command=None if command is None else printable(command, longest=2000),
        assumptions=_ASSUMPTIONS,
        bibtex=references.cite(references.RECOMMENDED),
    )
    size = len(html.encode())
    require(
        size <= LARGEST,
        f"report: the page would have {size:,} bytes; expected at most {LARGEST:,}: recommend less",
    )
    return Report(html, None, _recommendations=given)


def _answer(recommendations: Sequence[Recommendation]) -> str:
    first = recommendations[0]
    if len(recommendations) > 1:
        return f"Repairs of {len(recommendations)} quantities, ranked before any training."
    if first.best.name == "identity":
        return f"Nothing is forecast to keep {printable(first.quantity, longest=80)} better than training as it is."
    return f"For {printable(first.quantity, longest=80)}: {printable(first.best.name, longest=160)}."


def _measured(found: Recommendation) -> list[tuple[str, str]]:
    table = [
        ("Local errors", printable(found.kernel)),
        ("Intended law", "the law of the data" if found.intended == "data" else printable(found.intended)),
        ("Trajectories", f"{found.n:,}"),
        ("Seed", str(found.seed)),
        ("Error level", f"{found.level:g}"),
    ]
    if found.pilots is not None:
        table.append(("Pilots", str(found.pilots)))
    return [*table, *provenance.versions(__version__)]


_ASSUMPTIONS = [
    "What is ranked are forecasts, as good as the local errors they are made of: errors of one size in all codes, or "
    "those of thin models of the class, trained in each candidate's codes and taken at half of their size.",
    "Limits are from the spread between folds of the data, in which groups stay whole; they do not tell how far a "
    "model in full differs from its pilot.",
    "A deconvolution of one pilot's errors is judged by another pilot's, over the uncertainty of their size.",
]
