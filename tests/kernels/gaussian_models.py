"""Models that are known in closed form, for kernels that ask a model: normal trajectories and their denoisers."""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor

from pushforward.generators.adapters import ModuleDenoiser
from pushforward.quantities import Quantity
from pushforward.trajectories import Trajectories

T, C = 4, 2
MEAN = 0.4 * np.sin(np.arange(T * C) / 3)
COVARIANCE = 0.5**2 * 0.7 ** np.abs(np.subtract.outer(np.arange(T * C), np.arange(T * C)))
A = np.random.default_rng(42).normal(size=T * C)


def normal_trajectories(n: int, seed: int = 0) -> Trajectories:
    """N(MEAN, COVARIANCE)."""
    drawn = np.random.default_rng(seed).multivariate_normal(MEAN, COVARIANCE, size=n)
    return Trajectories(drawn.reshape(n, T, C))


def denoiser(covariance: np.ndarray = COVARIANCE) -> ModuleDenoiser:
    """The ideal denoiser of N(MEAN, covariance): D(x; σ) = m + S (S + σ²)⁻¹ (x − m)."""
    values, basis = (torch.from_numpy(part) for part in np.linalg.eigh(covariance))
    mean = torch.from_numpy(MEAN)

    def clean(x: Tensor, sigma: Tensor) -> Tensor:
        rotated = (x.double().reshape(len(x), -1) - mean) @ basis
        gain = values / (values + sigma.double()[:, None] ** 2)
        return ((rotated * gain) @ basis.T + mean).reshape(x.shape).to(x.dtype)

    return ModuleDenoiser(clean, "x0", np.array([0.002, 80.0]), T=T, C=C)


def factors(covariance: np.ndarray, sigma: float) -> np.ndarray:
    """A with x' = m + A (x + σ ε − m): dx/dσ = (x − D) / σ scales each direction of variance λ by √(λ / (λ + σ²))."""
    values, basis = np.linalg.eigh(covariance)
    return (basis * np.sqrt(values / (values + sigma**2))) @ basis.T


def linear() -> Quantity:
    """q = a·x."""
    return Quantity(lambda tracks: flat(tracks) @ A, name="linear")


def squared_norm() -> Quantity:
    """q = ‖x‖²."""
    return Quantity(lambda tracks: np.square(flat(tracks)).sum(axis=1), name="squared-norm")


def flat(tracks: Trajectories) -> np.ndarray:
    """(N, T·C) values."""
    return tracks.values.reshape(len(tracks), -1).astype(np.float64)
