"""A page of recommendations by themselves, and their part in the report of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pushforward import __version__
from pushforward.errors import printable
from pushforward.recommend.results import Recommendation
from pushforward.report import provenance, references
from pushforward.report.ahead_page import framed, several
from pushforward.report.page import Report
from pushforward.report.recommendation import RecommendationSection, recommendation_section
from pushforward.report.rendering import Picture, inline_picture

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
    given = several(recommendations, Recommendation, "a recommendation")
    html = framed(
        title=title,
        answer=_answer(given),
        recommendations=recommendation_parts(given),
        subject="The data",
        inputs=inputs,
        measured=_measured(given[0]),
        command=command,
        assumptions=_ASSUMPTIONS,
        cited=references.RECOMMENDED,
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
