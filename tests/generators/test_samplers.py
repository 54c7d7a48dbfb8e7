"""The samplers against the closed form: for data N(m, S) the ideal denoiser and the exact flow are known.

In the eigenbasis of S the probability flow takes x at σ_0 to m + √(λ / (λ + σ_0²)) (x − m) at σ = 0.
"""

from __future__ import annotations

import math
from itertools import pairwise

import numpy as np
import pytest
import torch
from torch import Tensor

from pushforward.errors import InputError
from pushforward.generators.extrapolation import calibrated_weights, gains, plain_weights
from pushforward.generators.samplers import SAMPLERS, Sampler, calibrated, dpm, heun, noise_levels

T, C = 8, 2


class Gaussian:
    """N(m, S) over (T, C): AR(1) in time with a mean that moves."""

    def __init__(self) -> None:
        i = np.arange(T * C)
        covariance = 0.25 * 0.7 ** np.abs(i[:, None] - i[None, :])
        self.values, self.basis = (torch.from_numpy(a) for a in np.linalg.eigh(covariance))
        self.covariance = torch.from_numpy(covariance)
        self.mean = torch.from_numpy(np.sin(i / 3) * 0.4)

    def denoise(self, x: Tensor, sigma: float) -> Tensor:
        gain = self.values / (self.values + sigma**2)
        flat = (x.reshape(len(x), -1) - self.mean) @ self.basis
        return ((flat * gain) @ self.basis.T + self.mean).reshape(x.shape)

    def flow(self, x: Tensor, sigma: float) -> Tensor:
        gain = (self.values / (self.values + sigma**2)).sqrt()
        flat = (x.reshape(len(x), -1) - self.mean) @ self.basis
        return ((flat * gain) @ self.basis.T + self.mean).reshape(x.shape)


GAUSSIAN = Gaussian()


def start(n: int, seed: int = 0) -> Tensor:
    return 80.0 * torch.randn(n, T, C, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def error(sampler: Sampler, steps: int) -> float:
    x = start(200)
    # σ_min well below the last step's error, so that the order of the solver is what is seen.
    made = sampler(GAUSSIAN.denoise, x, noise_levels(steps, sigma_min=1e-4), None, 0.0)
    return float((made - GAUSSIAN.flow(x, 80.0)).square().mean().sqrt())


@pytest.mark.parametrize("name", ["dpm", "heun"])
def test_the_error_falls_at_second_order(name: str) -> None:
    errors = [error(SAMPLERS[name], steps) for steps in (32, 64, 128)]
    orders = [math.log2(coarse / fine) for coarse, fine in pairwise(errors)]
    assert all(1.7 < order < 2.6 for order in orders), (errors, orders)


@pytest.mark.parametrize(("steps", "bar"), [(18, 0.035), (36, 0.008), (72, 0.002)])
@pytest.mark.parametrize("name", sorted(SAMPLERS))
def test_mean_and_covariance_are_recovered(name: str, steps: int, bar: float) -> None:
    # The map of a linear denoiser is affine: its image of 0 and of a basis give mean and covariance exactly.
    probe = torch.cat([torch.zeros(1, T * C), 80.0 * torch.eye(T * C)]).double().reshape(-1, T, C)
    made = SAMPLERS[name](GAUSSIAN.denoise, probe, noise_levels(steps), None, 0.0).reshape(-1, T * C)
    matrix = (made[1:] - made[0]).T
    # The start N(0, σ_max²) knows nothing of the mean, which costs √λ / σ_max of it (here at most 0.005).
    assert float((made[0] - GAUSSIAN.mean).abs().max()) < 0.006
    assert float((matrix @ matrix.T - GAUSSIAN.covariance).abs().max()) < bar


def test_ten_calibrated_calls_err_less_on_a_gaussian_than_thirty_five_of_heun() -> None:
    probe = 80.0 * torch.eye(T * C).double().reshape(-1, T, C)
    worst = []
    for sampler, levels in ((calibrated, noise_levels(10, rho=math.inf)), (heun, noise_levels(18))):
        zero = sampler(GAUSSIAN.denoise, torch.zeros_like(probe[:1]), levels, None, 0.0).reshape(-1)
        matrix = (sampler(GAUSSIAN.denoise, probe, levels, None, 0.0).reshape(-1, T * C) - zero).T
        worst.append(float((matrix @ matrix.T - GAUSSIAN.covariance).abs().max()))
    assert worst[0] < 0.002 < 0.02 < worst[1]


class TestCalibration:
    @pytest.mark.parametrize(("n", "bar"), [(8, 0.02), (10, 0.005), (12, 0.002), (18, 0.002), (36, 0.003)])
    def test_gaussian_data_of_any_scale_keep_their_standard_deviation(self, n: int, bar: float) -> None:
        levels = noise_levels(n, rho=math.inf)
        variance = np.geomspace(0.01, 100, 41)
        made, _ = gains(levels, calibrated_weights(levels), variance)
        plain, _ = gains(levels, plain_weights(levels), variance)
        assert np.abs(made - 1).max() < bar < np.abs(plain - 1).max()

    def test_the_gains_are_those_of_the_sampler(self) -> None:
        levels = noise_levels(9, rho=math.inf)
        variance = torch.tensor([0.01, 0.25, 4.0], dtype=torch.float64)
        x = (variance + 80.0**2).sqrt().reshape(1, 3, 1)

        def denoise(x: Tensor, sigma: float) -> Tensor:
            return x * (variance / (variance + sigma**2)).reshape(1, 3, 1)

        for sampler, weights in ((dpm, plain_weights), (calibrated, calibrated_weights)):
            made = sampler(denoise, x, levels, None, 0.0).reshape(3) / variance.sqrt()
            assert np.allclose(gains(levels, weights(levels), variance.numpy())[0], made.numpy(), rtol=1e-12)

    def test_the_derivatives_are_those_of_finite_differences(self) -> None:
        levels, variance = noise_levels(7, rho=math.inf), np.array([0.01, 0.25, 4.0])
        weights = plain_weights(levels)
        _, slope = gains(levels, weights, variance)
        for i in range(len(weights)):
            nudge = 1e-6 * np.eye(len(weights))[i]
            high, low = (gains(levels, weights + sign * nudge, variance)[0] for sign in (1, -1))
            assert np.allclose((high - low) / 2e-6, slope[i], rtol=1e-6, atol=1e-8)

    def test_the_weights_tend_to_those_of_a_second_order_method(self) -> None:
        ratios = []
        for n in (10, 20, 40):
            levels = noise_levels(n, rho=math.inf)
            ratios.append(float(np.median(calibrated_weights(levels) / plain_weights(levels))))
        assert 0.8 < ratios[0] < ratios[1] < ratios[2] < 1

    @pytest.mark.parametrize("n", [2, 3, 4, 100])
    def test_few_and_many_levels(self, n: int) -> None:
        levels = noise_levels(n, rho=math.inf)
        assert calibrated_weights(levels).shape == (n - 2,)
        assert np.isfinite(calibrated_weights(levels)).all()
        assert bool(torch.isfinite(calibrated(GAUSSIAN.denoise, start(2), levels, None, 0.0)).all())


def test_churn_keeps_the_distribution() -> None:
    rng = torch.Generator().manual_seed(1)
    x = start(20_000)
    made = heun(
        GAUSSIAN.denoise,
        x,
        noise_levels(128),
        lambda: torch.randn(x.shape, generator=rng, dtype=torch.float64),
        20.0,
    ).reshape(len(x), -1)
    # Five standard errors of a variance of 0.25 over 20,000 samples.
    bar = 5 * 0.25 * math.sqrt(2 / len(x))
    assert float((made.mean(dim=0) - GAUSSIAN.mean).abs().max()) < bar * 2
    assert float((torch.cov(made.T) - GAUSSIAN.covariance).abs().max()) < bar


def test_churn_brings_fresh_noise() -> None:
    x = start(4)
    one = heun(GAUSSIAN.denoise, x, noise_levels(18), lambda: torch.ones_like(x), 20.0)
    other = heun(GAUSSIAN.denoise, x, noise_levels(18), lambda: -torch.ones_like(x), 20.0)
    assert not torch.allclose(one, other)


def test_heun_calls_the_denoiser_twice_per_step_but_once_in_the_last() -> None:
    levels: list[float] = []

    def counted(x: Tensor, sigma: float) -> Tensor:
        levels.append(sigma)
        return GAUSSIAN.denoise(x, sigma)

    heun(counted, start(2), noise_levels(18), None, 0.0)
    assert len(levels) == 35
    levels.clear()
    dpm(counted, start(2), noise_levels(18), None, 0.0)
    assert len(levels) == 18
    assert min(levels) > 0


def test_the_noise_levels_fall_from_sigma_max_to_zero_evenly_in_the_seventh_root() -> None:
    levels = noise_levels(18, 0.002, 80.0)
    assert levels[0] == pytest.approx(80.0)
    assert levels[-2] == pytest.approx(0.002)
    assert levels[-1] == 0
    roots = np.array(levels[:-1]) ** (1 / 7)
    assert np.allclose(np.diff(roots), np.diff(roots)[0])
    ratios = np.array(noise_levels(18, 0.002, 80.0, math.inf)[:-1])
    assert np.allclose(ratios[1:] / ratios[:-1], (0.002 / 80) ** (1 / 17))


def test_one_level_is_refused() -> None:
    with pytest.raises(InputError, match="sampler steps: got 1"):
        noise_levels(1)


@pytest.mark.parametrize("sampler", [dpm, calibrated])
def test_churn_is_refused_by_what_is_deterministic(sampler: Sampler) -> None:
    with pytest.raises(InputError, match="only heun has churn"):
        sampler(GAUSSIAN.denoise, start(1), noise_levels(4), None, 1.0)
