"""The variational autoencoder of trajectories: its bound, its decoder noise, what its latent is used for."""

from __future__ import annotations

import math
from typing import NamedTuple, final

import numpy as np
import torch
from torch import Tensor, nn

from pushforward.generators.networks.vae import Decoder1d, Encoder1d

__all__ = ["Bound", "TrajectoryVAE"]


class Bound(NamedTuple):
    """The two parts of the negative evidence lower bound, in nats.

    Attributes:
        reconstruction: (B,) −E_q[ln p(x | z)] of each trajectory, from one z.
        divergence: (B, d) KL(q(z_j | x) ‖ N(0, 1)) of each latent dimension.
    """

    reconstruction: Tensor
    divergence: Tensor


@final
class TrajectoryVAE(nn.Module):
    """q(z | x) = N(μ(x), diag s(x)²), p(x | z) = N(decoder(z), diag σ_c²), p(z) = N(0, I) (Kingma and Welling 2014).

    σ_c, one per channel, is learned with the rest (σ-VAE: Rybkin et al. 2021), so the weight between the two parts
    of the bound is not a choice and the decoder's noise is as large as what it fails to reconstruct.

    Attributes:
        log_sigma: (C,) ln σ_c.
        center: (d,) mean of the aggregate posterior, E_x[q(z | x)].
        factor: (d, d) Cholesky factor of its covariance.
        activity: (d,) variance of μ over the data.
        divergence: (d,) mean KL over the data, in nats.
    """

    log_sigma: Tensor
    center: Tensor
    factor: Tensor
    activity: Tensor
    divergence: Tensor

    def __init__(self, encoder: Encoder1d, decoder: Decoder1d, n_channels: int, n_latent: int) -> None:
        super().__init__()
        self.encoder, self.decoder = encoder, decoder
        self.n_latent = n_latent
        self.log_sigma = nn.Parameter(torch.empty(n_channels))
        shapes = {
            "center": (n_latent,),
            "factor": (n_latent, n_latent),
            "activity": (n_latent,),
            "divergence": (n_latent,),
        }
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape), requires_grad=False))

    def initialize(self, rng: np.random.Generator) -> None:
        """σ = 1, and an aggregate posterior equal to the prior."""
        for zero in (self.log_sigma, self.center, self.activity, self.divergence):
            zero.data.zero_()
        self.factor.data.copy_(torch.eye(self.n_latent))

    def bound(
        self, x: Tensor, noise: Tensor, lengths: Tensor | None = None, condition: Tensor | None = None
    ) -> Bound:
        """The bound at z = μ + s noise; x (B, T, C), noise (B, d)."""
        mean, log_scale = self.encoder(x, lengths, condition)
        square = self.squared_error(x, mean + log_scale.exp() * noise, lengths, condition)
        constant = self.log_sigma + 0.5 * math.log(2 * math.pi)
        steps = x.shape[1] if lengths is None else lengths.to(x.dtype)
        nats = (0.5 * square * torch.exp(-2 * self.log_sigma)).sum(dim=(1, 2)) + steps * constant.sum()
        return Bound(nats, divergence(mean, log_scale))

    def squared_error(
        self, x: Tensor, z: Tensor, lengths: Tensor | None = None, condition: Tensor | None = None
    ) -> Tensor:
        """(B, T, C) (x − decoder(z))², 0 at padding."""
        square: Tensor = (x - self.decoder(z, lengths, condition)[:, : x.shape[1]]).square()
        if lengths is None:
            return square
        return square * (torch.arange(x.shape[1], device=x.device) < lengths[:, None])[:, :, None]

    def from_posterior(self, normal: Tensor) -> Tensor:
        """(B, d) draws of the Gaussian that was fitted to the aggregate posterior, from standard normal numbers."""
        return self.center + normal @ self.factor.T

    @torch.no_grad()
    def describe_posterior(self, mean: Tensor, log_scale: Tensor) -> None:
        """Fit the aggregate posterior to codes (N, d): E_x[q(z | x)] has the covariance Cov(μ) + E[diag s²]."""
        mean, log_scale = mean.double(), log_scale.double()
        centered = mean - mean.mean(dim=0)
        spread = centered.T @ centered / len(mean)
        covariance = spread + torch.diag((2 * log_scale).exp().mean(dim=0))
        self.center.copy_(mean.mean(dim=0))
        self.factor.copy_(torch.linalg.cholesky(covariance))
        self.activity.copy_(spread.diagonal())
        self.divergence.copy_(divergence(mean, log_scale).mean(dim=0))


def divergence(mean: Tensor, log_scale: Tensor) -> Tensor:
    """KL(N(μ, s²) ‖ N(0, 1)) = ½ (μ² + s² − 1) − ln s, (…)."""
    return 0.5 * (mean.square() + (2 * log_scale).exp() - 1) - log_scale
