"""The flows of the dysts package, one parameter of them scaled."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pushforward.quantities.dysts_catalogue import ScaledRightHandSide
from pushforward.quantities.dysts_law import AbstractDystsLaw, relative_extent
from pushforward.quantities.factor_fit import fitted_factor
from pushforward.quantities.flows import one_step

__all__ = ["DystsFlow"]

_ROUNDS = 5
_PER_PERIOD = 30
# Flows whose rates change much faster than their period tells need that many times shorter steps.
_STEPS = {"InteriorSquirmer": 8, "JerkCircuit": 4}

_Exact = NDArray[np.float64]


class DystsFlow(AbstractDystsLaw):
    """ẋ = f(x; c p), or ẋ = c f(x) where c scales the `pace`.

    Attributes:
        longest_step: of the integration, in periods.
    """

    free: ClassVar[str] = "pace"

    def __init__(self, system: str, found: Any, parameter: str, longest_step: float) -> None:
        super().__init__(system, found, parameter)
        self.period = float(found.period)
        self.default_dt = self.period / _PER_PERIOD
        self.longest_step = longest_step / _STEPS.get(system, 1)
        shift = 1 + 1e-3 * np.arange(self.width)
        near = np.stack([self.start, self.start * shift, self.start * (2 - shift)], axis=1)
        self._write = ScaledRightHandSide(found, self.own_parameter, _rates, near)

    def substeps(self, time: float) -> int:
        """Integration steps for `time`."""
        return max(int(np.ceil(time / (self.longest_step * self.period) - 1e-9)), 1)

    def __call__(self, state: _Exact, rate: _Exact, factor: _Exact) -> None:
        """Write the rates of change of states (D, m) into `rate`; `factor` (1, m) scales the parameter."""
        self._write(state, rate, factor[0])
        if self.own_parameter is None:
            rate *= factor[0]

    def ahead(self, points: _Exact, dt: float, factor: _Exact) -> _Exact:
        """(m, T − 1, D) where the flow takes each but the last state."""
        return one_step(self, points, dt, self.substeps(dt), factor[None])

    def fitted(self, points: _Exact, kept: NDArray[np.bool_], dt: float) -> _Exact:
        """(m,) the factors that best predict each state from the one before it, from c = 1 on."""
        extent = relative_extent(points)

        def residuals(factor: _Exact) -> _Exact:
            error = (self.ahead(points, dt, factor) - points[:, 1:]) / extent
            return np.where(kept[:, :, None], error, np.nan).reshape(len(points), -1)

        return fitted_factor(residuals, np.ones(len(points)), np.inf, _ROUNDS)


def _rates(system: Any, state: _Exact) -> Any:
    from dysts.base import DynSys

    own = type(system).rhs is DynSys.rhs
    return system._rhs(*state, 0.0, *system.param_list) if own else system.rhs(state, 0.0)
