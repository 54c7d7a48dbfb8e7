"""The settings of the VAE generator."""

from __future__ import annotations

from dataclasses import dataclass

from pushforward.errors import require
from pushforward.generators.settings import (
    SamplingSettings,
    TrainingSettings,
    require_among,
    require_between,
)

__all__ = ["VAESampling", "VAESettings"]

_PRIORS = ("normal", "aggregate")


@dataclass(frozen=True)
class VAESettings(TrainingSettings):
    """How to train the VAE generator.

    Attributes:
        latent: dimensions of the latent.
        width: channels of the finest level; a coarser one has twice as many, at most `widest`.
        widest: see `width`.
        blocks: residual blocks per level.
        kernel: odd width of the convolutions, in time steps.
        beta: weight of the KL divergence once it is fully on; 1 is the evidence lower bound.
        kl_warmup: share of the training over which that weight rises linearly from 0.
        free_bits: nats that each latent dimension may use, on average, without penalty (Kingma et al. 2016).
    """

    latent: int = 32
    width: int = 32
    widest: int = 64
    blocks: int = 2
    kernel: int = 5
    beta: float = 1.0
    kl_warmup: float = 0.3
    free_bits: float = 0.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        super().__post_init__()
        require_between("latent", self.latent, 1, 4096)
        require_between("width", self.width, 4, 1024)
        require_between("widest", self.widest, 4, 1024)
        require_between("blocks", self.blocks, 1, 8)
        require_between("kernel", self.kernel, 1, 63)
        require(self.kernel % 2 == 1, f"kernel: got {self.kernel}; expected an odd number")
        require_between("beta", self.beta, 0, 1e6)
        require_between("kl_warmup", self.kl_warmup, 0, 1)
        require_between("free_bits", self.free_bits, 0, 1e6)


@dataclass(frozen=True)
class VAESampling(SamplingSettings):
    """How to sample from a VAE.

    Attributes:
        prior: "normal" (z from N(0, I), the model's own law) or "aggregate" (z from a Gaussian fitted to the codes of
            the training data: a second stage that mends the mismatch of mean and covariance between the two).
        decoder_noise: add the decoder's noise, white and of the learned σ per channel, as the model's law has it;
            without it samples are decoder means, smoother than the law.
    """

    prior: str = "normal"
    decoder_noise: bool = True

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        super().__post_init__()
        require_among("prior", self.prior, _PRIORS)
