"""Figures of the demo's page: motion as its system shows it, and the law before and after a repair."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import printable
from pushforward.measure.results import Bins, QuantityAudit
from pushforward.report.style import GAIN, INK, INTENDED, MUTED, NOISE, RULE, WIDTH, quiet, styled
from pushforward.report.trajectories import gather, panel
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    from pushforward.systems.base import AbstractSystem

__all__ = ["before_and_after", "motion"]

Array = NDArray[np.float64]
_SIZE = 3.6
_PATHS, _TRACES, _MAPS = 30, 12, 16
_DASHES = (0, (2.2, 1.2))


def motion(
    system: AbstractSystem | None, sides: Sequence[tuple[str, Trajectories]], seed: int
) -> tuple[list[tuple[str, Figure]], str]:
    """One figure per side on the same axes, with its content as text; and what they show.

    Mazes are seen from above with their walls, pendulums as the path of the last mass, maps as x_{t+1} over x_t; all
    else as the report shows it. What breaks the system's law of motion is orange, as crosses or dashes.
    """
    kind = _kind_of(system)
    if system is None or kind is None:
        view, samples = gather([batch for _, batch in sides], seed)
        figures = [
            (f"{len(tracks)} of {len(batch):,} trajectories, {title}.", panel(view, [(title, tracks)]))
            for (title, batch), tracks in zip(sides, samples, strict=True)
        ]
        return figures, f"Up to 40 of each, drawn at random with seed {seed}, on the same axes."
    figures = []
    for title, batch in sides:
        rows = np.sort(np.random.default_rng(seed).permutation(len(batch))[: kind.shown])
        shown = batch.select(rows)
        label = f"{len(shown)} of {len(batch):,} trajectories, {title}: {kind.what}."
        figures.append((label, _drawn(kind, system, shown, title)))
    caption = (
        f"{kind.what[0].upper()}{kind.what[1:]}; {kind.shown} of each, drawn at random with seed {seed}. "
        "Orange, as crosses or dashes: breaks the law of motion at some step, beyond the system's tolerance."
    )
    return figures, caption


@final
@dataclass(frozen=True)
class _Kind:
    """How a system's motion is drawn.

    Attributes:
        what: in words.
        shown: trajectories.
        lines: (n, points, 2) of trajectories.
        frame: draws what stands still, and the axes.
        dots: whether points are drawn instead of lines.
    """

    what: str
    shown: int
    lines: Callable[[Any, Trajectories], Array]
    frame: Callable[[Any, Axes], None]
    dots: bool = False


def _kind_of(system: AbstractSystem | None) -> _Kind | None:
    if hasattr(system, "walls"):
        return _Kind("paths in the maze, from their start (dot)", _PATHS, _paths, _walls)
    if hasattr(system, "chain"):
        return _Kind("path of the last mass, from its start (dot)", _TRACES, _traces, _reach)
    if getattr(system, "name", "") == "logistic-map":
        return _Kind("each value over the one before it", _MAPS, _steps, _parabolas, dots=True)
    return None


def _drawn(kind: _Kind, system: AbstractSystem, batch: Trajectories, title: str) -> Figure:
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure

    lines, good = kind.lines(system, batch), np.asarray(system.valid(batch))
    with styled():
        figure = Figure(figsize=(_SIZE, _SIZE + 0.1), layout="constrained")
        axes = figure.subplots()
        axes.set_title(title)
        kind.frame(system, axes)
        for which, color, dashes in ((good, INK, "solid"), (~good, GAIN, _DASHES)):
            if not which.any():
                continue
            if kind.dots:
                marker = "o" if color == INK else "x"
                axes.plot(
                    *lines[which].reshape(-1, 2).T, marker, markersize=2.6, color=color, linestyle="none"
                )
                continue
            axes.add_collection(
                LineCollection(
                    list(lines[which]), colors=color, linestyles=[dashes], linewidths=0.9, alpha=0.75
                ),
                autolim=False,
            )
            axes.plot(*lines[which, 0].T, "o", markersize=2.8, color=color, markeredgewidth=0)
        figure.draw_without_rendering()
    return figure


def _paths(system: Any, batch: Trajectories) -> Array:
    index = [batch.channel_index(name) for name in ("x", "y")]
    return batch.values[:, :, index].astype(np.float64)


def _walls(system: Any, axes: Axes) -> None:
    from matplotlib.collections import PolyCollection

    square = np.array([(-0.5, -0.5), (0.5, -0.5), (0.5, 0.5), (-0.5, 0.5)])
    walls = system.walls
    cells = walls.centres(np.argwhere(walls.cells))
    axes.add_collection(
        PolyCollection(list(cells[:, None] + square), facecolor=INTENDED, edgecolor=INTENDED, linewidth=0.4)
    )
    width, height = walls.half
    axes.set(xlim=(-width, width), ylim=(-height, height), aspect="equal", xlabel="x (m)", ylabel="y (m)")


def _traces(system: Any, batch: Trajectories) -> Array:
    d, length = len(system.chain.masses), np.array(system.chain.lengths)
    shown = batch.values[:, :, list(system.quantity.index(batch))].astype(np.float64)
    return np.stack([shown[..., 0 : 2 * d : 2] @ length, -shown[..., 1 : 2 * d : 2] @ length], axis=-1)


def _reach(system: Any, axes: Axes) -> None:
    reach = float(sum(system.chain.lengths))
    turn = np.linspace(0, 2 * math.pi, 120)
    axes.plot(reach * np.cos(turn), reach * np.sin(turn), color=RULE, linewidth=0.9)
    axes.plot(0, 0, "+", color=MUTED, markersize=8)
    limit = 1.12 * reach
    axes.set(xlim=(-limit, limit), ylim=(-limit, limit), aspect="equal", xlabel="x (m)", ylabel="y (m)")


def _steps(system: Any, batch: Trajectories) -> Array:
    x = batch.values[:, :, 0].astype(np.float64)
    return np.stack([x[:, :-1], x[:, 1:]], axis=-1)


def _parabolas(system: Any, axes: Axes) -> None:
    x = np.linspace(0, 1, 60)
    for r in (3.5, 4.0):
        axes.plot(x, r * x * (1 - x), color=MUTED, linewidth=0.9)
    axes.text(0.5, 0.8, "r = 3.5", ha="center", color=MUTED, fontsize=9)
    axes.text(0.5, 1.02, "r = 4", ha="center", color=MUTED, fontsize=9)
    axes.set(xlim=(-0.05, 1.05), ylim=(-0.05, 1.12), xlabel="x now", ylabel="x next")


def before_and_after(before: QuantityAudit, after: QuantityAudit, label: str) -> Figure:
    """Two panels over the quantity: the intended law with both models', and their differences from it.

    Filled: intended. Dashed: the model as it is. Line: the repaired one. Tinted: the band without drift.
    """
    from matplotlib.figure import Figure
    from matplotlib.patches import Patch

    first, second = before.bins, after.bins
    shown = _shown(first, second)
    edges = first.edges[shown.start : shown.stop + 1]
    curves = ((first, "as it is", MUTED, _DASHES, 1.4), (second, label, INK, "-", 1.6))
    with styled():
        figure = Figure(figsize=(WIDTH, 4.5), layout="constrained")
        top, bottom = figure.subplots(2, 1, sharex=True, height_ratios=(1.5, 1))
        wanted = 100 * first.expected[1:-1][shown]
        top.stairs(wanted, edges, fill=True, color=INTENDED, linewidth=0, label="intended")
        low, high = (100 * band[1:-1][shown] - wanted for band in (first.null_low, first.null_high))
        bottom.stairs(high, edges, baseline=low, fill=True, color=NOISE, alpha=0.2, linewidth=0)
        bottom.axhline(0, color=MUTED, linewidth=0.8)
        for bins, name, color, dashes, width in curves:
            made = 100 * bins.made[1:-1][shown]
            look: dict[str, Any] = {"baseline": None, "color": color, "linestyle": dashes, "linewidth": width}
            top.stairs(made, edges, label=name, **look)
            bottom.stairs(made - wanted, edges, **look)
        top.set_ylim(bottom=0)
        top.set_ylabel("trajectories per bin (%)")
        bottom.set_ylabel("Δ (points)")
        name, unit = printable(before.name, 90), printable(before.unit, 30)
        bottom.set_xlabel(textwrap.fill(f"{name} ({unit})" if unit else name, 60))
        for axes in (top, bottom):
            quiet(axes)
        figure.align_ylabels([top, bottom])
        handles, labels = top.get_legend_handles_labels()
        handles.append(Patch(facecolor=NOISE, alpha=0.35))
        labels.append("band without drift")
        figure.legend(
            handles, labels, loc="outside upper left", ncols=2, borderaxespad=0.2, columnspacing=1.2
        )
        figure.draw_without_rendering()
    return figure


def _shown(*several: Bins) -> slice:
    """The bins between the first and the last that any of them fills, and one more on either side."""
    held = np.max([np.maximum(bins.expected, bins.made)[1:-1] for bins in several], axis=0)
    found = np.flatnonzero(held > 0)
    if not len(found):
        return slice(0, len(held))
    return slice(max(int(found[0]) - 1, 0), min(int(found[-1]) + 2, len(held)))
