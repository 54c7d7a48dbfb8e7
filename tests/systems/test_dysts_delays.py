"""The delay equations of dysts: its own trajectories, their factor, and what is refused."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from scipy import integrate, stats

from pushforward.errors import InputError
from pushforward.systems import Dysts, dysts_systems
from pushforward.systems.delays import at_times, integrate_delayed

pytest.importorskip("dysts", reason="needs the extra [chaos]")

NEAR_ONE = stats.uniform(0.95, 0.1)
DELAYS = [name for name, kind in dysts_systems().items() if kind == "delay equation"]
# How far interpolating the record carries: VossDelay and ScrollDelay have the sharpest fronts.
STATED_ERROR = {"VossDelay": 1e-2, "ScrollDelay": 1e-5}


def test_there_are_six():
    assert len(DELAYS) == 6


def followed(name, steps, delays):
    """(the law, a function giving its solution at times) from dysts' start as the whole past."""
    law = Dysts(system=name).law
    one = np.ones(1)
    path = integrate_delayed(
        lambda now, before: law.delay * law.rates(now, before, one),
        np.full((steps + 1, 1), law.start[0]),
        delays,
    )
    return law, lambda time: at_times(path, steps, time[None] / law.delay)[0]


@pytest.mark.parametrize("name", DELAYS)
def test_it_is_the_solution_of_scipy_delay_by_delay(name):
    law, ours = followed(name, 256, 3)
    one = np.ones(1)
    past, last = (lambda t: law.start), law.start
    for begin in law.delay * np.arange(3):

        def rate(t, x, past=past):
            return law.rates(x, past(t - law.delay), one)

        end = begin + law.delay
        solved = integrate.solve_ivp(
            rate, (begin, end), last, "DOP853", rtol=1e-10, atol=1e-11, dense_output=True
        )
        past, last = solved.sol, solved.y[:, -1]
        time = np.linspace(begin, end, 30)
        np.testing.assert_allclose(ours(time), solved.sol(time)[0], rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    "name", ["MackeyGlass", *(pytest.param(n, marks=pytest.mark.slow) for n in DELAYS if n != "MackeyGlass")]
)
def test_over_a_delay_it_is_the_trajectory_of_dysts(name):
    import dysts.flows

    # dysts holds the present where it last saved it: of first order in its steps, of which it makes n.
    system, n = getattr(dysts.flows, name)(), 500 if name == "MackeyGlass" else 6000
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = system.make_trajectory(n, resample=False, embedding_dim=1)[:, 0]
    time = np.linspace(system.tau, system.tau + (n - 1) * system.dt, n)
    _, ours = followed(name, 256, int(time[-1] / system.tau) + 1)
    assert np.abs(ours(time) - theirs).max() < 0.01 * np.abs(theirs).max()


@pytest.mark.parametrize(
    "name", ["MackeyGlass", *(pytest.param(n, marks=pytest.mark.slow) for n in DELAYS if n != "MackeyGlass")]
)
def test_the_pace_is_measured_and_its_trajectories_are_valid(name):
    system = Dysts(system=name)
    made = system.sample(50, NEAR_ONE)
    assert (made.C, made.T) == (1, 256)
    assert np.abs(system.quantity(made) / made.quantity - 1).max() <= STATED_ERROR.get(name, 1e-6)
    assert system.valid(made).all()


@pytest.mark.parametrize("parameter", ["beta", "gamma", "tau"])
def test_a_named_parameter_is_scaled_and_measured(parameter):
    system = Dysts(system="MackeyGlass", parameter=parameter)
    made = system.sample(20, NEAR_ONE)
    np.testing.assert_allclose(system.quantity(made), made.quantity, rtol=1e-5)


def test_the_pace_leaves_the_attractor_as_it_is():
    # Starts and waiting in periods do not depend on c, so neither do the states, seen at times that scale with 1/c.
    slow, fast = (
        Dysts(system="MackeyGlass", burn_in=0).sample(200, [c], T=120, dt=0.4 / c, seed=3) for c in (0.8, 1.6)
    )
    values = [np.sort(made.values.ravel()) for made in (slow, fast)]
    assert np.abs(values[0] - values[1]).max() < 0.1
    np.testing.assert_allclose(values[0].std(), values[1].std(), rtol=0.05)


def test_annotations_are_those_of_dysts():
    system = Dysts(system="MackeyGlass")
    assert system.lyapunov_exponent == pytest.approx(0.073, abs=0.001)
    assert system.dimension == pytest.approx(1.775, abs=0.001)


def test_another_equation_is_not_valid_and_noise_is_not():
    made = Dysts(system="MackeyGlass").sample(10, NEAR_ONE, T=300, dt=0.2)
    assert not Dysts(system="IkedaDelay").valid(made).any()
    noise = np.random.default_rng(0).normal(0, 0.05, made.values.shape)
    assert not Dysts(system="MackeyGlass").valid(made.with_values(made.values + noise)).any()


def test_a_record_that_is_no_longer_than_its_past_is_refused():
    with pytest.raises(InputError, match=r"got T = 64 steps of 0.2; expected at least 91, because the past"):
        Dysts(system="MackeyGlass").sample(2, [0.95], T=64, dt=0.2)
    short = Dysts(system="MackeyGlass").sample(2, [1.0]).select(slice(0, 2))
    cut = type(short)(short.values[:, :40], dt=short.dt, channels=short.channels)
    assert np.isnan(Dysts(system="MackeyGlass").quantity(cut)).all()
    assert not Dysts(system="MackeyGlass").valid(cut).any()


def test_fewer_steps_than_the_interpolation_takes():
    made = Dysts(system="MackeyGlass").sample(2, [1.0])
    cut = type(made)(made.values[:, :7], dt=made.dt, channels=made.channels)
    with pytest.raises(InputError, match="got 7 steps; expected at least 8"):
        Dysts(system="MackeyGlass").quantity(cut)
