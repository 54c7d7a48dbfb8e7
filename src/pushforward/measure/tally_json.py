"""Tallies as JSON and back, exactly: what shards and machines send one another, and what studies keep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from pushforward.errors import InputError, printable, require
from pushforward.measure.grid import Grid
from pushforward.measure.tally import GroupCounts, Tally

__all__ = ["tally_from_json", "tally_to_json"]

_LARGEST_SUM = 1024


def tally_to_json(tally: Tally) -> dict[str, Any]:
    """Grid, the cells that are not empty, exact sums (hexadecimal) and counts by group."""
    cells = np.flatnonzero(tally.counts)
    grid, groups = tally.grid, tally.groups
    return {
        "grid": {"low": grid.low, "high": grid.high, "bins": grid.bins, "subdivisions": grid.subdivisions},
        "cells": cells.tolist(),
        "counts": tally.counts[cells].tolist(),
        "n_invalid": tally.n_invalid,
        "sum_1": hex(tally.sum_1),
        "sum_2": hex(tally.sum_2),
        "groups": None
        if groups is None
        else {
            "labels": groups.labels.tolist(),
            "group": groups.group.tolist(),
            "cell": groups.cell.tolist(),
            "count": groups.count.tolist(),
        },
    }


def tally_from_json(record: Mapping[str, Any]) -> Tally:
    """Read back what `tally_to_json` gave, bit for bit.

    Raises:
        InputError: damaged: fields that are missing, of another type or out of range.
    """
    try:
        grid = Grid(**record["grid"])
        counts = np.zeros(grid.size, dtype=np.int64)
        cells, found = (np.asarray(record[name], dtype=np.int64) for name in ("cells", "counts"))
        _check(cells, grid.size)
        _check(found, 1 << 53)
        counts[cells] = found
        sums = [record[name] for name in ("sum_1", "sum_2")]
        require(all(len(text) <= _LARGEST_SUM for text in sums), "sums are too long")
        groups = record["groups"]
        return Tally(
            grid,
            counts,
            int(record["n_invalid"]),
            int(sums[0], 16),
            int(sums[1], 16),
            None if groups is None else _groups(groups, grid),
        )
    except (KeyError, TypeError, ValueError, IndexError, OverflowError) as error:
        raise InputError(f"damaged tally: {type(error).__name__}: {printable(error)}") from error


def _groups(record: Mapping[str, Any], grid: Grid) -> GroupCounts:
    group, cell, count = (np.asarray(record[name], dtype=np.int64) for name in ("group", "cell", "count"))
    # An empty list has no kind of its own.
    labels = np.asarray(record["labels"]) if record["labels"] else np.empty(0, dtype=np.int64)
    require(len(group) == len(cell) == len(count), "counts by group differ in length")
    require(labels.ndim == 1 and labels.dtype.kind in "iuU", "labels of groups are neither numbers nor text")
    _check(group, len(labels))
    _check(cell, grid.size)
    _check(count, 1 << 53)
    return GroupCounts(labels, group, cell, count)


def _check(values: np.ndarray[Any, np.dtype[np.int64]], end: int) -> None:
    require(
        values.ndim == 1 and bool(((values >= 0) & (values < end)).all()),
        f"expected numbers from 0 to {end - 1}",
    )
