"""Quantities against the fastest pass over the same array: `python -m benchmarks.quantities`."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from benchmarks.table import Row, table
from pushforward.errors import InputError
from pushforward.quantities import (
    QUANTITIES,
    DominantFrequency,
    MinimumClearance,
    PathLength,
    Quantity,
    TimeInRegion,
)
from pushforward.trajectories import Trajectories

N, T, C = 1_000_000, 64, 2
_SETTINGS = {
    "time-in-region": TimeInRegion(low=(0, 0), high=(1, 1)),
    "minimum-clearance": MinimumClearance(circles=((0, 0, 0.5),)),
    "dominant-frequency": DominantFrequency(),
}


def best_of(*acts: Callable[[], Any], repeats: int = 9) -> list[float]:
    """Seconds of the fastest run of each act, run in turn so that a busy machine hits all alike."""
    seconds = np.full((repeats, len(acts)), np.inf)
    for repeat in range(repeats):
        for place, act in enumerate(acts):
            started = time.perf_counter()
            act()
            seconds[repeat, place] = time.perf_counter() - started
    return [float(least) for least in seconds.min(axis=0)]


def plain_path_length(values: np.ndarray) -> np.ndarray:
    """The expression that one would write."""
    return np.linalg.norm(np.diff(values, axis=1), axis=2).sum(axis=1)


def rows(n: int = N) -> list[Row]:
    """One row for each quantity, beside one pass of `np.sum` over the same array, which is the limit."""
    rng = np.random.default_rng(0)
    motion = Trajectories(rng.standard_normal((n, T, C), dtype=np.float32))
    quantity = PathLength()
    ours, total = best_of(lambda: quantity(motion), lambda: np.sum(motion.values))
    (plain,) = best_of(lambda: plain_path_length(motion.values), repeats=2)
    shape = f"{n:,} × {T} × {C}"
    found = [
        _row(f"path-length of {shape}; bar: 0.33×", ours, "np.sum", total),
        _row(f"path-length of {shape}", ours, "NumPy expression", plain),
    ]
    few = motion.select(slice(0, n // 10))
    for name, measured in _measurable(few):
        seconds, reference = best_of(
            lambda measured=measured: measured(few), lambda: np.sum(few.values), repeats=3
        )
        found.append(_row(f"{name} of {n // 10:,} × {T} × {C}", seconds, "np.sum", reference))
    return found


def _measurable(few: Trajectories) -> Iterator[tuple[str, Quantity]]:
    """All registered quantities but those of channels that a path in the plane has not."""
    for name, kind in QUANTITIES.items():
        measured = _SETTINGS.get(name) or kind()
        try:
            measured(few.select(slice(0, 2)))
        except InputError:
            continue
        if name != "path-length":
            yield name, measured


def _row(what: str, ours: float, peer: str, theirs: float) -> Row:
    return {
        "what": what,
        "ours": f"{ours:.4f} s",
        "peer": f"{peer} {theirs:.4f} s",
        "ratio": f"{theirs / ours:.3g}×",
    }


def main() -> None:
    """Print the table."""
    print(table(rows()))


if __name__ == "__main__":
    main()
