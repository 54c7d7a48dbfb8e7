"""Values between steps: exact for polynomials of degree 7, nothing beyond the ends."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.quantities.interpolation import between, shifted, weights


def polynomial(t):
    return np.polyval([3e-6, -1e-4, 2e-3, 0.0, -0.1, 0.3, 1.0, -2.0], t)


def test_weights_sum_to_one_and_are_unit_vectors_at_the_points():
    np.testing.assert_allclose(weights(np.linspace(-0.5, 7.5, 9)).sum(axis=0), 1, atol=1e-12)
    np.testing.assert_allclose(weights(np.arange(8.0)), np.eye(8), atol=1e-15)


def test_polynomials_of_degree_seven_come_back_everywhere():
    position = np.random.default_rng(0).uniform(0, 11, (2, 30))
    values = np.stack([polynomial(np.arange(12.0)), -polynomial(np.arange(12.0))])
    expected = polynomial(position) * [[1], [-1]]
    np.testing.assert_allclose(between(values, position), expected, rtol=1e-9, atol=1e-9)


def test_beyond_the_ends_nothing_is_known():
    assert np.isnan(between(np.zeros((1, 8)), np.array([[-0.1, 7.1]]))).all()


@pytest.mark.parametrize("shift", [-3.7, -2.0, 0.4])
def test_a_shift_is_an_interpolation_at_every_step(shift):
    values = polynomial(np.arange(20.0))[None].repeat(2, axis=0)
    got = shifted(values, np.array([shift, shift]))
    place = np.arange(20.0) + shift
    known = (np.floor(place) >= 3) & (np.floor(place) + 4 <= 19)
    assert (np.isfinite(got) == known).all()
    np.testing.assert_allclose(got[:, known], polynomial(place[known])[None].repeat(2, axis=0), rtol=1e-8)
