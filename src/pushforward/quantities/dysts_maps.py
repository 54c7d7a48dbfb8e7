"""The maps of the dysts package, one parameter of them scaled."""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pushforward.quantities.dysts_catalogue import ScaledRightHandSide
from pushforward.quantities.dysts_law import AbstractDystsLaw
from pushforward.quantities.factor_fit import best_factor, fitted_factor

__all__ = ["LARGEST_FACTOR", "LEAST_FACTOR", "DystsMap"]

LEAST_FACTOR, LARGEST_FACTOR = 0.5, 2.0
"""The factors that are looked for."""
# A twentieth of the factors' distance moves no prediction of the steepest map beyond the truncation.
_CANDIDATES = np.geomspace(LEAST_FACTOR, LARGEST_FACTOR, 257)
_TRUNCATION = 0.1
_ROUNDS = 6
# Between two jumps of a law the corrections may stop short of the best factor: they start again from the best of these.
_NEARER = np.linspace(0.996, 1.004, 21)
# Rounding may carry a state over the edge of where a map is defined; this much further in it is defined again.
_INWARDS = 1 - 1e-6

# One turn of each coordinate that is an angle, 0 for the others: dysts lets these grow for ever.
_TURNS = {"Circle": (1.0,), "Chirikov": (0.0, 2 * np.pi)}
# Steps that the candidates are compared on.
_COMPARED = 8

_Exact = NDArray[np.float64]


class DystsMap(AbstractDystsLaw):
    """x_{t+1} = f(x_t; c p), or x_{t+1} = c f(x_t / c) where c scales the `size`.

    The angles of Circle and Chirikov are taken modulo one turn.
    """

    free: ClassVar[str] = "size"
    time_unit: ClassVar[str] = "step"
    default_dt = 1.0
    period = 30.0

    def __init__(self, system: str, found: Any, parameter: str) -> None:
        super().__init__(system, found, parameter)
        shift = 1 + 1e-3 * np.arange(1, self.width + 1)
        near = np.stack([self.start, self.start * shift, self.start * (2 - shift)], axis=1)
        self._turns = np.array(_TURNS.get(system, (0.0,) * self.width))[:, None]
        self._write = ScaledRightHandSide(found, self.own_parameter, _mapped, near)

    def __call__(self, state: _Exact, factor: _Exact) -> _Exact:
        """(D, m) the states that follow states (D, m), for factors (m,)."""
        size = factor if self.own_parameter is None else np.ones_like(factor)
        out = np.empty_like(state)
        self._write(state / size, out, factor)
        lost = ~np.isfinite(out).all(axis=0)
        if lost.any():
            inside = np.empty((len(state), int(lost.sum())))
            self._write(state[:, lost] / size[lost] * _INWARDS, inside, factor[lost])
            out[:, lost] = inside
        for angle in np.flatnonzero(self._turns):
            out[angle] %= self._turns[angle]
        return out * size

    def ahead(self, points: _Exact, dt: float, factor: _Exact) -> _Exact:
        """(m, T − 1, D) the states that follow each but the last."""
        return self._after(points[:, :-1], factor)

    def fitted(self, points: _Exact, kept: NDArray[np.bool_], dt: float) -> _Exact:
        """(m,) factors by truncated least squares, from the best of 257 between 1/2 and 2."""
        factor, far = self._fitted(points, kept, _COMPARED)
        if far.any():
            # The steps compared may have told nothing of the factor: now all are.
            factor[far], _ = self._fitted(points[far], kept[far], points.shape[1])
        return factor

    def _fitted(
        self, points: _Exact, kept: NDArray[np.bool_], compared: int
    ) -> tuple[_Exact, NDArray[np.bool_]]:
        """(m,) factors, their candidates compared on about `compared` steps, and where a step is not predicted."""
        m = len(points)
        # A record may stay near one state, where its range alone would make every error look large.
        extent = np.maximum(np.ptp(points, axis=1), np.abs(points).max(axis=1))[:, None]
        extent = np.where(extent > 0, extent, 1.0)
        every = max((points.shape[1] - 1) // compared, 1)

        def residuals(factor: _Exact, step: int = 1) -> _Exact:
            before, after = points[:, :-1:step], points[:, 1::step]
            error = (self._after(before, factor) - after) / extent
            error = np.where(np.isfinite(error), error, np.inf)
            return np.where(kept[:, ::step, None], error, np.nan).reshape(m, -1)

        start = best_factor(lambda factor: residuals(factor, every), m, _CANDIDATES, _TRUNCATION)
        near = fitted_factor(residuals, start, _TRUNCATION, _ROUNDS)
        start = best_factor(residuals, m, near * _NEARER[:, None], _TRUNCATION)
        factor = fitted_factor(residuals, start, _TRUNCATION, _ROUNDS)
        return factor, np.asarray((np.abs(residuals(factor)) >= _TRUNCATION).any(axis=1))

    def _after(self, states: _Exact, factor: _Exact) -> _Exact:
        """(m, K, D) what follows states (m, K, D)."""
        flat = np.ascontiguousarray(states.reshape(-1, self.width).T, dtype=np.float64)
        return self(flat, np.repeat(factor, states.shape[1])).T.reshape(states.shape)


def _mapped(system: Any, state: _Exact) -> Any:
    found = system._rhs(*state, *system.param_list)
    return found if isinstance(found, tuple) else (found,)
