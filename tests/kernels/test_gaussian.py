"""The white Gaussian kernel: x' = x + s·σ_c·ε."""

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.kernels import Gaussian
from pushforward.trajectories import Trajectories


def batch(n=4000, T=6, seed=0, **settings):
    values = np.random.default_rng(seed).normal([5.0, -2.0], [0.5, 3.0], (n, T, 2)).astype(np.float32)
    return Trajectories(values, **settings)


def deviations(kernel, trajectories, seed=1):
    return kernel.deviate(trajectories, np.random.default_rng(seed)).values - trajectories.values


def test_a_relative_scale_is_in_standard_deviations_of_each_channel():
    delta = deviations(Gaussian(0.1), batch())
    np.testing.assert_allclose(delta.std(axis=(0, 1)), [0.05, 0.3], rtol=0.03)


def test_an_absolute_scale_is_in_the_channels_own_units():
    delta = deviations(Gaussian(0.1, relative=False), batch())
    np.testing.assert_allclose(delta.std(axis=(0, 1)), [0.1, 0.1], rtol=0.03)


def test_deviations_are_independent_standard_normal():
    delta = deviations(Gaussian(1.0, relative=False), batch(20_000, 3)).reshape(20_000, 6)
    assert np.abs(delta.mean(axis=0)).max() < 4 / np.sqrt(20_000)
    assert np.abs(np.cov(delta.T) - np.eye(6)).max() < 6 / np.sqrt(20_000)
    assert abs((delta**4).mean() - 3) < 0.1


def test_a_fitted_kernel_keeps_the_scale_of_the_data_it_saw():
    kernel = Gaussian(0.1).fitted(batch())
    few = batch(3)
    wide = few.with_values(few.values * 100)
    np.testing.assert_allclose(
        np.asarray(kernel.sigma), batch().values.std(axis=(0, 1), dtype=np.float64), rtol=1e-5
    )
    assert np.abs(deviations(kernel, wide)).max() < 5 * 0.1 * 3.0


def test_the_spread_of_ragged_trajectories_is_that_of_their_valid_steps():
    values = np.zeros((2, 4, 1), dtype=np.float32)
    values[0, :, 0], values[1, :2, 0] = [1, 2, 3, 4], [10, 20]
    kernel = Gaussian(1.0).fitted(Trajectories(values, lengths=np.array([4, 2])))
    assert kernel.sigma[0] == pytest.approx(np.std([1, 2, 3, 4, 10, 20]), rel=1e-6)


def test_a_far_offset_does_not_spoil_the_spread():
    values = np.random.default_rng(0).normal(0, 1, (500, 20, 1)).astype(np.float32) + np.float32(10_000)
    sigma = Gaussian(1.0).fitted(Trajectories(values)).sigma[0]
    assert sigma == pytest.approx(values.astype(np.float64).std(), rel=1e-4)


def test_a_constant_channel_stays_constant():
    values = batch().values.copy()
    values[:, :, 1] = 7.0
    delta = deviations(Gaussian(0.1), Trajectories(values))
    assert np.all(delta[:, :, 1] == 0)
    assert delta[:, :, 0].std() > 0


def test_without_a_scale_nothing_is_drawn():
    with pytest.raises(InputError, match="has no scale"):
        deviations(Gaussian(), batch(3))


def test_other_channels_than_it_was_fitted_to_are_refused():
    with pytest.raises(InputError, match="fitted to 2 channels and got 1"):
        deviations(Gaussian(0.1).fitted(batch()), batch().select_channels(["x0"]))
