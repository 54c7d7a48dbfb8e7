"""Trajectories put back on the logistic map: exact ones stay, errors go, and with them the drift that they made."""

import numpy as np
import pytest
from scipy import optimize

import pushforward as pf
from pushforward.errors import InputError
from pushforward.reproduce.projection import on_the_map

QUANTITY = pf.systems.create("logistic-map").quantity


def trajectories(n, T=16, seed=0):
    return pf.systems.create("logistic-map").sample(n, pf.Intended.uniform(3.5, 4), T=T, seed=seed)


def with_errors(exact, scale):
    noise = np.random.default_rng(1).normal(0, scale, exact.values.shape)
    return exact.with_values((exact.values + noise).astype(np.float32))


def test_what_obeys_the_map_stays_as_it_is():
    exact = trajectories(50)
    np.testing.assert_allclose(on_the_map(exact).values, exact.values, atol=1e-6)


def test_what_comes_out_obeys_the_map_and_is_nearer_than_the_truth():
    exact = trajectories(300)
    erring = with_errors(exact, 0.02)
    found = on_the_map(erring)
    assert len(found) > 0.97 * len(exact)
    x, r = found.values[:, :, 0].astype(float), QUANTITY(found)
    assert np.abs(x[:, 1:] - r[:, None] * x[:, :-1] * (1 - x[:, :-1])).max() < 2e-4
    kept = np.isin(exact.quantity, found.quantity)
    moved, truth = (
        np.square(one - erring.values[kept]).sum(axis=(1, 2)) for one in (found.values, exact.values[kept])
    )
    assert np.mean(moved <= truth + 1e-6) > 0.95


def test_it_is_the_nearest_of_three_steps():
    """For three steps the constraint can be eliminated, and a general minimiser finds the same point."""
    y = np.array([0.31, 0.82, 0.5])

    def distance(parameters):
        x0, r = parameters
        x1 = r * x0 * (1 - x0)
        return (x0 - y[0]) ** 2 + (x1 - y[1]) ** 2 + (r * x1 * (1 - x1) - y[2]) ** 2

    best = optimize.minimize(
        distance, (y[0], 3.7), method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-14}
    )
    found = on_the_map(pf.Trajectories(np.array([[[0.31], [0.82], [0.5]]], dtype=np.float32)))
    assert np.square(found.values[0, :, 0] - y).sum() == pytest.approx(best.fun, abs=1e-6)


def test_the_error_of_the_quantity_goes_with_that_of_the_trajectories():
    erring = with_errors(trajectories(500, T=32), 0.02)
    found = on_the_map(erring)
    before, after = (np.sqrt(np.mean((QUANTITY(one) - one.quantity) ** 2)) for one in (erring, found))
    assert after < before / 3


def test_other_motion_is_refused():
    with pytest.raises(InputError, match="got 2 channels"):
        on_the_map(pf.Trajectories(np.zeros((2, 4, 2), dtype=np.float32)))
