"""Least-squares growth rate of the logistic map."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward.errors import InputError
from pushforward.quantities import LogisticMapR
from pushforward.trajectories import Trajectories


def orbit(r, x, steps=32):
    values = [x]
    for _ in range(steps - 1):
        values.append(r * values[-1] * (1 - values[-1]))
    return Trajectories(np.array(values)[None, :, None])


@given(st.floats(1.0, 4.0), st.floats(0.05, 0.95))
def test_an_orbit_gives_its_r(r, x):
    assert LogisticMapR()(orbit(r, x))[0] == pytest.approx(r, rel=1e-6)


def test_it_is_the_least_squares_solution_of_a_noisy_orbit():
    x = orbit(3.7, 0.3).values[0, :, 0] + np.random.default_rng(0).normal(0, 0.02, 32)
    noisy = Trajectories(x[None, :, None])
    x = noisy.values[0, :, 0].astype(float)
    g = x[:-1] * (1 - x[:-1])
    expected = np.linalg.lstsq(g[:, None], x[1:], rcond=None)[0][0]
    assert LogisticMapR()(noisy)[0] == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize("values", [[0.3], [0, 0, 0], [1, 0, 0]])
def test_without_a_population_or_a_step_it_is_not_defined(values):
    assert np.isnan(LogisticMapR()(Trajectories(np.array(values, float)[None, :, None]))[0])


def test_among_several_channels_one_must_be_named():
    two = Trajectories(np.random.default_rng(0).random((3, 9, 2)), channels=("prey", "hunter"))
    with pytest.raises(InputError, match="got 2 channels; expected one, or channel=NAME"):
        LogisticMapR()(two)
    assert np.array_equal(LogisticMapR(channel="prey")(two), LogisticMapR()(two.select_channels(["prey"])))
