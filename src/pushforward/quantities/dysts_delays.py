"""The delay equations of the dysts package, one parameter of them scaled."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError
from pushforward.quantities.dysts_catalogue import ScaledRightHandSide
from pushforward.quantities.dysts_law import AbstractDystsLaw, relative_extent
from pushforward.quantities.factor_fit import fitted_factor
from pushforward.quantities.interpolation import POINTS, between, shifted

__all__ = ["DystsDelay"]

_DELAY = "tau"
_ROUNDS = 5
# Steps to the shorter of period and delay, 30 where that suffices.
_PER_PERIOD = {"IkedaDelay": 90, "VossDelay": 90}
# Integration steps to a delay, 64 where that suffices.
_PER_DELAY = {"IkedaDelay": 256, "VossDelay": 256}
# Gauss and Legendre's four nodes: exact up to degree 7, as the interpolation is.
_NODES, _WEIGHTS = (np.polynomial.legendre.leggauss(4)[0] + 1) / 2, np.polynomial.legendre.leggauss(4)[1] / 2

_Exact = NDArray[np.float64]


class DystsDelay(AbstractDystsLaw):
    """x'(t) = f(x(t), x(t − τ); c p), or x'(t) = c f(x(t), x(t − τ/c)) where c scales the `pace`.

    Attributes:
        delay: τ at c = 1.
        steps: of the integration, to a delay.
    """

    free: ClassVar[str] = "pace"
    default_T: ClassVar[int] = 256

    def __init__(self, system: str, found: Any, parameter: str) -> None:
        super().__init__(system, found, parameter)
        self.start = self.start[:1]
        self.delay = float(found.tau)
        self.period = max(float(found.period), self.delay)
        self.default_dt = min(float(found.period), self.delay) / _PER_PERIOD.get(system, 30)
        self.steps = _PER_DELAY.get(system, 64)
        near = self.start * np.array([[1.0, 1.001, 0.999], [1.01, 0.99, 1.0]])
        scaled = None if self.own_parameter == _DELAY else self.own_parameter
        self._write = ScaledRightHandSide(found, scaled, _rates, near)

    def delays(self, factor: _Exact) -> _Exact:
        """(m,) τ of each trajectory."""
        if self.scales == self.free:
            return np.asarray(self.delay / factor)
        return np.asarray(self.delay * (factor if self.own_parameter == _DELAY else np.ones_like(factor)))

    def rates(self, now: _Exact, before: _Exact, factor: _Exact) -> _Exact:
        """(m,) x' for x(t), x(t − τ) and factors, each (m,)."""
        out = np.empty((1, len(now)))
        self._write(np.stack([now, before]), out, factor)
        return np.asarray(out[0] * (factor if self.scales == self.free else 1.0))

    def known(self, T: int, dt: float, factor: _Exact) -> NDArray[np.bool_]:
        """(m, T − 1) the steps that begin a delay and half a polynomial or more after the record does."""
        return np.asarray(np.arange(T - 1) >= (self.delays(factor) / dt)[:, None] + POINTS // 2)

    def refuse_short(self, T: int, dt: float, factor: _Exact) -> None:
        """Refuse records that are too short to be measured.

        Raises:
            InputError: a record that ends before a step can be predicted from the past.
        """
        longest = float(self.delays(factor).max())
        least = max(int(np.ceil(longest / dt)) + POINTS // 2 + 2, POINTS)
        if least > T:
            raise InputError(
                f"system 'dysts': got T = {T} steps of {dt:g}; expected at least {least}, because the past of "
                f"{self.system} is {longest:g} long"
            )

    def ahead(self, points: _Exact, dt: float, factor: _Exact) -> _Exact:
        """(m, T − 1, 1) x_t + ∫ f(x(s), x(s − τ)) ds over the step, the record interpolated; NaN where unknown.

        Raises:
            InputError: a record of fewer than 8 steps.
        """
        return self._ahead(points, self._inside(points), dt, factor)

    def fitted(self, points: _Exact, kept: NDArray[np.bool_], dt: float) -> _Exact:
        """(m,) least-squares factors over the steps whose past is recorded, from c = 1 on."""
        extent, inside = relative_extent(points), self._inside(points)
        T = points.shape[1]

        def residuals(factor: _Exact) -> _Exact:
            error = ((self._ahead(points, inside, dt, factor) - points[:, 1:]) / extent)[:, :, 0]
            return np.where(kept & self.known(T, dt, factor), error, np.nan)

        return fitted_factor(residuals, np.ones(len(points)), np.inf, _ROUNDS)

    def _inside(self, points: _Exact) -> list[_Exact]:
        """(m, T − 1) states within each step, for every node."""
        m, T, _ = points.shape
        if T < POINTS:
            raise InputError(f"dysts {self.system}: got {T} steps; expected at least {POINTS}")
        places = np.arange(T - 1) + _NODES[:, None]
        return [between(points[:, :, 0], np.broadcast_to(place, (m, T - 1))) for place in places]

    def _ahead(self, points: _Exact, inside: list[_Exact], dt: float, factor: _Exact) -> _Exact:
        x = points[:, :, 0]
        change = np.zeros((len(x), x.shape[1] - 1))
        constants = np.repeat(factor, x.shape[1] - 1)
        lag = self.delays(factor) / dt
        for node, weight, now in zip(_NODES, _WEIGHTS, inside, strict=True):
            before = shifted(x, node - lag)[:, :-1]
            change += weight * dt * self.rates(now.ravel(), before.ravel(), constants).reshape(change.shape)
        return (x[:, :-1] + change)[:, :, None]


def _rates(system: Any, arguments: _Exact) -> Any:
    return (system._rhs(*arguments, 0.0, *system.param_list),)
