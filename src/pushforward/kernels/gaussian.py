"""The simplest kernel: white noise on every value."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.kernels.base import AbstractDeviationKernel, deviated, learned, standard_deviations
from pushforward.trajectories import Trajectories

__all__ = ["Gaussian"]


@final
@dataclass(frozen=True)
class Gaussian(AbstractDeviationKernel):
    """x' = x + s·σ_c·ε: independent normal errors of every value.

    What is known before anything is trained: how large the errors are, or only that they are small.

    Attributes:
        scale: s, the size of an error.
        relative: s is in standard deviations σ_c of each channel over the data; where False σ_c = 1, so that s is in
            the channels' own units.
    """

    name: ClassVar[str] = "gaussian"
    formula: ClassVar[str] = "x' = x + s·σ_c·ε, ε white normal"
    source: ClassVar[str] = "The paper's local errors (arXiv 2605.20299), at their simplest"
    cost: ClassVar[str] = "a normal number per value: about 10⁸ values per second and core"

    relative: bool = True
    sigma: tuple[float, ...] = learned(())

    def fitted(self, trajectories: Trajectories) -> Self:
        """The kernel with each channel's standard deviation."""
        if not self.relative:
            return self
        return replace(self, sigma=tuple(standard_deviations(trajectories).tolist()))

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, or other channels than `fitted` saw.
        """
        size = self.known_scale * amplitudes(trajectories, self.relative, self.sigma)
        if not size.any():
            return trajectories
        n, T, C = trajectories.values.shape
        noise = rng.standard_normal((n, T * C), dtype=np.float32)
        # One long row per trajectory: over a last axis of two or three channels NumPy is several times slower.
        noise *= np.tile(size.astype(np.float32), T)
        noise += trajectories.values.reshape(n, T * C)
        return deviated(trajectories, noise.reshape(n, T, C))


def amplitudes(trajectories: Trajectories, relative: bool, sigma: tuple[float, ...]) -> NDArray[np.float64]:
    """(C,) what a scale of 1 means in each channel: its standard deviation where `relative`, else 1.

    Raises:
        InputError: `sigma` was learned from data with another number of channels.
    """
    if not relative:
        return np.ones(trajectories.C)
    if not sigma:
        return standard_deviations(trajectories)
    require(
        len(sigma) == trajectories.C,
        f"kernel: was fitted to {len(sigma)} channels and got {trajectories.C}; expected the same",
    )
    return np.asarray(sigma)
