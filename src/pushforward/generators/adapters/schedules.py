"""Noise schedules of others, seen as levels of one process: y = clean + level · noise.

Most models are trained on z_t = α_t z₀ + σ_t ε. Divided by α_t that is y = z₀ + (σ_t / α_t) ε, the variance-exploding
process at level σ_t / α_t, whatever the schedule: E[z₀ | y] at a level is the network's E[z₀ | z_t] at z_t = α_t y.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import NamedTuple, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pushforward.errors import InputError, require
from pushforward.generators.samplers import noise_levels

__all__ = ["AbstractSchedule", "DiscreteSchedule", "EdmSchedule", "FlowSchedule", "Point"]

_ON_THE_GRID = 1e-6
_NEIGHBOURS = 4


class Point(NamedTuple):
    """Where to ask the network for a level: α, σ, the time it is told, and the weight of its answer, each (B,)."""

    alpha: NDArray[np.float64]
    sigma: NDArray[np.float64]
    time: NDArray[np.float64]
    weight: NDArray[np.float64]


class AbstractSchedule(ABC):
    """Levels σ_min to σ_max of y = clean + level · noise, and how a network is asked about one."""

    sigma_min: float
    sigma_max: float
    discrete: bool = False

    @abstractmethod
    def points(self, level: NDArray[np.float64]) -> list[Point]:
        """The points whose weighted answers are the network's answer at `level` (B,)."""

    def levels(self, n: int, highest: float | None = None) -> list[float]:
        """At most n falling levels from `highest` (default: σ_max), as EDM spaces them (ρ = 7), then 0."""
        top = min(self.sigma_max, highest or self.sigma_max)
        require(top > self.sigma_min, f"level: got {top:g}; expected more than {self.sigma_min:g}")
        return noise_levels(n, self.sigma_min, top)


@final
class DiscreteSchedule(AbstractSchedule):
    """z_t = α_t z₀ + σ_t ε at K times. A level between them takes the four answers around it, by cubic
    interpolation in ln level; levels of `levels` are on the grid and take one.

    Args:
        alpha: (K,) α_t ≥ 0; times at which it is 0 have no level and are left out.
        sigma: (K,) σ_t > 0.
        times: (K,) what the network is told; default 0 … K − 1.

    Raises:
        InputError: arrays that do not fit, or levels σ_t / α_t that neither rise nor fall throughout.
    """

    discrete = True

    def __init__(self, alpha: ArrayLike, sigma: ArrayLike, times: ArrayLike | None = None) -> None:
        a, s = np.asarray(alpha, dtype=np.float64), np.asarray(sigma, dtype=np.float64)
        t = np.arange(a.size, dtype=np.float64) if times is None else np.asarray(times, dtype=np.float64)
        require(
            a.ndim == 1 and a.shape == s.shape == t.shape,
            f"schedule: got shapes {a.shape}, {s.shape}, {t.shape} of alpha, sigma, times; expected three of (K,)",
        )
        usable = (a > 0) & (s > 0) & np.isfinite(a) & np.isfinite(s)
        require(
            bool((usable | (a == 0)).all()) and usable.sum() >= 2,
            "schedule: got a negative or infinite alpha or sigma, or fewer than two times; expected alpha of 0 or "
            "more and positive sigma at two times or more",
        )
        a, s, t = a[usable], s[usable], t[usable]
        if s[0] / a[0] > s[-1] / a[-1]:
            a, s, t = a[::-1], s[::-1], t[::-1]
        self.alpha, self.sigma, self.times, self.grid = a, s, t, s / a
        require(
            bool((np.diff(self.grid) > 0).all()),
            "schedule: got levels sigma / alpha that neither rise nor fall throughout; expected one direction",
        )
        self.sigma_min, self.sigma_max = float(self.grid[0]), float(self.grid[-1])

    @classmethod
    def of_alphas_cumprod(cls, alphas_cumprod: ArrayLike) -> DiscreteSchedule:
        """The variance-preserving schedule of DDPM: α_t² = ᾱ_t, σ_t² = 1 − ᾱ_t."""
        bar = np.asarray(alphas_cumprod, dtype=np.float64)
        require(
            bar.ndim == 1 and bool((bar >= 0).all() and (bar < 1).all()),
            "alphas_cumprod: expected a list of numbers from 0 to below 1",
        )
        return cls(np.sqrt(bar), np.sqrt(1 - bar))

    def points(self, level: NDArray[np.float64]) -> list[Point]:
        """One point where every level is a grid level, else the four around it with Lagrange's weights."""
        above = np.clip(np.searchsorted(self.grid, level), 1, len(self.grid) - 1)
        nearest = np.where(level / self.grid[above - 1] < self.grid[above] / level, above - 1, above)
        if bool((np.abs(self.grid[nearest] / level - 1) <= _ON_THE_GRID).all()):
            return [self._point(nearest, np.ones_like(level))]
        count = min(_NEIGHBOURS, len(self.grid))
        first = np.clip(above - count // 2, 0, len(self.grid) - count)
        nodes = np.log(self.grid)[first[:, None] + np.arange(count)]
        return [self._point(first + i, _lagrange(nodes, np.log(level), i)) for i in range(count)]

    def levels(self, n: int, highest: float | None = None) -> list[float]:
        """The spaced levels moved to the grid, so that each takes one call; fewer where two fall together."""
        wanted = np.asarray(super().levels(n, highest)[:-1])
        nearest = np.abs(np.log(self.grid)[None, :] - np.log(wanted)[:, None]).argmin(axis=1)
        return [float(level) for level in np.unique(self.grid[nearest])[::-1]] + [0.0]

    def _point(self, index: NDArray[np.int64], weight: NDArray[np.float64]) -> Point:
        return Point(self.alpha[index], self.sigma[index], self.times[index], weight)


def _lagrange(nodes: NDArray[np.float64], at: NDArray[np.float64], i: int) -> NDArray[np.float64]:
    """The weight (B,) of node i of (B, K) in the polynomial through all, at `at` (B,)."""
    others = [j for j in range(nodes.shape[1]) if j != i]
    factors = [(at - nodes[:, j]) / (nodes[:, i] - nodes[:, j]) for j in others]
    return np.asarray(np.prod(factors, axis=0))


@final
class EdmSchedule(AbstractSchedule):
    """y = clean + σ ε itself, at any σ between the smallest and largest of `sigmas`; the network is told σ.

    Raises:
        InputError: fewer than two positive levels.
    """

    def __init__(self, sigmas: ArrayLike) -> None:
        levels = np.asarray(sigmas, dtype=np.float64)
        levels = levels[levels != 0] if levels.ndim == 1 else levels
        fits = levels.ndim == 1 and len(np.unique(levels)) >= 2 and bool(np.isfinite(levels).all())
        require(
            fits and bool((levels > 0).all()),
            "schedule: expected EDM's noise levels (at least two different positive numbers) or (alpha, sigma)",
        )
        self.sigma_min, self.sigma_max = float(levels.min()), float(levels.max())

    def points(self, level: NDArray[np.float64]) -> list[Point]:
        """The level itself."""
        one = np.ones_like(level)
        return [Point(one, level, level, one)]


@final
class FlowSchedule(AbstractSchedule):
    """x_t = t x_data + (1 − t) noise of linear flow matching: level (1 − t) / t, so t = 1 / (1 + level)."""

    def __init__(self, sigma_min: float = 1e-3, sigma_max: float = 1e3) -> None:
        if not 0 < sigma_min < sigma_max < float("inf"):
            raise InputError(
                f"schedule: got levels {sigma_min} to {sigma_max}; expected 0 < sigma_min < sigma_max"
            )
        self.sigma_min, self.sigma_max = sigma_min, sigma_max

    def points(self, level: NDArray[np.float64]) -> list[Point]:
        """α = t, σ = 1 − t, told t."""
        t = 1 / (1 + level)
        return [Point(t, level * t, t, np.ones_like(level))]
