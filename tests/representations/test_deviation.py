"""Errors that are made in codes and decoded: what a kernel does to a model trained in a representation."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.stats import uniform

import pushforward as pf
from pushforward import systems
from pushforward.kernels import Gaussian
from pushforward.representations import create
from pushforward.representations.deviation import Represented
from pushforward.trajectories import Trajectories


def walks(n=4000, T=8, seed=0):
    values = np.cumsum(np.random.default_rng(seed).standard_normal((n, T, 1)), axis=1)
    return Trajectories(values.astype(np.float32))


def test_in_the_data_themselves_it_is_the_kernel():
    data = walks(50)
    plain = Gaussian(0.1).fitted(data).deviate(data, np.random.default_rng(1))
    represented = Represented(0.1).fitted(data).deviate(data, np.random.default_rng(1))
    assert represented.values == pytest.approx(plain.values, abs=1e-6)


def test_zero_scale_returns_the_data_exactly():
    data = walks(50)
    kernel = Represented(0.0, representation=create("increments")).fitted(data)
    assert np.array_equal(kernel.deviate(data, np.random.default_rng(0)).values, data.values)


def test_errors_of_increments_add_up_along_the_trajectory():
    data = walks()
    kernel = Represented(0.1, representation=create("increments")).fitted(data)
    error = kernel.deviate(data, np.random.default_rng(0)).values - data.values
    # Increments have unit variance, so that after t + 1 of them the variance is 0.1² (t + 1).
    assert error.var(axis=0)[:, 0] == pytest.approx(0.01 * np.arange(1, 9), rel=0.1)


def test_the_scale_moves_the_errors_in_the_codes():
    kernel = Represented(kernel=Gaussian(0.2))
    assert kernel.scale == 0.2
    assert kernel.with_scale(0.5).kernel.scale == 0.5


def test_the_forecast_of_the_logistic_map_falls_when_the_parameter_is_what_is_learned():
    system = systems.create("logistic-map")
    data = system.sample(3000, uniform(3.5, 0.5), T=32, seed=0)

    def drift(name):
        found = pf.forecast(Represented(0.04, representation=create(name)), data, system.quantity, seed=1)
        return 0.5 * np.abs(np.asarray(found.mass) - np.asarray(found.expected)).sum()

    assert drift("map-parameter") < 0.4 * drift("identity")
