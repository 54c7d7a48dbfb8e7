"""From noise to trajectories: solvers of the probability-flow equation dx/dσ = (x − D(x; σ)) / σ."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pushforward.errors import require
from pushforward.generators.extrapolation import calibrated_weights, plain_weights

__all__ = ["SAMPLERS", "Denoise", "Noise", "Sampler", "calibrated", "dpm", "heun", "noise_levels"]

Denoise = Callable[[Tensor, float], Tensor]
"""D(x, σ): (B, T, C), σ -> (B, T, C)."""

Noise = Callable[[], Tensor]
"""Fresh standard normal numbers of the shape of x."""

Sampler = Callable[[Denoise, Tensor, list[float], Noise | None, float], Tensor]


def noise_levels(n: int, sigma_min: float = 0.002, sigma_max: float = 80.0, rho: float = 7.0) -> list[float]:
    """σ_0 > … > σ_{n−1} > σ_n = 0 (EDM eq. 5).

    σ_i = (σ_max^{1/ρ} + i/(n−1) (σ_min^{1/ρ} − σ_max^{1/ρ}))^ρ; for ρ = ∞ its limit, σ_max (σ_min / σ_max)^{i/(n−1)}.
    """
    require(n >= 2, f"sampler steps: got {n}; expected at least 2")
    if math.isinf(rho):
        return [sigma_max * (sigma_min / sigma_max) ** (i / (n - 1)) for i in range(n)] + [0.0]
    high, low = sigma_max ** (1 / rho), sigma_min ** (1 / rho)
    return [(high + i / (n - 1) * (low - high)) ** rho for i in range(n)] + [0.0]


def heun(
    denoise: Denoise, x: Tensor, sigmas: list[float], noise: Noise | None = None, churn: float = 0.0
) -> Tensor:
    """Heun's second-order method with optional churn (EDM Algorithms 1 and 2), 2 n − 1 denoiser calls.

    Args:
        denoise: D(x, σ).
        x: standard normal noise times σ_0, (B, T, C).
        sigmas: n + 1 levels, falling, the last 0.
        noise: fresh noise for churn.
        churn: S_churn; every step first raises σ to σ̂ = σ (1 + min(churn / n, √2 − 1)). 0 is deterministic.
    """
    gamma = min(churn / (len(sigmas) - 1), math.sqrt(2) - 1)
    for sigma, following in itertools.pairwise(sigmas):
        raised = sigma * (1 + gamma)
        if gamma > 0 and noise is not None:
            x = x + math.sqrt(raised**2 - sigma**2) * noise()
        slope = (x - denoise(x, raised)) / raised
        moved = x + (following - raised) * slope
        if following > 0:
            slope = (slope + (moved - denoise(moved, following)) / following) / 2
            moved = x + (following - raised) * slope
        x = moved
    return x


def dpm(
    denoise: Denoise, x: Tensor, sigmas: list[float], noise: Noise | None = None, churn: float = 0.0
) -> Tensor:
    """DPM-Solver++(2M) (Lu et al. 2022, Algorithm 2), n denoiser calls; deterministic, for few steps.

    With t = −ln σ and h = t_{i+1} − t_i: x ← (σ_{i+1}/σ_i) x + (1 − e^{−h}) D̃,
    D̃ = (1 + h/(2 h_prev)) D_i − h/(2 h_prev) D_{i−1}; the step to σ = 0 returns D.
    """
    require(churn == 0, f"churn: got {churn} with the dpm sampler; expected 0 (only heun has churn)")
    return _two_step(denoise, x, sigmas, plain_weights(sigmas))


def calibrated(
    denoise: Denoise, x: Tensor, sigmas: list[float], noise: Noise | None = None, churn: float = 0.0
) -> Tensor:
    """`dpm` with D̃ = D_i + κ_i h/(2 h_prev) (D_i − D_{i−1}), n denoiser calls; deterministic, for few steps.

    κ_i (see `calibrated_weights`) follow from the levels alone, so that Gaussian data of every scale come out with
    their own variance. They tend to 1 as h falls, so the method stays of second order. Levels whose ratios are all the
    same suit it best: `noise_levels` with ρ = ∞.
    """
    require(churn == 0, f"churn: got {churn} with the calibrated sampler; expected 0 (only heun has churn)")
    return _two_step(denoise, x, sigmas, calibrated_weights(sigmas))


def _two_step(denoise: Denoise, x: Tensor, sigmas: list[float], weights: NDArray[np.float64]) -> Tensor:
    previous: Tensor | None = None
    for i, (sigma, following) in enumerate(itertools.pairwise(sigmas)):
        clean = denoise(x, sigma)
        if following == 0:
            return clean
        ahead = clean if previous is None else torch.lerp(clean, previous, -float(weights[i - 1]))
        x = following / sigma * x + (1 - following / sigma) * ahead
        previous = clean
    return x


SAMPLERS: dict[str, Sampler] = {"heun": heun, "dpm": dpm, "calibrated": calibrated}
