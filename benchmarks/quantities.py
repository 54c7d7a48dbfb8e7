"""Quantities against the fastest pass over the same array: `python -m benchmarks.quantities`."""

from __future__ import annotations

import os

# One thread, as the speed bar says; BLAS reads this once, when NumPy is imported.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import time
from collections.abc import Callable
from typing import Any

import numpy as np

from pushforward.quantities import QUANTITIES, DominantFrequency, MinimumClearance, PathLength, TimeInRegion
from pushforward.trajectories import Trajectories

N, T, C = 1_000_000, 64, 2
_SETTINGS = {
    "time-in-region": TimeInRegion(low=(0, 0), high=(1, 1)),
    "minimum-clearance": MinimumClearance(circles=((0, 0, 0.5),)),
    "dominant-frequency": DominantFrequency(),
}
_ELSEWHERE = ("path-length", "accumulated-cyclone-energy", "logistic-map-r")


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


def rows(n: int = N) -> list[dict[str, Any]]:
    """One row for each measurement: what, ours, peer, ratio (ours / peer), unit."""
    rng = np.random.default_rng(0)
    motion = Trajectories(rng.standard_normal((n, T, C), dtype=np.float32))
    quantity = PathLength()
    ours, total = best_of(lambda: quantity(motion), lambda: np.sum(motion.values))
    (plain,) = best_of(lambda: plain_path_length(motion.values), repeats=2)
    shape = f"{n:,} × {T} × {C}"
    table = [
        _row(f"path-length of {shape} against np.sum of the array (bar: 3)", ours, total),
        _row(f"path-length of {shape} against plain NumPy", ours, plain),
    ]
    few = motion.select(slice(0, n // 10))
    for name, kind in QUANTITIES.items():
        if name not in _ELSEWHERE:
            measured = _SETTINGS.get(name) or kind()
            seconds, reference = best_of(
                lambda measured=measured: measured(few), lambda: np.sum(few.values), repeats=3
            )
            table.append(_row(f"{name} of {n // 10:,} × {T} × {C} against np.sum", seconds, reference))
    return table


def _row(what: str, ours: float, peer: float) -> dict[str, Any]:
    return {"what": what, "ours": ours, "peer": peer, "ratio": ours / peer, "unit": "s"}


def main() -> None:
    """Print the table."""
    for row in rows():
        print(
            f"{row['what']:<75} {row['ours']:9.4f} {row['unit']} {row['peer']:9.4f} {row['unit']} {row['ratio']:8.2f}×"
        )


if __name__ == "__main__":
    main()
