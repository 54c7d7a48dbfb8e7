"""Audits of data in many parts, each scanned and counted by itself, perhaps elsewhere, and then merged."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable
from pushforward.measure.grid import Grid
from pushforward.measure.ranges import RangeScan
from pushforward.measure.tally import Tally

__all__ = ["LARGEST_SAMPLE", "AbstractShards", "ShardScan", "TallySum", "merged_scan"]

LARGEST_SAMPLE = 1 << 17
"""Values kept of all shards together, to find the range."""

_LEAST_SAMPLE = 1 << 12
Array = NDArray[np.float64]


class AbstractShards(ABC):
    """A stream that makes the passes of an audit by itself, part by part, in any order and place.

    What is counted is what one process would count, one part after the other: tallies merge exactly. The range, where
    it is not given, is found from the same values as that of one stream as long as no part has more values than are
    kept of it, and else from values that stand as close to them as those that are kept.
    """

    @abstractmethod
    def __call__(self) -> Iterator[tuple[Mapping[str, Array], NDArray[Any] | None]]:
        """The chunks of all parts, one after the other, as any stream."""

    @abstractmethod
    def scan(self, names: Sequence[str]) -> dict[str, RangeScan]:
        """The first pass: what is needed to find each quantity's range."""

    @abstractmethod
    def count(self, grids: Mapping[str, Grid]) -> dict[str, Tally]:
        """The second pass: the tally of each quantity."""


class ShardScan:
    """What is kept of one part's values to find the range: how many, the extremes, every k-th.

    k doubles until at most `largest` are kept, which is the part's share of `LARGEST_SAMPLE` (at least 4,096).
    """

    def __init__(self, n_shards: int) -> None:
        self.largest = max(LARGEST_SAMPLE // n_shards, _LEAST_SAMPLE)
        self.seen = 0
        self._scan = RangeScan()

    def add(self, values: Array) -> None:
        """Take note of (n,) values; NaN and infinity are passed over."""
        self.seen += len(values)
        self._scan.add(values)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types; exact."""
        scan = self._scan
        stride = scan.stride
        while -(-self.seen // stride) > self.largest:
            stride *= 2
        kept = scan.kept[:: stride // scan.stride]
        defined = np.isfinite(kept)
        return {
            "seen": self.seen,
            "n": scan.n,
            "low": scan.low if scan.n else None,
            "high": scan.high if scan.n else None,
            "stride": stride,
            # Which of the kept ones are defined, so that each keeps its place.
            "places": np.flatnonzero(defined).tolist(),
            "kept": kept[defined].tolist(),
        }


def merged_scan(parts: Sequence[Mapping[str, Any]]) -> RangeScan:
    """One scan of the parts' `ShardScan.to_json`, in the order of the parts: every k-th of all values.

    Raises:
        InputError: a damaged part.
    """
    try:
        seen = [int(part["seen"]) for part in parts]
        stride = max([int(part["stride"]) for part in parts], default=1)
        while -(-sum(seen) // stride) > LARGEST_SAMPLE:
            stride *= 2
        merged, start = RangeScan(), 0
        kept = []
        for part, count in zip(parts, seen, strict=True):
            kept.append(_every(part, start, stride))
            start += count
            if part["n"]:
                merged.low, merged.high = min(merged.low, part["low"]), max(merged.high, part["high"])
        merged.n, merged.stride = sum(int(part["n"]) for part in parts), stride
        merged.kept = np.concatenate(kept) if kept else np.empty(0)
    except (KeyError, TypeError, ValueError) as error:
        raise InputError(f"damaged scan of a part: {type(error).__name__}: {printable(error)}") from error
    return merged


def _every(part: Mapping[str, Any], start: int, stride: int) -> Array:
    """Of a part that starts at place `start` of all values: the last kept value up to every `stride`-th place."""
    own = int(part["stride"])
    n_kept = -(-int(part["seen"]) // own)
    values = np.full(n_kept, np.nan)
    values[np.asarray(part["places"], dtype=np.int64)] = np.asarray(part["kept"], dtype=np.float64)
    place = start + own * np.arange(n_kept)
    # The next wanted place at or after each kept value, which stands for it where no other is as near.
    wanted = -(-place // stride) * stride
    return values[(wanted - place < own) & (wanted < start + int(part["seen"]))]


@final
class TallySum:
    """Σ of many tallies, equal ones with equal ones, so that clusters are not sorted again for every part."""

    def __init__(self, grid: Grid) -> None:
        self._grid = grid
        # At place i the sum of 2^i tallies, or None: a binary counter.
        self._sums: list[Tally | None] = []

    def add(self, tally: Tally) -> None:
        """Add one tally."""
        for i, kept in enumerate(self._sums):
            if kept is None:
                self._sums[i] = tally
                return
            tally, self._sums[i] = kept + tally, None
        self._sums.append(tally)

    def total(self) -> Tally:
        """The sum of all that were added."""
        total = Tally.zero(self._grid)
        for kept in self._sums:
            total = total if kept is None else total + kept
        return total
