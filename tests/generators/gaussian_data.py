"""Trajectories whose law is known in full: a linear process with Gaussian noise, from a Gaussian start."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pushforward.trajectories import Trajectories

__all__ = ["GaussianLaw", "linear_process"]

T, C = 8, 2
TRANSITION = np.array([[0.8, 0.3], [-0.3, 0.7]])
DRIFT = np.array([0.1, -0.2])
NOISE = np.array([[0.3, 0.12], [0.12, 0.2]])
START_MEAN = np.array([1.0, -1.0])
START_COVARIANCE = np.array([[0.5, -0.2], [-0.2, 0.4]])


@dataclass(frozen=True)
class GaussianLaw:
    """N(mean, covariance) of the T C values of a trajectory, steps first."""

    mean: NDArray[np.float64]
    covariance: NDArray[np.float64]

    def sample(self, n: int, seed: int) -> Trajectories:
        drawn = np.random.default_rng(seed).multivariate_normal(self.mean, self.covariance, size=n)
        return Trajectories(drawn.reshape(n, T, C))

    def given(self, weights: NDArray[np.float64], value: NDArray[np.float64]) -> GaussianLaw:
        """The law given that weights (m, T C) times the trajectory is `value` (m,)."""
        gain = self.covariance @ weights.T @ np.linalg.inv(weights @ self.covariance @ weights.T)
        return GaussianLaw(
            self.mean + gain @ (value - weights @ self.mean),
            self.covariance - gain @ weights @ self.covariance,
        )

    def error(self, made: Trajectories) -> tuple[float, float]:
        """The largest error of a mean, in standard deviations of the value, and of a covariance, in both."""
        values = made.values.reshape(len(made), -1).astype(np.float64)
        scale = np.sqrt(np.maximum(self.covariance.diagonal(), 1e-4))
        of_mean = np.abs(values.mean(axis=0) - self.mean) / scale
        of_covariance = np.abs(np.cov(values.T) - self.covariance) / np.outer(scale, scale)
        return float(of_mean.max()), float(of_covariance.max())


def linear_process() -> GaussianLaw:
    """x_{t+1} = A x_t + b + ε with correlated ε, from a start that is not the stationary law: its moments move."""
    mean, covariance = np.zeros(T * C), np.zeros((T * C, T * C))
    mean[:C], covariance[:C, :C] = START_MEAN, START_COVARIANCE
    for t in range(1, T):
        before, here = slice((t - 1) * C, t * C), slice(t * C, (t + 1) * C)
        mean[here] = TRANSITION @ mean[before] + DRIFT
        covariance[here, : t * C] = TRANSITION @ covariance[before, : t * C]
        covariance[: t * C, here] = covariance[here, : t * C].T
        covariance[here, here] = TRANSITION @ covariance[before, before] @ TRANSITION.T + NOISE
    return GaussianLaw(mean, covariance)
