"""From noise to trajectories along a velocity field: Runge–Kutta methods for dx/dt = v(x, t), t from 0 to 1."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from torch import Tensor

from pushforward.errors import require

__all__ = ["SOLVERS", "Solver", "Velocity", "equal_times", "solve"]

Velocity = Callable[[Tensor, float], Tensor]
"""v(x, t): (B, T, C), t -> (B, T, C)."""


@dataclass(frozen=True)
class Solver:
    """An explicit Runge–Kutta method (Hairer, Nørsett, Wanner 1993, II.1), by its tableau.

    k_i = v(x + h Σ_j a_ij k_j, t + c_i h);  x ← x + h Σ_i b_i k_i.

    Attributes:
        a: rows of the tableau, the i-th with i numbers.
        b: weights.
        order: the error falls like h to this power.
    """

    a: tuple[tuple[float, ...], ...]
    b: tuple[float, ...]
    order: int

    def step(self, velocity: Velocity, x: Tensor, t: float, h: float) -> Tensor:
        """x at t + h from x at t."""
        slopes: list[Tensor] = []
        for row in self.a:
            slopes.append(velocity(_moved(x, slopes, row, h), t + sum(row) * h))
        return _moved(x, slopes, self.b, h)


def _moved(x: Tensor, slopes: list[Tensor], weights: tuple[float, ...], h: float) -> Tensor:
    """x + h Σ w_i k_i."""
    for slope, weight in zip(slopes, weights, strict=True):
        if weight:
            x = x.add(slope, alpha=h * weight)
    return x


SOLVERS: dict[str, Solver] = {
    "euler": Solver(((),), (1.0,), 1),
    "midpoint": Solver(((), (1 / 2,)), (0.0, 1.0), 2),
    "heun": Solver(((), (1.0,)), (1 / 2, 1 / 2), 2),
    "rk4": Solver(((), (1 / 2,), (0.0, 1 / 2), (0.0, 0.0, 1.0)), (1 / 6, 1 / 3, 1 / 3, 1 / 6), 4),
}


def equal_times(n: int) -> list[float]:
    """0 = t_0 < … < t_n = 1, equally spaced.

    Raises:
        InputError: fewer than one step.
    """
    require(n >= 1, f"sampler steps: got {n}; expected at least 1")
    return [i / n for i in range(n + 1)]


def solve(velocity: Velocity, x: Tensor, times: list[float], solver: Solver) -> Tensor:
    """x at the last time from x at the first."""
    for t, following in itertools.pairwise(times):
        x = solver.step(velocity, x, t, following - t)
    return x
