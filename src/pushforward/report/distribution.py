"""The distribution figure: intended against recovered law of one quantity, and their difference with its band."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import printable
from pushforward.measure.results import Bins, QuantityAudit
from pushforward.report.notation import percent
from pushforward.report.style import GAIN, INK, INTENDED, LOSS, MUTED, NOISE, WIDTH, quiet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["distribution", "drawable"]

_MOST_BINS = 120


def distribution(quantity: QuantityAudit) -> Figure:
    """Two panels over the quantity's values, both in per cent of all trajectories per bin.

    Top: the intended law (filled), the recovered law (line), the band in which 95 % of comparisons without drift
    lie (tinted), significant gains (▲, hatched /) and losses (▼, hatched \\). Bottom: Δ = made − expected with the
    same band around zero and, as vertical bars, the simultaneous confidence band of the generated mass.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    bins = drawable(quantity.bins)
    with styled():
        figure = Figure(figsize=(WIDTH, 4.5), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(2.3, 1))
        _laws(top, bins)
        _outside(top, bins)
        _difference(bottom, bins)
        edge = 0.01 * float(bins.edges[-1] - bins.edges[0])
        bottom.set_xlim(float(bins.edges[0]) - edge, float(bins.edges[-1]) + edge)
        name, unit = printable(quantity.name, longest=90), printable(quantity.unit, longest=30)
        bottom.set_xlabel(textwrap.fill(f"{name} ({unit})" if unit else name, 60))
        figure.align_ylabels([top, bottom])
        handles, labels = top.get_legend_handles_labels()
        handles.insert(1, Patch(facecolor=NOISE, alpha=0.35, edgecolor=NOISE, linestyle=":"))
        labels.insert(1, "band without drift")
        figure.legend(
            handles, labels, loc="outside upper left", ncols=2, borderaxespad=0.2, columnspacing=1.2
        )
        # Laid out once here, so that drawing later cannot change it.
        figure.draw_without_rendering()
    return figure


def drawable(bins: Bins) -> Bins:
    """`bins` without empty ends, neighbours merged to at most 120 bins.

    Masses add; so do the limits of the bands, which keeps each band valid (it becomes conservative).
    """
    bins = _without_empty_ends(bins)
    width = math.ceil((len(bins.edges) - 1) / _MOST_BINS)
    if width <= 1:
        return bins
    starts = np.arange(0, len(bins.edges) - 1, width)

    def merged(array: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([array[:1], np.add.reduceat(array[1:-1], starts), array[-1:]])

    return Bins(
        edges=np.append(bins.edges[starts], bins.edges[-1]),
        expected=merged(bins.expected),
        made=merged(bins.made),
        low=merged(bins.low),
        high=merged(bins.high),
        null_low=merged(bins.null_low),
        null_high=merged(bins.null_high),
        gain=np.sign(merged(bins.gain.astype(np.float64))).astype(np.int64),
    )


def _without_empty_ends(bins: Bins) -> Bins:
    held = np.flatnonzero((bins.expected[1:-1] > 0) | (bins.made[1:-1] > 0))
    if not len(held):
        return bins
    first, last = max(int(held[0]) - 1, 0), min(int(held[-1]) + 2, len(bins.edges) - 1)

    def part(array: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.concatenate([array[:1], array[1:-1][first:last], array[-1:]])

    return Bins(
        edges=bins.edges[first : last + 1],
        expected=part(bins.expected),
        made=part(bins.made),
        low=part(bins.low),
        high=part(bins.high),
        null_low=part(bins.null_low),
        null_high=part(bins.null_high),
        gain=part(bins.gain.astype(np.float64)).astype(np.int64),
    )


def _laws(axes: Axes, bins: Bins) -> None:
    edges, expected, made = bins.edges, 100 * bins.expected[1:-1], 100 * bins.made[1:-1]
    low, high = 100 * bins.null_low[1:-1], 100 * bins.null_high[1:-1]
    axes.stairs(expected, edges, fill=True, color=INTENDED, linewidth=0, label="intended")
    _marked(axes, bins)
    _noise_band(axes, edges, low, high)
    axes.stairs(made, edges, color=INK, linewidth=1.5, label="generated")
    ceiling = max(float(np.nanmax(np.concatenate([expected, made, high]))), 1e-9)
    _marks(axes, bins, ceiling)
    # Room for the notes of _outside above the marks.
    noted = max(bins.expected[0], bins.made[0], bins.expected[-1], bins.made[-1]) > 1e-12
    axes.set_ylim(0, (1.3 if noted else 1.12) * ceiling)
    axes.set_ylabel("trajectories per bin (%)")
    quiet(axes)


def _noise_band(
    axes: Axes, edges: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
) -> None:
    """A tint with dotted edges: seen without colour, and far lighter as a file than a dotted hatch."""
    axes.stairs(high, edges, baseline=low, fill=True, color=NOISE, alpha=0.2, linewidth=0)
    for edge in (low, high):
        axes.stairs(edge, edges, baseline=None, color=NOISE, linewidth=0.9, linestyle=(0, (1.2, 1.4)))


def _marked(axes: Axes, bins: Bins) -> None:
    """The area between the laws where mass was significantly gained or lost."""
    gain, center = bins.gain[1:-1], (bins.edges[:-1] + bins.edges[1:]) / 2
    expected, made = 100 * bins.expected[1:-1], 100 * bins.made[1:-1]
    for sign, color, hatch in ((1, GAIN, "////"), (-1, LOSS, "\\\\\\\\")):
        at = gain == sign
        axes.bar(
            center[at], (made - expected)[at], np.diff(bins.edges)[at], bottom=expected[at],
            facecolor="none", edgecolor=color, hatch=hatch, linewidth=0,
        )  # fmt: skip


def _marks(axes: Axes, bins: Bins, ceiling: float) -> None:
    """▲ over gains, ▼ over losses: one per bin."""
    gain, center = bins.gain[1:-1], (bins.edges[:-1] + bins.edges[1:]) / 2
    above = np.maximum(bins.expected, np.maximum(bins.made, bins.null_high))[1:-1] * 100 + 0.045 * ceiling
    size = 34 if len(center) <= 60 else 12
    for sign, color, marker, label in (
        (1, GAIN, "^", "significant gain"),
        (-1, LOSS, "v", "significant loss"),
    ):
        at = gain == sign
        if at.any():
            axes.scatter(center[at], above[at], s=size, color=color, marker=marker, linewidth=0, label=label)


def _outside(axes: Axes, bins: Bins) -> None:
    """Mass beyond the grid, noted in the corner where it lies."""
    for i, x, side, arrow in ((0, 0.015, "left", "◂ below"), (-1, 1.0, "right", "above ▸")):
        expected, made = float(bins.expected[i]), float(bins.made[i])
        if max(expected, made) <= 1e-12:
            continue
        mark = {1: " ▲", -1: " ▼", 0: ""}[int(bins.gain[i])]
        note = f"{arrow}: {percent(made)}{mark}\n(intended {percent(expected)})"
        axes.text(
            x,
            0.99,
            note,
            transform=axes.transAxes,
            ha=side,
            va="top",
            fontsize=9,
            color=MUTED,
            linespacing=1.3,
        )


def _difference(axes: Axes, bins: Bins) -> None:
    edges, expected = bins.edges, 100 * bins.expected[1:-1]
    made, low, high = 100 * bins.made[1:-1], 100 * bins.low[1:-1], 100 * bins.high[1:-1]
    gain, center = bins.gain[1:-1], (edges[:-1] + edges[1:]) / 2
    for sign, color, hatch in ((1, GAIN, "////"), (-1, LOSS, "\\\\\\\\")):
        at = gain == sign
        axes.bar(
            center[at], (made - expected)[at], np.diff(edges)[at],
            facecolor="none", edgecolor=color, hatch=hatch, linewidth=0,
        )  # fmt: skip
    null = [100 * band[1:-1] - expected for band in (bins.null_low, bins.null_high)]
    _noise_band(axes, edges, *null)
    axes.axhline(0, color=MUTED, linewidth=0.8)
    axes.stairs(made - expected, edges, baseline=None, color=INK, linewidth=1.3)
    axes.vlines(center, low - expected, high - expected, color=MUTED, linewidth=1.1)
    reach = [low - expected, high - expected, made - expected, *null]
    bottom, top = min(float(r.min()) for r in reach), max(float(r.max()) for r in reach)
    margin = 0.06 * (top - bottom) or 0.5
    axes.set_ylim(bottom - margin, top + margin)
    axes.set_ylabel("Δ (points)")
    quiet(axes)
