"""Tally: what is kept of a sample. It merges exactly, in any order, and everything else is a function of it."""

from __future__ import annotations

from dataclasses import dataclass, replace
from fractions import Fraction
from functools import cached_property
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import sparse

from pushforward.errors import InputError, require
from pushforward.measure.exact import UNIT, exact_sum, exact_sum_of_squares
from pushforward.measure.grid import Grid

__all__ = ["GroupCounts", "Tally"]

_LARGEST = 1e150


@final
@dataclass(frozen=True, eq=False)
class GroupCounts:
    """Counts by cluster, sparse: only the (group, cell) pairs that occur.

    Attributes:
        labels: (G,) sorted distinct cluster ids.
        group, cell: (M,) indices into labels and cells, sorted by group, then cell.
        count: (M,) how many values.
    """

    labels: NDArray[Any]
    group: NDArray[np.int64]
    cell: NDArray[np.int64]
    count: NDArray[np.int64]

    @classmethod
    def of(cls, groups: NDArray[Any], cells: NDArray[np.int64], count: NDArray[np.int64]) -> Self:
        """Sum `count` over equal (group, cell) pairs."""
        labels, group = _distinct(groups)
        shape = (len(labels), int(cells.max(initial=0)) + 1)
        # Linear in the number of values, where sorting the pairs would not be.
        summed = sparse.coo_array((count, (group, cells)), shape=shape).tocsr()
        by_group = np.repeat(np.arange(len(labels)), np.diff(summed.indptr))
        return cls(labels, by_group, summed.indices.astype(np.int64), summed.data)

    def __add__(self, other: GroupCounts) -> GroupCounts:
        """Union of the groups; a group that occurs in both is one group."""
        if self.labels.dtype.kind != other.labels.dtype.kind and len(self.labels) and len(other.labels):
            raise InputError("groups: got integers in one part and strings in another; expected one kind")
        if not len(self.labels) or not len(other.labels):
            return self if len(self.labels) else other
        return GroupCounts.of(
            np.concatenate([self.labels[self.group], other.labels[other.group]]),
            np.concatenate([self.cell, other.cell]),
            np.concatenate([self.count, other.count]),
        )


@final
@dataclass(frozen=True, eq=False)
class Tally:
    """Counts on a fixed grid, exact moments and counts by group: a mergeable state of a sample.

    `zero` is the neutral element, `+` is exactly associative and commutative: shards, batches and machines
    may be merged in any order with the same result, bit for bit.

    Attributes:
        grid: where values are counted.
        counts: (size,) int64, one for each cell of the grid.
        n_invalid: values that were NaN: the quantity was not defined there.
        sum_1, sum_2: Σ d and Σ d² of d = q − grid.centre, in `exact.UNIT`s.
        groups: counts by cluster, or None where values are independent.
    """

    grid: Grid
    counts: NDArray[np.int64]
    n_invalid: int = 0
    sum_1: int = 0
    sum_2: int = 0
    groups: GroupCounts | None = None

    @classmethod
    def zero(cls, grid: Grid) -> Tally:
        """The tally of nothing."""
        return cls(grid, np.zeros(grid.size, dtype=np.int64))

    @cached_property
    def n(self) -> int:
        """Values counted."""
        return int(self.counts.sum())

    def add(self, values: ArrayLike, groups: ArrayLike | None = None) -> Tally:
        """This tally and that of (N,) `values`; NaN is counted as invalid, infinity is refused.

        Raises:
            InputError: values that are not (N,) real numbers, infinite values, or groups of another length.
        """
        array = np.asarray(values)
        require(
            array.ndim == 1 and array.dtype.kind in "fiub",
            f"values: got {array.dtype} of shape {array.shape}; expected (N,) real numbers",
        )
        array = array.astype(np.float64, copy=False)
        defined = ~np.isnan(array)
        if not defined.all():
            groups = None if groups is None else np.asarray(groups)[defined]
            n_invalid, array = int((~defined).sum()), array[defined]
        else:
            n_invalid = 0
        require(bool(np.isfinite(array).all()), "values: got infinity; expected finite numbers or NaN")
        return self + _tally(self.grid, array, n_invalid, groups)

    def __add__(self, other: Tally) -> Tally:
        """Both samples together.

        Raises:
            InputError: different grids, or groups in one and not in the other.
        """
        require(self.grid == other.grid, f"tallies on different grids: {self.grid} and {other.grid}")
        if (self.groups is None) != (other.groups is None) and self.n and other.n:
            raise InputError("tallies: got groups in one part and not in the other; expected both or neither")
        mine, theirs = self.groups, other.groups
        return Tally(
            self.grid,
            self.counts + other.counts,
            self.n_invalid + other.n_invalid,
            self.sum_1 + other.sum_1,
            self.sum_2 + other.sum_2,
            mine + theirs if mine is not None and theirs is not None else (mine or theirs),
        )

    def without_single_groups(self) -> Tally:
        """The same tally, without groups where each of them has one value: such values are independent."""
        if self.groups is None or len(self.groups.labels) < self.n:
            return self
        return replace(self, groups=None)

    @cached_property
    def mass(self) -> NDArray[np.float64]:
        """(size,) counts / n."""
        mass = self.counts / max(self.n, 1)
        mass.flags.writeable = False
        return mass

    @property
    def mean(self) -> float:
        """Mean of the values themselves, not of the cells; NaN for none."""
        return self.grid.centre + float(self.sum_1 * UNIT / self.n) if self.n else float("nan")

    @property
    def variance(self) -> float:
        """Unbiased variance; NaN for fewer than two values."""
        n = self.n
        if n < 2:
            return float("nan")
        scatter = (self.sum_2 * UNIT) - Fraction(self.sum_1) ** 2 * UNIT * UNIT / n
        return max(float(scatter / (n - 1)), 0.0)

    @cached_property
    def clusters(self) -> tuple[sparse.csr_array, NDArray[np.int64]]:
        """Counts by cluster as a sparse (G, size) matrix, and the (G,) cluster sizes.

        Raises:
            InputError: the tally was made without groups.
        """
        groups = self.groups
        if groups is None:
            raise InputError("tally: has no groups; give cluster ids to `add`")
        shape = (len(groups.labels), len(self.counts))
        matrix = sparse.csr_array((groups.count.astype(np.float64), (groups.group, groups.cell)), shape=shape)
        sizes = np.zeros(shape[0], dtype=np.int64)
        np.add.at(sizes, groups.group, groups.count)
        return matrix, sizes


def _distinct(groups: NDArray[Any]) -> tuple[NDArray[Any], NDArray[np.int64]]:
    """Sorted distinct ids, and the position of each value's id among them."""
    if groups.dtype.kind in "iu" and groups.dtype != np.uint64 and len(groups):
        low, high = int(groups.min()), int(groups.max())
        if high - low < 4 * len(groups):
            # Ids that lie close together are counted rather than sorted.
            offset = groups.astype(np.int64) - low
            occurs = np.bincount(offset) > 0
            labels = (np.flatnonzero(occurs) + low).astype(groups.dtype)
            return labels, (np.cumsum(occurs) - 1)[offset]
    labels, position = np.unique(groups, return_inverse=True)
    return labels, position.astype(np.int64)


def _tally(grid: Grid, values: NDArray[np.float64], n_invalid: int, groups: ArrayLike | None) -> Tally:
    d = values - grid.centre
    require(
        bool((np.abs(d) < _LARGEST).all()),
        f"values: got magnitudes above {_LARGEST:g}; expected a physical quantity",
    )
    by_group = None
    if groups is not None:
        ids = np.asarray(groups)
        require(ids.shape == values.shape, f"groups: got shape {ids.shape}; expected {values.shape}")
        by_group = GroupCounts.of(ids, grid.index(values), np.ones(len(values), dtype=np.int64))
    return Tally(
        grid,
        grid.count(values),
        n_invalid,
        exact_sum(d),
        exact_sum_of_squares(d),
        by_group,
    )
