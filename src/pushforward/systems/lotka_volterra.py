"""Predators and prey, after Lotka and Volterra."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.flows import LotkaVolterraInvariant, one_step
from pushforward.systems.base import AbstractSystem
from pushforward.systems.integrators import integrate
from pushforward.trajectories import Trajectories

__all__ = ["LotkaVolterra"]

_Array = NDArray[np.float64]
_NODES = 257
_ANGLES = 128
_NEWTON = 60


@final
@dataclass(frozen=True)
class LotkaVolterra(AbstractSystem):
    """ẋ = αx − βxy, ẏ = δxy − γy; the quantity is the orbit's constant V = δx − γ ln x + βy − α ln y.

    Each trajectory starts at a uniform time of its orbit's period, solved in ln x and ln y, which keeps populations
    positive. V is least at the equilibrium (γ/δ, α/β).

    Attributes:
        alpha: growth of the prey, per year.
        beta: loss of prey per predator.
        gamma: loss of the predators.
        delta: growth of predators per prey.
        tolerance: largest error of a plausible trajectory's prediction of each next state, in ln x and ln y,
            and of V at each step against its mean.
    """

    alpha: float = 1.0
    beta: float = 1.0
    gamma: float = 1.0
    delta: float = 1.0
    tolerance: float = 0.1

    name: ClassVar[str] = "lotka-volterra"
    formula: ClassVar[str] = "ẋ = αx − βxy, ẏ = δxy − γy"
    source: ClassVar[str] = "Lotka, PNAS 6 (1920), 410–415; Volterra, Nature 118 (1926), 558–560"
    channels: ClassVar[tuple[str, ...]] = ("prey", "predator")
    units: ClassVar[tuple[str, ...]] = ("", "")
    time_unit: ClassVar[str] = "year"
    default_dt: ClassVar[float] = 0.4
    default_intended: ClassVar[str] = "uniform(2.1, 4)"

    def __post_init__(self) -> None:
        """Refuse rates that are not positive and a negative tolerance."""
        super().__post_init__()
        for name in ("alpha", "beta", "gamma", "delta"):
            value = getattr(self, name)
            require(0 < value < np.inf, f"system {self.name!r}: got {name} = {value:g}; expected above 0")
        require(
            self.tolerance >= 0, f"system {self.name!r}: got tolerance {self.tolerance}; expected 0 or more"
        )

    @property
    def quantity(self) -> LotkaVolterraInvariant:
        """V, averaged over the steps."""
        return LotkaVolterraInvariant(alpha=self.alpha, beta=self.beta, gamma=self.gamma, delta=self.delta)

    @property
    def least(self) -> float:
        """V of the equilibrium."""
        return float(
            self.gamma * (1 - np.log(self.gamma / self.delta))
            + self.alpha * (1 - np.log(self.alpha / self.beta))
        )

    def simulate(
        self,
        quantity: NDArray[np.float64],
        T: int,
        dt: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(N, T, 2) populations for constants V (N,).

        Raises:
            InputError: a V that is not above the equilibrium's.
        """
        outside = np.flatnonzero(~(quantity > self.least))
        if len(outside):
            raise InputError(
                f"system {self.name!r}: got V = {quantity[outside[0]]:g} ({len(outside)} of {len(quantity)} draws); "
                f"expected above the equilibrium's {self.least:g}"
            )
        excess = quantity - self.least
        state = np.empty((2, len(quantity)))
        state[0] = np.log(self.gamma / self.delta) + _root(excess / self.gamma, right=True)
        state[1] = np.log(self.alpha / self.beta)
        nodes = np.geomspace(excess.min(), excess.max() * (1 + 1e-9), _NODES)
        wait = rng.random(len(quantity)) * np.interp(excess, nodes, self._periods(nodes))
        # Every trajectory waits for a time of its own: time runs from 0 to 1 at its own pace.
        paced = integrate(self._flow, state, 2, 1.0, self._substeps(float(wait.max())), parameters=wait[None])
        start = np.ascontiguousarray(paced[:, 1].T)
        pace = np.ones((1, len(quantity)))
        return np.exp(integrate(self._flow, start, T, dt, self._substeps(dt), parameters=pace))

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether populations are positive, V is constant and each state predicts the next."""
        index = [trajectories.channel_index(name) for name in self.channels]
        populations = trajectories.values[:, :, index].astype(np.float64)
        positive = (populations > 0).all(axis=(1, 2))
        populations = np.where(populations > 0, populations, 1.0)
        constant = self.quantity.at(populations[:, :, 0], populations[:, :, 1])
        steady = np.abs(constant - constant.mean(axis=1, keepdims=True)) <= self.tolerance
        states = np.log(populations)
        pace = np.ones((1, len(states)))
        ahead = one_step(self._flow, states, trajectories.dt, self._substeps(trajectories.dt), pace)
        missed = np.abs(states[:, 1:] - ahead).max(axis=2)
        follows = (missed <= self.tolerance) | ~trajectories.mask[:, 1:]
        return np.asarray(positive & (steady | ~trajectories.mask).all(axis=1) & follows.all(axis=1))

    def _flow(self, state: _Array, rate: _Array, pace: _Array) -> None:
        np.exp(state[::-1], out=rate)
        rate[0] *= -self.beta
        rate[0] += self.alpha
        rate[1] *= self.delta
        rate[1] -= self.gamma
        rate *= pace

    def _substeps(self, time: float) -> int:
        return max(int(np.ceil(time * max(self.alpha, self.gamma) / 0.2)), 1)

    def _periods(self, excess: _Array) -> _Array:
        """(K,) periods of the orbits by `excess` V above the equilibrium's.

        With γ(eˢ − 1 − s) = E sin² θ and α(eʳ − 1 − r) = E cos² θ, s and r being the logarithms relative to the
        equilibrium, dt/dθ is smooth and periodic, so that the midpoint rule converges exponentially.
        """
        angle = (np.arange(_ANGLES) + 0.5) * 2 * np.pi / _ANGLES
        sine, cosine = np.sin(angle), np.cos(angle)
        s = _root(excess[:, None] * sine**2 / self.gamma, right=sine > 0)
        r = _root(excess[:, None] * cosine**2 / self.alpha, right=cosine > 0)
        speed = self.gamma * np.expm1(s) * self.alpha * np.expm1(r)
        period: _Array = np.abs(2 * excess[:, None] * sine * cosine / speed).mean(axis=1) * 2 * np.pi
        return period

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Draw predators against prey."""
        prey, predator = (trajectories.channel_index(name) for name in self.channels)
        for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
            axes.plot(values[:steps, prey], values[:steps, predator], linewidth=0.8)
        axes.set(xlabel="prey", ylabel="predators")


def _root(w: _Array, right: bool | NDArray[np.bool_]) -> _Array:
    """The s with eˢ − 1 − s = w ≥ 0, above 0 where `right`, else below: Newton from outside, where it is monotone."""
    s = np.where(right, np.sqrt(2 * w), -(w + np.sqrt(2 * w)))
    for _ in range(_NEWTON):
        slope = np.expm1(s)
        moving = slope != 0
        step = np.where(moving, (slope - s - w) / np.where(moving, slope, 1.0), 0.0)
        s = s - step
        if np.all(np.abs(step) <= 1e-15 * np.maximum(np.abs(s), 1e-300)):
            break
    return s
