"""Every chaotic flow of the dysts package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.chaos import PACE, DystsFactor, DystsLaw, dysts_law
from pushforward.quantities.flows import one_step
from pushforward.systems.base import AbstractSystem
from pushforward.systems.integrators import integrate
from pushforward.trajectories import Trajectories

__all__ = ["Dysts"]

_STARTS = 64
_SETTLING = 10.0
_PER_PERIOD = 30


@final
@dataclass(frozen=True)
class Dysts(AbstractSystem):
    """ẋ = f(x; c p): a flow of dysts whose parameter p, or pace, is scaled by c; the quantity is the factor c.

    What can be controlled exactly in any chaotic system is a factor on one of its parameters; by default on the
    pace, which every flow has and which leaves its attractor as it is. Trajectories start on the attractor, at 64
    states that have settled for 10 periods from around dysts' initial state, each followed for another `burn_in` to
    `burn_in` + 1 periods at its own c. `default_dt` is a thirtieth of the dominant period. Angles and times that some
    flows carry along as coordinates are not wrapped. Maps and delay equations of dysts are not flows and are refused.

    Attributes:
        system: a flow of dysts, such as Lorenz.
        parameter: one of its parameters, or `pace`.
        burn_in: in periods.
        longest_step: of the integration, in periods; stiff flows need shorter ones.
        tolerance: largest error of a plausible trajectory's prediction of each next state from the one
            before it, with its own c, as a share of each channel's range.
    """

    system: str = "Lorenz"
    parameter: str = PACE
    burn_in: float = 1.0
    longest_step: float = 0.005
    tolerance: float = 0.05

    name: ClassVar[str] = "dysts"
    formula: ClassVar[str] = "ẋ = f(x; c p)"
    source: ClassVar[str] = "Gilpin, NeurIPS Datasets and Benchmarks (2021), arXiv 2110.05266"
    channels: ClassVar[tuple[str, ...]] = ("x0", "x1", "x2")
    units: ClassVar[tuple[str, ...]] = ("", "", "")
    time_unit: ClassVar[str] = "time unit"
    default_T: ClassVar[int] = 64
    default_dt: ClassVar[float] = 0.05
    default_intended: ClassVar[str] = "uniform(0.95, 1.05)"

    def __post_init__(self) -> None:
        """Refuse what does not fit; take dimensions and time step of the flow, where dysts is there to tell them.

        Raises:
            InputError: a negative burn-in or tolerance, or a step that is not positive.
        """
        super().__post_init__()
        for name in ("burn_in", "tolerance"):
            value = getattr(self, name)
            require(0 <= value < np.inf, f"system {self.name!r}: got {name} = {value:g}; expected 0 or more")
        require(
            0 < self.longest_step < np.inf,
            f"system {self.name!r}: got longest_step = {self.longest_step:g}; expected above 0",
        )
        law = self.law
        # What holds for a class elsewhere depends on the flow here.
        object.__setattr__(self, "channels", tuple(f"x{i}" for i in range(law.width)))
        object.__setattr__(self, "units", ("",) * law.width)
        object.__setattr__(self, "default_dt", law.period / _PER_PERIOD)

    @property
    def law(self) -> DystsLaw:
        """The flow, its parameter scaled.

        Raises:
            InputError: dysts is not installed, or there is no such flow or parameter.
        """
        return dysts_law(self.system, self.parameter)

    @property
    def annotations(self) -> dict[str, Any]:
        """What dysts knows of the flow at c = 1: Lyapunov exponents, dimensions, entropies, source."""
        return dict(self.law.annotations)

    @property
    def lyapunov_exponent(self) -> float:
        """The largest Lyapunov exponent, per time unit, as dysts estimated it."""
        return float(self.law.annotations["maximum_lyapunov_estimated"])

    @property
    def dimension(self) -> float:
        """The correlation dimension of the attractor, as dysts estimated it."""
        return float(self.law.annotations["correlation_dimension"])

    @property
    def quantity(self) -> DystsFactor:
        """The least-squares factor."""
        return DystsFactor(system=self.system, parameter=self.parameter, longest_step=self.longest_step)

    def simulate(
        self,
        quantity: NDArray[np.float64],
        T: int,
        dt: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(N, T, D) states for factors (N,).

        Raises:
            InputError: a factor that is not positive.
        """
        outside = np.flatnonzero(~(quantity > 0))
        if len(outside):
            raise InputError(
                f"system {self.name!r}: got a factor of {quantity[outside[0]]:g} ({len(outside)} of "
                f"{len(quantity)} draws); expected above 0"
            )
        law = self.law
        around = law.start[:, None] * (1 + 1e-3 * rng.standard_normal((law.width, _STARTS)))
        settled = self._followed(around, np.full(_STARTS, _SETTLING), np.ones(_STARTS))
        start = settled[:, rng.integers(_STARTS, size=len(quantity))]
        wait = self.burn_in + rng.random(len(quantity))
        start = self._followed(start, wait, quantity)
        return integrate(law, start, T, dt, law.substeps(dt, self.longest_step), parameters=quantity[None])

    def _followed(
        self, state: NDArray[np.float64], periods: NDArray[np.float64], factor: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """(D, N) states after a time of their own."""
        law = self.law

        def paced(y: NDArray[np.float64], rate: NDArray[np.float64], constants: NDArray[np.float64]) -> None:
            law(y, rate, constants[:1])
            rate *= constants[1]

        longest = float(periods.max())
        constants = np.stack([factor, periods / longest])
        steps = law.substeps(longest * law.period, self.longest_step)
        ahead = integrate(paced, state, 2, longest * law.period, steps, parameters=constants)[:, 1]
        return np.ascontiguousarray(ahead.T)

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether each state predicts the next, with the trajectory's own factor, within `tolerance`."""
        factor = self.quantity(trajectories)
        points = trajectories.values.astype(np.float64)
        known = np.where(np.isfinite(factor), factor, 1.0)[None]
        substeps = self.law.substeps(trajectories.dt, self.longest_step)
        ahead = one_step(self.law, points, trajectories.dt, substeps, known)
        extent = np.maximum(np.ptp(points, axis=1), 1e-3 * np.abs(points).max(axis=1))[:, None]
        near = (np.abs(points[:, 1:] - ahead) <= self.tolerance * extent).all(axis=2)
        return np.asarray(np.isfinite(factor) & (near | ~trajectories.mask[:, 1:]).all(axis=1))

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Draw the first two coordinates."""
        for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
            axes.plot(values[:steps, 0], values[:steps, 1], linewidth=0.8)
        axes.set(xlabel=trajectories.channels[0], ylabel=trajectories.channels[1])
        axes.set_title(self.system)
