"""Measuring in cache-sized blocks of trajectories: memory stays bounded and every pass stays in the cache."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.trajectories import Trajectories

__all__ = ["by_block", "euclidean_path_lengths", "slices"]

# Measured (1 MB of second-level cache): 2 MB is fastest, 1 MB costs 5 % more and 256 KB 40 % more.
BLOCK_BYTES = 2 << 20
# Below this, one dot product per row sums it; above, NumPy's pairwise sum is exact enough.
_LONGEST_PRODUCT = 128
# A mean step shorter than this may have lost digits to underflow of its square in float32.
_SAFE_STEP = 1e-12

_Array = NDArray[np.floating[Any]]


def slices(n: int, row_bytes: int) -> Iterator[slice]:
    """Consecutive slices of `n` rows of `row_bytes` each, about `BLOCK_BYTES` together."""
    size = max(BLOCK_BYTES // max(row_bytes, 1), 1)
    return (slice(start, min(start + size, n)) for start in range(0, n, size))


def by_block(
    trajectories: Trajectories,
    index: tuple[int, ...],
    measure: Callable[[NDArray[np.float64], NDArray[np.int64]], _Array],
) -> NDArray[np.float64]:
    """(N,) results of `measure(points, steps)` over blocks.

    `points` is (m, T, c) float64, the channels at `index`; `steps` is (m,), the valid steps of each.
    """
    steps = trajectories.steps
    result = np.empty(len(trajectories))
    for part in slices(len(trajectories), 8 * trajectories.T * len(index)):
        points = trajectories.values[part][:, :, list(index)].astype(np.float64)
        result[part] = measure(points, steps[part])
    return result


def euclidean_path_lengths(trajectories: Trajectories, index: tuple[int, ...]) -> NDArray[np.float64]:
    """(N,) Σ_t ‖x_{t+1} − x_t‖, relative error below 1e-6.

    Padding repeats the last valid value, so its steps add nothing. Work is float32 on flat memory; rows where
    that over- or underflows are measured again in float64.
    """
    n, steps, width = len(trajectories), trajectories.T, len(index)
    whole = index == tuple(range(trajectories.C)) and trajectories.values.flags.c_contiguous
    result = np.empty(n)
    rows = max(BLOCK_BYTES // (4 * steps * width), 1)
    block = _FlatBlock(min(rows, max(n, 1)), steps, width)
    doubtful: list[NDArray[np.int64]] = []
    for start in range(0, n, rows):
        part = trajectories.values[start : start + rows]
        flat = part.reshape(-1) if whole else part[:, :, list(index)].ravel()
        lengths = block.measure(flat, len(part))
        result[start : start + rows] = lengths
        # False also where one of them is NaN.
        if not (lengths.min() > _SAFE_STEP * steps and lengths.max() < np.inf):
            doubtful.append(start + np.flatnonzero(~((lengths > _SAFE_STEP * steps) & (lengths < np.inf))))
    again = np.concatenate(doubtful) if doubtful else np.empty(0, dtype=np.int64)
    for rare in slices(len(again), 8 * steps * width):
        points = trajectories.values[again[rare]][:, :, list(index)].astype(np.float64)
        legs = np.diff(points, axis=1)
        result[again[rare]] = np.sqrt((legs * legs).sum(axis=-1)).sum(axis=1)
    return result


class _FlatBlock:
    """Preallocated buffers for path lengths of up to `rows` trajectories held in flat memory."""

    def __init__(self, rows: int, steps: int, width: int) -> None:
        self.steps, self.width = steps, width
        self.legs = np.zeros(rows * steps * width, dtype=np.float32)
        self.lengths = np.empty(rows * steps, dtype=np.float32)
        self.totals = np.empty(rows, dtype=np.float32)
        # The leg from a trajectory's end to the next one's start is computed too, and left out here.
        self.kept = np.ones(steps, dtype=np.float32)
        self.kept[-1] = 0

    def measure(self, flat: NDArray[np.float32], m: int) -> NDArray[np.float32]:
        """(m,) path lengths of the trajectories in `flat` (m · T · C,), valid until the next call."""
        width, out = self.width, self.totals[:m]
        legs, lengths = self.legs[: flat.size], self.lengths[: m * self.steps]
        np.subtract(flat[width:], flat[:-width], out=legs[:-width])
        legs[-width:] = 0
        if width == 1:
            np.abs(legs, out=lengths)
        elif width == 2:
            # One pass for √(dx² + dy²), where squares, sum and root would take three.
            np.abs(legs.view(np.complex64), out=lengths)
        else:
            np.multiply(legs, legs, out=legs)
            np.add(legs[0::width], legs[1::width], out=lengths)
            for channel in range(2, width):
                np.add(lengths, legs[channel::width], out=lengths)
            np.sqrt(lengths, out=lengths)
        table = lengths.reshape(m, self.steps)
        if self.steps <= _LONGEST_PRODUCT:
            # Row by row: a matrix product is twice as fast, but its rounding depends on how many rows it has, and
            # a trajectory's length must not depend on the batch that it came in.
            np.vecdot(table, self.kept, out=out)
        else:
            np.add.reduce(table[:, :-1], axis=1, out=out)
        return out
