"""Forecasts: 10⁶ deviations of 64 × 2 trajectories pushed through path length, and where the time goes."""

from __future__ import annotations

import os
import time

import numpy as np

from benchmarks.table import Row, fastest
from pushforward import Trajectories, forecast
from pushforward.forecast import ForecastSettings
from pushforward.kernels import Gaussian, Spectral
from pushforward.quantities import PathLength

N, T, C = 10**6, 64, 2
_BLOCK = 1 << 18


def rows() -> list[Row]:
    """Seconds on the machine's cores, beside NumPy written by hand; processor seconds tell how busy the machine was."""
    tracks = _walks()
    by_hand = fastest(lambda: _by_hand(tracks.values), repeats=2)
    cores = len(os.sched_getaffinity(0))
    found: list[Row] = []
    for kernel in (Gaussian(0.02), Spectral(0.02)):
        for threads in sorted({1, cores}):
            seconds, processor = _timed(kernel, tracks, threads)
            found.append(
                {
                    "what": f"forecast of 10⁶ deviations of {T} × {C}, path length, {kernel.label}, {threads} threads",
                    "ours": f"{seconds:.2f} s ({processor:.2f} s of processor)",
                    "peer": f"NumPy by hand {by_hand:.2f} s" if isinstance(kernel, Gaussian) else "-",
                    "ratio": f"{by_hand / seconds:.1f}" if isinstance(kernel, Gaussian) else "-",
                }
            )
    return [*found, *_parts(tracks)]


def _walks() -> Trajectories:
    steps = np.random.default_rng(0).standard_normal((N // 50, T, C), dtype=np.float32)
    return Trajectories(np.repeat(np.cumsum(0.1 * steps, axis=1), 50, axis=0))


def _timed(kernel: Gaussian | Spectral, tracks: Trajectories, threads: int) -> tuple[float, float]:
    settings = ForecastSettings(threads=threads)
    best = (float("inf"), float("inf"))
    for _ in range(3):
        start, busy = time.perf_counter(), time.process_time()
        forecast(kernel, tracks, PathLength(), repeats=1, settings=settings)
        best = min(best, (time.perf_counter() - start, time.process_time() - busy))
    return best


def _by_hand(values: np.ndarray) -> None:
    """The same masses without a band: one array after the other, as one would write it."""
    rng = np.random.default_rng(0)
    moved = values + rng.normal(0, 0.02 * values.std(axis=(0, 1)), values.shape)
    before, after = (np.linalg.norm(np.diff(x, axis=1), axis=2).sum(axis=1) for x in (values, moved))
    np.histogram2d(before, after, bins=34)


def _parts(tracks: Trajectories) -> list[Row]:
    """The pieces of the Gaussian forecast, in one thread."""
    block = np.empty(_BLOCK, dtype=np.float32)
    times = N * T * C // _BLOCK

    def normals(bits: type[np.random.BitGenerator]) -> float:
        rng = np.random.Generator(bits(0))
        return (
            times
            / 50
            * fastest(lambda: [rng.standard_normal(out=block, dtype=np.float32) for _ in range(50)])
        )

    sigma, length = Gaussian(0.02), PathLength()
    pieces = {
        "1.28·10⁸ normal numbers, SFC64 (used)": normals(np.random.SFC64),
        "1.28·10⁸ normal numbers, PCG64 (NumPy's default)": normals(np.random.PCG64),
        "standard deviation of each channel, 10⁶ trajectories": fastest(lambda: sigma.fitted(tracks)),
        "path length of 10⁶ trajectories (done twice)": fastest(lambda: length(tracks)),
    }
    return [
        {"what": what, "ours": f"{seconds:.2f} s", "peer": "-", "ratio": "-"}
        for what, seconds in pieces.items()
    ]


if __name__ == "__main__":
    from benchmarks.table import table

    print(table(rows()))
