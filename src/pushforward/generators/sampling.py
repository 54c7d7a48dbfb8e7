"""Making trajectories with a trained denoiser, in batches of bounded memory that depend on the seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pushforward.errors import named, require
from pushforward.generators.description import Description
from pushforward.generators.edm import SIGMA_DATA, Denoiser
from pushforward.generators.hardware import Hardware
from pushforward.generators.samplers import SAMPLERS, noise_levels

__all__ = ["BLOCK", "SamplerSettings", "generate"]

BLOCK = 256
"""Trajectories that share one random stream, (seed, block index): so no result depends on the batch size."""

_SAMPLING_STREAM = 3
_SMALLEST_CHUNK = 64


@dataclass(frozen=True)
class SamplerSettings:
    """How to sample.

    Attributes:
        sampler: "heun" (2 n − 1 denoiser calls) or "dpm" (n calls, for few steps).
        sampler_steps: n, the number of noise levels.
        batch_size: trajectories that go through the network at a time.
        churn: S_churn of EDM, fresh noise during sampling (heun only); 0 is deterministic given the start.
        sigma_min: the last noise level, in units where the data's standard deviation is 0.5.
        sigma_max: the first noise level, likewise.
    """

    sampler: str = "heun"
    sampler_steps: int = 18
    batch_size: int = 1024
    churn: float = 0.0
    sigma_min: float = 0.002
    sigma_max: float = 80.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        if self.sampler not in SAMPLERS:
            raise named("sampler", str(self.sampler), SAMPLERS)
        require(
            2 <= self.sampler_steps <= 10_000,
            f"sampler_steps: got {self.sampler_steps}; expected 2 to 10,000",
        )
        require(1 <= self.batch_size <= 2**24, f"batch_size: got {self.batch_size}; expected 1 to 2^24")
        require(0 <= self.churn < float("inf"), f"churn: got {self.churn}; expected 0 or more")
        require(
            self.churn == 0 or self.sampler == "heun",
            f"churn: got {self.churn} with {self.sampler}; expected 0",
        )
        require(
            0 < self.sigma_min < self.sigma_max < float("inf"),
            f"sigma_min, sigma_max: got {self.sigma_min}, {self.sigma_max}; expected 0 < sigma_min < sigma_max",
        )


def generate(
    denoiser: Denoiser, about: Description, n: int, seed: int, settings: SamplerSettings, hardware: Hardware
) -> Iterator[tuple[NDArray[np.float32], NDArray[np.int64] | None]]:
    """Values (b, T, C) and lengths (b,) of `n` trajectories, in batches."""
    sigmas = noise_levels(settings.sampler_steps, settings.sigma_min, settings.sigma_max)
    per_batch = max(1, settings.batch_size // BLOCK) * BLOCK
    for start in range(0, n, per_batch):
        count = min(per_batch, n - start)
        streams = [
            np.random.default_rng([seed, _SAMPLING_STREAM, block])
            for block in range(start // BLOCK, -(-(start + count) // BLOCK))
        ]
        lengths = _lengths(about, streams, count)

        def noise(streams: list[np.random.Generator] = streams, count: int = count) -> Tensor:
            shape = (BLOCK, about.T, len(about.channels))
            drawn = np.concatenate([rng.standard_normal(shape, dtype=np.float32) for rng in streams])
            return torch.from_numpy(drawn[:count]).to(hardware.device)

        with torch.inference_mode():
            denoise = _ChunkedDenoiser(denoiser, lengths, settings.batch_size, hardware)
            made = SAMPLERS[settings.sampler](denoise, sigmas[0] * noise(), sigmas, noise, settings.churn)
        yield _in_units(made.cpu().numpy(), about), lengths


def _lengths(about: Description, streams: list[np.random.Generator], count: int) -> NDArray[np.int64] | None:
    if not about.lengths:
        return None
    drawn = [about.draw_lengths(BLOCK, rng) for rng in streams]
    return np.concatenate([part for part in drawn if part is not None])[:count]


def _in_units(values: NDArray[np.float32], about: Description) -> NDArray[np.float32]:
    """Undo the normalisation; constant channels are exactly constant."""
    std, mean = np.asarray(about.std), np.asarray(about.mean)
    return np.asarray(values * (std / SIGMA_DATA) + mean, dtype=np.float32)


class _ChunkedDenoiser:
    """D(x, σ) for a batch, some trajectories at a time; ragged ones sorted by length and cut to their longest."""

    def __init__(
        self, denoiser: Denoiser, lengths: NDArray[np.int64] | None, size: int, hardware: Hardware
    ) -> None:
        self.denoiser, self.size, self.hardware = denoiser, size, hardware
        self.order: Tensor | None = None
        if lengths is not None:
            self.order = torch.from_numpy(np.argsort(lengths, kind="stable")).to(hardware.device)
            self.sorted_lengths = torch.from_numpy(np.sort(lengths)).to(hardware.device)
            self.size = min(size, max(_SMALLEST_CHUNK, len(lengths) // 8))

    def __call__(self, x: Tensor, sigma: float) -> Tensor:
        result = torch.zeros_like(x)
        for start in range(0, len(x), self.size):
            end = min(start + self.size, len(x))
            level = torch.full((end - start,), sigma, device=x.device)
            if self.order is None:
                with self.hardware.precision_context():
                    result[start:end] = self.denoiser(x[start:end], level)
                continue
            rows, lengths = self.order[start:end], self.sorted_lengths[start:end]
            longest = int(lengths[-1])
            with self.hardware.precision_context():
                result[rows, :longest] = self.denoiser(x[rows, :longest], level, lengths)
        return result
