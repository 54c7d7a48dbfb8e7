"""The figure of one quantity of a study: how far each arm's samples lie from the data, beside the noise floor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from pushforward.errors import printable
from pushforward.report.style import GAIN, INK, INTENDED, MUTED, PAPER, RULE, WIDTH, styled
from pushforward.study.summary import Line

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["MOST_ARMS", "distances", "distances_text"]

MOST_ARMS = 24
# Largest over smallest distance above which only a logarithmic axis shows both.
_WIDE = 30.0


def distances(lines: Sequence[Line], rows: Sequence[Mapping[str, Any]]) -> Figure:
    """A row per arm (at most 24): W1 of each seed (dots), mean and interval over seeds, mean noise floor (bar)."""
    from matplotlib.figure import Figure

    shown = [line for line in lines if "w1" in line.numbers][:MOST_ARMS]
    with styled():
        figure = Figure(figsize=(WIDTH, 0.8 + 0.5 * len(shown)), layout="constrained")
        axes = figure.subplots()
        seeds = {line.arm: _of_seeds(line, rows) for line in shown}
        highest = [line.numbers["w1"].high for line in shown if line.numbers["w1"].n > 1]
        smallest = _prepare(axes, [*highest, *(value for values in seeds.values() for value in values)])
        for y, line in enumerate(shown):
            _row(axes, y, line, seeds[line.arm], smallest)
        axes.set_yticks([])
        axes.set_ylim(len(shown) - 0.55, -0.85)
        unit = f" ({printable(shown[0].unit, 20)})" if shown and shown[0].unit else ""
        axes.set_xlabel(f"W1{unit}")
        axes.spines["left"].set_visible(False)
        axes.grid(axis="x", color=RULE, linewidth=0.6)
        axes.set_axisbelow(True)
        figure.draw_without_rendering()
    return figure


def distances_text(lines: Sequence[Line]) -> str:
    """The content of the figure as text."""
    parts = []
    for line in lines[:MOST_ARMS]:
        w1, floor = line.numbers.get("w1"), line.numbers.get("w1_null_95")
        if w1 is not None:
            beside = "" if floor is None else f", noise floor {floor.mean:.3g}"
            parts.append(f"{printable(line.arm, 60)}: W1 {w1.mean:.3g} over {w1.n} seeds{beside}")
    return "; ".join(parts) + "."


def _of_seeds(line: Line, rows: Sequence[Mapping[str, Any]]) -> list[float]:
    names = ("data", "samples", "quantity", "arm")
    wanted = tuple(getattr(line, name) for name in names)
    return [
        float(row["w1"])
        for row in rows
        if tuple(row[name] for name in names) == wanted and row["w1"] is not None
    ]


def _prepare(axes: Axes, values: Sequence[float]) -> float:
    """Choose the scale; gives the value where bars and intervals that reach lower start."""
    positive = [value for value in values if value > 0]
    if positive and max(positive) > _WIDE * min(positive):
        axes.set_xscale("log")
        low = min(positive) / 2
        axes.set_xlim(low, max(positive) * 1.5)
        # Plain numbers: the style keeps "$" a dollar sign, so powers of ten would show their markup.
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:g}")
        axes.xaxis.set_minor_formatter(lambda value, _: "")
        return low
    axes.set_xlim(0, max([*positive, 1e-12]) * 1.05)
    axes.locator_params(axis="x", nbins=5)
    return 0.0


def _row(axes: Axes, y: int, line: Line, seeds: Sequence[float], smallest: float) -> None:
    w1, floor = line.numbers["w1"], line.numbers.get("w1_null_95")
    difference = line.differences.get("w1")
    color = MUTED if line.differences else INK
    if difference is not None and difference.low > 0:
        color = GAIN
    if floor is not None:
        axes.barh(y, max(floor.mean - smallest, 0), left=smallest, height=0.34, color=INTENDED, linewidth=0)
    if w1.low <= w1.high:
        axes.plot([max(w1.low, smallest), w1.high], [y, y], color=color, linewidth=2, solid_capstyle="butt")
    axes.plot(seeds, [y] * len(seeds), "o", markersize=3.5, color=color, alpha=0.55, markeredgewidth=0)
    axes.plot([w1.mean], [y], marker="D", markersize=6, color=color, markeredgewidth=0, clip_on=False)
    axes.text(
        0, y - 0.42, printable(line.arm, 52), va="center", fontsize=10, transform=axes.get_yaxis_transform(),
        in_layout=False, bbox={"facecolor": PAPER, "edgecolor": "none", "pad": 1.0},
    )  # fmt: skip
