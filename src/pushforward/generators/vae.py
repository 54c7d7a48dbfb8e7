"""VAE: the variational autoencoder of trajectories."""

from __future__ import annotations

import logging
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pushforward.generators import vae_codes as codes
from pushforward.generators.batches import Batch, Batches
from pushforward.generators.blocks import Block
from pushforward.generators.description import Description
from pushforward.generators.features import Layout
from pushforward.generators.learned import AbstractLearned
from pushforward.generators.networks.vae import Decoder1d, Encoder1d
from pushforward.generators.networks.vae_trajectories import TrajectoryVAE
from pushforward.generators.stepwise import in_equal_blocks
from pushforward.generators.vae_settings import VAESampling, VAESettings
from pushforward.trajectories import Trajectories

__all__ = ["VAE", "LatentUse", "VAESampling", "VAESettings"]

_log = logging.getLogger(__name__)
_ACTIVE = 0.01
_FEW = 0.1
_POSTERIOR = 8_192
_SMALLEST_VARIANCE = 1e-12


@dataclass(frozen=True)
class LatentUse:
    """What the latent dimensions carry.

    Attributes:
        activity: (d,) Cov_x(E[z_j | x]), the variance of the code's mean over training data.
        divergence: (d,) mean KL(q(z_j | x) ‖ N(0, 1)) in nats.
    """

    activity: NDArray[np.float32]
    divergence: NDArray[np.float32]

    @property
    def active(self) -> int:
        """Dimensions with an activity above 0.01 (Burda et al. 2016, §5.2)."""
        return int((self.activity > _ACTIVE).sum())

    def __str__(self) -> str:
        """One line."""
        return f"{self.active} of {len(self.activity)} latent dimensions active, {self.divergence.sum():.1f} nats"


@final
class VAE(AbstractLearned[VAESettings, TrajectoryVAE, VAESampling]):
    """A convolutional variational autoencoder over (T, C), after Kingma and Welling 2014.

    It learns a code z ~ q(z | x) and a decoder x = f(z) + σ ε by raising the evidence lower bound; σ, one per channel,
    is learned too (σ-VAE, Rybkin et al. 2021) and in the end set to what the averaged weights fail to reconstruct.
    The KL divergence is switched on gradually (Bowman et al. 2016). Trajectories are made by decoding z ~ N(0, I), or
    z from a Gaussian fitted to the codes of the training data.

    Dimensions of z that carry nothing (posterior collapse) are counted in `latent_use`; a warning is logged when
    nearly all do.
    """

    name: ClassVar[str] = "vae"
    about: ClassVar[str] = "decodes a random latent vector by a 1-D convolutional network"
    source: ClassVar[str] = "Kingma and Welling 2014, Auto-encoding variational Bayes"
    feeds: ClassVar[tuple[str, ...]] = ("reconstruction", "residual")
    Settings: ClassVar[type[VAESettings]] = VAESettings
    Sampling: ClassVar[type[VAESampling]] = VAESampling

    @staticmethod
    def build(settings: VAESettings, about: Description, layout: Layout) -> TrajectoryVAE:
        """Encoder and decoder."""
        size = (settings.width, settings.widest, settings.blocks, settings.kernel, layout.n_features)
        C = len(about.channels)
        return TrajectoryVAE(
            Encoder1d(about.T, C, settings.latent, *size),
            Decoder1d(about.T, C, settings.latent, *size),
            C,
            settings.latent,
        )

    def draw(
        self, clean: NDArray[np.float32], lengths: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        """The noise (B, d) of the code."""
        return (rng.standard_normal((len(clean), self.settings.latent), dtype=np.float32),)

    def loss(self, network: TrajectoryVAE, batch: Batch) -> Tensor:
        """The negative evidence lower bound in nats, over the T C values of a full trajectory."""
        (noise,) = batch.draws
        bound = network.bound(batch.clean, noise, batch.lengths, batch.condition)
        weight = self.settings.beta * _switched_on(batch.done, self.settings.kl_warmup)
        used = bound.divergence.mean(dim=0).clamp_min(self.settings.free_bits).sum()
        n_values = network.decoder.T * batch.clean.shape[2]
        return (bound.reconstruction.mean() + weight * used) / n_values

    def finish(self, network: TrajectoryVAE, batches: Batches) -> None:
        """Fit σ and the aggregate posterior to the averaged weights, and warn where hardly anything is coded."""
        device, means, log_scales = network.log_sigma.device, [], []
        squares, count = torch.zeros_like(network.log_sigma), 0
        for batch in (part.to(device) for part in batches.in_order(_POSTERIOR)):
            mean, log_scale = network.encoder(batch.clean, batch.lengths, batch.condition)
            z = mean + log_scale.exp() * batch.draws[0]
            error = network.squared_error(batch.clean, z, batch.lengths, batch.condition)
            squares = squares + error.sum(dim=(0, 1))
            count += int(
                batch.clean.shape[0] * batch.clean.shape[1] if batch.lengths is None else batch.lengths.sum()
            )
            means.append(mean)
            log_scales.append(log_scale)
        network.describe_posterior(torch.cat(means), torch.cat(log_scales))
        network.log_sigma.copy_(0.5 * (squares / count).clamp_min(_SMALLEST_VARIANCE).log())
        use = _use(network)
        if use.active <= _FEW * len(use.activity):
            _log.warning("posterior collapse: %s; try more steps, free_bits or a smaller beta", use)

    def make(self, network: TrajectoryVAE, block: Block, sampling: VAESampling) -> Tensor:
        """Decode random codes."""
        normal = block.normal(network.n_latent)
        z = normal if sampling.prior == "normal" else network.from_posterior(normal)

        def decode(rows: Tensor) -> Tensor:
            lengths = None if block.lengths is None else block.lengths[rows]
            condition = None if block.condition is None else block.condition[rows]
            return network.decoder(z[rows], lengths, condition)  # type: ignore[no-any-return]

        made = in_equal_blocks(block, decode)
        if sampling.decoder_noise:
            made = made + network.log_sigma.exp() * block.normal(block.T, block.C)
        return made

    @property
    def latent_use(self) -> LatentUse:
        """How much of the latent is used, over (a part of) the training data."""
        return _use(self.network)

    @property
    def decoder_sigma(self) -> NDArray[np.float64]:
        """(C,) standard deviation of the decoder's noise, in the data's units."""
        sigma = self.network.log_sigma.exp().cpu().numpy()
        return np.asarray(sigma * np.asarray(self.description.std), dtype=np.float64)

    def encode(
        self, trajectories: Trajectories, condition: ArrayLike | None = None
    ) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """Mean and standard deviation of q(z | x), (N, d) each.

        Args:
            trajectories: with the channels of the training data, and at most its T steps.
            condition: of a conditional model, as in `sample`; left out, it is not told.

        Raises:
            InputError: the model is not trained yet, or trajectories that do not fit.
        """
        return codes.encode(self, trajectories, condition)

    def decode(
        self,
        z: ArrayLike,
        lengths: NDArray[np.int64] | None = None,
        condition: ArrayLike | None = None,
        rng: np.random.Generator | None = None,
    ) -> Trajectories:
        """The trajectories of codes z (N, d); with `rng`, plus the decoder's noise.

        Raises:
            InputError: the model is not trained yet, or codes that do not fit.
        """
        return codes.decode(self, z, lengths, condition, rng)


def _switched_on(done: Tensor, warmup: float) -> Tensor:
    """The share of the KL divergence that counts: a linear rise from 0 to 1."""
    return (done / warmup).clamp_max(1.0) if warmup > 0 else torch.ones_like(done)


def _use(network: TrajectoryVAE) -> LatentUse:
    return LatentUse(network.activity.cpu().numpy(), network.divergence.cpu().numpy())
