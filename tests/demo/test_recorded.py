"""Kept deviations: what a kernel made once, looked at again without it."""

from __future__ import annotations

import numpy as np
import pytest

import pushforward as pf
from pushforward.demo.recorded import Recorded
from pushforward.kernels import Gaussian, Mixture


@pytest.fixture(scope="module")
def walks():
    steps = np.random.default_rng(0).normal(size=(400, 8, 2))
    return pf.Trajectories(np.cumsum(steps, axis=1), lengths=np.random.default_rng(1).integers(3, 9, 400))


@pytest.fixture(scope="module")
def moved(walks):
    return Gaussian(0.1).fitted(walks).deviate(walks, np.random.default_rng(2))


def test_each_trajectory_gets_the_deviation_that_was_kept_for_it_in_any_order(walks, moved):
    kernel = Recorded(before=walks, after=moved)
    rows = np.random.default_rng(3).permutation(len(walks))[:100]
    again = kernel.deviate(walks.select(rows), np.random.default_rng(4))
    assert np.array_equal(again.values, moved.values[rows])


def test_its_forecast_is_that_of_the_deviations_counted_directly(walks, moved):
    length = pf.quantities.PathLength()
    found = pf.forecast(Recorded(before=walks, after=moved, spelled="what was kept"), walks, length)
    assert found.mean == pytest.approx(length(moved).mean(), rel=1e-9)
    assert found.kernel == "what was kept"


def test_of_a_mixture_the_drift_is_its_share(walks, moved):
    length = pf.quantities.PathLength()
    whole = pf.forecast(Recorded(before=walks, after=moved), walks, length).mean_shift
    half = pf.forecast(
        Mixture(0.5, kernels=(Recorded(before=walks, after=moved),)), walks, length, repeats=64
    )
    assert half.mean_shift.value == pytest.approx(whole.value / 2, rel=0.05)


def test_a_trajectory_that_nothing_was_kept_for_is_refused(walks, moved):
    kernel = Recorded(before=walks.select(slice(0, 200)), after=moved.select(slice(0, 200)))
    with pytest.raises(pf.InputError, match="none was kept for"):
        kernel.deviate(walks, np.random.default_rng(0))
    with pytest.raises(pf.InputError, match="one for each"):
        Recorded(before=walks, after=moved.select(slice(0, 10)))
