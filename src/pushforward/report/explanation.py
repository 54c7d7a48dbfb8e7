"""The report's section of an explanation: what its numbers say, its tables and its figures."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from pushforward.errors import printable
from pushforward.explain.attribution import Attribution
from pushforward.explain.results import Explanation
from pushforward.explain.table import range_text
from pushforward.forecast.results import Estimate
from pushforward.measure.table import number
from pushforward.report.explanation_figures import attribution_figure, moments_figure, profile_figure
from pushforward.report.explanation_flows import MOST_ARROWS, arrows_figure, heat_figure, movers_figure
from pushforward.report.notation import confidence, count, significant, with_unit

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["ExplanationSection", "explanation_figures", "explanation_section"]

_MOST_ROWS = 10
_UNTOLD = "not told from noise"


@dataclass(frozen=True)
class AttributionRow:
    """One part of the errors."""

    name: str
    share: str
    shift: str
    spread: str


@dataclass(frozen=True)
class AttributionTable:
    """One way to cut the errors."""

    name: str
    rows: list[AttributionRow]


@dataclass(frozen=True)
class ExplanationSection:
    """What the page says about one explanation.

    Attributes:
        name, unit: of the quantity.
        what: the kernel, as it is spelled.
        figures: name -> (figure, its content as text, its caption); those that there are.
        sentences: the reading.
        moments: rows of (what, share, skill, skill to second order).
        flows: rows of (from, to, net flow, all that moves so).
        attributions: a table for each way to cut the errors.
        confidence: of all limits.
    """

    name: str
    unit: str
    what: str
    figures: dict[str, tuple[Figure, str, str]]
    sentences: list[str]
    moments: list[tuple[str, str, str, str]]
    flows: list[tuple[str, str, str, str]]
    attributions: list[AttributionTable]
    confidence: str


def explanation_section(explanation: Explanation) -> ExplanationSection:
    """The section of one explanation."""
    name, unit = printable(explanation.name, longest=120), printable(explanation.unit, longest=40)
    sentences = [
        _bias(explanation, unit),
        _moments(explanation),
        _flow(explanation, unit),
        *(_most(one) for one in explanation.attributions),
    ]
    return ExplanationSection(
        name,
        unit,
        printable(explanation.forecast.kernel),
        _figures(explanation, name),
        [sentence for sentence in sentences if sentence],
        _moment_rows(explanation),
        _flow_rows(explanation, unit),
        [_table(one, unit) for one in explanation.attributions],
        confidence(explanation.forecast.level),
    )


def explanation_figures(explanation: Explanation) -> Iterator[tuple[str, Figure]]:
    """(name, figure) of every figure, to be saved beside the page."""
    for name, (figure, _, _) in _figures(explanation, printable(explanation.name, longest=120)).items():
        yield f"{name}-{explanation.name}", figure


def _figures(explanation: Explanation, name: str) -> dict[str, tuple[Figure, str, str]]:
    """Every figure, its content as text, and its caption."""
    sure = confidence(explanation.forecast.level)
    found = {
        "bias-and-spread": (
            profile_figure(explanation),
            f"Bias and spread of the deviations over {name}.",
            f"Where mass is pushed, and how far it is spread, by {name}, with pointwise {sure} limits; grey: the "
            "intended law.",
        ),
        "moments": (
            moments_figure(explanation),
            f"The forecast drift of {name}, and what bias and spread make of it.",
            "The forecast drift, and what its first two moments make of it: every value moved by b(q), and spread by a "
            "normal law of variance 2 D(q).",
        ),
        **_flow_figures(explanation, name),
    }
    if explanation.attributions:
        found["attribution"] = (
            attribution_figure(explanation),
            f"Shapley shares of the drift of {name}.",
            f"Which part of the errors makes the drift: exact Shapley values with {sure} limits; they sum to 100 %. A "
            "part below 0 pushes against the drift.",
        )
    movers = movers_figure(explanation)
    if movers is not None:
        found["examples"] = (
            movers,
            "The trajectories that move most.",
            f"The trajectories whose {name} one deviation moved furthest, of {count(explanation.movers.n)}: the data "
            "(grey) and its deviation (dark), with its number in the data and its value before and after.",
        )
    return found


def _flow_figures(explanation: Explanation, name: str) -> dict[str, tuple[Figure, str, str]]:
    return {
        "flow": (
            heat_figure(explanation),
            f"The flow matrix of {name}.",
            f"The flow matrix: how much of all trajectories moves from one bin of {name} to another; the darker, the "
            "more, on a square-root scale. What stays in its bin is left out.",
        ),
        "net-flows": (
            arrows_figure(explanation),
            f"The largest net flows between ranges of {name}.",
            f"Who loses to whom: the largest net flows, at most {MOST_ARROWS}, to larger values above and to smaller "
            "ones below; the thicker, the more. Beneath: the drift that they add to.",
        ),
    }


def _bias(explanation: Explanation, unit: str) -> str:
    bias, law = explanation.bias, explanation.forecast.expected
    known = np.isfinite(bias.value)
    up, down = known & (bias.low > 0), known & (bias.high < 0)
    mean = explanation.forecast.mean_shift
    return (
        f"Mass is pushed up in bins that hold {100 * law[up].sum():.0f}\u00a0% of the intended law and down in "
        f"{100 * law[down].sum():.0f}\u00a0%; on average by {with_unit(_signed(mean.value), unit)} "
        f"[{_signed(mean.low)}, {_signed(mean.high)}]."
    )


def _moments(explanation: Explanation) -> str:
    share = explanation.moments.share
    if not math.isfinite(share["both"].value):
        return "The forecast drift is not told from noise, so that there is nothing to divide."
    return (
        f"Of the forecast drift the bias makes {_percent(share['bias'])}, the spread {_percent(share['spread'])}; "
        f"{_percent(share['remainder'])} are left for the shape of the errors."
    )


def _flow(explanation: Explanation, unit: str) -> str:
    if not explanation.flows:
        return "No net flow between ranges is told from noise."
    first = explanation.flows[0]
    return (
        f"The largest net flow, {100 * first.mass:.2g} points, goes from {with_unit(_range(first.source), unit)} to "
        f"{with_unit(_range(first.target), unit)}."
    )


def _most(one: Attribution) -> str:
    if not all(math.isfinite(estimate.value) for estimate in one.share) or len(one.parts) < 2:
        return ""
    order = np.argsort([estimate.value for estimate in one.share])
    first, second, last = int(order[-1]), int(order[-2]), int(order[0])
    largest = f"{printable(one.parts[first], 60)}: {_percent(one.share[first])}"
    if one.share[first].low > one.share[second].high:
        return f"By {one.name}, the largest part comes from {largest}."
    smallest = f"{printable(one.parts[last], 60)}: {_percent(one.share[last])}"
    return f"By {one.name}, shares run from {smallest}, to {largest}."


def _moment_rows(explanation: Explanation) -> list[tuple[str, str, str, str]]:
    found, small = explanation.moments, explanation.expansion
    words = {"bias": "bias alone", "spread": "spread alone", "both": "both", "remainder": "remainder"}
    return [
        (
            word,
            _percent(found.share[key]),
            _plain(found.skill[key]) if key in found.skill else "",
            _plain(small.skill[key]) if key in small.skill else "",
        )
        for key, word in words.items()
    ]


def _flow_rows(explanation: Explanation, unit: str) -> list[tuple[str, str, str, str]]:
    return [
        (
            with_unit(_range(flow.source), unit),
            with_unit(_range(flow.target), unit),
            f"{100 * flow.mass:.3g} [{100 * flow.low:.3g}, {100 * flow.high:.3g}]".replace("-", "−"),
            f"{100 * flow.gross:.3g}",
        )
        for flow in explanation.flows[:_MOST_ROWS]
    ]


def _table(one: Attribution, unit: str) -> AttributionTable:
    rows = [
        AttributionRow(
            printable(part, 60),
            _percent(one.share[i]),
            with_unit(_limits(one.shift[i], signed=True), unit),
            _limits(one.spread[i]),
        )
        for i, part in enumerate(one.parts)
    ]
    whole = AttributionRow(
        "all", "", with_unit(_limits(one.total_shift, signed=True), unit), _limits(one.total_spread)
    )
    return AttributionTable(one.name, [*rows, whole])


def _range(ends: tuple[float, float]) -> str:
    return range_text(*ends).replace("-", "−")


def _percent(estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return _UNTOLD
    value, low, high = (f"{100 * one + 0.0:.1f}" for one in (estimate.value, estimate.low, estimate.high))
    text = f"{value}\u00a0% [{low}, {high}]".replace("-0.0", "0.0")
    return text.replace("-", "−")


def _plain(estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return _UNTOLD
    return f"{estimate.value:.2f} [{estimate.low:.2f}, {estimate.high:.2f}]".replace("-", "−")


def _signed(value: float) -> str:
    text = significant(value)
    return f"+{text}" if value > 0 else text


def _limits(estimate: Estimate, signed: bool = False) -> str:
    if signed:
        return f"{_signed(estimate.value)} [{_signed(estimate.low)}, {_signed(estimate.high)}]"
    return f"{number(estimate.value)} [{number(estimate.low)}, {number(estimate.high)}]".replace("-", "−")
