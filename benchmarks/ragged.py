"""What dealing ragged trajectories by length saves in training and sampling: `python -m benchmarks.ragged`."""

from __future__ import annotations

import time

import numpy as np
import torch

from benchmarks.table import Row, fastest, table
from pushforward.generators.diffusion import Diffusion
from pushforward.generators.edm import Denoiser
from pushforward.trajectories import Trajectories

_STEPS = 12


def rows() -> list[Row]:
    """Training and sampling at T = 32, and what dealing ragged trajectories by length saves at T = 121."""
    even, ragged = _walks(32, 1, False), _walks(121, 3, True)
    model, training = _trained(even, 128)
    storms, cut = _trained(ragged, 64)
    _, padded = _trained(_full(ragged), 64)
    made = _sampling_seconds(storms, 512)
    whole = _padded_seconds(storms.denoiser, ragged, 512)
    heun = _sampling_seconds(model, 1024)
    dpm = _sampling_seconds(model, 1024, sampler="dpm")
    size = f"{model.n_parameters:,} parameters, {torch.get_num_threads()} thread"
    return [
        _row(f"diffusion training step, batch 128, T = 32 ({size})", f"{training * 1e3:.1f} ms", "—", "—"),
        _row(
            "diffusion sampling, T = 32, 18 steps: heun against dpm",
            f"{1024 / heun:.0f} /s",
            f"dpm {1024 / dpm:.0f} /s",
            f"{dpm / heun:.2f}×",
        ),
        _row(
            "diffusion training step, lengths 20–121, batch 64: by length against padded",
            f"{cut * 1e3:.1f} ms",
            f"padded {padded * 1e3:.1f} ms",
            f"{padded / cut:.2f}×",
        ),
        _row(
            "diffusion sampling, lengths 20–121, 18 steps: by length against padded",
            f"{512 / made:.0f} /s",
            f"padded {512 / whole:.0f} /s",
            f"{whole / made:.2f}×",
        ),
    ]


def main() -> None:
    """Print the table."""
    print(table(rows()))


def _walks(steps: int, channels: int, ragged: bool) -> Trajectories:
    """Random walks; ragged lengths are spread as those of storm tracks, many short and few long."""
    rng = np.random.default_rng(0)
    lengths = np.clip(20 + rng.exponential(18, 2000), 20, steps).astype(int) if ragged else None
    return Trajectories(rng.normal(size=(2000, steps, channels)).cumsum(axis=1), lengths=lengths)


def _full(trajectories: Trajectories) -> Trajectories:
    return Trajectories(trajectories.values)


def _trained(trajectories: Trajectories, batch_size: int) -> tuple[Diffusion, float]:
    """A model after a few steps, and the seconds of a step: the mean of whole rounds of the length buckets."""
    rounds: list[float] = []
    last = 0.0

    def watch(done: int, total: int | None = None, note: str = "") -> None:
        nonlocal last
        if done % 8 == 0:
            now = time.perf_counter()
            if last:
                rounds.append((now - last) / 8)
            last = now

    model = Diffusion(steps=8 * _STEPS, batch_size=batch_size, device="cpu")
    model.fit(trajectories, progress=watch)
    return model, min(rounds)


def _sampling_seconds(model: Diffusion, n: int, sampler: str = "heun") -> float:
    return fastest(lambda: model.sample(n, sampler=sampler))


def _padded_seconds(denoiser: Denoiser, trajectories: Trajectories, n: int) -> float:
    """The 35 network calls of 18 Heun steps on whole, padded trajectories."""
    x = torch.randn(n, trajectories.T, trajectories.C, generator=torch.Generator().manual_seed(0))
    level = torch.full((n,), 1.0)

    def call() -> None:
        with torch.inference_mode():
            for _ in range(35):
                denoiser(x, level)

    return fastest(call)


def _row(what: str, ours: str, peer: str, ratio: str) -> Row:
    return {"what": what, "ours": ours, "peer": peer, "ratio": ratio}


if __name__ == "__main__":
    main()
