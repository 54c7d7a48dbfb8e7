"""Taken back by the exact law: of Gaussian data the posterior is known, and errors below the level go."""

import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.reproduce.posterior import exact_below


def normal(n, seed, T=2):
    return pf.Trajectories(np.random.default_rng(seed).standard_normal((n, T, 1)).astype(np.float32))


def test_of_normal_data_the_draw_is_from_the_known_posterior():
    """x | y ~ N(y / (1 + s²), s² / (1 + s²)) with y = x₀ + s ε, so that E[x | x₀] = x₀ / (1 + s²)."""
    s, n = 0.5, 2000
    start = normal(n, 1)
    drawn = exact_below(start, normal(5000, 0), s, np.random.default_rng(2)).values.ravel()
    slope = 1 / (1 + s**2)
    residual = drawn - slope * start.values.ravel()
    assert np.dot(drawn, start.values.ravel()) / np.square(start.values).sum() == pytest.approx(
        slope, abs=0.04
    )
    assert residual.var() == pytest.approx(s**2 * slope + s**2 * slope**2, rel=0.1)
    assert drawn.var() == pytest.approx(1, rel=0.1)


def test_an_error_far_below_the_level_goes_and_one_far_above_stays():
    """A shift d of normal data becomes d / (1 + s²)."""
    bank, start = normal(5000, 0), normal(1000, 1)
    for level in (0.5, 2.0):
        shifted = start.with_values(start.values + np.float32(1.0))
        drawn = exact_below(shifted, bank, level, np.random.default_rng(2))
        assert drawn.values.mean() == pytest.approx(1 / (1 + level**2), abs=0.1)


def test_what_comes_out_is_of_the_bank():
    bank = normal(50, 0)
    drawn = exact_below(normal(20, 1), bank, 0.1, np.random.default_rng(0))
    assert all(any(np.array_equal(one, known) for known in bank.values) for one in drawn.values)


@pytest.mark.parametrize(
    ("made", "scale", "says"), [(normal(5, 0, T=3), 0.5, "one length"), (normal(5, 0), 0, "above 0")]
)
def test_what_does_not_fit_is_refused(made, scale, says):
    with pytest.raises(InputError, match=says):
        exact_below(made, normal(5, 1), scale, np.random.default_rng(0))
