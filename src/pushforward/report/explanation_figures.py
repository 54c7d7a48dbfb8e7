"""Figures of an explanation: bias and spread, what they make of the drift, and which parts of the errors make it."""

from __future__ import annotations

import math
import textwrap
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import printable
from pushforward.report.style import GAIN, INK, INTENDED, LOSS, MUTED, NOISE, WIDTH, quiet, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pushforward.explain.attribution import Attribution
    from pushforward.explain.results import Explanation

__all__ = ["attribution_figure", "axis_label", "moments_figure", "profile_figure", "shown_bins"]

Array = NDArray[np.float64]
_LEAST = 1e-3
_LONGEST_PART = 26


def profile_figure(explanation: Explanation) -> Figure:
    """Two panels over q: the bias b(q), and √(2 D(q)), each with its pointwise limits; the law of the data behind."""
    from matplotlib.figure import Figure

    shown = shown_bins(explanation)
    edges = explanation.forecast.edges[shown.start : shown.stop + 1]
    bias = [array[1:-1][shown] for array in _arrays(explanation.bias)]
    spread = [np.sqrt(2 * array[1:-1][shown]) for array in _arrays(explanation.spread)]
    with styled():
        figure = Figure(figsize=(WIDTH, 4.4), layout="constrained")
        panels = figure.subplots(2, 1, sharex=True)
        unit = f" ({printable(explanation.unit, 20)})" if explanation.unit else ""
        said = ((bias, f"bias b(q){unit}", GAIN, True), (spread, f"sd of δq{unit}", LOSS, False))
        for axes, (curves, label, color, signed) in zip(panels, said, strict=True):
            _law(axes, explanation, shown, edges)
            _profile(axes, edges, curves, color, signed)
            axes.set_ylabel(label)
        panels[1].set_xlabel(axis_label(explanation))
        _across(panels[1], edges)
        figure.align_ylabels(list(panels))
        figure.draw_without_rendering()
    return figure


def moments_figure(explanation: Explanation) -> Figure:
    """The forecast drift (filled), and what bias, spread and both make of it (lines), in points per bin."""
    from matplotlib.figure import Figure

    shown, found = shown_bins(explanation, 1e-4), explanation.moments
    edges = explanation.forecast.edges[shown.start : shown.stop + 1]
    with styled():
        figure = Figure(figsize=(WIDTH, 3.5), layout="constrained")
        axes = figure.subplots()
        axes.axhline(0, color=MUTED, linewidth=0.8)
        axes.stairs(
            100 * found.drift[1:-1][shown],
            edges,
            fill=True,
            color=INTENDED,
            linewidth=0,
            label="full forecast",
        )
        lines = (
            (found.by_bias, "bias alone", GAIN, (0, (4, 2)), 1.3),
            (found.by_spread, "spread alone", LOSS, (0, (1.2, 1.4)), 1.5),
            (found.both, "both", INK, "-", 1.5),
        )
        for drift, label, color, dashes, width in lines:
            axes.stairs(
                100 * drift[1:-1][shown],
                edges,
                baseline=None,
                color=color,
                linestyle=dashes,
                linewidth=width,
                label=label,
            )
        axes.set_ylabel("Δ (points per bin)")
        axes.set_xlabel(axis_label(explanation))
        _across(axes, edges)
        quiet(axes)
        figure.legend(loc="outside upper left", ncols=2, borderaxespad=0.2, columnspacing=1.2)
        figure.draw_without_rendering()
    return figure


def attribution_figure(explanation: Explanation) -> Figure:
    """A panel for each way to cut the errors: each part's Shapley share of the drift, with its limits.

    Shares of the shift of the mean where those of the drift are not told from noise.
    """
    from matplotlib.figure import Figure

    cuts = explanation.attributions
    rows = [len(one.parts) for one in cuts]
    with styled():
        figure = Figure(figsize=(WIDTH, 0.75 + 0.3 * sum(rows) + 0.5 * len(rows)), layout="constrained")
        panels = np.ravel(figure.subplots(len(cuts), 1, height_ratios=[n + 0.6 for n in rows], sharex=True))
        for axes, one in zip(panels, cuts, strict=True):
            _bars(axes, one)
        panels[-1].set_xlabel("Shapley share of the drift (%)")
        figure.draw_without_rendering()
    return figure


def axis_label(explanation: Explanation) -> str:
    """The quantity with its unit, on lines that fit."""
    name, unit = printable(explanation.name, longest=90), printable(explanation.unit, longest=30)
    return textwrap.fill(f"{name} ({unit})" if unit else name, 60)


def shown_bins(explanation: Explanation, least: float = _LEAST) -> slice:
    """The inner bins from the first to the last that hold a thousandth of all trajectories, before or after."""
    held = np.maximum(explanation.forecast.expected, explanation.forecast.mass)[1:-1]
    found = np.flatnonzero(held > least)
    return slice(int(found[0]), int(found[-1]) + 1) if len(found) else slice(0, len(held))


def _arrays(profile: object) -> tuple[Array, Array, Array]:
    value, low, high = (np.asarray(getattr(profile, name)) for name in ("value", "low", "high"))
    return value, low, high


def _across(axes: Axes, edges: Array) -> None:
    margin = 0.01 * float(edges[-1] - edges[0])
    axes.set_xlim(float(edges[0]) - margin, float(edges[-1]) + margin)


def _law(axes: Axes, explanation: Explanation, shown: slice, edges: Array) -> None:
    """The intended law, as a shade at the foot of the panel."""
    law = explanation.forecast.expected[1:-1][shown]
    behind = axes.twinx()
    behind.stairs(law, edges, fill=True, color=INTENDED, alpha=0.55, linewidth=0)
    behind.set_ylim(0, 3.2 * max(float(law.max()), 1e-300))
    behind.set_axis_off()
    axes.set_zorder(behind.get_zorder() + 1)


def _profile(axes: Axes, edges: Array, curves: list[Array], color: str, signed: bool) -> None:
    value, low, high = curves
    centre = (edges[1:] + edges[:-1]) / 2
    known = np.isfinite(value)
    axes.fill_between(centre, low, high, where=known, color=color, alpha=0.22, linewidth=0)
    axes.plot(centre, value, color=color, linewidth=1.5, marker="o", markersize=2.8)
    # Limits of bins that few trajectories reach would flatten all others.
    usual = float(np.median((high - low)[known])) if known.any() else 0.0
    sure = known & (high - low < 4 * usual + 1e-300)
    reach = np.concatenate([low[sure], high[sure], value[known], [0.0]])
    bottom, top = float(reach.min()), float(reach.max())
    margin = 0.07 * (top - bottom) or 1.0
    axes.set_ylim(bottom - margin if signed and bottom < 0 else min(bottom, 0), top + margin)
    if signed:
        axes.axhline(0, color=MUTED, linewidth=0.8)
    quiet(axes)


def _bars(axes: Axes, one: Attribution) -> None:
    known = all(math.isfinite(estimate.value) for estimate in one.share)
    at = np.arange(len(one.parts))
    value, low, high = (
        np.array([100 * getattr(estimate, key) for estimate in one.share]) for key in ("value", "low", "high")
    )
    if known:
        axes.barh(at, value, height=0.62, color=np.where(value >= 0, GAIN, LOSS), alpha=0.75, linewidth=0)
        axes.hlines(at, low, high, color=INK, linewidth=1.2)
    else:
        axes.text(0.02, 0.5, "not told from noise", transform=axes.transAxes, va="center", color=NOISE)
    axes.axvline(0, color=MUTED, linewidth=0.8)
    axes.set_yticks(at, [textwrap.shorten(part, _LONGEST_PART, placeholder="…") for part in one.parts])
    axes.set_ylim(len(at) - 0.4, -0.6)
    axes.tick_params(axis="y", length=0)
    axes.set_title(f"by {one.name}")
    axes.grid(axis="x", color=INTENDED, linewidth=0.5)
    axes.set_axisbelow(True)
