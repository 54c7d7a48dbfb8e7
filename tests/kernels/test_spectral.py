"""The stationary Gaussian kernel: its covariance is the one that its spectrum says, also across channels."""

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.kernels import Spectral
from pushforward.trajectories import Trajectories

N, T = 20_000, 24


def still(n=N, T=T, C=1):
    return Trajectories(np.zeros((n, T, C), dtype=np.float32))


def draws(kernel, n=N, T=T, C=1, seed=0):
    return kernel.deviate(still(n, T, C), np.random.default_rng(seed)).values


def covariance(values):
    """(T·C, T·C) of zero-mean draws."""
    flat = values.reshape(len(values), -1).astype(np.float64)
    return flat.T @ flat / len(flat)


def lags(T):
    return np.abs(np.arange(T)[:, None] - np.arange(T)[None, :])


@pytest.mark.parametrize("length", [2.0, 5.0, 40.0])
def test_squared_exponential_errors_are_smooth_over_the_correlation_length(length):
    found = covariance(draws(Spectral(1.0, length, relative=False)))
    wanted = np.exp(-0.5 * (lags(T) / length) ** 2)
    assert np.abs(found - wanted).max() < 6 / np.sqrt(N)


def test_a_power_law_of_exponent_two_is_an_ar1_process():
    found = covariance(draws(Spectral(1.0, 10.0, "power-law", relative=False)))
    # Its discrete spectrum differs from AR(1)'s near the highest frequency by a few per cent.
    assert np.abs(found - np.exp(-lags(T) / 10.0)).max() < 0.03


def test_the_exponent_is_the_slope_of_the_spectrum():
    values = draws(Spectral(1.0, 1000.0, "power-law", 3.0, relative=False), n=500, T=512)[:, :, 0]
    window = np.hanning(512)
    power = np.square(np.abs(np.fft.rfft(values * window, axis=1))).mean(axis=0)
    k = np.arange(8, 120)
    slope = np.polyfit(np.log(k), np.log(power[k]), 1)[0]
    assert slope == pytest.approx(-3.0, abs=0.15)


def test_no_correlation_is_white():
    assert np.abs(covariance(draws(Spectral(1.0, 0.0, relative=False))) - np.eye(T)).max() < 6 / np.sqrt(N)


def test_start_and_end_do_not_know_of_one_another():
    values = draws(Spectral(1.0, 3.0, relative=False), n=40_000, T=32)[:, :, 0]
    assert abs(np.mean(values[:, 0] * values[:, -1])) < 5 / np.sqrt(40_000)


def test_channels_are_independent_and_scaled_by_their_own_spread():
    rng = np.random.default_rng(3)
    data = Trajectories(rng.normal(0, [1.0, 10.0], (4000, 8, 2)).astype(np.float32))
    delta = Spectral(0.1).deviate(data, np.random.default_rng(0)).values - data.values
    np.testing.assert_allclose(delta.std(axis=(0, 1)), [0.1, 1.0], rtol=0.05)
    assert abs(np.corrcoef(delta.reshape(-1, 2).T)[0, 1]) < 0.03


def autoregressive(n=N, T=16, seed=5):
    """Residuals of two channels that drive one another, stationary."""
    rng = np.random.default_rng(seed)
    step, mix = np.array([[0.8, -0.4], [0.3, 0.6]]), np.array([[1.0, 0.5], [0.0, 0.3]])
    x = np.zeros((n, T + 40, 2))
    for t in range(1, T + 40):
        x[:, t] = x[:, t - 1] @ step.T + rng.normal(size=(n, 2)) @ mix
    return Trajectories(x[:, 40:].astype(np.float32))


def test_a_fitted_spectrum_has_the_covariance_of_the_residuals_across_time_and_channels():
    residuals = autoregressive()
    kernel = Spectral.fit(residuals)
    found, wanted = covariance(draws(kernel, T=16, C=2)), covariance(residuals.values)
    assert np.abs(found - wanted).max() < 0.05 * wanted.max()
    assert kernel.scale == pytest.approx(np.sqrt(np.mean(np.square(residuals.values))), rel=0.01)


def test_a_fitted_spectrum_serves_other_lengths():
    kernel = Spectral.fit(autoregressive())
    long = covariance(draws(kernel, n=8000, T=40, C=2)).reshape(40, 2, 40, 2)
    short = covariance(draws(kernel, n=8000, T=5, C=2, seed=1)).reshape(5, 2, 5, 2)
    assert np.abs(long[20:25, :, 20:25] - short).max() < 0.3


def test_what_is_systematic_in_residuals_is_left_out():
    residuals = autoregressive(2000)
    shifted = residuals.with_values(residuals.values + np.linspace(0, 50, 16, dtype=np.float32)[:, None])
    assert Spectral.fit(shifted).scale == pytest.approx(Spectral.fit(residuals).scale, rel=0.01)


def test_a_spectrum_fitted_relative_to_data_follows_the_spread_of_other_data():
    residuals = autoregressive(4000)
    rng = np.random.default_rng(0)
    data = Trajectories(rng.normal(0, [2.0, 2.0], (4000, 16, 2)).astype(np.float32))
    kernel = Spectral.fit(residuals, data)
    wider = data.with_values(data.values * 3)
    delta = kernel.fitted(wider).deviate(wider, np.random.default_rng(0)).values - wider.values
    np.testing.assert_allclose(delta.std(axis=(0, 1)), 3 * residuals.values.std(axis=(0, 1)), rtol=0.05)


def test_ragged_residuals_count_only_their_valid_steps():
    residuals = autoregressive(8000)
    lengths = np.where(np.arange(8000) % 2, 16, 9)
    ragged = Trajectories(residuals.values, lengths=lengths)
    a, b = Spectral.fit(ragged), Spectral.fit(residuals)
    assert a.scale == pytest.approx(b.scale, rel=0.03)
    assert np.abs(a.covariance[:8] - b.covariance[:8]).max() < 0.1


@pytest.mark.parametrize(
    ("make", "said"),
    [
        (lambda: Spectral(1.0, -1.0), "'correlation': got -1"),
        (lambda: Spectral(1.0, spectrum="fitted"), "needs residuals"),
        (lambda: Spectral(1.0, spectrum="pink"), "one of squared-exponential, power-law, fitted"),
        (lambda: Spectral.fit(still(1)), "got 1 residuals"),
        (lambda: Spectral.fit(still(5)), "all alike"),
        (lambda: Spectral.fit(still(5), still(5, C=2)), "residuals of 1 channels for data of 2"),
        (lambda: draws(Spectral.fit(autoregressive(10)), 5, 16, 3), "fitted to 2 channels and got 3"),
    ],
)
def test_what_cannot_be_is_refused_in_one_line(make, said):
    with pytest.raises(InputError, match=said):
        make()
