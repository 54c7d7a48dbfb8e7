"""A step of forgetting that keeps the data's mean and covariance."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.kernels.base import AbstractDeviationKernel, deviated, learned
from pushforward.kernels.moments import covariance_root, flattened_moments
from pushforward.trajectories import Trajectories

__all__ = ["OrnsteinUhlenbeck"]

_LARGEST = 8192


@final
@dataclass(frozen=True, eq=False)
class OrnsteinUhlenbeck(AbstractDeviationKernel):
    """x' = x̄ + √(1 − β)(x − x̄) + √β Σ^½ ε with β = scale²: mean x̄ and covariance Σ of the data stay as they are.

    A generator that reproduces the data's first two moments and forgets the rest: a normal law stays exactly as it
    is, any other relaxes towards the normal one. One parameter.

    Attributes:
        scale: √β, from 0 to 1; 1 draws anew from the normal law of the data's mean and covariance.
    """

    name: ClassVar[str] = "ornstein-uhlenbeck"
    formula: ClassVar[str] = "x' = x̄ + √(1 − β)(x − x̄) + √β Σ^½ ε, β = scale²"
    source: ClassVar[str] = (
        "Uhlenbeck and Ornstein, Physical Review 36 (1930); the Crank–Nicolson proposal of MCMC"
    )
    cost: ClassVar[str] = "a covariance of T·C values once, then a matrix product of that size per trajectory"
    scales: ClassVar[tuple[float, ...]] = (0.01, 0.02, 0.05, 0.1, 0.2, 0.4)

    mean: NDArray[np.float32] | None = learned()
    root: NDArray[np.float32] | None = learned()

    def fitted(self, trajectories: Trajectories) -> Self:
        """The kernel with the data's mean and the root of its covariance.

        Raises:
            InputError: trajectories of more than 8192 values, whose covariance would not fit.
        """
        size = trajectories.T * trajectories.C
        require(
            size <= _LARGEST,
            f"kernel {self.name!r}: got trajectories of {size} values (T · C); expected at most {_LARGEST}",
        )
        require(len(trajectories) >= 2, f"kernel {self.name!r}: got one trajectory; expected at least two")
        mean, covariance = flattened_moments(trajectories)
        return replace(self, mean=mean.astype(np.float32), root=covariance_root(covariance))

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, one above 1, or another shape than `fitted` saw.
        """
        scale = self.known_scale
        require(scale <= 1, f"kernel {self.name!r}: got scale {scale:g}; expected 0 to 1, the root of β")
        if scale == 0:
            return trajectories
        if self.root is None or self.mean is None:
            return self.fitted(trajectories).deviate(trajectories, rng)
        n = len(trajectories)
        flat = trajectories.values.reshape(n, -1)
        require(
            flat.shape[1] == len(self.mean),
            f"kernel {self.name!r}: was fitted to {len(self.mean)} values (T · C) and got {flat.shape[1]}; "
            "expected the same",
        )
        values = rng.standard_normal((n, len(self.root)), dtype=np.float32) @ (np.float32(scale) * self.root)
        values += np.float32(np.sqrt(1 - scale**2)) * (flat - self.mean)
        values += self.mean
        return deviated(trajectories, values.reshape(trajectories.values.shape))
