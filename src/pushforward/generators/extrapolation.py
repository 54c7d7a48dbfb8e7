"""Extrapolation weights of a two-step solver for the probability flow, calibrated on Gaussian laws of every scale."""

from __future__ import annotations

import itertools
import math

import numpy as np
from numpy.typing import NDArray

__all__ = ["calibrated_weights", "gains", "plain_weights"]

_N_SCALES, _RIDGE, _MOST_ROUNDS = 64, 0.01, 20
_FAINTEST, _BROADEST = 2.0, 0.25
# With more levels the plain weights are as good.
_MOST_LEVELS = 64


def plain_weights(sigmas: list[float]) -> NDArray[np.float64]:
    """(n − 2,) h_i / (2 h_{i−1}), h_i = ln(σ_i / σ_{i+1}): weights of D_i − D_{i−1} in DPM-Solver++(2M).

    Args:
        sigmas: n + 1 levels, falling, the last 0.
    """
    steps = np.log(np.divide(sigmas[:-2], sigmas[1:-1]))
    return np.asarray(steps[1:] / (2 * steps[:-1]), dtype=np.float64)


def calibrated_weights(sigmas: list[float]) -> NDArray[np.float64]:
    """(n − 2,) κ_i h_i / (2 h_{i−1}), with κ for which Gaussian data come out with their own variance.

    For data N(0, λ) the denoiser is D(x; σ) = λ x / (λ + σ²), and a solver makes trajectories of standard deviation
    (1 + e(λ)) √λ. The κ minimise the mean of e² over ln λ plus 0.01² Σ (κ_i − 1)², for λ from (2 σ_min)² to
    (σ_max / 4)². The flow of any Gaussian law is a product of such, one for each eigenvalue of its covariance.

    Args:
        sigmas: n + 1 levels, falling, the last 0.
    """
    plain = plain_weights(sigmas)
    low, high = _FAINTEST * sigmas[-2], _BROADEST * sigmas[0]
    if len(plain) == 0 or len(plain) > _MOST_LEVELS or low >= high:
        return plain
    variance = np.geomspace(low**2, high**2, _N_SCALES)
    kappa, lowest = np.ones(len(plain)), math.inf
    found = kappa
    for _ in range(_MOST_ROUNDS):
        gain, slope = gains(sigmas, kappa * plain, variance)
        error = np.concatenate([(gain - 1) / math.sqrt(_N_SCALES), _RIDGE * (kappa - 1)])
        total = float(error @ error)
        # Gauss–Newton, which ends with the first round that does not lower the sum.
        if not total < lowest * (1 - 1e-9):
            break
        lowest, found = total, kappa
        by_kappa = (slope * plain[:, None]).T / math.sqrt(_N_SCALES)
        step = np.linalg.lstsq(np.concatenate([by_kappa, _RIDGE * np.eye(len(plain))]), error, rcond=None)[0]
        kappa = kappa - step
    return found * plain


def gains(
    sigmas: list[float], weights: NDArray[np.float64], variance: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """(L,) made over true standard deviation for data N(0, λ), and its derivatives (n − 2, L) by the weights.

    Args:
        sigmas: n + 1 levels, falling, the last 0.
        weights: (n − 2,) of D_i − D_{i−1}.
        variance: (L,) the λ.
    """
    x = np.sqrt(variance + sigmas[0] ** 2)
    dx = np.zeros((len(weights), len(variance)))
    before, d_before = x, dx
    for i, (sigma, following) in enumerate(itertools.pairwise(sigmas[:-1])):
        shrink = variance / (variance + sigma**2)
        clean, d_clean = shrink * x, shrink * dx
        ahead, d_ahead = clean, d_clean
        if i > 0:
            ahead = clean + weights[i - 1] * (clean - before)
            d_ahead = d_clean + weights[i - 1] * (d_clean - d_before)
            d_ahead[i - 1] += clean - before
        kept = following / sigma
        x, dx = kept * x + (1 - kept) * ahead, kept * dx + (1 - kept) * d_ahead
        before, d_before = clean, d_clean
    last = np.sqrt(variance) / (variance + sigmas[-2] ** 2)
    return last * x, last * dx
