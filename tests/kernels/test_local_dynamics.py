"""Local dynamics: linear dynamics are found exactly, so that errors grow as their powers; chaos stays bounded."""

import numpy as np
import pytest
from scipy import stats

import pushforward as pf
from pushforward.errors import InputError
from pushforward.kernels import LocalDynamics
from pushforward.systems import LogisticMap
from pushforward.trajectories import Trajectories

MATRIX = np.array([[0.9, 0.4], [-0.3, 0.8]])
T = 8


def linear_tracks(n=600, seed=0):
    x = np.empty((n, T, 2))
    x[:, 0] = np.random.default_rng(seed).normal(0, 1, (n, 2))
    for t in range(1, T):
        x[:, t] = x[:, t - 1] @ MATRIX.T
    return Trajectories(x)


def test_errors_of_linear_dynamics_grow_as_their_powers():
    """x_{t+1} = M x_t without noise: Cov δ_t = s² Σ_{i<t} Mⁱ diag(σ²) Mⁱᵀ, and none at the start."""
    tracks, scale = linear_tracks(4000), 0.01
    kernel = LocalDynamics(scale).fitted(tracks)
    error = kernel.deviate(tracks, np.random.default_rng(1)).values.astype(np.float64) - tracks.values
    assert np.abs(error[:, 0]).max() < 1e-6
    one = scale**2 * np.diag(np.square(kernel.sigma))
    expected = np.zeros((2, 2))
    for t in range(1, T):
        expected = MATRIX @ expected @ MATRIX.T + one
        np.testing.assert_allclose(np.cov(error[:, t].T), expected, atol=0.08 * np.trace(expected))


def test_forecasts_of_linear_and_quadratic_quantities_are_the_closed_form():
    tracks, scale = linear_tracks(4000), 0.05
    sigma = np.asarray(LocalDynamics(scale).fitted(tracks).sigma)
    covariance = np.zeros((2, 2))
    for _ in range(1, T):
        covariance = MATRIX @ covariance @ MATRIX.T + scale**2 * np.diag(sigma**2)
    last = pf.quantities.Quantity(lambda x: x.values[:, -1, 0].astype(np.float64), name="last")
    square = pf.quantities.Quantity(
        lambda x: np.square(x.values[:, -1].astype(np.float64)).sum(axis=1), name="square"
    )
    shift = pf.forecast(LocalDynamics(scale), tracks, last).mean_shift
    assert shift.low <= 0 <= shift.high
    assert shift.high - shift.low == pytest.approx(4 * np.sqrt(covariance[0, 0] / 4000), rel=0.3)
    shift = pf.forecast(LocalDynamics(scale), tracks, square).mean_shift
    assert shift.low <= np.trace(covariance) <= shift.high


def test_a_hidden_parameter_is_told_by_the_history():
    """The logistic map of unknown r: one state does not tell the next, two do, and errors stay on the map."""
    system = LogisticMap()
    tracks = system.sample(1500, stats.uniform(3.5, 0.5), T=24, seed=0)
    short = {}
    for history in (1, 2):
        moved = LocalDynamics(1e-3, history=history).fitted(tracks).deviate(tracks, np.random.default_rng(1))
        assert np.isfinite(moved.values).all()
        short[history] = np.nanstd(system.quantity(moved) - system.quantity(tracks))
        assert moved.values.min() > -0.2
        assert moved.values.max() < 1.2
    assert short[2] < 0.5 * short[1]


def test_what_does_not_fit_is_refused():
    tracks = linear_tracks(20)
    with pytest.raises(InputError, match="'history': got 0"):
        LocalDynamics(history=0)
    with pytest.raises(InputError, match="'neighbours': got -1"):
        LocalDynamics(neighbours=-1)
    with pytest.raises(InputError, match="expected at least 16"):
        LocalDynamics(0.1, history=T).fitted(tracks)
    with pytest.raises(InputError, match="was fitted to 2 channels and got 1"):
        LocalDynamics(0.1).fitted(tracks).deviate(
            Trajectories(tracks.values[:, :, :1]), np.random.default_rng(0)
        )
