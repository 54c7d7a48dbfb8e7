"""Diffusion: the EDM generator of trajectories."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pushforward.errors import named, require
from pushforward.generators.batches import Batch
from pushforward.generators.blocks import Block
from pushforward.generators.description import Description
from pushforward.generators.edm import SIGMA_DATA, Denoiser
from pushforward.generators.features import Layout
from pushforward.generators.learned import AbstractLearned
from pushforward.generators.networks.unet1d import UNet1d
from pushforward.generators.samplers import SAMPLERS, noise_levels
from pushforward.generators.settings import SamplingSettings, TrainingSettings, require_between

__all__ = ["Diffusion", "DiffusionSettings", "SamplerSettings", "probability_flow"]


@dataclass(frozen=True)
class DiffusionSettings(TrainingSettings):
    """How to train the diffusion generator.

    Attributes:
        widths: channels of the U-Net's levels, from the finest to the coarsest.
        blocks: residual blocks per level, down and up.
        kernel: odd width of the convolutions, in time steps.
        P_mean: mean of ln σ in training (EDM, Table 1).
        P_std: standard deviation of ln σ in training.
    """

    widths: tuple[int, ...] = (16, 32, 64)
    blocks: int = 2
    kernel: int = 5
    P_mean: float = -1.2
    P_std: float = 1.2

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        super().__post_init__()
        UNet1d.require_settings(self.widths, self.blocks, self.kernel)
        require_between("P_mean", self.P_mean, -20, 20)
        require_between("P_std", self.P_std, 0, 20)


@dataclass(frozen=True)
class SamplerSettings(SamplingSettings):
    """How to sample from a diffusion model.

    Attributes:
        sampler: "heun" (2 n − 1 denoiser calls), "calibrated" (n calls, for few steps) or "dpm" (n calls).
        sampler_steps: n, the number of noise levels.
        churn: S_churn of EDM, fresh noise during sampling (heun only); 0 is deterministic given the start.
        sigma_min: the last noise level, in units where the data's standard deviation is 0.5.
        sigma_max: the first noise level, likewise.
        guidance: w of classifier-free guidance, D_null + w (D_condition − D_null); 1 is the conditional law as learned.
    """

    sampler: str = "heun"
    sampler_steps: int = 18
    churn: float = 0.0
    sigma_min: float = 0.002
    sigma_max: float = 80.0
    guidance: float = 1.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        super().__post_init__()
        if self.sampler not in SAMPLERS:
            raise named("sampler", str(self.sampler), SAMPLERS)
        require(
            2 <= self.sampler_steps <= 10_000,
            f"sampler_steps: got {self.sampler_steps}; expected 2 to 10,000",
        )
        require(0 <= self.churn < float("inf"), f"churn: got {self.churn}; expected 0 or more")
        require(
            self.churn == 0 or self.sampler == "heun",
            f"churn: got {self.churn} with {self.sampler}; expected 0",
        )
        require(
            0 < self.sigma_min < self.sigma_max < float("inf"),
            f"sigma_min, sigma_max: got {self.sigma_min}, {self.sigma_max}; expected 0 < sigma_min < sigma_max",
        )
        require_between("guidance", self.guidance, 0, 100)


@final
class Diffusion(AbstractLearned[DiffusionSettings, Denoiser, SamplerSettings]):
    """A diffusion model over (T, C) with a 1-D U-Net, after Karras et al. 2022 (EDM).

    It learns D(x; σ) = E[clean | x = clean + σ noise] by least squares over noise levels ln σ ~ N(P_mean, P_std²)
    and makes trajectories by solving dx/dσ = (x − D(x; σ)) / σ from σ_max down to 0.

    Fixed steps: D is replaced there by the given values, which is the exact D for a model that was trained
    to be told them (`inpaint`). For one that was not, the other steps only see x at the fixed ones, the given
    values with noise: the replacement of Diffuser (Janner et al. 2022, section 4.2), an approximation.
    """

    name: ClassVar[str] = "diffusion"
    about: ClassVar[str] = "denoises by a 1-D U-Net over many noise levels (EDM)"
    source: ClassVar[str] = (
        "Karras et al. 2022, Elucidating the design space of diffusion-based generative models"
    )
    feeds: ClassVar[tuple[str, ...]] = ("denoise", "residual")
    Settings: ClassVar[type[DiffusionSettings]] = DiffusionSettings
    Sampling: ClassVar[type[SamplerSettings]] = SamplerSettings
    # Other scales would change the meaning of EDM's constants.
    scale: ClassVar[float] = SIGMA_DATA
    fixes_any_step: ClassVar[bool] = True

    @staticmethod
    def build(settings: DiffusionSettings, about: Description, layout: Layout) -> Denoiser:
        """D around a U-Net."""
        return Denoiser(
            UNet1d(len(about.channels), settings.widths, settings.blocks, settings.kernel, layout)
        )

    def draw(
        self, clean: NDArray[np.float32], lengths: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        """Noise (B, T, C) and σ (B,)."""
        noise = rng.standard_normal(clean.shape, dtype=np.float32)
        normal = rng.standard_normal(len(clean), dtype=np.float32)
        return noise, np.exp(self.settings.P_mean + self.settings.P_std * normal)

    def loss(self, network: Denoiser, batch: Batch) -> Tensor:
        """The weighted squared error of the denoiser (EDM eq. 2 and 8)."""
        noise, sigma = batch.draws
        return network.loss(batch.clean, noise, sigma, batch.lengths, batch.condition)

    def make(self, network: Denoiser, block: Block, sampling: SamplerSettings) -> Tensor:
        """Solve the probability flow from noise."""
        return probability_flow(network, block, sampling)

    @property
    def denoiser(self) -> Denoiser:
        """D(x; σ) with the averaged weights, over values normalised to a standard deviation of 0.5."""
        return self.network


def probability_flow(network: Denoiser, block: Block, sampling: SamplerSettings) -> Tensor:
    """(n, T, C) normalised values of a block: the probability flow of any denoiser, solved from noise."""
    rho = math.inf if sampling.sampler == "calibrated" else 7.0
    sigmas = noise_levels(sampling.sampler_steps, sampling.sigma_min, sampling.sigma_max, rho)
    x = sigmas[0] * block.normal(block.T, block.C)

    def denoise(x: Tensor, sigma: float) -> Tensor:
        def one(x: Tensor, condition: Tensor | None, lengths: Tensor | None) -> Tensor:
            level = torch.full((len(x),), sigma, device=x.device)
            made: Tensor = network(x, level, lengths, condition)
            return made

        clean = block.guided(lambda condition: block.through(one, x, condition), sampling.guidance)
        return clean if block.known is None else block.known.clamp(clean)

    solve = SAMPLERS[sampling.sampler]
    asked = denoise if block.steer is None else block.steer.denoiser(denoise)
    return solve(asked, x, sigmas, lambda: block.normal(block.T, block.C), sampling.churn)
