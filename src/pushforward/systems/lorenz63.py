"""The Lorenz system of 1963: convection that never repeats itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.flows import LorenzRho, lorenz_flow, one_step
from pushforward.systems.base import AbstractSystem
from pushforward.systems.integrators import integrate
from pushforward.trajectories import Trajectories

__all__ = ["Lorenz63"]

_LONGEST_STEP = 0.02
_MOST_RHO = 200.0


@final
@dataclass(frozen=True)
class Lorenz63(AbstractSystem):
    """ẋ = σ(y − x), ẏ = x(ρ − z) − y, ż = xy − βz, on its attractor; the quantity is ρ.

    Starts in a box around the attractor and throws `burn_in` time units away. Chaotic for most ρ above 24.74 (with the
    usual σ and β); between 1 and there it may settle on a fixed point, from which ρ = z + 1 can still be had. ρ is
    measured by one-step prediction, which chaos does not spoil.

    Attributes:
        sigma: σ, the Prandtl number.
        beta: β.
        burn_in: time units before the first recorded step.
        tolerance: largest error of a plausible trajectory's prediction of each next state from the one
            before it, with its own ρ, as a share of its extent in the widest channel.
    """

    sigma: float = 10.0
    beta: float = 8 / 3
    burn_in: float = 20.0
    tolerance: float = 0.05

    name: ClassVar[str] = "lorenz-63"
    formula: ClassVar[str] = "ẋ = σ(y − x), ẏ = x(ρ − z) − y, ż = xy − βz"
    source: ClassVar[str] = "Lorenz, Journal of the Atmospheric Sciences 20 (1963), 130–141"
    channels: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    units: ClassVar[tuple[str, ...]] = ("", "", "")
    time_unit: ClassVar[str] = "time unit"
    default_dt: ClassVar[float] = 0.05
    default_T: ClassVar[int] = 64
    default_intended: ClassVar[str] = "uniform(26, 34)"

    def __post_init__(self) -> None:
        """Refuse parameters that are not positive and a negative burn-in or tolerance."""
        super().__post_init__()
        for name in ("sigma", "beta"):
            value = getattr(self, name)
            require(0 < value < np.inf, f"system {self.name!r}: got {name} = {value:g}; expected above 0")
        for name in ("burn_in", "tolerance"):
            value = getattr(self, name)
            require(0 <= value < np.inf, f"system {self.name!r}: got {name} = {value:g}; expected 0 or more")

    @property
    def quantity(self) -> LorenzRho:
        """The least-squares ρ."""
        return LorenzRho(sigma=self.sigma, beta=self.beta)

    def simulate(
        self,
        quantity: NDArray[np.float64],
        T: int,
        dt: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(N, T, 3) states for ρ (N,).

        Raises:
            InputError: ρ outside (1, 200]: at 1 and below everything comes to rest at 0.
        """
        outside = np.flatnonzero(~((quantity > 1) & (quantity <= _MOST_RHO)))
        if len(outside):
            raise InputError(
                f"system {self.name!r}: got ρ = {quantity[outside[0]]:g} ({len(outside)} of {len(quantity)} draws); "
                f"expected 1 < ρ ≤ {_MOST_RHO:g}"
            )
        n = len(quantity)
        state = rng.uniform(-10, 10, size=(3, n))
        state[2] += quantity - 1
        flow = lorenz_flow(self.sigma, self.beta)
        if self.burn_in:
            steps = max(int(np.ceil(self.burn_in / _LONGEST_STEP)), 1)
            burnt = integrate(flow, state, 2, self.burn_in, steps, method="rk4", parameters=quantity[None])
            state = np.ascontiguousarray(burnt[:, 1].T)
        return integrate(flow, state, T, dt, self._substeps(dt), parameters=quantity[None])

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether each state predicts the next, with the trajectory's own ρ, within `tolerance`."""
        rho = self.quantity(trajectories)
        index = [trajectories.channel_index(name) for name in self.channels]
        points = trajectories.values[:, :, index].astype(np.float64)
        known = np.where(np.isfinite(rho), rho, 1.0)
        flow = lorenz_flow(self.sigma, self.beta)
        ahead = one_step(flow, points, trajectories.dt, self._substeps(trajectories.dt), known[None])
        missed = np.abs(points[:, 1:] - ahead).max(axis=2)
        # One that has come to rest has no extent: its distance from 0 is the scale then.
        extent = np.maximum(np.ptp(points, axis=1).max(axis=1), 1e-3 * np.abs(points).max(axis=(1, 2)))
        follows = (missed <= self.tolerance * extent[:, None]) | ~trajectories.mask[:, 1:]
        return np.asarray(np.isfinite(rho) & follows.all(axis=1))

    @staticmethod
    def _substeps(dt: float) -> int:
        return max(int(np.ceil(dt / _LONGEST_STEP - 1e-9)), 1)

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Draw x and z: the butterfly."""
        x, z = (trajectories.channel_index(name) for name in ("x", "z"))
        for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
            axes.plot(values[:steps, x], values[:steps, z], linewidth=0.8)
        axes.set(xlabel="x", ylabel="z")
