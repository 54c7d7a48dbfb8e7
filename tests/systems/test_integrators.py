"""The integrators: their orders, invariants, and that blocks and threads change nothing."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.measure import Intended
from pushforward.systems import create
from pushforward.systems.integrators import integrate, integrate_separable

START = np.array([[1.0], [0.7]])


def pendulum(y, rate, _):
    rate[0] = y[1]
    rate[1] = -np.sin(y[0])


def pull(q, out, _):
    out[...] = -np.sin(q)


def end(method, substeps):
    """The pendulum's state after a time of 4."""
    if method in ("rk4", "dop853"):
        return integrate(pendulum, START, 2, 4.0, substeps, method)[0, -1]
    return integrate_separable(pull, START, 2, 4.0, substeps, method)[0, -1]


@pytest.mark.parametrize(
    ("method", "order", "substeps"),
    [("rk4", 4, 64), ("dop853", 8, 8), ("forest-ruth", 4, 64), ("kahan-li-8", 8, 8)],
)
def test_halving_the_step_divides_the_error_by_two_to_the_order(method, order, substeps):
    exact = end("dop853", 400)
    errors = [np.abs(end(method, n) - exact).max() for n in (substeps, 2 * substeps)]
    assert np.log2(errors[0] / errors[1]) == pytest.approx(order, abs=0.8)


def test_the_saved_steps_are_at_multiples_of_dt():
    turning = integrate(
        lambda y, rate, _: np.copyto(rate, [y[1], -y[0]]), np.array([[0.0], [1.0]]), 50, 0.3, 2
    )
    times = 0.3 * np.arange(50)
    np.testing.assert_allclose(turning[0], np.stack([np.sin(times), np.cos(times)], axis=1), atol=1e-9)


def test_the_symplectic_ones_keep_the_energy_for_long_where_a_runge_kutta_method_loses_it():
    def drift(states):
        energy = states[0, :, 1] ** 2 / 2 - np.cos(states[0, :, 0])
        error = np.abs(energy - energy[0])
        return error[:2000].max(), error[-2000:].max()

    early, late = drift(integrate_separable(pull, START, 20_000, 0.5, method="forest-ruth"))
    assert late < 1.5 * early
    early, late = drift(integrate(pendulum, START, 20_000, 0.5, method="rk4"))
    assert late > 3 * early


def test_blocks_and_threads_change_no_bit():
    rng = np.random.default_rng(0)
    state, pulls = rng.normal(size=(2, 9001)), rng.uniform(0.5, 2, (1, 9001))

    def weighted(y, rate, parameters):
        rate[0] = y[1]
        rate[1] = -parameters[0] * np.sin(y[0])

    def weighted_pull(q, out, parameters):
        out[...] = -parameters * np.sin(q)

    for solve, law in ((integrate, weighted), (integrate_separable, weighted_pull)):
        together = solve(law, state, 5, 0.2, parameters=pulls, threads=1)
        assert np.array_equal(solve(law, state, 5, 0.2, parameters=pulls, threads=3), together)
        some = solve(law, state[:, 8000:], 5, 0.2, parameters=pulls[:, 8000:])
        np.testing.assert_allclose(some, together[8000:], rtol=1e-12, atol=1e-14)


def test_a_motion_that_diverges_gives_no_warning_but_infinity():
    exploding = integrate(lambda y, rate, _: np.square(y, out=rate), np.array([[1.0, -1.0]]), 9, 0.5)
    assert not np.isfinite(exploding[0]).all()
    np.testing.assert_allclose(exploding[1, :, 0], -1 / (1 + 0.5 * np.arange(9)), rtol=1e-4)


def test_what_does_not_fit():
    with pytest.raises(InputError, match="unknown integration method 'rk45'; did you mean 'rk4'"):
        integrate(pendulum, START, 2, 1.0, method="rk45")
    with pytest.raises(InputError, match="unknown integration method 'dop853'"):
        integrate_separable(pull, START, 2, 1.0, method="dop853")
    with pytest.raises(InputError, match="got 3 rows; expected positions"):
        integrate_separable(pull, np.ones((3, 1)), 2, 1.0)
    with pytest.raises(InputError, match="substeps: got 0; expected at least 1"):
        integrate(pendulum, START, 2, 1.0, substeps=0)


@pytest.mark.parametrize("system", ["lorenz-63", "henon-heiles", "colliding-disks"])
def test_a_time_step_of_very_many_steps_is_refused_at_once(system):
    with pytest.raises(InputError, match="dt"):
        create(system).sample(3, Intended.parse(create(system).default_intended), dt=1e9, seed=0)
