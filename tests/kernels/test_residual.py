"""Residual: what was seen is put on others, exactly; from neighbours where errors depend on place."""

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.kernels import Residual
from pushforward.trajectories import Trajectories


def pairs(n=300, seed=0):
    rng = np.random.default_rng(seed)
    x = rng.normal(0, 1, (n, 5, 2)).astype(np.float32)
    return Trajectories(x), Trajectories(x + rng.exponential(0.3, x.shape).astype(np.float32))


def test_every_deviation_is_a_residual_that_was_seen():
    x, x_prime = pairs()
    others = Trajectories(np.zeros((1000, 5, 2), np.float32))
    moved = Residual.from_pairs(x, x_prime).deviate(others, np.random.default_rng(0)).values
    seen = {row.tobytes() for row in x_prime.values - x.values}
    assert {row.tobytes() for row in moved} <= seen
    assert len({row.tobytes() for row in moved}) > 250


def test_scale_multiplies_the_residuals():
    x, x_prime = pairs()
    kernel = Residual.from_pairs(x, x_prime)
    whole = kernel.deviate(x, np.random.default_rng(1)).values - x.values
    half = kernel.with_scale(0.5).deviate(x, np.random.default_rng(1)).values - x.values
    np.testing.assert_allclose(half, 0.5 * whole, atol=1e-6)
    np.testing.assert_array_equal(kernel.with_scale(0).deviate(x, np.random.default_rng(1)).values, x.values)


def test_one_neighbour_gives_each_its_own_residual():
    """k = 1 on the paired trajectories themselves: x' exactly."""
    x, x_prime = pairs()
    moved = Residual.from_pairs(x, x_prime, neighbours=1).deviate(x, np.random.default_rng(0)).values
    np.testing.assert_allclose(moved, x_prime.values, atol=1e-6)


def test_neighbours_keep_errors_that_depend_on_place():
    """x' = 0.8 x: resampled from anywhere it is noise, from nearby it is still a contraction."""
    rng = np.random.default_rng(2)
    level = rng.normal(0, 1, (4000, 1, 1))
    x = Trajectories((level + rng.normal(0, 0.01, (4000, 4, 1))).astype(np.float32))
    x_prime = x.with_values(0.8 * x.values)
    local = Residual.from_pairs(x, x_prime, neighbours=5).deviate(x, np.random.default_rng(3)).values
    anywhere = Residual.from_pairs(x, x_prime).deviate(x, np.random.default_rng(3)).values
    assert local.std() == pytest.approx(0.8, abs=0.03)
    assert anywhere.std() == pytest.approx(np.sqrt(1 + 0.2**2), abs=0.03)


def test_smoothing_keeps_mean_and_variance_and_repeats_nothing():
    x, x_prime = pairs(2000)
    zero = Trajectories(np.zeros((20_000, 5, 2), np.float32))
    moved = Residual.from_pairs(x, x_prime, smoothing=0.5).deviate(zero, np.random.default_rng(4)).values
    seen = x_prime.values - x.values
    np.testing.assert_allclose(moved.mean(axis=0), seen.mean(axis=0), atol=0.02)
    np.testing.assert_allclose(moved.std(axis=0), seen.std(axis=0), rtol=0.06)
    assert len(np.unique(moved[:, 0, 0])) > 19_000


def test_what_does_not_fit_is_refused():
    x, x_prime = pairs()
    with pytest.raises(InputError, match="pairs of the same shape"):
        Residual.from_pairs(x, x_prime.select(slice(0, 10)))
    with pytest.raises(InputError, match="at least 2"):
        Residual.from_pairs(x.select([0]), x_prime.select([0]))
    with pytest.raises(InputError, match="has no residuals"):
        Residual().deviate(x, np.random.default_rng(0))
    with pytest.raises(InputError, match="expected the same"):
        Residual.from_pairs(x, x_prime).deviate(
            Trajectories(np.zeros((2, 4, 2), np.float32)), np.random.default_rng(0)
        )
    with pytest.raises(InputError, match="neighbours"):
        Residual(neighbours=-1)
