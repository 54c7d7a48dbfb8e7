"""Figures of an explanation's flow: who loses to whom, as a map and as arrows; and the examples that move most."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pushforward.measure.table import number
from pushforward.report.explanation_figures import axis_label, shown_bins
from pushforward.report.style import GAIN, INK, INTENDED, LOSS, MUTED, RULE, WIDTH, quiet, styled
from pushforward.report.trajectories import gather

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pushforward.explain.flows import NetFlow
    from pushforward.explain.results import Explanation

__all__ = ["MOST_ARROWS", "arrows_figure", "heat_figure", "movers_figure"]

Array = NDArray[np.float64]
MOST_ARROWS = 10
_FAINTEST = 2e-3
_BALANCED = 0.1
_COLUMNS = 2


def heat_figure(explanation: Explanation) -> Figure:
    """The flow matrix: the darker a cell, the more mass moves from a bin (across) to another (up).

    Orange where more moves so than back, blue where less, grey where as much; what stays in its bin is left out.
    """
    from matplotlib.collections import PolyCollection
    from matplotlib.colors import to_rgba
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    shown = shown_bins(explanation)
    edges = explanation.forecast.edges[shown.start : shown.stop + 1]
    moved = explanation.flow[1:-1, 1:-1][shown, shown].copy()
    np.fill_diagonal(moved, 0.0)
    largest = max(float(moved.max()), 1e-300)
    a, b = np.nonzero(moved > _FAINTEST * largest)
    balance = (moved - moved.T)[a, b] / (moved + moved.T)[a, b]
    names = np.where(np.abs(balance) < _BALANCED, MUTED, np.where(balance > 0, GAIN, LOSS))
    # The square root keeps small flows visible.
    strength = np.sqrt(moved[a, b] / largest)
    faces = [to_rgba(str(name), float(alpha)) for name, alpha in zip(names, strength, strict=True)]
    corners = np.stack([edges[a], edges[b], edges[a + 1], edges[b + 1]], axis=1)[:, [0, 1, 2, 1, 2, 3, 0, 3]]
    with styled():
        figure = Figure(figsize=(WIDTH, WIDTH), layout="constrained")
        axes = figure.subplots()
        axes.plot(edges[[0, -1]], edges[[0, -1]], color=RULE, linewidth=0.9, zorder=0)
        axes.add_collection(PolyCollection(list(corners.reshape(-1, 4, 2)), facecolors=faces, linewidths=0))
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(edges[0], edges[-1])
        axes.set_aspect("equal")
        axes.set_xlabel("from: " + axis_label(explanation))
        axes.set_ylabel("to")
        said = (("more than back", GAIN), ("less than back", LOSS), ("as much", MUTED))
        handles = [Patch(facecolor=color, label=label) for label, color in said]
        figure.legend(
            handles=handles, loc="outside upper left", ncols=3, borderaxespad=0.2, columnspacing=1.2
        )
        figure.draw_without_rendering()
    return figure


def arrows_figure(explanation: Explanation) -> Figure:
    """The largest net flows as arcs, those to larger values above the axis, those to smaller ones below; Δ beneath."""
    from matplotlib.figure import Figure

    made, shown = explanation.forecast, shown_bins(explanation, 1e-4)
    edges = made.edges[shown.start : shown.stop + 1]
    flows = explanation.flows[:MOST_ARROWS]
    with styled():
        figure = Figure(figsize=(WIDTH, 4.3), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2, 1))
        top.axhline(0, color=MUTED, linewidth=0.8)
        for flow in flows:
            _arc(top, flow, edges, flows[0].mass)
        if not flows:
            top.text(0.5, 0.75, "none told from noise", transform=top.transAxes, ha="center", color=MUTED)
        top.set_ylim(*_reach(flows, edges))
        top.set_yticks([])
        top.set_ylabel("net flow")
        drift = 100 * made.drift[1:-1][shown]
        bottom.axhline(0, color=MUTED, linewidth=0.8)
        bottom.stairs(np.maximum(drift, 0), edges, fill=True, color=GAIN, alpha=0.75, linewidth=0)
        bottom.stairs(np.minimum(drift, 0), edges, fill=True, color=LOSS, alpha=0.75, linewidth=0)
        bottom.set_ylabel("Δ (points)")
        bottom.set_xlabel(axis_label(explanation))
        quiet(bottom)
        margin = 0.02 * float(edges[-1] - edges[0])
        bottom.set_xlim(float(edges[0]) - margin, float(edges[-1]) + margin)
        figure.align_ylabels([top, bottom])
        figure.draw_without_rendering()
    return figure


def movers_figure(explanation: Explanation) -> Figure | None:
    """The examples that one deviation moved furthest: the data (grey) and its deviation (dark), φ before and after."""
    from matplotlib.figure import Figure

    movers = explanation.movers
    n = len(movers.index)
    if n == 0:
        return None
    view, samples = gather([movers.original, movers.deviated], 0)
    column = view.rows[0][0], _channel(explanation) if view.kind == "time" else view.rows[0][1]
    rows = math.ceil(n / _COLUMNS)
    with styled():
        figure = Figure(figsize=(WIDTH, 1.7 * rows + 0.4), layout="constrained")
        grid = figure.subplots(
            rows, _COLUMNS, squeeze=False, sharex=view.kind == "time", sharey=view.kind == "time"
        )
        for i, axes in enumerate(grid.ravel()):
            if i >= n:
                axes.set_axis_off()
                continue
            for tracks, color, width in ((samples[0], INTENDED, 2.6), (samples[1], INK, 1.0)):
                axes.plot(*tracks[i][:, list(column)].T, color=color, linewidth=width)
            before, after = number(movers.before[i]), number(movers.after[i])
            axes.set_title(f"#{movers.index[i]:,}: {before} → {after}", fontsize=9.5)
            axes.tick_params(labelsize=8.5)
            axes.locator_params(nbins=4)
            if view.kind == "plane":
                axes.set_aspect("equal", adjustable="datalim")
            quiet(axes)
        names = _labels(explanation)
        figure.supxlabel(names[column[0]], fontsize=10)
        figure.supylabel(names[column[1]], fontsize=10)
        figure.draw_without_rendering()
    return figure


def _channel(explanation: Explanation) -> int:
    """Column of the channel that deviates most, in standard deviations of the data shown."""
    x, moved = explanation.movers.original.values, explanation.movers.deviated.values
    size = np.sqrt(np.square(moved - x).mean(axis=(0, 1))) / np.maximum(x.std(axis=(0, 1)), 1e-12)
    return 1 + int(np.argmax(size))


def _labels(explanation: Explanation) -> list[str]:
    from pushforward.errors import printable

    data = explanation.movers.original
    channels = zip(data.channels, data.units, strict=True)
    return [f"time ({printable(data.time_unit, 12)})"] + [
        printable(name, 24) + (f" ({printable(unit, 12)})" if unit else "") for name, unit in channels
    ]


def _middle(ends: tuple[float, float], edges: Array) -> float:
    """Of a range; of one without an end, a little beyond the grid."""
    beyond = 0.01 * float(edges[-1] - edges[0])
    low = max(ends[0], float(edges[0]) - beyond)
    high = min(ends[1], float(edges[-1]) + beyond)
    return (low + high) / 2


def _reach(flows: tuple[NetFlow, ...], edges: Array) -> tuple[float, float]:
    """How far the arcs go down and up."""
    steps = [_middle(flow.target, edges) - _middle(flow.source, edges) for flow in flows]
    up, down = max([0.0, *steps]), max([0.0, *(-step for step in steps)])
    most = max(up, down) or 1.0
    return -(0.6 * down + 0.08 * most), 0.6 * up + 0.08 * most


def _arc(axes: Axes, flow: NetFlow, edges: Array, largest: float) -> None:
    """Half an ellipse from the middle of one range to that of the other, its width the mass."""
    start, end = _middle(flow.source, edges), _middle(flow.target, edges)
    turn = np.linspace(np.pi, 0, 40)
    x = (start + end) / 2 + (end - start) / 2 * np.cos(turn)
    y = (end - start) / 2 * np.sin(turn)
    rises = end > start
    color, width = (GAIN, LOSS)[not rises], 0.6 + 3.4 * flow.mass / largest
    axes.plot(x, y, color=color, linewidth=width, alpha=0.85, solid_capstyle="butt")
    axes.plot([end], [0], marker="v" if rises else "^", markersize=4 + width, color=color, markeredgewidth=0)
