"""Parameters of the chaotic systems of the dysts package, fitted to how trajectories move on."""

from __future__ import annotations

import copy
import inspect
import warnings
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, require
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.blocks import by_block
from pushforward.quantities.flows import fitted_parameter, one_step
from pushforward.trajectories import Trajectories

__all__ = ["PACE", "DystsFactor", "DystsLaw", "dysts_law"]

PACE = "pace"
"""The factor on all rates of change: every flow has it, and its attractor does not depend on it."""
_CORRECTIONS = 6

_Array = NDArray[np.floating[Any]]
_Exact = NDArray[np.float64]


@final
@dataclass(frozen=True)
class DystsFactor(AbstractQuantity):
    """Factor c on a parameter of a dysts system: the c whose flow best predicts each state from the one before it.

    ĉ minimises Σ_t ‖(x_{t+1} − Φ(x_t; c p)) / s‖², p being dysts' own value of the parameter, s each channel's range
    over the record, and Φ the flow over Δt (order 8, at most `longest_step` of the system's period per step). It starts
    from c = 1 and is corrected six times with a fixed slope. NaN with fewer than two steps or where
    the parameter changes nothing.

    Attributes:
        system: a flow of dysts, such as Lorenz.
        parameter: one of its parameters, or `pace`, the factor on all rates of change.
        longest_step: of the integration, in periods of the system.
    """

    system: str = "Lorenz"
    parameter: str = PACE
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

    def measure(self, trajectories: Trajectories) -> _Array:
        """(N,) factors."""
        law = dysts_law(self.system, self.parameter)
        require(
            law.width == trajectories.C,
            f"quantity {self.label!r}: got {trajectories.C} channels; expected the {law.width} of {self.system}",
        )
        substeps = law.substeps(trajectories.dt, self.longest_step)

        def measured(points: _Array, steps: NDArray[np.int64]) -> _Array:
            kept = np.arange(points.shape[1] - 1)[None, :] < (steps - 1)[:, None]
            extent = np.ptp(points, axis=1)[:, None, :]
            extent = np.where(extent > 0, extent, 1.0)

            def predict(factor: _Array) -> _Array:
                return one_step(law, points, trajectories.dt, substeps, factor[None]) / extent

            start = np.where(steps >= 2, 1.0, np.nan)
            return fitted_parameter(predict, points / extent, kept, start, _CORRECTIONS)

        return by_block(trajectories, tuple(range(trajectories.C)), measured)

    def unit_of(self, trajectories: Trajectories) -> str:
        """A pure number."""
        return ""


class DystsLaw:
    """The right-hand side of a dysts flow with one parameter scaled, for many states at once.

    Attributes:
        width: dimensions.
        start: (D,) dysts' initial state.
        period: its dominant period.
        annotations: what dysts knows: Lyapunov exponents, dimensions, entropies, source.
    """

    def __init__(self, system: str, parameter: str) -> None:
        self._flow = _loaded(system)
        values = {name: value for name, value in self._flow.params.items() if np.ndim(value) == 0 and value}
        if parameter != PACE and parameter not in values:
            raise named(f"parameter of dysts {system}:", parameter, [*values, PACE])
        self._parameter, self._value = parameter, values.get(parameter, 1.0)
        start = np.asarray(self._flow.ic, dtype=np.float64)
        self.start = start[0] if start.ndim > 1 else start
        self.width = len(self.start)
        self.period = float(self._flow.period)
        self.annotations = {name: value for name, value in vars(self._flow).items() if name in _ANNOTATIONS}
        self._together = self._takes_many()

    def substeps(self, time: float, longest: float) -> int:
        """Integration steps for `time`, none longer than `longest` periods."""
        return max(int(np.ceil(time / (longest * self.period) - 1e-9)), 1)

    def __call__(self, state: _Exact, rate: _Exact, factor: _Exact) -> None:
        """Write the rates of change of states (D, m) into `rate`; `factor` (1, m) scales the parameter."""
        if self._together:
            self._write(state, rate, factor[0])
        else:
            for column in range(state.shape[1]):
                self._write(state[:, column], rate[:, column], factor[0, column])
        if self._parameter == PACE:
            rate *= factor[0]

    def _write(self, state: _Exact, rate: _Exact, factor: Any) -> None:
        flow = self._flow
        if self._parameter != PACE:
            # Blocks run in several threads: each call scales a copy of its own.
            flow = copy.copy(flow)
            scaled = {**flow.params, self._parameter: self._value * factor}
            vars(flow).update({self._parameter: scaled[self._parameter]})
            flow.params, flow.param_list = scaled, [scaled[name] for name in sorted(scaled)]
        own = type(flow).rhs is _base().DynSys.rhs
        found = flow._rhs(*state, 0.0, *flow.param_list) if own else flow.rhs(state, 0.0)
        for row, values in enumerate(found):
            rate[row] = values

    def _takes_many(self) -> bool:
        """Whether the right-hand side works on arrays and gives there what it gives one by one."""
        shift = 1 + 1e-3 * np.arange(self.width)
        states = np.stack([self.start, self.start * shift, self.start * (2 - shift)], axis=1)
        factor = np.array([1.0, 1.01, 0.99])
        one, many = np.full_like(states, np.nan), np.full_like(states, np.nan)
        for column in range(3):
            self._write(states[:, column], one[:, column], factor[column])
        try:
            self._write(states, many, factor)
        except (ValueError, TypeError, IndexError):
            return False
        return bool(np.allclose(one, many, rtol=1e-12, atol=0, equal_nan=True))


_ANNOTATIONS = (
    "maximum_lyapunov_estimated",
    "lyapunov_spectrum_estimated",
    "kaplan_yorke_dimension",
    "correlation_dimension",
    "multiscale_entropy",
    "pesin_entropy",
    "hamiltonian",
    "nonautonomous",
    "unbounded_indices",
    "citation",
    "description",
)


@lru_cache(maxsize=32)
def dysts_law(system: str, parameter: str = PACE) -> DystsLaw:
    """The law of the dysts flow `system`, its `parameter` scaled.

    Raises:
        InputError: dysts is not installed, or there is no such flow or parameter.
    """
    return DystsLaw(system, parameter)


def _base() -> Any:
    with warnings.catch_warnings():
        # That numba is missing, which it may.
        warnings.simplefilter("ignore")
        try:
            import dysts.base
        except ImportError:
            raise InputError('dysts is not installed; expected: pip install "pushforward[chaos]"') from None
    return dysts.base


def dysts_flows() -> list[str]:
    """The names of all flows of dysts; its maps and delay equations are none."""
    base = _base()
    import dysts.flows

    return [
        name
        for name, kind in vars(dysts.flows).items()
        if inspect.isclass(kind) and issubclass(kind, base.DynSys) and kind is not base.DynSys
    ]


def _loaded(system: str) -> Any:
    names = dysts_flows()
    if system not in names:
        raise named("dysts flow", system, names)
    import dysts.flows

    return getattr(dysts.flows, system)()
