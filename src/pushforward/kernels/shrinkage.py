"""Regression to the mean: deviations towards global or local means of the data, and blur."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Literal, Self, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.kernels.base import AbstractDeviationKernel, deviated, learned, standard_deviations
from pushforward.kernels.moments import step_means
from pushforward.kernels.neighbours import Neighbourhood
from pushforward.kernels.spectral import Spectral
from pushforward.trajectories import Trajectories

__all__ = ["Shrinkage"]


@final
@dataclass(frozen=True, eq=False)
class Shrinkage(AbstractDeviationKernel):
    """x' = x̄ + (1 − a)(x − x̄) + b·σ_c·ε with a = strength·scale and b = blur·scale: towards a mean, and blurred.

    What smooth networks do at coarse noise levels: where they cannot tell one trajectory from another, they make
    something between them, and something less extreme. One scale moves bias and blur together, so that a longer
    training, which makes both smaller, is a smaller scale.

    Attributes:
        scale: the dose; the deviations are proportional to it.
        strength: a / scale, the share of the way to the mean at scale 1; a may be at most 1.
        blur: b / scale, the noise's size at scale 1, in standard deviations σ_c of each channel.
        correlation: ℓ of the noise in time steps, Corr(ε_t, ε_u) = exp(−(t − u)² / 2ℓ²); 0 is white.
        towards: "mean", the data's mean at each step, or "local", the mean of the nearest trajectories.
        neighbours: how many trajectories a local mean is of.
    """

    name: ClassVar[str] = "shrinkage"
    formula: ClassVar[str] = (
        "x' = x̄ + (1 − strength·s)(x − x̄) + blur·s·σ_c·ε, Corr(ε_t, ε_u) = exp(−(t − u)² / 2ℓ²)"
    )
    source: ClassVar[str] = (
        "Regression to the mean; James and Stein, Proc. Fourth Berkeley Symposium 1 (1961)"
    )
    cost: ClassVar[str] = (
        "as gaussian; towards local means also a neighbour search, about 10⁴ trajectories per second"
    )
    scales: ClassVar[tuple[float, ...]] = (0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.4)

    strength: float = 0.7
    blur: float = 1.0
    correlation: float = 6.0
    towards: Literal["mean", "local"] = "mean"
    neighbours: int = 32
    sigma: tuple[float, ...] = learned(())
    mean: NDArray[np.float64] | None = learned()
    neighbourhood: Neighbourhood | None = learned()

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            InputError: a negative strength, blur or correlation, or fewer than one neighbour.
        """
        super().__post_init__()
        for name in ("strength", "blur", "correlation"):
            value = getattr(self, name)
            require(value >= 0, f"kernel {self.name!r}, setting {name!r}: got {value:g}; expected 0 or more")
        require(
            self.neighbours >= 1,
            f"kernel {self.name!r}: got neighbours = {self.neighbours}; expected 1 or more",
        )

    def fitted(self, trajectories: Trajectories) -> Self:
        """The kernel with each channel's standard deviation and the data's mean, or a search for local means."""
        sigma = tuple(standard_deviations(trajectories).tolist())
        if self.towards == "mean":
            return replace(self, sigma=sigma, mean=step_means(trajectories))
        return replace(self, sigma=sigma, neighbourhood=Neighbourhood.of(trajectories))

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, a shrinkage of more than the whole way, or another shape than `fitted` saw.
        """
        shrink, blur = self.strength * self.known_scale, self.blur * self.known_scale
        require(
            shrink <= 1,
            f"kernel {self.name!r}: strength · scale = {shrink:g}; expected at most 1, which is the mean itself",
        )
        if shrink == 0 and blur == 0:
            return trajectories
        result = trajectories
        if shrink > 0:
            centre = self._centre(trajectories)
            x = trajectories.values
            result = deviated(trajectories, x + np.float32(shrink) * (centre - x))
        if blur > 0:
            # Sizes are those of the data, not of what has shrunk.
            sigma = self.sigma or tuple(standard_deviations(trajectories).tolist())
            result = Spectral(blur, correlation=self.correlation, sigma=sigma).deviate(result, rng)
        return result

    def _centre(self, trajectories: Trajectories) -> NDArray[np.float32]:
        """x̄: (T, C), or (N, T, C) where it is local."""
        if self.towards == "local":
            search = self.neighbourhood or Neighbourhood.of(trajectories)
            return search.means(trajectories, self.neighbours)
        mean = step_means(trajectories) if self.mean is None else self.mean
        require(
            mean.shape == trajectories.values.shape[1:],
            f"kernel {self.name!r}: was fitted to trajectories of shape {mean.shape} and got "
            f"{trajectories.values.shape[1:]}; expected the same (T, C)",
        )
        return mean.astype(np.float32)
