"""What the dysts package holds, and its right-hand sides for many states at once."""

from __future__ import annotations

import copy
import inspect
import warnings
from collections.abc import Callable
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named

__all__ = ["Kind", "ScaledRightHandSide", "annotations_of", "dysts_systems", "loaded", "scalable"]

Kind = Literal["flow", "map", "delay equation"]

_Exact = NDArray[np.float64]
# Rows of results for rows of arguments: evaluate(system, arguments).
_Evaluate = Callable[[Any, _Exact], Any]

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


def dysts_systems() -> dict[str, Kind]:
    """Every system of dysts by name, and what it is: a flow, a map or a delay equation.

    A map that shares its name with a flow, Duffing, is called DuffingMap.

    Raises:
        InputError: dysts is not installed.
    """
    return {name: kind for name, (_, kind) in _classes().items()}


def loaded(system: str) -> tuple[Any, Kind]:
    """dysts' own object of a system, and what it is.

    Raises:
        InputError: dysts is not installed, or has no such system.
    """
    classes = _classes()
    if system not in classes:
        raise named("dysts system", system, classes)
    found, kind = classes[system]
    return found(), kind


def _classes() -> dict[str, tuple[Any, Kind]]:
    base = _base()
    import dysts.flows
    import dysts.maps

    kinds: tuple[tuple[Any, Any, Kind], ...] = (
        (dysts.flows, base.DynSys, "flow"),
        (dysts.maps, base.DynMap, "map"),
        (dysts.flows, base.DynSysDelay, "delay equation"),
    )
    classes: dict[str, tuple[Any, Kind]] = {}
    for module, parent, kind in kinds:
        for name, found in vars(module).items():
            if inspect.isclass(found) and issubclass(found, parent) and found is not parent:
                classes[f"{name}Map" if name in classes else name] = (found, kind)
    return classes


def scalable(system: Any) -> dict[str, float]:
    """The parameters of dysts' object that a factor can change: single numbers other than 0."""
    return {name: float(value) for name, value in system.params.items() if np.ndim(value) == 0 and value}


def annotations_of(system: Any) -> dict[str, Any]:
    """What dysts knows of its object: Lyapunov exponents, dimensions, entropies, source."""
    return {name: value for name, value in vars(system).items() if name in _ANNOTATIONS}


class ScaledRightHandSide:
    """A right-hand side of dysts with one of its parameters scaled, for many states at once.

    Attributes:
        together: whether dysts' function takes arrays; else it is called once per state.
    """

    def __init__(self, system: Any, parameter: str | None, evaluate: _Evaluate, sample: _Exact) -> None:
        """`parameter` None scales nothing; `sample` (A, 3) are arguments to find out on what it works."""
        self._system, self._evaluate = system, evaluate
        self._parameter = parameter
        self._value = 1.0 if parameter is None else scalable(system)[parameter]
        self.together = self._takes_many(sample)

    def __call__(self, arguments: _Exact, out: _Exact, factor: _Exact) -> None:
        """Write the results (D, m) for arguments (A, m) and factors (m,)."""
        if self.together:
            self._write(arguments, out, factor)
        else:
            for column in range(arguments.shape[1]):
                self._write(arguments[:, column], out[:, column], factor[column])

    def _write(self, arguments: _Exact, out: _Exact, factor: Any) -> None:
        system = self._system
        if self._parameter is not None:
            # Blocks run in several threads: each call scales a copy of its own.
            system = copy.copy(system)
            scaled = {**system.params, self._parameter: self._value * factor}
            vars(system).update({self._parameter: scaled[self._parameter]})
            system.params, system.param_list = scaled, [scaled[name] for name in sorted(scaled)]
        for row, values in enumerate(self._evaluate(system, arguments)):
            out[row] = values

    def _takes_many(self, sample: _Exact) -> bool:
        """Whether it works on arrays and gives there what it gives one by one."""
        factor = np.array([1.0, 1.01, 0.99])
        width = len(self._evaluate(self._system, sample[:, 0]))
        one, many = np.full((2, width, 3), np.nan)
        for column in range(3):
            self._write(sample[:, column], one[:, column], factor[column])
        try:
            self._write(sample, many, factor)
        except (ValueError, TypeError, IndexError):
            return False
        return bool(np.allclose(one, many, rtol=1e-12, atol=0, equal_nan=True))


def _base() -> Any:
    with warnings.catch_warnings():
        # That numba is missing, which it may.
        warnings.simplefilter("ignore")
        try:
            import dysts.base
        except ImportError:
            raise InputError('dysts is not installed; expected: pip install "pushforward[chaos]"') from None
    return dysts.base
