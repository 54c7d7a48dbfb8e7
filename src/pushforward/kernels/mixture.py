"""Kernels made of kernels: one of several by chance, or one after the other."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import numpy as np

from pushforward.errors import InputError, require
from pushforward.kernels.base import AbstractDeviationKernel, deviated
from pushforward.trajectories import Trajectories

__all__ = ["Chain", "Mixture"]


@final
@dataclass(frozen=True, eq=False)
class Mixture(AbstractDeviationKernel):
    """K = (1 − s)·δ_x + s·Σ_i w_i K_i: a share s of the trajectories deviates, each by one kernel; the others stay.

    The forecast drift is linear in s and in the weights, whatever the kernels: Δ̃ = s·Σ_i w_i Δ̃_i. So this is how
    a drift of the right shape is given another size, as when a pilot's is carried on to a longer training.

    Attributes:
        scale: s, the share that deviates, 0 to 1.
        kernels: K_i, each with a scale of its own.
        weights: w_i, at least 0; they are divided by their sum. None given: all alike.
    """

    name: ClassVar[str] = "mixture"
    formula: ClassVar[str] = "K = (1 − s)·δ_x + s·Σ_i w_i K_i"
    source: ClassVar[str] = "McLachlan & Peel, Finite Mixture Models (2000)"
    cost: ClassVar[str] = "the kernels', each for its share of the trajectories"
    needs: ClassVar[str] = "kernels"
    scales: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)

    scale: float | None = 1.0
    kernels: tuple[AbstractDeviationKernel, ...] = ()
    weights: tuple[float, ...] = ()

    def __post_init__(self) -> None:
        """Refuse shares and weights that cannot be.

        Raises:
            InputError: no kernels, weights that do not fit them, a share above 1.
        """
        super().__post_init__()
        _take_over(self, self.kernels)
        require(
            self.scale is None or self.scale <= 1,
            f"kernel {self.name!r}: got scale {self.scale}; expected a share, 0 to 1",
        )
        weights = self.weights or (1.0,) * len(self.kernels)
        require(
            len(weights) == len(self.kernels) and min(weights) >= 0 and 0 < sum(weights) < np.inf,
            f"kernel {self.name!r}: got weights {self.weights} for {len(self.kernels)} kernels; expected one each, "
            "at least 0 and not all 0",
        )

    def fitted(self, trajectories: Trajectories) -> Self:
        """The mixture of the fitted kernels."""
        return replace(self, kernels=tuple(kernel.fitted(trajectories) for kernel in self.kernels))

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, or as the kernels do.
        """
        share = self.known_scale
        if share == 0:
            return trajectories
        weights = np.array(self.weights or (1.0,) * len(self.kernels))
        # The last place is that of the trajectories that stay.
        shares = np.append(share * weights / weights.sum(), 1 - share)
        choice = np.searchsorted(np.cumsum(shares[:-1]), rng.random(len(trajectories)), side="right")
        values = trajectories.values.copy()
        for i, kernel in enumerate(self.kernels):
            rows = np.flatnonzero(choice == i)
            if len(rows):
                values[rows] = kernel.deviate(trajectories.select(rows), rng).values
        return deviated(trajectories, values)


@final
@dataclass(frozen=True, eq=False)
class Chain(AbstractDeviationKernel):
    """x → x₁ ~ K₁(· | x) → x₂ ~ K₂(· | x₁) → …: errors on errors, such as coarse ones and then fine ones.

    Attributes:
        scale: multiplies the scales of all kernels; 1 leaves them as given.
        kernels: K_1, K_2, …, each with a scale of its own.
    """

    name: ClassVar[str] = "chain"
    formula: ClassVar[str] = "K = K_n ∘ … ∘ K_1, the scale of each multiplied by s"
    source: ClassVar[str] = "The Chapman–Kolmogorov equation"
    cost: ClassVar[str] = "the sum of the kernels'"
    needs: ClassVar[str] = "kernels"
    scales: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)

    scale: float | None = 1.0
    kernels: tuple[AbstractDeviationKernel, ...] = ()

    def __post_init__(self) -> None:
        """Refuse a chain of nothing.

        Raises:
            InputError: no kernels.
        """
        super().__post_init__()
        _take_over(self, self.kernels)

    def fitted(self, trajectories: Trajectories) -> Self:
        """The chain of the kernels, each fitted to the data itself."""
        return replace(self, kernels=tuple(kernel.fitted(trajectories) for kernel in self.kernels))

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, or as the kernels do.
        """
        scale = self.known_scale
        if scale == 0:
            return trajectories
        for kernel in self.kernels:
            trajectories = kernel.with_scale(scale * kernel.known_scale).deviate(trajectories, rng)
        return trajectories


def _take_over(kernel: AbstractDeviationKernel, parts: tuple[AbstractDeviationKernel, ...]) -> None:
    """Make a kernel as slow, as wary of threads and as fond of large blocks as the slowest of its parts.

    Raises:
        InputError: no parts, or something else than kernels.
    """
    if not parts or not all(isinstance(part, AbstractDeviationKernel) for part in parts):
        raise InputError(
            f"kernel {kernel.name!r}: got {len(parts)} kernels; expected a tuple of one or more kernels"
        )
    for name, value in (
        ("repeats", min(part.repeats for part in parts)),
        ("parallel", all(part.parallel for part in parts)),
        ("block_values", max(part.block_values for part in parts)),
    ):
        object.__setattr__(kernel, name, value)
