"""Every chaotic system of the dysts package."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.quantities.blocks import by_block
from pushforward.quantities.chaos import DystsFactor, dysts_law
from pushforward.quantities.dysts_law import AbstractDystsLaw
from pushforward.systems.base import AbstractSystem
from pushforward.systems.dysts_annotations import annotated
from pushforward.systems.dysts_motion import motion
from pushforward.trajectories import Trajectories

__all__ = ["Dysts"]


@final
@dataclass(frozen=True)
class Dysts(AbstractSystem):
    """ẋ = f(x; c p): a system of dysts whose parameter p is scaled by c; the quantity is the factor c.

    What can be controlled exactly in any chaotic system is a factor on one of its parameters. By default it is one
    that every system of its kind has and that leaves the attractor as it is: the `pace` of flows and delay
    equations, the `size` of maps, x_{t+1} = c f(x_t / c).

    Trajectories start on the attractor, at states that have settled for 10 periods from around dysts' initial
    state, each followed for another `burn_in` to `burn_in` + 1 periods at its own c. Of a delay equation the period is
    the longer of dysts' dominant period and the delay, and 8 delays are waited besides; of a map it is 30 steps.
    `default_dt` is a thirtieth of the dominant period, of a delay equation a thirtieth of the shorter of period and
    delay, of a map 1. Angles and times that some systems carry along as coordinates are not wrapped.

    Attributes:
        system: a system of dysts, such as Lorenz (see `dysts_systems()`).
        parameter: one of its parameters, or `pace` (`size` of a map), the default.
        burn_in: in periods.
        longest_step: of the integration of flows, in periods; stiff flows need shorter ones.
        tolerance: largest error of a plausible trajectory's prediction of each next state from those
            before it, with its own c, as a share of each channel's range. All errors together must also be
            at most half as large as the motion, which a c near 0 would fail.
    """

    system: str = "Lorenz"
    parameter: str = ""
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
        """Refuse what does not fit; take dimensions and time step of the system, where dysts is there to tell.

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
        # What holds for a class elsewhere depends on the law here.
        own = {
            "channels": tuple(f"x{i}" for i in range(law.width)),
            "units": ("",) * law.width,
            "time_unit": law.time_unit,
            "default_T": law.default_T,
            "default_dt": law.default_dt,
        }
        for name, value in own.items():
            object.__setattr__(self, name, value)

    @property
    def law(self) -> AbstractDystsLaw:
        """The law, its parameter scaled.

        Raises:
            InputError: dysts is not installed, or there is no such system or parameter.
        """
        return dysts_law(self.system, self.parameter, self.longest_step)

    @property
    def annotations(self) -> dict[str, Any]:
        """What is known of the system at c = 1: Lyapunov exponents, dimensions, entropies, source.

        dysts estimated them for flows and delay equations; what it does not know of maps is measured.
        """
        return annotated(self.law)

    @property
    def lyapunov_exponent(self) -> float:
        """The largest Lyapunov exponent, per time unit or step of a map."""
        return float(self.annotations["maximum_lyapunov_estimated"])

    @property
    def dimension(self) -> float:
        """The correlation dimension of the attractor; of a map, the dimension of Kaplan and Yorke."""
        known = self.annotations
        return float(known.get("correlation_dimension", known["kaplan_yorke_dimension"]))

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
            InputError: a factor that is not positive, or for a map not in (1/2, 2]; a record of a delay equation
                that is no longer than the delay.
        """
        return motion(self.law, quantity, T, dt, self.burn_in, rng)

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether the states before each predict it, with the trajectory's own factor, within `tolerance`."""
        law, dt = self.law, trajectories.dt

        def surprise(points: NDArray[np.float64], steps: NDArray[np.int64]) -> NDArray[np.float64]:
            kept = np.arange(points.shape[1] - 1)[None, :] < (steps - 1)[:, None]
            return law.surprise(points, kept, dt)

        with np.errstate(all="ignore"):
            return by_block(trajectories, self.quantity.index(trajectories), surprise) <= self.tolerance

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Draw the first two coordinates, or the only one over time."""
        if trajectories.C == 1:
            super().draw(axes, trajectories)
        else:
            line = "." if trajectories.time_unit == "step" else "-"
            for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
                axes.plot(values[:steps, 0], values[:steps, 1], line, linewidth=0.8, markersize=3)
            axes.set(xlabel=trajectories.channels[0], ylabel=trajectories.channels[1])
        axes.set_title(self.system)
