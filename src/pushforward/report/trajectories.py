"""The trajectories panel: a few real and generated trajectories, side by side on the same axes."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Self

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable
from pushforward.quantities.positions import positions_of
from pushforward.report.style import INK, MUTED, RULE, quiet, styled
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

__all__ = ["View", "gather", "panel"]

_SHOWN = 40
_MOST_POINTS = 72
_MOST_CHANNELS = 4
_Limits = tuple[float, float]


def gather(batches: Sequence[Trajectories], seed: int) -> tuple[View, list[list[NDArray[np.float64]]]]:
    """What the panel shows: at most 40 trajectories of each batch, drawn by `seed`, and one view of them all.

    A track is (t, C + 1), time first; only valid steps, at most 72 of them, the first and last always among
    them. On a map longitudes are continued across the date line. The first batch is the reference.
    """
    samples = [_pick(batch, seed) for batch in batches]
    kind, rows = _kind(batches[0])
    if kind == "map":
        for tracks, batch in zip(samples, batches, strict=True):
            _degrees(tracks, batch, rows[0])
        _continue_longitudes(samples, rows[0][0])
    return View.of(batches[0], samples), samples


def _pick(batch: Trajectories, seed: int) -> list[NDArray[np.float64]]:
    chosen = np.random.default_rng(seed).permutation(len(batch))[:_SHOWN]
    tracks = []
    for i in np.sort(chosen):
        length = int(batch.steps[i])
        at = np.unique(np.linspace(0, length - 1, min(length, _MOST_POINTS)).round().astype(np.int64))
        values = batch.values[i, at].astype(np.float64)
        tracks.append(np.column_stack([at * batch.dt, values]))
    return tracks


def _continue_longitudes(samples: Sequence[Sequence[NDArray[np.float64]]], column: int) -> None:
    """No jumps by 360° within a track, and all tracks start within 180° of their common middle."""
    starts = np.radians([track[0, column] for tracks in samples for track in tracks])
    if not len(starts):
        return
    middle = math.degrees(math.atan2(np.sin(starts).mean(), np.cos(starts).mean()))
    for tracks in samples:
        for track in tracks:
            continued = np.unwrap(track[:, column], period=360.0)
            track[:, column] = continued - 360.0 * np.round((continued[0] - middle) / 360.0)


@dataclass(frozen=True)
class View:
    """What is drawn on which axes, shared by all panels.

    Attributes:
        kind: `map` (longitude, latitude), `plane` (first two position channels) or `time` (a row per channel).
        rows: pairs of columns (across, up) of a track, time being column 0.
        labels: pairs of axis labels.
        limits: pairs of axis limits.
        hidden: channels that are not drawn.
        clipped: True where generated motion leaves the drawn range, which then is three times the reference's.
    """

    kind: Literal["map", "plane", "time"]
    rows: tuple[tuple[int, int], ...]
    labels: tuple[tuple[str, str], ...]
    limits: tuple[tuple[_Limits, _Limits], ...]
    hidden: tuple[str, ...]
    clipped: bool

    @classmethod
    def of(cls, batch: Trajectories, samples: Sequence[Sequence[NDArray[np.float64]]]) -> Self:
        """A view that suits the channels of `batch` and holds all `samples`, the first being the reference."""
        kind, rows = _kind(batch)
        names = [f"time ({printable(batch.time_unit, longest=12)})"]
        for channel, unit in zip(batch.channels, batch.units, strict=True):
            name = printable(channel, longest=24)
            names.append(f"{name} ({printable(unit, longest=12)})" if unit else name)
        if kind == "map":
            names[rows[0][0]], names[rows[0][1]] = "longitude (°)", "latitude (°)"
        limits, clipped = [], False
        for across, up in rows:
            x, cut_x = _limits(samples, across)
            y, cut_y = _limits(samples, up)
            limits.append((x, y) if kind == "time" else _equalised(x, y, _stretch(kind, y)))
            clipped = clipped or cut_x or cut_y
        shown = {up for _, up in rows} | {across for across, _ in rows}
        hidden = tuple(c for i, c in enumerate(batch.channels, start=1) if i not in shown)
        labels = tuple((names[across], names[up]) for across, up in rows)
        return cls(kind, tuple(rows), labels, tuple(limits), hidden, clipped)


def panel(view: View, columns: Sequence[tuple[str, Sequence[NDArray[np.float64]]]]) -> Figure:
    """One column of axes per (title, tracks), all with the view's limits."""
    from matplotlib.figure import Figure

    # Ticks and labels take 0.9 inches of the width and of the height.
    across = 3.3 if len(columns) == 1 else 2.9
    width = len(columns) * (across + 0.9)
    height = 1.55 * len(view.rows) + 0.7 if view.kind == "time" else across * _ratio(view) + 0.9
    with styled():
        figure = Figure(figsize=(width, height), layout="constrained")
        grid = figure.subplots(len(view.rows), len(columns), sharex="col", squeeze=False)
        for column, (title, tracks) in enumerate(columns):
            grid[0, column].set_title(title)
            color = MUTED if column == 0 and len(columns) > 1 else INK
            for row, axes in enumerate(grid[:, column]):
                _tracks(axes, view, row, tracks, color)
                if row == len(view.rows) - 1:
                    axes.set_xlabel(view.labels[row][0])
        figure.align_ylabels()
        figure.draw_without_rendering()
    return figure


def _kind(batch: Trajectories) -> tuple[Literal["map", "plane", "time"], list[tuple[int, int]]]:
    """How motion is best seen, by the same reading of the channels that the quantities have."""
    over_time = [(0, i + 1) for i in range(min(batch.C, _MOST_CHANNELS))]
    try:
        positions = positions_of(batch)
    except InputError:
        return "time", over_time
    if positions.geographic:
        latitude, longitude = positions.index
        return "map", [(longitude + 1, latitude + 1)]
    # Where no channel is named as a position all are returned; only unnamed ones may be a plane.
    unnamed = all(name == f"x{i}" for i, name in enumerate(batch.channels))
    if len(positions.index) in (2, 3) and (len(positions.index) < batch.C or unnamed or _named_axes(batch)):
        return "plane", [(positions.index[0] + 1, positions.index[1] + 1)]
    return "time", over_time


def _named_axes(batch: Trajectories) -> bool:
    names = [name.lower() for name in batch.channels]
    return set(names) <= {"x", "y", "z"} or all(name.startswith("pos") for name in names)


def _degrees(tracks: Sequence[NDArray[np.float64]], batch: Trajectories, columns: tuple[int, int]) -> None:
    scale = math.degrees(positions_of(batch).to_radians)
    if not math.isclose(scale, 1.0):
        for track in tracks:
            track[:, columns] *= scale


def _limits(samples: Sequence[Sequence[NDArray[np.float64]]], column: int) -> tuple[_Limits, bool]:
    """Limits that hold everything, unless a runaway sample would flatten the reference."""
    spans = []
    for tracks in samples:
        if tracks:
            values = np.concatenate([track[:, column] for track in tracks])
            spans.append((float(values.min()), float(values.max())))
    if not spans:
        return (0.0, 1.0), False
    low, high = min(span[0] for span in spans), max(span[1] for span in spans)
    first, last = spans[0]
    reach = last - first
    clipped = reach > 0 and high - low > 5 * reach
    if clipped:
        low, high = max(low, first - reach), min(high, last + reach)
    margin = 0.04 * (high - low) or 0.5 * max(abs(high), 1.0)
    return (low - margin, high + margin), clipped


def _stretch(kind: str, latitudes: _Limits) -> float:
    """How much longer a unit upwards is than one across: 1 / cos(latitude) on a map."""
    if kind != "map":
        return 1.0
    middle = min(abs(sum(latitudes) / 2), 75.0)
    return 1.0 / math.cos(math.radians(middle))


def _equalised(x: _Limits, y: _Limits, stretch: float) -> tuple[_Limits, _Limits]:
    """Widen the shorter side, so that no panel is flatter than 0.5 or taller than 1.15 of its width."""
    wide, tall = x[1] - x[0], (y[1] - y[0]) * stretch
    if tall < 0.5 * wide:
        half = 0.25 * wide / stretch
        middle = (y[0] + y[1]) / 2
        y = (middle - half, middle + half)
    elif tall > 1.15 * wide:
        half = 0.5 * tall / 1.15
        middle = (x[0] + x[1]) / 2
        x = (middle - half, middle + half)
    return x, y


def _ratio(view: View) -> float:
    (x, y) = view.limits[0]
    return _stretch(view.kind, y) * (y[1] - y[0]) / (x[1] - x[0])


def _tracks(axes: Axes, view: View, row: int, tracks: Sequence[NDArray[np.float64]], color: str) -> None:
    from matplotlib.collections import LineCollection

    across, up = view.rows[row]
    lines = [track[:, [across, up]] for track in tracks]
    axes.add_collection(
        LineCollection(lines, colors=color, linewidths=0.8, alpha=0.35 if view.kind == "time" else 0.55),
        autolim=False,
    )
    if lines and view.kind != "time":
        starts = np.array([line[0] for line in lines])
        axes.plot(*starts.T, linestyle="none", marker="o", markersize=2.6, color=color, markeredgewidth=0)
    if not lines:
        axes.text(0.5, 0.5, "no trajectories", ha="center", color=MUTED, transform=axes.transAxes)
    axes.set_xlim(view.limits[row][0])
    axes.set_ylim(view.limits[row][1])
    if view.kind != "time":
        axes.set_aspect(_stretch(view.kind, view.limits[row][1]))
    axes.set_ylabel(view.labels[row][1])
    axes.locator_params(nbins=5)
    quiet(axes)
    if view.kind != "time":
        axes.grid(axis="x", color=RULE, linewidth=0.6)
