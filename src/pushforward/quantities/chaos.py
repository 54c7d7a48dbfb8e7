"""Parameters of the chaotic systems of the dysts package, fitted to how trajectories move on."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.blocks import by_block
from pushforward.quantities.dysts_catalogue import loaded
from pushforward.quantities.dysts_delays import DystsDelay
from pushforward.quantities.dysts_flows import DystsFlow
from pushforward.quantities.dysts_law import AbstractDystsLaw
from pushforward.quantities.dysts_maps import DystsMap
from pushforward.trajectories import Trajectories

__all__ = ["DystsFactor", "dysts_law"]


@final
@dataclass(frozen=True)
class DystsFactor(AbstractQuantity):
    """Factor c on a parameter of a dysts system: the c that best predicts each state from those before it.

    ĉ minimises Σ_t ‖(x_{t+1} − Φ(x_t, x_{t−1}, ...; c p)) / s‖², p being dysts' own value of the parameter and s each
    channel's range over the record. NaN with fewer than two steps or where the parameter changes nothing.

    - Flows: Φ is the flow over Δt (order 8, at most `longest_step` of the system's period per step), and ĉ
      is corrected from 1 on by five steps of Gauss and Newton.
    - Maps: Φ is the map, and s the largest size where that is more than the range. Errors beyond s/10 count as
      s/10, because some maps jump. ĉ is the best of 257 factors between 1/2 and 2, then corrected.
    - Delay equations: Φ integrates the law along the record, interpolated with polynomials of degree 7. Only the
      steps whose past is recorded count, so the record must last longer than the delay.

    Attributes:
        system: a system of dysts, such as Lorenz.
        parameter: one of its parameters, or `pace`, the factor on all rates of change; of a map `size`, c in
            x_{t+1} = c f(x_t / c). Default: these.
        longest_step: of the integration, in periods of the flow.
    """

    system: str = "Lorenz"
    parameter: str = ""
    longest_step: float = 0.005

    name: ClassVar[str] = "dysts-factor"
    formula: ClassVar[str] = "ĉ = argmin_c Σ_t ‖(x_{t+1} − Φ_Δt(x_t; c p)) / s‖²"
    source: ClassVar[str] = "Gilpin, NeurIPS Datasets and Benchmarks (2021), by least squares"

    def __post_init__(self) -> None:
        """Refuse a step that is not positive."""
        super().__post_init__()
        require(
            self.longest_step > 0,
            f"quantity {self.name!r}: got longest_step {self.longest_step}; expected above 0",
        )

    def index(self, trajectories: Trajectories) -> tuple[int, ...]:
        """The places of the system's coordinates: all channels.

        Raises:
            InputError: another number of channels than the system has.
        """
        width = dysts_law(self.system, self.parameter, self.longest_step).width
        require(
            width == trajectories.C,
            f"quantity {self.label!r}: got {trajectories.C} channels; expected the {width} of {self.system}",
        )
        return tuple(range(width))

    def measure(self, trajectories: Trajectories) -> NDArray[np.floating[Any]]:
        """(N,) factors."""
        law, dt = dysts_law(self.system, self.parameter, self.longest_step), trajectories.dt

        def measured(points: NDArray[np.float64], steps: NDArray[np.int64]) -> NDArray[np.float64]:
            kept = np.arange(points.shape[1] - 1)[None, :] < (steps - 1)[:, None]
            return law.fitted(points, kept, dt)

        return by_block(trajectories, self.index(trajectories), measured)

    def unit_of(self, trajectories: Trajectories) -> str:
        """A pure number."""
        return ""


@lru_cache(maxsize=32)
def dysts_law(system: str, parameter: str = "", longest_step: float = 0.005) -> AbstractDystsLaw:
    """The law of the dysts system `system`, its `parameter` scaled.

    Raises:
        InputError: dysts is not installed, or there is no such system or parameter.
    """
    found, kind = loaded(system)
    if kind == "map":
        return DystsMap(system, found, parameter)
    if kind == "delay equation":
        return DystsDelay(system, found, parameter)
    return DystsFlow(system, found, parameter, longest_step)
