"""Mixture densities against SciPy and against their own draws."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from scipy import stats

from pushforward.generators.networks.mixture import draw_mixture, mixture_log_density, mixture_moments

FLOOR = -7.0


def raw_of(weights: list[float], means: list[float], scales: list[float]) -> torch.Tensor:
    """Free numbers whose mixture has these parameters."""
    free = [FLOOR + math.log(math.expm1(math.log(s) - FLOOR)) for s in scales]
    return torch.tensor([*np.log(weights), *means, *free], dtype=torch.float32)


RAW = raw_of([0.2, 0.5, 0.3], [-2.0, 0.5, 3.0], [0.3, 1.0, 0.1])


def test_the_log_density_is_that_of_scipy_within_four_standard_deviations() -> None:
    value = np.linspace(-3, 3.3, 41)
    expected = np.log(
        0.2 * stats.norm.pdf(value, -2, 0.3)
        + 0.5 * stats.norm.pdf(value, 0.5, 1)
        + 0.3 * stats.norm.pdf(value, 3, 0.1)
    )
    ours = mixture_log_density(RAW.expand(41, -1), torch.from_numpy(value).float(), FLOOR)
    assert np.allclose(ours.numpy(), expected, atol=1e-3)


def test_far_away_the_gradient_stays_as_large_as_at_four_standard_deviations() -> None:
    value = torch.tensor([4.0, 40.0, 4e4], requires_grad=True)
    raw = raw_of([1.0], [0.0], [1.0])
    mixture_log_density(raw.expand(3, -1), value, FLOOR).sum().backward()
    assert torch.allclose(value.grad, torch.full((3,), -4.0), rtol=1e-4)  # type: ignore[arg-type]


def test_no_density_is_higher_than_the_floor_allows() -> None:
    """A value that is known exactly would otherwise have an infinite density, and training no end."""
    raw = torch.tensor([0.0, 1.0, -1e6])
    highest = -FLOOR - 0.5 * math.log(2 * math.pi)
    assert float(mixture_log_density(raw, torch.tensor(1.0), FLOOR)) == pytest.approx(highest, abs=1e-4)


def test_draws_follow_the_density() -> None:
    rng = np.random.default_rng(0)
    n = 20_000
    uniform, normal = (
        torch.from_numpy(rng.random(n)).float(),
        torch.from_numpy(rng.standard_normal(n)).float(),
    )
    drawn = draw_mixture(RAW.expand(n, -1), uniform, normal, FLOOR).numpy()

    def distribution(x: np.ndarray) -> np.ndarray:
        parts = [(0.2, -2, 0.3), (0.5, 0.5, 1), (0.3, 3, 0.1)]
        return sum(w * stats.norm.cdf(x, m, s) for w, m, s in parts)

    assert stats.kstest(drawn, distribution).pvalue > 1e-3


def test_moments_are_those_of_the_draws() -> None:
    mean, variance = mixture_moments(RAW, FLOOR)
    assert float(mean) == pytest.approx(0.2 * -2 + 0.5 * 0.5 + 0.3 * 3, abs=1e-5)
    second = 0.2 * (0.09 + 4) + 0.5 * (1 + 0.25) + 0.3 * (0.01 + 9)
    assert float(variance) == pytest.approx(second - float(mean) ** 2, abs=1e-4)


def test_the_last_number_below_one_draws_the_last_component() -> None:
    almost_one = torch.tensor(np.nextafter(np.float32(1), np.float32(0)))
    assert float(draw_mixture(RAW, almost_one, torch.tensor(0.0), FLOOR)) == 3.0
    assert float(draw_mixture(RAW, torch.tensor(0.0), torch.tensor(0.0), FLOOR)) == -2.0


def test_the_gradient_is_finite_far_from_every_component() -> None:
    raw = RAW.clone().requires_grad_()
    mixture_log_density(raw, torch.tensor(1e4), FLOOR).backward()
    assert raw.grad is not None
    assert bool(torch.isfinite(raw.grad).all())
