"""Shrinkage: normal data has a known law afterwards; local means are those of the nearest others."""

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.kernels import OrnsteinUhlenbeck, Shrinkage
from pushforward.trajectories import Trajectories

T = 6


@pytest.fixture(scope="module")
def normal():
    """(20,000, 6, 1) normal trajectories whose mean and covariance are known."""
    rng = np.random.default_rng(0)
    root = rng.normal(0, 1, (T, T)) / np.sqrt(T)
    mean = np.linspace(-1, 1, T)
    values = rng.standard_normal((20_000, T)) @ root + mean
    return Trajectories(values[:, :, None]), mean, root.T @ root


def flat(trajectories):
    return trajectories.values.reshape(len(trajectories), -1).astype(np.float64)


def assert_law(values, mean, covariance):
    """Mean and covariance within five standard errors of a sample of this size."""
    n, spread = len(values), np.sqrt(np.diag(covariance))
    np.testing.assert_array_less(np.abs(values.mean(axis=0) - mean), 5 * spread / np.sqrt(n))
    error = np.abs(np.cov(values.T) - covariance)
    np.testing.assert_array_less(error, 5 * np.sqrt(2 / n) * np.outer(spread, spread))


@pytest.mark.parametrize(
    ("strength", "blur", "correlation"), [(1.0, 0.0, 0.0), (0.5, 1.0, 2.0), (0.0, 2.0, 0.0)]
)
def test_normal_data_keeps_its_mean_and_shrinks_and_blurs(normal, strength, blur, correlation):
    """Cov' = (1 − a)² Σ + b² σ² R with R_tu = exp(−(t − u)² / 2ℓ²)."""
    data, mean, covariance = normal
    scale = 0.3
    kernel = Shrinkage(scale, strength=strength, blur=blur, correlation=correlation).fitted(data)
    moved = flat(kernel.deviate(data, np.random.default_rng(1)))
    apart = np.arange(T)[:, None] - np.arange(T)[None, :]
    smooth = np.exp(-0.5 * (apart / correlation) ** 2) if correlation else np.eye(T)
    variance = float(np.var(data.values.astype(np.float64)))
    expected = (1 - strength * scale) ** 2 * covariance + (blur * scale) ** 2 * variance * smooth
    assert_law(moved, mean, expected)


def test_without_blur_every_value_moves_its_share_of_the_way(normal):
    data, _, _ = normal
    kernel = Shrinkage(0.2, strength=0.5, blur=0.0).fitted(data)
    centre = data.values.mean(axis=0, dtype=np.float64)
    moved = kernel.deviate(data, np.random.default_rng(1)).values
    np.testing.assert_allclose(moved, data.values + 0.1 * (centre - data.values), atol=1e-5)


def test_the_whole_way_is_the_mean_and_further_is_refused(normal):
    data, _, _ = normal
    moved = Shrinkage(1.0, strength=1.0, blur=0.0).fitted(data).deviate(data, np.random.default_rng(1)).values
    np.testing.assert_allclose(np.ptp(moved, axis=0), 0, atol=1e-5)
    with pytest.raises(InputError, match="at most 1"):
        Shrinkage(1.1, strength=1.0).fitted(data).deviate(data, np.random.default_rng(1))


def test_ragged_means_are_those_of_the_valid_steps():
    values = np.zeros((4, 3, 1), np.float32)
    values[:2] = [[[1], [2], [3]], [[3], [4], [9]]]
    values[2:] = [[[5], [0], [0]], [[7], [8], [0]]]
    data = Trajectories(values, lengths=np.array([3, 3, 1, 2]))
    moved = Shrinkage(1.0, strength=1.0, blur=0.0).fitted(data).deviate(data, np.random.default_rng(0))
    np.testing.assert_allclose(moved.values[0, :, 0], [4, 14 / 3, 6], rtol=1e-6)


def two_clouds():
    rng = np.random.default_rng(2)
    middle = np.where(np.arange(400) < 200, -5.0, 5.0)
    return Trajectories((middle[:, None, None] + rng.normal(0, 1, (400, 4, 2))).astype(np.float32))


def test_local_means_shrink_within_a_cloud_and_global_ones_between_clouds():
    data = two_clouds()
    settings = {"scale": 0.5, "strength": 1.0, "blur": 0.0}
    rng = np.random.default_rng(0)
    local = Shrinkage(**settings, towards="local", neighbours=100).fitted(data).deviate(data, rng).values
    whole = Shrinkage(**settings).fitted(data).deviate(data, rng).values
    middle = [values[200:].mean() - values[:200].mean() for values in (data.values, local, whole)]
    assert middle[1] == pytest.approx(middle[0], rel=0.02)
    assert middle[2] == pytest.approx(middle[0] / 2, rel=0.02)
    assert local[200:].std() < 0.75 * data.values[200:].std()


def test_one_neighbour_is_the_nearest_other():
    values = np.array([0.0, 1.0, 1.1, 5.0, 5.3])[:, None, None] * np.ones((1, 3, 1))
    data = Trajectories(values.astype(np.float32))
    kernel = Shrinkage(1.0, strength=1.0, blur=0.0, towards="local", neighbours=1).fitted(data)
    moved = kernel.deviate(data, np.random.default_rng(0)).values[:, 0, 0]
    np.testing.assert_allclose(moved, [1.0, 1.1, 1.0, 5.3, 5.0], rtol=1e-6)


def test_the_mean_is_that_of_the_fitted_data_not_of_the_block(normal):
    data, _, _ = normal
    kernel = Shrinkage(0.5, blur=0.0).fitted(data)
    whole = kernel.deviate(data, np.random.default_rng(0)).values[:10]
    block = kernel.deviate(data.select(slice(0, 10)), np.random.default_rng(0)).values
    np.testing.assert_array_equal(block, whole)


@pytest.mark.parametrize("kernel", [Shrinkage(0.1), Shrinkage(0.1, towards="local"), OrnsteinUhlenbeck(0.1)])
def test_another_shape_is_refused(normal, kernel):
    fitted = kernel.fitted(normal[0])
    with pytest.raises(InputError, match="expected"):
        fitted.deviate(Trajectories(np.zeros((3, T + 1, 1), np.float32)), np.random.default_rng(0))


@pytest.mark.parametrize("settings", [{"strength": -1}, {"blur": -1}, {"correlation": -1}, {"neighbours": 0}])
def test_settings_that_cannot_be_are_refused(settings):
    with pytest.raises(InputError, match="shrinkage"):
        Shrinkage(0.1, **settings)


@pytest.mark.parametrize("scale", [0.1, 0.6, 1.0])
def test_ornstein_uhlenbeck_keeps_mean_and_covariance(scale):
    """Of data that is far from normal too."""
    rng = np.random.default_rng(3)
    data = Trajectories(np.cumsum(rng.exponential(1.0, (20_000, T, 1)), axis=1).astype(np.float32))
    moved = OrnsteinUhlenbeck(scale).fitted(data).deviate(data, np.random.default_rng(4))
    assert_law(flat(moved), flat(data).mean(axis=0), np.cov(flat(data).T))


def test_ornstein_uhlenbeck_correlates_with_its_start_as_stated():
    """Corr(x, x') = √(1 − scale²)."""
    rng = np.random.default_rng(5)
    data = Trajectories(rng.normal(0, [[[1.0], [3.0]]], (20_000, 2, 1)).astype(np.float32))
    for scale in (0.3, 0.8, 1.0):
        moved = flat(OrnsteinUhlenbeck(scale).fitted(data).deviate(data, np.random.default_rng(6)))
        found = [np.corrcoef(flat(data)[:, i], moved[:, i])[0, 1] for i in range(2)]
        np.testing.assert_allclose(found, np.sqrt(1 - scale**2), atol=5 / np.sqrt(20_000))


def test_ornstein_uhlenbeck_refuses_what_it_cannot_do():
    data = Trajectories(np.zeros((4, 3, 1), np.float32) + np.arange(4, dtype=np.float32)[:, None, None])
    with pytest.raises(InputError, match="0 to 1"):
        OrnsteinUhlenbeck(1.5).fitted(data).deviate(data, np.random.default_rng(0))
    with pytest.raises(InputError, match="at most 8192"):
        OrnsteinUhlenbeck(0.1).fitted(Trajectories(np.zeros((2, 5000, 2), np.float32)))
