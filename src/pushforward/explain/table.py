"""An explanation as plain text."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np

from pushforward.errors import printable
from pushforward.forecast.results import Estimate
from pushforward.forecast.table import aligned, limits
from pushforward.measure.table import number

if TYPE_CHECKING:
    from pushforward.explain.attribution import Attribution
    from pushforward.explain.results import Explanation
    from pushforward.explain.solver import SolverShare

__all__ = ["explanation_table", "range_text", "solver_table"]

_ROWS = 8
_NOT = "not told from noise"


def explanation_table(explanation: Explanation) -> str:
    """The forecast, then bias and spread, what they explain, net flows, attributions, examples."""
    sure = f"{100 * (1 - explanation.forecast.level):.4g} %"
    sections = [
        str(explanation.forecast),
        _profiles(explanation, sure),
        _moments(explanation, sure),
        _flows(explanation, sure),
        *(_attribution(one, explanation.unit, sure) for one in explanation.attributions),
        _movers(explanation),
    ]
    return "\n\n".join(section for section in sections if section)


def range_text(low: float, high: float) -> str:
    """A range in words."""
    if math.isinf(low):
        return f"below {number(high)}"
    if math.isinf(high):
        return f"above {number(low)}"
    return f"{number(low)} to {number(high)}"


def _profiles(explanation: Explanation, sure: str) -> str:
    """At most eight bins, evenly spaced among those that hold data."""
    made, bias, spread = explanation.forecast, explanation.bias, explanation.spread
    known = np.flatnonzero(np.isfinite(bias.value) & (made.expected > 0))
    at = known[np.unique(np.linspace(0, len(known) - 1, min(len(known), _ROWS)).round().astype(int))]
    ends = np.concatenate([[-math.inf], made.edges, [math.inf]])
    rows = [("q", f"bias b(q) = E[δq | q] [{sure} CI]", f"spread √(2 D(q)) = sd of δq [{sure} CI]")]
    for a in at:
        b = Estimate(*(float(array[a]) for array in (bias.value, bias.low, bias.high)))
        sd = Estimate(*(math.sqrt(2 * float(array[a])) for array in (spread.value, spread.low, spread.high)))
        rows.append((range_text(float(ends[a]), float(ends[a + 1])), limits(b, signed=True), limits(sd)))
    unit = f" ({printable(explanation.unit, 20)})" if explanation.unit else ""
    return "\n".join([f"where mass is pushed{unit}, {len(at)} of {len(known)} bins:", *aligned(rows)])


def _moments(explanation: Explanation, sure: str) -> str:
    found, small = explanation.moments, explanation.expansion
    words = {"bias": "bias b alone", "spread": "spread D alone", "both": "both", "remainder": "remainder"}
    rows = [
        (
            "moments",
            f"share of the drift [{sure} CI]",
            f"skill [{sure} CI]",
            "to second order: share",
            "skill",
        )
    ]
    rows += [
        (
            word,
            _percent(found.share[key]),
            _plain(found.skill[key]) if key in found.skill else "",
            _percent(small.share[key]),
            _plain(small.skill[key]) if key in small.skill else "",
        )
        for key, word in words.items()
    ]
    head = "every q moved by b(q), spread by √(2 D(q)); and to second order, Δ ≈ −∂(b π)/∂q + ∂²(D π)/∂q²:"
    return "\n".join([head, *aligned(rows)])


def _flows(explanation: Explanation, sure: str) -> str:
    if not explanation.flows:
        return "net flows: none that can be told from noise"
    rows = [("from", "to", f"net flow, points [{sure} CI]", "all that moves so")]
    rows += [
        (
            range_text(*flow.source),
            range_text(*flow.target),
            limits(Estimate(100 * flow.mass, 100 * flow.low, 100 * flow.high)),
            f"{100 * flow.gross:.3g}",
        )
        for flow in explanation.flows[:_ROWS]
    ]
    more = len(explanation.flows) - _ROWS
    head = "who loses to whom" + (
        f" (the largest {_ROWS}; {more} more are told from noise)" if more > 0 else ""
    )
    return "\n".join([f"{head}:", *aligned(rows)])


def _attribution(one: Attribution, unit: str, sure: str) -> str:
    of = f" ({printable(unit, 20)})" if unit else ""
    rows = [
        (
            one.name,
            f"share of the drift [{sure} CI]",
            f"shift of the mean{of} [{sure} CI]",
            f"mean D(q) [{sure} CI]",
        )
    ]
    rows += [
        (part, _percent(one.share[i]), limits(one.shift[i], signed=True), limits(one.spread[i]))
        for i, part in enumerate(one.parts)
    ]
    rows.append(("all", "", limits(one.total_shift, signed=True), limits(one.total_spread)))
    left = f"; {one.n_lost:,} left out, φ not defined for some coalition" if one.n_lost else ""
    return "\n".join(
        [f"by {one.name}, exact Shapley values from {one.n:,} trajectories{left}:", *aligned(rows)]
    )


def _movers(explanation: Explanation) -> str:
    movers = explanation.movers
    if not len(movers.index):
        return ""
    shown = [
        f"#{i} ({number(before)} → {number(after)})"
        for i, before, after in zip(movers.index[:_ROWS], movers.before, movers.after, strict=False)
    ]
    return f"moved most by one deviation, of {movers.n:,} trajectories: {', '.join(shown)}"


def solver_table(share: SolverShare) -> str:
    """The solver's drift beside the whole one."""
    sure = f"{100 * (1 - share.level):.4g} %"
    unit = f" ({printable(share.unit, 20)})" if share.unit else ""
    rows = [
        (
            "",
            f"shift of mean{unit} [{sure} CI]",
            f"W1 per trajectory{unit}",
            "TV",
            f"share of the drift [{sure} CI]",
        )
    ]
    rows.append(
        (
            f"solver: {share.steps} steps for {share.converged_steps}",
            limits(share.shift, signed=True),
            number(share.moved),
            f"{share.tv:.3f}",
            "" if share.share is None else _percent(share.share),
        )
    )
    if share.model_shift is not None and share.total_shift is not None:
        rows.append(("model: converged for data", limits(share.model_shift, signed=True), "", "", ""))
        rows.append(("both", limits(share.total_shift, signed=True), "", "", ""))
    about = f"{printable(share.name, 40)}: {share.n:,} trajectories from the same noise"
    return "\n".join([about, *aligned(rows)])


def _percent(estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return _NOT
    return f"{100 * estimate.value:.1f} % [{100 * estimate.low:.1f}, {100 * estimate.high:.1f}]"


def _plain(estimate: Estimate) -> str:
    if not math.isfinite(estimate.value):
        return _NOT
    return f"{estimate.value:.3f} [{estimate.low:.3f}, {estimate.high:.3f}]"
