"""A page of explanations by themselves, and their part in the report of an audit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from pushforward.errors import printable
from pushforward.explain.attribution import METHOD
from pushforward.explain.results import Explanation
from pushforward.report import provenance, references
from pushforward.report.ahead_page import framed, several
from pushforward.report.explanation import ExplanationSection, explanation_section
from pushforward.report.page import Report
from pushforward.report.rendering import Picture, inline_picture

__all__ = ["ExplanationPart", "explanation_page", "explanation_parts"]


@dataclass(frozen=True)
class ExplanationPart:
    """One explanation on the page, its figures as inline pictures by name."""

    key: str
    section: ExplanationSection
    pictures: dict[str, Picture]


def explanation_parts(explanations: Sequence[Explanation]) -> list[ExplanationPart]:
    """What the page says about each explanation."""
    parts = []
    for i, explanation in enumerate(explanations, start=1):
        section = explanation_section(explanation)
        pictures = {
            name: inline_picture(figure, f"e{i}{chr(97 + j)}", label, caption)
            for j, (name, (figure, label, caption)) in enumerate(section.figures.items())
        }
        parts.append(ExplanationPart(f"e{i}", section, pictures))
    return parts


def explanation_page(
    explanations: Explanation | Sequence[Explanation],
    *,
    inputs: Mapping[str, Any] | None = None,
    title: str = "Why would the generated motion lose its physics?",
    command: str | None = None,
) -> Report:
    """A page of explanations without an audit: before anything is made. The same input gives the same bytes.

    Args:
        explanations: one or several.
        inputs: what was explained, as a table.
        title: the page's heading.
        command: the command line that repeats it.

    Raises:
        InputError: something else than explanations, or more than fits into 2 MB.
    """
    given = several(explanations, Explanation, "an explanation")
    html = framed(
        title=title,
        answer=_answer(given),
        explanations=explanation_parts(given),
        subject="What was explained",
        inputs=inputs,
        measured=_measured(given[0]),
        command=command,
        assumptions=_ASSUMPTIONS,
        cited=references.EXPLAINED,
    )
    return Report(html, None, _explanations=given)


def _answer(explanations: Sequence[Explanation]) -> str:
    first = explanations[0]
    name = printable(first.name, longest=80)
    if len(explanations) > 1:
        return f"Why {len(explanations)} quantities would drift."
    if not first.forecast.gains and not first.forecast.losses:
        return f"Under these errors {name} would keep its distribution."
    return f"Why the distribution of {name} would drift."


def _measured(explanation: Explanation) -> list[tuple[str, str]]:
    made = explanation.forecast
    table = [
        ("Kernel", printable(made.kernel)),
        ("Intended law", "the law of the data" if made.intended == "data" else printable(made.intended)),
        ("Trajectories", f"{made.n:,}, {made.repeats} deviation{'s'[: made.repeats > 1]} of each"),
        ("Trajectories of attributions and examples", f"{explanation.movers.n:,}, chosen at random"),
        ("Seed", str(made.seed)),
        ("Error level", f"{made.level:g}"),
        ("Bins", f"{made.grid.bins} of {made.grid.low:.6g} to {made.grid.high:.6g}".replace("-", "−")),
    ]
    if explanation.attributions:
        table.append(("Attribution", METHOD))
    return [*table, *provenance.versions(made.version)]


_ASSUMPTIONS = [
    "What is explained is a forecast: how the data's own trajectories move under the kernel. It explains a model as "
    "far as the kernel has the model's errors.",
    "Limits are from the spread between folds of the data, in which groups stay whole; of bias and spread pointwise. "
    "Groups are independent of one another.",
    "What bias and spread make is as if errors were normal, given q. What that leaves is told as the remainder.",
    "A Shapley value averages what a part adds over all orders in which parts can be switched on; parts that only act "
    "together share what they do.",
]
