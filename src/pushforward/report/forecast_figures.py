"""Figures of a forecast: the predicted law, who loses to whom, and the drift over the scale of the errors."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import printable
from pushforward.report.style import GAIN, INK, INTENDED, LOSS, MUTED, NOISE, RULE, WIDTH, quiet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pushforward.forecast.dose import DoseResponse
    from pushforward.forecast.results import Estimate, Forecast
    from pushforward.measure.results import Bins

__all__ = ["MOST_RANGES", "dose_figure", "flow_figure", "forecast_figure"]

Array = NDArray[np.float64]
# Ranges of the flow's picture: more could not be told apart.
MOST_RANGES = 16
_EMPTY = 1e-9


def forecast_figure(forecast: Forecast, observed: Bins | None = None) -> Figure:
    """Two panels over the quantity's values, both in per cent of all trajectories per bin.

    Top: the intended law (filled), the predicted law (line) with its band (tinted), predicted gains (▲, hatched /) and
    losses (▼, hatched \\), and what was made where it is known (dots). Bottom: the predicted drift with its band, and
    the observed one with its own.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    shown = _shown(forecast, observed)
    with styled():
        figure = Figure(figsize=(WIDTH, 4.5), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.3, 1))
        _laws(top, forecast, observed, shown)
        _drifts(bottom, forecast, observed, shown)
        edges = forecast.edges[shown.start : shown.stop + 1]
        margin = 0.01 * float(edges[-1] - edges[0])
        bottom.set_xlim(float(edges[0]) - margin, float(edges[-1]) + margin)
        bottom.set_xlabel(_axis(forecast))
        figure.align_ylabels([top, bottom])
        handles, labels = top.get_legend_handles_labels()
        handles.insert(1, Patch(facecolor=NOISE, alpha=0.35, edgecolor=NOISE, linestyle=":"))
        labels.insert(1, "band of the forecast")
        figure.legend(
            handles, labels, loc="outside upper left", ncols=2, borderaxespad=0.2, columnspacing=1.2
        )
        figure.draw_without_rendering()
    return figure


def flow_figure(forecast: Forecast) -> Figure:
    """Who loses to whom: squares whose area is the mass that moves from one range (across) to another (up).

    Pale squares are all that moves, dark ones what is left of it after what moves the other way.
    """
    from matplotlib.figure import Figure

    edges, moved = _ranges(forecast)
    np.fill_diagonal(moved, 0.0)
    net = np.maximum(moved - moved.T, 0.0)
    middle, width = (edges[1:] + edges[:-1]) / 2, np.diff(edges)
    with styled():
        figure = Figure(figsize=(WIDTH, WIDTH * 0.92), layout="constrained")
        axes = figure.subplots()
        axes.plot(edges[[0, -1]], edges[[0, -1]], color=RULE, linewidth=0.8, zorder=0)
        largest = max(float(moved.max()), 1e-300)
        for mass, color, label in ((moved, INTENDED, "all that moves"), (net, INK, "more than moves back")):
            _squares(axes, mass, largest, middle, width, color, label)
        axes.set_xlim(edges[0], edges[-1])
        axes.set_ylim(edges[0], edges[-1])
        axes.set_aspect("equal")
        axes.set_xlabel("from: " + _axis(forecast))
        axes.set_ylabel("to")
        handles, labels = axes.get_legend_handles_labels()
        labels = [
            f"{label} (largest {100 * m:.2g} %)"
            for label, m in zip(labels, (largest, net.max()), strict=True)
        ]
        figure.legend(handles, labels, loc="outside upper left", ncols=1, borderaxespad=0.2)
        figure.draw_without_rendering()
    return figure


def dose_figure(dose: DoseResponse, tolerance: float | None = None) -> Figure:
    """Predicted drift over the scale of the errors: W1 in the unit and total variation, with their limits."""
    from matplotlib.figure import Figure

    first = dose.forecasts[0]
    with styled():
        figure = Figure(figsize=(WIDTH, 3.9), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.6, 1))
        unit = printable(first.unit, longest=30)
        _curve(top, dose.scales, dose.w1s, "W1" + (f" ({unit})" if unit else ""))
        _curve(bottom, dose.scales, dose.tvs, "TV")
        bottom.set_ylim(0, 1.02 * max(max(one.high for one in dose.tvs), 1e-9))
        if tolerance is not None:
            top.axhline(tolerance, color=GAIN, linewidth=1.0, linestyle=(0, (4, 2)))
            top.annotate(
                "tolerance",
                (0.01, tolerance),
                xycoords=("axes fraction", "data"),
                va="bottom",
                fontsize=9,
                color=MUTED,
            )
        kernel = first.kernel.partition("(")[0]
        bottom.set_xlabel(f"scale of the {kernel} deviations")
        if dose.scales[0] > 0 and dose.scales[-1] / dose.scales[0] > 8:
            bottom.set_xscale("log")
            bottom.set_xticks(dose.scales, [f"{scale:g}" for scale in dose.scales])
            bottom.minorticks_off()
        figure.align_ylabels([top, bottom])
        figure.draw_without_rendering()
    return figure


def _axis(forecast: Forecast) -> str:
    name, unit = printable(forecast.name, longest=90), printable(forecast.unit, longest=30)
    return textwrap.fill(f"{name} ({unit})" if unit else name, 60)


def _shown(forecast: Forecast, observed: Bins | None) -> slice:
    """The bins between the first and the last that hold anything, and one more on either side."""
    held = np.maximum(forecast.expected, forecast.mass)[1:-1]
    if observed is not None:
        held = np.maximum(held, observed.made[1:-1])
    found = np.flatnonzero(held > _EMPTY)
    if not len(found):
        return slice(0, len(held))
    return slice(max(int(found[0]) - 1, 0), min(int(found[-1]) + 2, len(held)))


def _laws(axes: Axes, forecast: Forecast, observed: Bins | None, shown: slice) -> None:
    edges, gain = forecast.edges[shown.start : shown.stop + 1], forecast.gain[1:-1][shown]
    expected, mass, low, high = (
        100 * array[1:-1][shown] for array in (forecast.expected, forecast.mass, forecast.low, forecast.high)
    )
    centre = (edges[:-1] + edges[1:]) / 2
    axes.stairs(expected, edges, fill=True, color=INTENDED, linewidth=0, label="intended")
    _hatched(axes, centre, np.diff(edges), mass - expected, expected, gain)
    _band(axes, edges, low, high)
    axes.stairs(mass, edges, color=INK, linewidth=1.5, label="predicted")
    ceiling = max(float(np.max(np.concatenate([expected, high]))), 1e-9)
    above = np.maximum(expected, high)
    if observed is not None:
        made = 100 * observed.made[1:-1][shown]
        axes.plot(centre, made, "o", markersize=3.4, color=INK, markerfacecolor="none", label="generated")
        ceiling, above = max(ceiling, float(made.max())), np.maximum(above, made)
    size = 34 if len(centre) <= 60 else 12
    for sign, color, marker, label in ((1, GAIN, "^", "predicted gain"), (-1, LOSS, "v", "predicted loss")):
        at = gain == sign
        if at.any():
            axes.scatter(
                centre[at],
                above[at] + 0.045 * ceiling,
                s=size,
                color=color,
                marker=marker,
                linewidth=0,
                label=label,
            )
    axes.set_ylim(0, 1.14 * ceiling)
    axes.set_ylabel("trajectories per bin (%)")
    quiet(axes)


def _drifts(axes: Axes, forecast: Forecast, observed: Bins | None, shown: slice) -> None:
    edges = forecast.edges[shown.start : shown.stop + 1]
    centre = (edges[:-1] + edges[1:]) / 2
    drift = 100 * forecast.drift[1:-1][shown]
    _hatched(axes, centre, np.diff(edges), drift, np.zeros_like(drift), forecast.gain[1:-1][shown])
    low, high = (100 * limit[1:-1][shown] for limit in (forecast.drift_low, forecast.drift_high))
    _band(axes, edges, low, high)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.stairs(drift, edges, baseline=None, color=INK, linewidth=1.3)
    reach = [drift, low, high]
    if observed is not None:
        wanted, made, below, above = (
            100 * array[1:-1][shown]
            for array in (observed.expected, observed.made, observed.low, observed.high)
        )
        axes.vlines(centre, below - wanted, above - wanted, color=MUTED, linewidth=1.1)
        axes.plot(centre, made - wanted, "o", markersize=3.4, color=INK, markerfacecolor="none")
        reach += [below - wanted, above - wanted]
    bottom, top = min(float(r.min()) for r in reach), max(float(r.max()) for r in reach)
    margin = 0.06 * (top - bottom) or 0.5
    axes.set_ylim(bottom - margin, top + margin)
    axes.set_ylabel("Δ (points)")
    quiet(axes)


def _hatched(
    axes: Axes, centre: Array, width: Array, height: Array, bottom: Array, gain: NDArray[np.int64]
) -> None:
    for sign, color, hatch in ((1, GAIN, "////"), (-1, LOSS, "\\\\\\\\")):
        at = gain == sign
        axes.bar(
            centre[at], height[at], width[at], bottom=bottom[at], facecolor="none", edgecolor=color, hatch=hatch,
            linewidth=0,
        )  # fmt: skip


def _band(axes: Axes, edges: Array, low: Array, high: Array) -> None:
    axes.stairs(high, edges, baseline=low, fill=True, color=NOISE, alpha=0.2, linewidth=0)
    for edge in (low, high):
        axes.stairs(edge, edges, baseline=None, color=NOISE, linewidth=0.9, linestyle=(0, (1.2, 1.4)))


def _ranges(forecast: Forecast) -> tuple[Array, Array]:
    """Edges of at most 16 ranges of bins, and the mass that moves between them (row: from, column: to)."""
    moved = forecast.flow.toarray()
    held = np.flatnonzero((moved.sum(axis=0) + moved.sum(axis=1))[1:-1] > 1e-4)
    first, last = (int(held[0]), int(held[-1]) + 1) if len(held) else (0, forecast.grid.bins)
    width = math.ceil((last - first) / MOST_RANGES)
    starts = np.append(np.arange(first, last, width), last)
    inner = moved[1:-1, 1:-1]
    summed = np.add.reduceat(
        np.add.reduceat(inner[:last], starts[:-1], axis=0)[:, :last], starts[:-1], axis=1
    )
    return forecast.edges[starts], summed


def _squares(
    axes: Axes, mass: Array, largest: float, middle: Array, width: Array, color: str, label: str
) -> None:
    """Squares centred on (from, to); the largest fills its cell."""
    from matplotlib.collections import PolyCollection

    a, b = np.nonzero(mass > 1e-3 * largest)
    half = 0.48 * np.sqrt(mass[a, b] / largest)
    x, y, w, h = middle[a], middle[b], half * width[a], half * width[b]
    corners = np.stack(
        [
            np.stack([x - w, y - h], -1),
            np.stack([x + w, y - h], -1),
            np.stack([x + w, y + h], -1),
            np.stack([x - w, y + h], -1),
        ],
        axis=1,
    )
    axes.add_collection(PolyCollection(list(corners), facecolor=color, linewidth=0))
    axes.plot([], [], "s", color=color, markersize=7, label=label)


def _curve(axes: Axes, scales: Array, estimates: tuple[Estimate, ...], label: str) -> None:
    value, low, high = (
        np.array([getattr(one, name) for one in estimates]) for name in ("value", "low", "high")
    )
    axes.fill_between(scales, low, high, color=NOISE, alpha=0.2, linewidth=0)
    axes.plot(scales, value, color=INK, linewidth=1.4, marker="o", markersize=4)
    axes.set_ylabel(label)
    quiet(axes)
