"""The denoiser of Karras et al. 2022, "Elucidating the design space of diffusion-based generative models" (EDM)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

__all__ = ["SIGMA_DATA", "Denoiser", "Preconditioning", "mean_over_valid"]

# Channels are normalised to this standard deviation, so that EDM's other constants keep their meaning.
SIGMA_DATA = 0.5


@dataclass(frozen=True)
class Preconditioning:
    """The scalings of EDM, Table 1 ("Network and preconditioning"), as functions of the noise level σ.

    D(x; σ) = c_skip(σ) x + c_out(σ) F(c_in(σ) x; c_noise(σ)).
    """

    sigma_data: float = SIGMA_DATA

    def c_skip(self, sigma: Tensor) -> Tensor:
        """σ_data² / (σ² + σ_data²)."""
        return self.sigma_data**2 / (sigma.square() + self.sigma_data**2)

    def c_out(self, sigma: Tensor) -> Tensor:
        """σ σ_data / √(σ² + σ_data²)."""
        return sigma * self.sigma_data / (sigma.square() + self.sigma_data**2).sqrt()

    def c_in(self, sigma: Tensor) -> Tensor:
        """1 / √(σ² + σ_data²)."""
        return (sigma.square() + self.sigma_data**2).rsqrt()

    def c_noise(self, sigma: Tensor) -> Tensor:
        """ln σ / 4."""
        return sigma.log() / 4

    def weight(self, sigma: Tensor) -> Tensor:
        """λ(σ) = (σ² + σ_data²) / (σ σ_data)² = 1 / c_out²."""
        return (sigma.square() + self.sigma_data**2) / (sigma * self.sigma_data).square()


class Denoiser(nn.Module):
    """D(x; σ) around a network F; x (B, T, C), σ (B,), lengths (B,) or None; returns (B, T, C).

    A conditional one also takes features (B, K) of its condition, `D(x; σ, features)`.
    """

    def __init__(self, network: nn.Module, preconditioning: Preconditioning | None = None) -> None:
        super().__init__()
        self.network = network
        self.scalings = preconditioning or Preconditioning()

    def forward(
        self, x: Tensor, sigma: Tensor, lengths: Tensor | None = None, condition: Tensor | None = None
    ) -> Tensor:
        """The expected clean trajectory given x = clean + σ noise."""
        s, c = self.scalings, sigma[:, None, None]
        raw = self._network(s.c_in(c) * x, s.c_noise(sigma), lengths, condition)
        return s.c_skip(c) * x + s.c_out(c) * raw

    def loss(
        self,
        clean: Tensor,
        noise: Tensor,
        sigma: Tensor,
        lengths: Tensor | None = None,
        condition: Tensor | None = None,
    ) -> Tensor:
        """E[λ(σ) ‖D(clean + σ noise; σ) − clean‖²] per value (EDM eq. 2 and 8), over valid steps.

        Computed as ‖F − (clean − c_skip x) / c_out‖², which is the same and does not cancel at small σ.
        Every trajectory counts alike, however long it is.
        """
        s, c = self.scalings, sigma[:, None, None]
        x = clean + c * noise
        raw = self._network(s.c_in(c) * x, s.c_noise(sigma), lengths, condition)
        return mean_over_valid((raw - (clean - s.c_skip(c) * x) / s.c_out(c)).square(), lengths)

    def _network(
        self, x: Tensor, c_noise: Tensor, lengths: Tensor | None, condition: Tensor | None
    ) -> Tensor:
        # A network that knows no conditions need not take them.
        told = () if condition is None else (condition,)
        raw: Tensor = self.network(x, c_noise, lengths, *told)
        return raw.float()


def mean_over_valid(error: Tensor, lengths: Tensor | None) -> Tensor:
    """The mean of (B, T, C) over channels, then valid steps, then trajectories, each of which counts alike."""
    per_step = error.mean(dim=2)
    if lengths is None:
        return per_step.mean()
    valid = torch.arange(error.shape[1], device=error.device)[None, :] < lengths[:, None]
    return ((per_step * valid).sum(dim=1) / lengths).mean()
