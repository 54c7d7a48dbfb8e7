"""Count pairs (q, q') on a grid that suits them, in one pass where they fit into memory and two where they do not."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.forecast.pushing import Push, Pushed, Source
from pushforward.forecast.settings import MOST_BINS, ForecastSettings
from pushforward.forecast.tally import FlowTally
from pushforward.measure.grid import Grid
from pushforward.measure.intended import Intended
from pushforward.measure.ranges import RangeScan, common_range
from pushforward.progress import Progress, silent
from pushforward.quantities.base import AbstractQuantity

__all__ = ["Counted", "count", "counts_of", "grid_over", "pushed_values", "require_values"]

_CHUNK = 1 << 18
# Values that are kept, so that a forecast can be counted anew on an audit's grid: 128 MB.
KEPT = 1 << 24


@final
@dataclass(frozen=True, eq=False)
class Counted:
    """Counts on a grid, and the values themselves where they are few enough."""

    tally: FlowTally
    values: Pushed | None

    def on(self, grid: Grid) -> Counted:
        """The same counted anew on another grid.

        Raises:
            InputError: the values were too many to be kept.
        """
        if grid == self.tally.grid:
            return self
        require(
            grid.bins <= MOST_BINS,
            f"forecast: got a grid of {grid.bins} bins; expected at most {MOST_BINS} for its flow",
        )
        if self.values is None:
            raise InputError(
                f"forecast: was counted in {_shown(self.tally.grid)} and its values were too many to be kept; expected "
                f"the same bins as the audit's, {_shown(grid)}: forecast with grid=, or audit with that range and bins"
            )
        return Counted(counts_of([self.values], grid), self.values)


def count(
    push: Push,
    source: Source,
    settings: ForecastSettings,
    *,
    grid: Grid | None = None,
    law: Intended | None = None,
    progress: Progress = silent,
) -> Counted:
    """The counts of all pairs of a source, on `grid` or on one found from the values.

    Raises:
        InputError: the quantity is defined on fewer than two trajectories, or on no deviation.
    """
    if grid is None and settings.range is not None:
        grid = Grid(*settings.range, settings.bins, settings.subdivisions)
    values, scans, tally = pushed_values(push, source, grid, progress)
    for scan, what in zip(scans, ("trajectory", "deviation"), strict=True):
        require_values(push.quantity, scan.n, what)
    if tally is None:
        grid = grid_over(scans, law, settings)
        tally = counts_of(push.over(source, progress) if values is None else [values], grid)
    return Counted(tally, values)


def require_values(quantity: AbstractQuantity, n: int, what: str) -> None:
    """Refuse a quantity that is defined on fewer than two of what it is taken of.

    Raises:
        InputError: names the quantity, on how many it is defined, and what was expected.
    """
    where = f"not defined on any {what}" if n == 0 else f"defined on only one {what}"
    require(n > 1, f"quantity {quantity.label!r}: {where}; expected at least two values")


def pushed_values(
    push: Push, source: Source, grid: Grid | None, progress: Progress = silent
) -> tuple[Pushed | None, tuple[RangeScan, RangeScan], FlowTally | None]:
    """One pass: the values if they can be kept, the ranges of q and of q', and the counts if the grid is known."""
    kept: list[Pushed] = []
    scans = RangeScan(), RangeScan()
    tally, n_kept, keeping = None if grid is None else FlowTally.zero(grid), 0, True
    for chunk in _chunks(push.over(source, progress)):
        scans[0].add(chunk.q)
        scans[1].add(chunk.deviated.ravel())
        n_kept += chunk.q.size + chunk.deviated.size
        keeping = keeping and n_kept <= KEPT
        kept = [*kept, chunk] if keeping else []
        tally = None if tally is None or grid is None else tally + FlowTally.of(grid, chunk)
    return _joined(kept) if keeping and kept else None, scans, tally


def counts_of(pushed: Iterable[Pushed], grid: Grid) -> FlowTally:
    """The tally of blocks of any sizes."""
    tally = FlowTally.zero(grid)
    for chunk in _chunks(pushed):
        tally += FlowTally.of(grid, chunk)
    return tally


def grid_over(scans: Sequence[RangeScan], law: Intended | None, settings: ForecastSettings) -> Grid:
    """The range of all values, no further out than outliers deserve, holding a stated law's own."""
    low, high = common_range(scans)
    if law is not None:
        first, last = law.range(settings.bins)
        # Bin edges on the ends of the law, wherever it holds what was found; else both together.
        low, high = (first, last) if first <= low and high <= last else (min(first, low), max(last, high))
    return Grid.covering(low, high, settings.bins, settings.subdivisions)


def _chunks(pushed: Iterable[Pushed]) -> Iterator[Pushed]:
    """Blocks joined and cut to chunks that are cheap to count."""
    waiting: list[Pushed] = []
    size = 0
    for block in pushed:
        for part in _cut(block):
            waiting.append(part)
            size += part.deviated.size
            if size >= _CHUNK:
                yield _joined(waiting)
                waiting, size = [], 0
    if waiting:
        yield _joined(waiting)


def _cut(block: Pushed) -> Iterator[Pushed]:
    rows = max(_CHUNK // max(len(block.deviated), 1), 1)
    for start in range(0, len(block.q), rows):
        part = slice(start, start + rows)
        dropped = 0 if start else block.n_dropped
        yield Pushed(block.q[part], block.deviated[:, part], block.fold[part], dropped)


def _joined(parts: Sequence[Pushed]) -> Pushed:
    if len(parts) == 1:
        return parts[0]

    def joined(arrays: Iterable[NDArray[np.float64]]) -> NDArray[np.float64]:
        return np.concatenate(list(arrays), axis=-1)

    fold = np.concatenate([part.fold for part in parts])
    dropped = sum(part.n_dropped for part in parts)
    return Pushed(joined(part.q for part in parts), joined(part.deviated for part in parts), fold, dropped)


def _shown(grid: Grid) -> str:
    return printable(f"{grid.bins} bins of [{grid.low:g}, {grid.high:g}]")
