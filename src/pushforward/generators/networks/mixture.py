"""Mixture densities on the line: log density and draws that depend on given random numbers alone."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["WIDEST", "draw_mixture", "half_square", "mixture_log_density", "mixture_moments"]

WIDEST = 20.0
"""Largest ln of a standard deviation that is drawn from: far beyond any data, and no infinity."""

_HALF_LOG_TWO_PI = 0.5 * math.log(2 * math.pi)
_BEND = 4.0


def half_square(z: Tensor) -> Tensor:
    """½ z² up to |z| = 4, beyond it the tangent (Huber 1964).

    Where a law is nearly exact, an error of many standard deviations would have a gradient that drowns all others,
    and training jumps back; beyond 4 there is less than 10⁻⁴ of a Gaussian.
    """
    far = z.abs()
    return torch.where(far <= _BEND, 0.5 * z.square(), _BEND * far - 0.5 * _BEND**2)


def _parts(raw: Tensor, log_floor: float) -> tuple[Tensor, Tensor, Tensor]:
    """Log weights, means and log scales, each (..., K), from (..., 3 K) free numbers.

    The log scale is floor + softplus(free − floor): smooth, never below the floor, equal to `free` far above it.
    """
    weight, mean, scale = raw.float().chunk(3, dim=-1)
    return F.log_softmax(weight, dim=-1), mean, log_floor + F.softplus(scale - log_floor)


def mixture_log_density(raw: Tensor, value: Tensor, log_floor: float) -> Tensor:
    """ln Σ_k w_k N(value; μ_k, s_k²), with w, μ, s from `raw` (Bishop 1994, Mixture density networks, eq. 22–27).

    Far from a component its tail is that of `half_square`. The floor keeps the density of an exactly predictable
    value finite: without it the loss has no minimum.

    Args:
        raw: (..., 3 K): logits of w, then μ, then ln s.
        value: (...).
        log_floor: smallest ln s.

    Returns:
        (...) log densities.
    """
    log_weight, mean, log_scale = _parts(raw, log_floor)
    z = (value[..., None] - mean) * torch.exp(-log_scale)
    return torch.logsumexp(log_weight - log_scale - half_square(z), dim=-1) - _HALF_LOG_TWO_PI


def draw_mixture(raw: Tensor, uniform: Tensor, normal: Tensor, log_floor: float) -> Tensor:
    """(...) draws: the component by inverting the weights' distribution at `uniform`, then μ + s `normal`.

    Args:
        raw: as in `mixture_log_density`.
        uniform: (...) in [0, 1).
        normal: (...) standard normal numbers.
        log_floor: smallest ln s.
    """
    log_weight, mean, log_scale = _parts(raw, log_floor)
    reached = torch.cumsum(log_weight.exp(), dim=-1)
    # The last component takes what rounding leaves of the total.
    chosen = (uniform[..., None] >= reached[..., :-1]).sum(dim=-1, keepdim=True)
    drawn_mean = mean.gather(-1, chosen)[..., 0]
    return drawn_mean + log_scale.gather(-1, chosen)[..., 0].clamp(max=WIDEST).exp() * normal


def mixture_moments(raw: Tensor, log_floor: float) -> tuple[Tensor, Tensor]:
    """Mean and variance (...) of the mixture: Σ w μ and Σ w (s² + μ²) − mean²."""
    log_weight, mean, log_scale = _parts(raw, log_floor)
    weight = log_weight.exp()
    first = (weight * mean).sum(dim=-1)
    spread = (mean - first[..., None]).square() + (2 * log_scale).exp()
    return first, (weight * spread).sum(dim=-1)
