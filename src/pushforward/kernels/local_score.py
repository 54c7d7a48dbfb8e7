"""The local score machine: what a denoiser that sees only patches would make, from the data alone."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.kernels.base import AbstractDeviationKernel, deviated, learned, standard_deviations
from pushforward.kernels.moments import step_means
from pushforward.kernels.patches import PatchBank
from pushforward.trajectories import Trajectories

__all__ = ["LocalScore", "LocalScoreMachine", "falling_levels", "probability_flow"]

_Values = NDArray[np.float32]
_BANK_STREAM = 6
# Where this share of the posterior's weight lies among the nearest patches, the others are left out.
_ENOUGH = 0.99
# At coarse levels the bank is thinned until one in so many of them shares the posterior's weight.
_FEWER = 8


@final
@dataclass(frozen=True, eq=False)
class LocalScore(AbstractDeviationKernel):
    """x noised to level σ = scale and brought back to 0 by the ideal denoiser that sees `radius` steps on each side.

    D(y; σ)_t = E[x_t | y_{t−R}, …, y_{t+R}] over the data's own patches: the best denoiser among those that are as
    local as a convolutional network's, and, where `equivariant`, treat every position alike. Steps agree with their
    neighbours, but not with what is further away: trajectories come out locally right and globally wrong.

    Attributes:
        scale: σ, the noise level, in standard deviations of each channel.
        radius: R in time steps; T or more sees everything, and gives the ideal denoiser of the data.
        equivariant: patches of all positions are pooled, but those whose window is cut by an end of the trajectory,
            which a network's padding marks; else each position has its own patches.
        patches: size of each bank; more are more faithful and cost in proportion at coarse levels.
        neighbours: patches that are looked at where they hold 99 % of the posterior's weight.
        steps: noise levels from σ down to the last one before 0.
        amplitude: α in x' = x + α·(result − x).
        seed: of the choice of patches.
    """

    name: ClassVar[str] = "local-score"
    formula: ClassVar[str] = "D(y; σ)_t = E[x_t | y_{t−R}, …, y_{t+R}]; y = x + σε solved back to σ = 0"
    source: ClassVar[str] = (
        "Kamb & Ganguli, An analytic theory of creativity in convolutional diffusion models (arXiv 2412.20292)"
    )
    cost: ClassVar[str] = (
        "2·steps − 1 denoisings; each N·T searches among the patches, or N·T·patches at coarse levels"
    )
    scales: ClassVar[tuple[float, ...]] = (0.02, 0.05, 0.1, 0.2, 0.5)
    repeats: ClassVar[int] = 1
    block_values: ClassVar[int] = 1 << 17

    radius: int = 1
    equivariant: bool = False
    patches: int = 12_000
    neighbours: int = 128
    steps: int = 6
    amplitude: float = 1.0
    seed: int = 0
    machine: LocalScoreMachine | None = learned()

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        super().__post_init__()
        for name, least in (
            ("radius", 0),
            ("patches", 1),
            ("neighbours", 1),
            ("steps", 1),
            ("amplitude", 0),
            ("seed", 0),
        ):
            value = getattr(self, name)
            require(
                value >= least,
                f"kernel {self.name!r}, setting {name!r}: got {value}; expected {least} or more",
            )

    def fitted(self, trajectories: Trajectories) -> Self:
        """The kernel with its banks of patches."""
        machine = LocalScoreMachine.of(
            trajectories, self.radius, self.patches, self.equivariant, self.neighbours, self.seed
        )
        return replace(self, machine=machine)

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, or another shape than `fitted` saw.
        """
        sigma = self.known_scale
        if sigma == 0 or self.amplitude == 0:
            return trajectories
        if self.machine is None:
            return self.fitted(trajectories).deviate(trajectories, rng)
        x = self.machine.normalised(trajectories)
        noised = x + np.float32(sigma) * rng.standard_normal(x.shape, dtype=np.float32)
        made = probability_flow(self.machine.denoiser(), noised, falling_levels(sigma, self.steps))
        moved = np.float32(self.amplitude) * (made - x) * self.machine.spread
        return deviated(trajectories, trajectories.values + moved)


@final
@dataclass(frozen=True, eq=False)
class LocalScoreMachine:
    """The patches of some data, and the denoiser that they make.

    Attributes:
        mean: (T, C), taken off every trajectory.
        spread: (C,) what one unit is: each channel's standard deviation.
        bank: patches of the normalised data.
        neighbours: how many patches are looked at where they are enough.
    """

    mean: NDArray[np.float32]
    spread: NDArray[np.float32]
    bank: PatchBank
    neighbours: int

    @classmethod
    def of(
        cls, trajectories: Trajectories, radius: int, patches: int, pooled: bool, neighbours: int, seed: int
    ) -> Self:
        """The machine of `trajectories`; memory grows with patches · T · window, not with their number."""
        spread = standard_deviations(trajectories)
        spread = np.where(spread > 0, spread, 1.0)
        # Pooled patches must not know their position, so only one mean for all steps is taken off.
        mean = step_means(trajectories).mean(axis=0, keepdims=True) + np.zeros((trajectories.T, 1))
        rng = np.random.default_rng([seed, _BANK_STREAM])
        chosen = trajectories
        if len(trajectories) > patches:
            chosen = trajectories.select(np.sort(rng.choice(len(trajectories), size=patches, replace=False)))
        x = ((chosen.values - mean) / spread).astype(np.float32)
        bank = PatchBank.of(x, chosen.steps, radius, patches, pooled, rng)
        return cls(mean.astype(np.float32), spread.astype(np.float32), bank, neighbours)

    def normalised(self, trajectories: Trajectories) -> _Values:
        """(N, T, C) values in the machine's units.

        Raises:
            InputError: trajectories of another shape than the patches'.
        """
        require(
            trajectories.values.shape[1:] == (self.bank.T, self.bank.C),
            f"kernel 'local-score': was fitted to trajectories of shape {(self.bank.T, self.bank.C)} and got "
            f"{trajectories.values.shape[1:]}; expected the same (T, C)",
        )
        return np.asarray((trajectories.values - self.mean) / self.spread, dtype=np.float32)

    def denoiser(self) -> Callable[[_Values, float], _Values]:
        """D(y; σ) for the falling levels of one batch.

        Patches are enough where an eighth as many as `neighbours` share the posterior's weight: at coarse levels
        an even choice of the bank is used, at fine ones the nearest patches, which are searched once and kept.
        """
        candidates: dict[int, NDArray[np.int32]] = {}
        sizes: dict[tuple[int, float], int] = {}

        def denoise(y: _Values, sigma: float) -> _Values:
            clean = np.empty_like(y)
            for i, part in enumerate(self.bank):
                windows = part.windows_of(y)
                if i not in candidates and (i, sigma) not in sizes:
                    effective, held = part.spread_of(windows, self.neighbours, sigma)
                    sizes[i, sigma] = part.enough(self.neighbours / _FEWER, effective)
                    if held >= _ENOUGH:
                        candidates[i] = part.nearest(windows, self.neighbours)
                if i in candidates:
                    mean = part.mean_among(windows, candidates[i], sigma)
                else:
                    mean = part.mean(windows, sigma, sizes[i, sigma])
                clean[:, part.positions] = mean.reshape(len(y), len(part.positions), -1)
            return clean

        return denoise


def falling_levels(sigma: float, n: int, last: float = 0.004, rho: float = 7.0) -> list[float]:
    """n levels from σ down to `last` (or a quarter of σ, where that is less), spaced as in EDM eq. 5, then 0."""
    low = min(last, sigma / 4)
    high_root, low_root = sigma ** (1 / rho), low ** (1 / rho)
    share = np.linspace(0.0, 1.0, n) if n > 1 else np.zeros(1)
    levels: list[float] = ((high_root + share * (low_root - high_root)) ** rho).tolist()
    return [*levels, 0.0]


def probability_flow(
    denoise: Callable[[_Values, float], _Values], y: _Values, levels: list[float]
) -> _Values:
    """y brought down the levels by dy/dσ = (y − D(y; σ)) / σ, in Heun steps (EDM Algorithm 1)."""
    for sigma, following in itertools.pairwise(levels):
        slope = (y - denoise(y, sigma)) / np.float32(sigma)
        moved = y + np.float32(following - sigma) * slope
        if following > 0:
            slope = (slope + (moved - denoise(moved, following)) / np.float32(following)) / 2
            moved = y + np.float32(following - sigma) * slope
        y = moved
    return y
