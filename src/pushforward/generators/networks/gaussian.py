"""Gaussian laws over the channels of a step, with a full covariance."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from pushforward.generators.networks.mixture import WIDEST, half_square

__all__ = ["GaussianLaw", "n_gaussian"]

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)


def n_gaussian(n_channels: int) -> int:
    """Numbers that a law over C channels has: C means, C scales, C (C − 1) / 2 regressions."""
    return 2 * n_channels + n_channels * (n_channels - 1) // 2


class GaussianLaw:
    """N(μ, L diag(s²) Lᵀ), L = (I − R)⁻¹, R strictly lower: each channel's error regresses on those before it.

    Any covariance has this form, and no numbers give one that is not positive.

    Args:
        raw: (..., 2 C + C (C − 1) / 2): μ, ln s (raised to a floor as in `mixture_log_density`), the rows of R.
        n_channels: C.
        log_floor: smallest ln s.
    """

    def __init__(self, raw: Tensor, n_channels: int, log_floor: float) -> None:
        C = n_channels
        raw = raw.float()
        self.mean, scale, below = raw[..., :C], raw[..., C : 2 * C], raw[..., 2 * C :]
        self.log_scale = log_floor + F.softplus(scale - log_floor)
        self.regression = below.new_zeros(*raw.shape[:-1], C, C)
        row, column = torch.tril_indices(C, C, -1, device=raw.device)
        self.regression[..., row, column] = below

    def log_density(self, value: Tensor) -> Tensor:
        """ln p (..., C) of each channel of `value` (..., C) given those before it; far tails as of `half_square`."""
        error = value - self.mean
        rest = error - (self.regression * error[..., None, :]).sum(dim=-1)
        z: Tensor = rest * torch.exp(-self.log_scale)
        return -half_square(z) - self.log_scale - _HALF_LOG_TWO_PI

    def draw(self, normal: Tensor) -> Tensor:
        """(..., C) draws, from standard normal numbers (..., C)."""
        rest = self.log_scale.clamp(max=WIDEST).exp() * normal
        identity = torch.eye(self.mean.shape[-1], device=rest.device)
        error: Tensor = torch.linalg.solve_triangular(
            identity - self.regression, rest[..., None], upper=False
        )
        return self.mean + error[..., 0]
