"""Gaussian trajectories, whose denoiser is known in closed form, and that denoiser as networks of every convention.

For x ~ N(m, S) and x_t = α x + σ ε: E[x | x_t] = m + α S (α² S + σ² I)⁻¹ (x_t − α m), one factor per eigenvalue of S.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from pushforward.trajectories import Trajectories

T, C = 6, 2


class Gaussian:
    """N(m, S) over (T, C): AR(1) along the T·C values, with a mean that moves."""

    def __init__(self, std: float = 0.5, mean: float = 0.4, correlation: float = 0.7) -> None:
        i = np.arange(T * C)
        covariance = std**2 * correlation ** np.abs(i[:, None] - i[None, :])
        self.values, self.basis = (torch.from_numpy(a) for a in np.linalg.eigh(covariance))
        self.covariance = covariance
        self.mean = torch.from_numpy(mean * np.sin(i / 3))

    def clean(self, z: Tensor, alpha: Tensor, sigma: Tensor) -> Tensor:
        """E[x | z = α x + σ ε]; z (B, T, C), α and σ (B,)."""
        a, s = alpha.double()[:, None], sigma.double()[:, None]
        rotated = (z.double().reshape(len(z), -1) - a * self.mean) @ self.basis
        gain = a * self.values / (a**2 * self.values + s**2)
        return ((rotated * gain) @ self.basis.T + self.mean).reshape(z.shape)

    def trajectories(self, n: int, seed: int = 0) -> Trajectories:
        rng = np.random.default_rng(seed)
        drawn = rng.multivariate_normal(self.mean.numpy(), self.covariance, size=n)
        return Trajectories(drawn.reshape(n, T, C), dt=0.5, channels=("x", "y"), units=("m", "m"))


class Ideal(nn.Module):
    """The closed form as a network that predicts what `parametrisation` says, told the index of a schedule."""

    def __init__(
        self,
        gaussian: Gaussian,
        parametrisation: str,
        alpha: Any,
        sigma: Any,
        layout: str = "btc",
        wrap: bool = False,
    ) -> None:
        super().__init__()
        self.gaussian, self.parametrisation, self.layout, self.wrap = gaussian, parametrisation, layout, wrap
        self.register_buffer("alpha", torch.as_tensor(alpha, dtype=torch.float64))
        self.register_buffer("sigma", torch.as_tensor(sigma, dtype=torch.float64))
        # As denoising-diffusion-pytorch expects of its networks.
        self.channels, self.self_condition = C, False

    def forward(self, z: Tensor, t: Tensor, *_: Any) -> Any:
        dtype = z.dtype
        z = z.double().transpose(1, 2) if self.layout == "bct" else z.double()
        alpha, sigma = self.alpha[t], self.sigma[t]
        clean = self.gaussian.clean(z, alpha, sigma)
        a, s = alpha[:, None, None], sigma[:, None, None]
        noise = (z - a * clean) / s
        answer = {"x0": clean, "epsilon": noise, "v": a * noise - s * clean}[self.parametrisation].to(dtype)
        answer = answer.transpose(1, 2) if self.layout == "bct" else answer
        return SimpleNamespace(sample=answer) if self.wrap else answer


class IdealField(nn.Module):
    """The closed-form flow-matching field v(t, z) = (E[x | z_t] − z_t) / (1 − t)."""

    def __init__(self, gaussian: Gaussian) -> None:
        super().__init__()
        self.gaussian = gaussian

    def forward(self, t: Tensor, z: Tensor) -> Tensor:
        t = t.double().clamp(1e-9, 1 - 1e-9)
        clean = self.gaussian.clean(z, t, 1 - t)
        return ((clean - z) / (1 - t)[:, None, None]).to(z.dtype)


def recovers(made: Trajectories, gaussian: Gaussian, bias: float) -> None:
    """Mean and covariance within five standard errors and `bias`, the sampler's own share of the variance."""
    n, flat = len(made), made.values.reshape(len(made), -1).astype(np.float64)
    variance = gaussian.covariance.max()
    mean_error = np.abs(flat.mean(axis=0) - gaussian.mean.numpy()).max()
    covariance_error = np.abs(np.cov(flat.T) - gaussian.covariance).max()
    assert mean_error < 5 * np.sqrt(variance / n) + bias * np.sqrt(variance), mean_error
    assert covariance_error < 5 * variance * np.sqrt(2 / n) + bias * variance, covariance_error
