"""Quantities of flows y' = f(y; p): what they conserve, and parameters fitted to how they move on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.blocks import by_block
from pushforward.trajectories import Trajectories

__all__ = ["LorenzRho", "LotkaVolterraInvariant", "fitted_parameter", "lorenz_flow", "one_step"]

_Array = NDArray[np.floating[Any]]
_Exact = NDArray[np.float64]
# Writes f(y; p) of states (D, m) and parameters (P, m) into an array like the states.
Flow = Callable[[_Exact, _Exact, _Exact], Any]
_SHIFT = 1e-3


@final
@dataclass(frozen=True)
class LotkaVolterraInvariant(AbstractQuantity):
    """What a Lotka–Volterra orbit conserves, averaged over the recorded steps.

    V = δx − γ ln x + βy − α ln y for ẋ = αx − βxy, ẏ = δxy − γy. NaN where a population is not positive.

    Attributes:
        prey: channel of x.
        predator: channel of y.
        alpha: growth of the prey.
        beta: loss of prey per predator.
        gamma: loss of the predators.
        delta: growth of predators per prey.
    """

    prey: str = "prey"
    predator: str = "predator"
    alpha: float = 1.0
    beta: float = 1.0
    gamma: float = 1.0
    delta: float = 1.0

    name: ClassVar[str] = "lotka-volterra-invariant"
    formula: ClassVar[str] = "V = ⟨δx − γ ln x + βy − α ln y⟩_t"
    source: ClassVar[str] = "Volterra, Nature 118 (1926), 558–560"

    def measure(self, trajectories: Trajectories) -> _Array:
        """(N,) values."""
        index = (trajectories.channel_index(self.prey), trajectories.channel_index(self.predator))

        def measured(points: _Array, steps: NDArray[np.int64]) -> _Array:
            x, y = points[:, :, 0], points[:, :, 1]
            kept = np.arange(points.shape[1])[None, :] < steps[:, None]
            mean: _Array = np.where(kept, self.at(x, y), 0.0).sum(axis=1) / steps
            return mean

        return by_block(trajectories, index, measured)

    def at(self, x: _Array, y: _Array) -> _Array:
        """V of populations x and y, of any shape; NaN where one is not positive."""
        positive = (x > 0) & (y > 0)
        x, y = np.where(positive, x, 1.0), np.where(positive, y, 1.0)
        value = self.delta * x - self.gamma * np.log(x) + self.beta * y - self.alpha * np.log(y)
        return np.where(positive, value, np.nan)

    def unit_of(self, trajectories: Trajectories) -> str:
        """None known: that of the parameters times populations."""
        return ""


@final
@dataclass(frozen=True)
class LorenzRho(AbstractQuantity):
    """ρ of the Lorenz system by least squares: the ρ whose flow best predicts each state from the one before it.

    ρ̂ minimises Σ_t ‖x_{t+1} − Φ_Δt(x_t; ρ)‖², Φ being the flow of ẋ = σ(y − x), ẏ = x(ρ − z) − y, ż = xy − βz,
    solved to order 8. It starts from the trapezoidal rule's ρ and is corrected five times with a fixed slope, which
    leaves an error far below float32's. NaN with fewer than two steps or where x is 0 throughout.

    Attributes:
        channels: of x, y and z.
        sigma: σ.
        beta: β.
        longest_step: integration steps are no longer than this, in the data's time unit.
    """

    channels: tuple[str, ...] = ("x", "y", "z")
    sigma: float = 10.0
    beta: float = 8 / 3
    longest_step: float = 0.05

    name: ClassVar[str] = "lorenz-rho"
    formula: ClassVar[str] = "ρ̂ = argmin_ρ Σ_t ‖x_{t+1} − Φ_Δt(x_t; ρ)‖²"
    source: ClassVar[str] = "Lorenz, Journal of the Atmospheric Sciences 20 (1963), 130–141, by least squares"

    def __post_init__(self) -> None:
        """Refuse other than three channels and a step that is not positive."""
        super().__post_init__()
        require(
            len(self.channels) == 3,
            f"quantity {self.name!r}: got {len(self.channels)} channels; expected x, y, z",
        )
        require(
            self.longest_step > 0,
            f"quantity {self.name!r}: got longest_step {self.longest_step}; expected above 0",
        )

    def measure(self, trajectories: Trajectories) -> _Array:
        """(N,) values."""
        dt = trajectories.dt
        substeps = max(int(np.ceil(dt / self.longest_step - 1e-9)), 1)
        flow = lorenz_flow(self.sigma, self.beta)

        def measured(points: _Array, steps: NDArray[np.int64]) -> _Array:
            kept = np.arange(points.shape[1] - 1)[None, :] < (steps - 1)[:, None]
            x, y, z = np.moveaxis(points, 2, 0)
            pull = x * z + y
            sum_x = np.where(kept, (x[:, 1:] + x[:, :-1]) * dt / 2, 0.0)
            change = np.where(kept, np.diff(y, axis=1) + (pull[:, 1:] + pull[:, :-1]) * dt / 2, 0.0)
            square = np.square(sum_x).sum(axis=1)
            start = (sum_x * change).sum(axis=1) / np.where(square > 0, square, np.nan)

            def predict(rho: _Array) -> _Array:
                return one_step(flow, points, dt, substeps, rho[None])

            return fitted_parameter(predict, points, kept, start, corrections=5)

        index = tuple(trajectories.channel_index(name) for name in self.channels)
        return by_block(trajectories, index, measured)

    def unit_of(self, trajectories: Trajectories) -> str:
        """A pure number."""
        return ""


def lorenz_flow(sigma: float, beta: float) -> Flow:
    """The right-hand side of the Lorenz system, ρ being the one parameter of each trajectory."""

    def flow(state: _Array, rate: _Array, parameters: _Array) -> None:
        x, y, z = state
        np.subtract(y, x, out=rate[0])
        rate[0] *= sigma
        np.subtract(parameters[0], z, out=rate[1])
        rate[1] *= x
        rate[1] -= y
        np.multiply(x, y, out=rate[2])
        rate[2] -= beta * z

    return flow


def one_step(
    flow: Flow, points: _Array, dt: float, substeps: int, parameters: _Array | None = None
) -> _Exact:
    """(m, T − 1, D) where the flow takes each but the last of the states (m, T, D) within `dt`.

    `parameters` are (P, m), those of each trajectory.
    """
    # Systems are made of quantities: importing them here at the top would be a circle.
    from pushforward.systems.integrators import integrate

    m, steps, width = points.shape
    states = np.ascontiguousarray(points[:, :-1].reshape(-1, width).T, dtype=np.float64)
    constants = None
    if parameters is not None:
        constants = np.repeat(np.asarray(parameters, dtype=np.float64), steps - 1, axis=1)
    ahead = integrate(flow, states, 2, dt, substeps, parameters=constants)[:, 1]
    return ahead.reshape(m, steps - 1, width)


def fitted_parameter(
    predict: Callable[[_Exact], _Array],
    points: _Array,
    kept: NDArray[np.bool_],
    start: _Array,
    corrections: int,
) -> _Exact:
    """(m,) argmin_p Σ_t ‖x_{t+1} − Φ(x_t; p)‖² near `start`, by Gauss–Newton steps with a fixed slope.

    Args:
        predict: (m, T − 1, D) states Φ(x_t; p) for parameters (m,).
        points: (m, T, D) recorded states.
        kept: (m, T − 1) which steps count.
        start: (m,) first guess.
        corrections: Gauss–Newton steps.

    Returns:
        (m,) parameters; NaN where they are not determined.
    """
    value = np.where(np.isfinite(start), start, 1.0)
    shift = _SHIFT * np.maximum(np.abs(value), 1e-3)
    target = np.where(kept[:, :, None], points[:, 1:], 0.0)
    ahead = np.where(kept[:, :, None], predict(value), 0.0)
    moved = np.where(kept[:, :, None], predict(value + shift), 0.0)
    slope = (moved - ahead) / shift[:, None, None]
    square = np.square(slope).sum(axis=(1, 2))
    square = np.where(square > 0, square, np.nan)
    for correction in range(corrections):
        value = value + (slope * (target - ahead)).sum(axis=(1, 2)) / square
        if correction < corrections - 1:
            ahead = np.where(kept[:, :, None], predict(value), 0.0)
    return np.where(np.isfinite(start), value, np.nan)
