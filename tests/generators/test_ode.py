"""The flow's solvers against the closed form: for data N(m, S) the velocity and the exact flow are known.

In the eigenbasis of S, x_t = (1 − t) noise + t data has variance v = (1 − t)² + t² λ, its velocity is
m + (t λ − (1 − t)) / v · (x − t m), and the exact flow takes noise z to t m + √v z.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from pushforward.errors import InputError
from pushforward.generators.ode import SOLVERS, equal_times, solve

T, C = 8, 2


class Gaussian:
    """N(m, S) over (T, C): AR(1) in time with a mean that moves, variance 1."""

    def __init__(self) -> None:
        i = np.arange(T * C)
        covariance = 0.7 ** np.abs(i[:, None] - i[None, :])
        self.values, self.basis = (torch.from_numpy(a) for a in np.linalg.eigh(covariance))
        self.covariance = torch.from_numpy(covariance)
        self.mean = torch.from_numpy(np.sin(i / 3) * 0.8)

    def velocity(self, x: Tensor, t: float) -> Tensor:
        gain = (t * self.values - (1 - t)) / ((1 - t) ** 2 + t**2 * self.values)
        flat = (x.reshape(len(x), -1) - t * self.mean) @ self.basis
        return ((flat * gain) @ self.basis.T + self.mean).reshape(x.shape)

    def flow(self, x: Tensor, t: float = 1.0) -> Tensor:
        gain = ((1 - t) ** 2 + t**2 * self.values).sqrt()
        flat = x.reshape(len(x), -1) @ self.basis
        return ((flat * gain) @ self.basis.T + t * self.mean).reshape(x.shape)


GAUSSIAN = Gaussian()


def noise(n: int) -> Tensor:
    return torch.randn(n, T, C, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


def error(name: str, steps: int) -> float:
    made = solve(GAUSSIAN.velocity, noise(100), equal_times(steps), SOLVERS[name])
    return float((made - GAUSSIAN.flow(noise(100))).square().mean().sqrt())


@pytest.mark.parametrize("name", sorted(SOLVERS))
def test_the_error_falls_at_the_stated_order(name: str) -> None:
    """On dx/dt = x² cos t, which takes x to 1 / (1 / x − sin t)."""
    x = torch.linspace(-0.5, 0.5, 8, dtype=torch.float64)[:, None, None]
    exact = 1 / (1 / x - math.sin(1.0))
    errors = []
    for steps in (32, 64, 128):
        made = solve(lambda x, t: x.square() * math.cos(t), x, equal_times(steps), SOLVERS[name])
        errors.append(float((made - exact).abs().max()))
    for coarse, fine in pairwise(errors):
        assert math.log2(coarse / fine) == pytest.approx(SOLVERS[name].order, abs=0.25), errors


def test_on_gaussian_data_the_midpoint_method_gains_an_order_and_needs_the_fewest_calls() -> None:
    """There x_t is the root of a quadratic in t times the noise; this is why it is the default."""
    errors = [error("midpoint", steps) for steps in (16, 32, 64)]
    assert all(math.log2(coarse / fine) > 2.8 for coarse, fine in pairwise(errors))
    assert error("midpoint", 8) < 0.1 * min(error("heun", 8), error("euler", 16))
    assert error("midpoint", 8) < 3 * error("rk4", 4)


@pytest.mark.parametrize(
    ("name", "steps", "bar"),
    [("euler", 64, 0.05), ("midpoint", 16, 0.01), ("heun", 16, 0.02), ("rk4", 8, 0.01)],
)
def test_mean_and_covariance_are_recovered(name: str, steps: int, bar: float) -> None:
    # The map of a linear velocity is affine: its image of 0 and of a basis give mean and covariance exactly.
    probe = torch.cat([torch.zeros(1, T * C), torch.eye(T * C)]).double().reshape(-1, T, C)
    made = solve(GAUSSIAN.velocity, probe, equal_times(steps), SOLVERS[name]).reshape(-1, T * C)
    matrix = (made[1:] - made[0]).T
    assert float((made[0] - GAUSSIAN.mean).abs().max()) < bar
    assert float((matrix @ matrix.T - GAUSSIAN.covariance).abs().max()) < bar


@pytest.mark.parametrize(("name", "calls"), [("euler", 1), ("midpoint", 2), ("heun", 2), ("rk4", 4)])
def test_the_calls_per_step_are_as_stated_and_never_beyond_the_end(name: str, calls: int) -> None:
    times: list[float] = []

    def counted(x: Tensor, t: float) -> Tensor:
        times.append(t)
        return GAUSSIAN.velocity(x, t)

    solve(counted, noise(2), equal_times(5), SOLVERS[name])
    assert len(times) == 5 * calls
    assert (min(times), max(times) <= 1 + 1e-12) == (0.0, True)


@pytest.mark.parametrize("name", sorted(SOLVERS))
def test_a_straight_flow_needs_one_step(name: str) -> None:
    x, goal = noise(3), torch.ones(3, T, C, dtype=torch.float64)
    made = solve(lambda moved, t: goal - x, x, equal_times(1), SOLVERS[name])
    assert torch.allclose(made, goal)


def test_no_steps_are_refused() -> None:
    with pytest.raises(InputError, match="sampler steps: got 0"):
        equal_times(0)
