"""Long tables: one row per time step, with an id, a time and channels; written once for CSV and Parquet."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import chain, pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.formats._block import Block, Episode, gathered
from pushforward.formats._guard import allowance
from pushforward.formats.base import ReadSettings

__all__ = ["Roles", "Stretch", "is_long_table", "roles_of", "split_unit", "table_blocks"]

ID_NAMES = (
    *("id", "trajectory", "trajectory_id", "traj", "traj_id", "episode", "episode_id", "episode_index"),
    *("storm", "storm_id", "track", "track_id"),
)
TIME_NAMES = ("time", "timestamp", "t", "datetime", "date", "step", "frame", "frame_index")
GROUP_NAME = "group"
_UNIT = re.compile(r"(.*\S)\s+\[([^\[\]]*)\]")
# Rounded times (0.033, 0.067, 0.1) are regular; a missing row is a whole step off.
_TOLERANCE = 0.05
_MOST_SINGLE_ROWS = 4096


@dataclass(frozen=True)
class Roles:
    """Which columns of a long table are what."""

    id: str
    time: str
    channels: tuple[str, ...]
    group: str | None = None


@dataclass(frozen=True)
class Stretch:
    """Consecutive rows: ids (R,), times (R,), values (R, C), and columns that are constant per trajectory."""

    ids: NDArray[Any]
    times: NDArray[Any]
    values: NDArray[Any]
    group: NDArray[Any] | None = None
    quantity: NDArray[Any] | None = None
    conditions: Mapping[str, NDArray[Any]] = field(default_factory=dict)


@dataclass
class _Timing:
    """Time between rows: known beforehand, or that of the first trajectory with two rows."""

    spacing: float | None
    checked: bool


def split_unit(header: str) -> tuple[str, str]:
    """`x [m]` as ("x", "m"); a name without a unit has the unit ""."""
    found = _UNIT.fullmatch(header)
    return (found[1], found[2]) if found else (header, "")


def is_long_table(columns: Sequence[str], settings: ReadSettings | None = None) -> bool:
    """Whether an id column and a time column are among them."""
    settings = settings or ReadSettings()
    found = _find(columns, settings.id_column, ID_NAMES), _find(columns, settings.time_column, TIME_NAMES)
    return None not in found


def roles_of(columns: Sequence[str], numeric: Sequence[str], settings: ReadSettings) -> Roles:
    """The roles of a table's columns, by settings or by their usual names.

    Raises:
        InputError: no id column, no time column, or no numeric column beside them.
    """
    repeated = sorted({printable(name, longest=60) for name in columns if columns.count(name) > 1})
    require(not repeated, f"columns: duplicate names {repeated[:5]}; expected distinct names")
    for wanted in (settings.id_column, settings.time_column):
        if wanted is not None and wanted not in columns:
            raise named("column", wanted, columns)
    listed = printable(", ".join(columns[:20]))
    id_column = _find(columns, settings.id_column, ID_NAMES)
    time_column = _find(columns, settings.time_column, TIME_NAMES, but=id_column)
    if id_column is None or time_column is None:
        kind, names = ("id", ID_NAMES) if id_column is None else ("time", TIME_NAMES)
        raise InputError(
            f"no {kind} column among {listed}; expected one named {', '.join(names)}, or {kind}_column set"
        )
    group = GROUP_NAME if GROUP_NAME in columns and GROUP_NAME not in (id_column, time_column) else None
    channels = tuple(name for name in numeric if name not in (id_column, time_column, group))
    require(len(channels) > 0, f"no numeric column beside {id_column!r} and {time_column!r} among {listed}")
    return Roles(id_column, time_column, channels, group)


def table_blocks(
    stretches: Iterator[Stretch],
    like: Block,
    size: int,
    settings: ReadSettings,
    stored: int,
    spacing: float | None = None,
    dt: float | None = None,
) -> Iterator[Block]:
    """Blocks of trajectories from rows in order.

    `spacing` is what times must differ by (default: found in the first trajectory with two rows), `dt` the time
    that stands for (default: `spacing`). With `settings.dt` the times are not looked at.
    """
    timing = _Timing(spacing, checked=settings.dt is None)
    found = _episodes(stretches, timing, stored)
    first: list[Episode] = []
    while timing.spacing is None and len(first) < _MOST_SINGLE_ROWS:
        episode = next(found, None)
        if episode is None:
            break
        first.append(episode)
    like = replace(like, dt=dt or settings.dt or timing.spacing or 1.0)
    yield from gathered(chain(first, found), size, like, settings.max_length)


def _find(
    columns: Sequence[str], wanted: str | None, usual: Sequence[str], but: str | None = None
) -> str | None:
    if wanted is not None:
        return wanted if wanted in columns else None
    by_name = {split_unit(name)[0].strip().lower(): name for name in reversed(columns) if name != but}
    return next((by_name[name] for name in usual if name in by_name), None)


def _episodes(stretches: Iterator[Stretch], timing: _Timing, stored: int) -> Iterator[Episode]:
    waiting: list[Stretch] = []
    size, seen, limit = 0, _Seen(), allowance(stored)
    for stretch in stretches:
        ids = stretch.ids
        edges = [0, *(np.flatnonzero(ids[1:] != ids[:-1]) + 1).tolist(), len(ids)]
        for start, stop in pairwise(edges):
            if start == stop:
                continue
            if waiting and waiting[0].ids[0] != ids[start]:
                yield _episode(waiting, timing)
                waiting, size = [], 0
            if not waiting:
                seen.add(ids[start])
            waiting.append(_rows(stretch, slice(start, stop)))
            size += waiting[-1].values.nbytes
            if size > limit:
                name = printable(ids[start], longest=60)
                raise InputError(f"trajectory {name}: takes over {limit} bytes but the file has {stored}")
    if waiting:
        yield _episode(waiting, timing)


def _rows(stretch: Stretch, where: slice) -> Stretch:
    def part(array: NDArray[Any] | None) -> NDArray[Any] | None:
        return None if array is None else array[where]

    conditions = {name: array[where] for name, array in stretch.conditions.items()}
    return Stretch(
        stretch.ids[where],
        stretch.times[where],
        stretch.values[where],
        part(stretch.group),
        part(stretch.quantity),
        conditions,
    )


def _episode(parts: list[Stretch], timing: _Timing) -> Episode:
    first = parts[0]
    times = np.concatenate([part.times for part in parts])
    if timing.checked:
        _check_times(times, first.ids[0], timing)
    group = None if first.group is None else first.group[0]
    return Episode(
        values=np.concatenate([part.values for part in parts]),
        group=group.item() if isinstance(group, np.generic) else group,
        quantity=None if first.quantity is None else float(first.quantity[0]),
        conditions={name: array[0] for name, array in first.conditions.items()},
    )


def _check_times(times: NDArray[Any], identity: Any, timing: _Timing) -> None:
    # Integer clocks (nanoseconds since 1970) keep their precision only as differences.
    elapsed = np.asarray(times - times[0], dtype=np.float64)
    if not np.isfinite(elapsed).all():
        first = int(np.flatnonzero(~np.isfinite(elapsed))[0])
        raise InputError(
            f"trajectory {printable(identity, longest=60)}: time is missing or not finite at row {first}"
        )
    if len(elapsed) < 2:
        return
    steps = len(elapsed) - 1
    own = float(f"{elapsed[-1] / steps:.12g}")
    spacing = own if timing.spacing is None else timing.spacing
    ideal = elapsed[0] + np.arange(len(elapsed)) * own
    off = np.flatnonzero(np.abs(elapsed - ideal) > _TOLERANCE * abs(spacing))
    regular = own > 0 and not len(off) and abs(own - spacing) <= max(_TOLERANCE / steps, 1e-3) * spacing
    if not regular:
        # The first step that differs from the expected one says more than the distance from a fitted line.
        gaps = np.diff(elapsed)
        spacing = float(np.sort(gaps)[(steps - 1) // 2]) if timing.spacing is None else spacing
        first = int(np.flatnonzero(~(np.abs(gaps - spacing) <= _TOLERANCE * abs(spacing)))[:1].sum())
        raise InputError(
            f"trajectory {printable(identity, longest=60)}: times are not regular: step {first} lasts "
            f"{gaps[first]:.6g}; expected {spacing:.6g} (within {_TOLERANCE:.0%}), increasing; sort and resample the "
            "table, or give dt to take rows as they come"
        )
    timing.spacing = spacing


class _Seen:
    """Ids met so far, consecutive integers in constant memory: an id that comes back is an unsorted table."""

    def __init__(self) -> None:
        self._low = self._next = 0
        self._others: set[Any] = set()

    def add(self, identity: Any) -> None:
        """Remember an id.

        Raises:
            InputError: it has been met before.
        """
        known = identity in self._others
        if isinstance(identity, np.integer | int):
            known = known or bool(self._low <= identity < self._next)
            if self._low == self._next:
                self._low = self._next = int(identity)
            if int(identity) == self._next:
                self._next += 1
                self._others.discard(identity)
        if known:
            name = printable(identity, longest=60)
            raise InputError(f"rows of trajectory {name} are not together; sort the table by id and time")
        if not (isinstance(identity, np.integer | int) and self._low <= identity < self._next):
            self._others.add(identity)
