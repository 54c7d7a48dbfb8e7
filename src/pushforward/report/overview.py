"""The overview figure: every quantity's shift and distance on one scale, beside the noise."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from pushforward.errors import printable
from pushforward.measure.results import QuantityAudit
from pushforward.report.notation import significant
from pushforward.report.reading import SYMBOLS
from pushforward.report.style import GAIN, INK, INTENDED, LOSS, MUTED, PAPER, RULE, WIDTH, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST_ROWS", "overview", "overview_text"]

MOST_ROWS = 40
_COLORS = {"drift": GAIN, "within tolerance": LOSS, "inconclusive": MUTED, "no drift found": INK}
_MARKERS = {"drift": "D", "within tolerance": "s", "inconclusive": "X", "no drift found": "o"}


def overview(quantities: Sequence[QuantityAudit]) -> Figure:
    """A row per quantity, in intended standard deviations (at most 40 rows).

    Left: the shift of the mean with its 95 % confidence interval. Right: W1 (mark) beside its noise floor (bar).
    """
    from matplotlib.figure import Figure

    rows = list(quantities)[:MOST_ROWS]
    with styled():
        figure = Figure(figsize=(WIDTH, 0.75 + 0.5 * len(rows)), layout="constrained")
        left, right = figure.subplots(1, 2, sharey=True)
        for y, quantity in enumerate(rows):
            _shift_row(left, y, quantity)
            _distance_row(right, y, quantity)
            _named(left, y, quantity)
        left.axvline(0, color=MUTED, linewidth=0.8)
        left.set_yticks([])
        left.set_ylim(len(rows) - 0.55, -0.8)
        left.set_xlabel("shift of the mean (σ)")
        right.set_xlabel("W1, noise floor (σ)")
        right.set_xlim(left=0)
        left.margins(x=0.12)
        for axes in (left, right):
            axes.spines["left"].set_visible(False)
            axes.grid(axis="x", color=RULE, linewidth=0.6)
            axes.set_axisbelow(True)
            axes.locator_params(axis="x", nbins=4)
        figure.draw_without_rendering()
    return figure


def overview_text(quantities: Sequence[QuantityAudit]) -> str:
    """The content of the overview figure as text."""
    parts = []
    for quantity in list(quantities)[:MOST_ROWS]:
        scale = _scale(quantity)
        name = printable(quantity.name, longest=60)
        if math.isnan(scale):
            parts.append(f"{name}: {quantity.verdict}, no scale to standardise by")
            continue
        shift, w1 = quantity.mean_shift, quantity.w1
        numbers = [
            significant(v / scale, 2) for v in (shift.value, shift.low, shift.high, w1.value, w1.null_95)
        ]
        mean, low, high, distance, floor = numbers
        parts.append(
            f"{name}: {quantity.verdict}, mean {mean} [{low}, {high}], W1 {distance}, noise floor {floor}"
        )
    return "In intended standard deviations. " + "; ".join(parts) + "."


def _named(axes: Axes, y: int, quantity: QuantityAudit) -> None:
    """The name above its row, where a long one takes no width from the data."""
    text = f"{SYMBOLS[quantity.verdict]} {printable(quantity.name, longest=44)}"
    axes.text(
        0,
        y - 0.42,
        text,
        va="center",
        fontsize=10,
        transform=axes.get_yaxis_transform(),
        in_layout=False,
        bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.2},
    )


def _scale(quantity: QuantityAudit) -> float:
    """The intended standard deviation, NaN where it cannot serve as a scale."""
    std = quantity.std_expected
    return std if math.isfinite(std) and std > 0 else math.nan


def _shift_row(axes: Axes, y: int, quantity: QuantityAudit) -> None:
    scale, shift = _scale(quantity), quantity.mean_shift
    value, low, high = shift.value / scale, shift.low / scale, shift.high / scale
    if not math.isfinite(value):
        axes.text(
            0.02, y, "not defined", va="center", fontsize=9, color=MUTED, transform=axes.get_yaxis_transform()
        )
        return
    color = _COLORS[quantity.verdict]
    if math.isfinite(low) and math.isfinite(high):
        axes.plot([low, high], [y, y], color=color, linewidth=2, solid_capstyle="butt")
    axes.plot([value], [y], marker=_MARKERS[quantity.verdict], markersize=6.5, color=color, markeredgewidth=0)


def _distance_row(axes: Axes, y: int, quantity: QuantityAudit) -> None:
    scale, w1 = _scale(quantity), quantity.w1
    value, floor = w1.value / scale, w1.null_95 / scale
    if math.isfinite(floor):
        axes.barh(y, floor, height=0.4, color=INTENDED, linewidth=0)
    if math.isfinite(value):
        axes.plot(
            [value], [y], marker=_MARKERS[quantity.verdict], markersize=6.5, color=_COLORS[quantity.verdict],
            markeredgewidth=0, clip_on=False,
        )  # fmt: skip
