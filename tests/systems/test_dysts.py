"""The adapter to dysts, and its flows: their factor, their annotations, and all of them at once."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pushforward.errors import InputError
from pushforward.systems import Dysts, Lorenz63, create, dysts_systems
from pushforward.systems.integrators import integrate

pytest.importorskip("dysts", reason="needs the extra [chaos]")

NEAR_ONE = stats.uniform(0.95, 0.1)


def test_its_lorenz_is_the_lorenz_system():
    made = Dysts(parameter="rho").sample(100, NEAR_ONE)
    measured = Lorenz63(sigma=10, beta=2.667).quantity
    like = made.__class__(made.values, dt=made.dt, channels=("x", "y", "z"))
    np.testing.assert_allclose(measured(like), 28 * made.quantity, rtol=1e-6)
    assert Lorenz63(sigma=10, beta=2.667).valid(like).all()


@pytest.mark.parametrize("system", ["Rossler", "Thomas", "SprottA", "Lorenz96", "HenonHeiles"])
def test_the_pace_of_a_flow_is_measured_and_its_trajectories_are_valid(system):
    flow = Dysts(system=system)
    made = flow.sample(40, NEAR_ONE)
    assert len(made.channels) == len(made.units) == made.C
    np.testing.assert_allclose(flow.quantity(made), made.quantity, rtol=1e-6)
    assert flow.valid(made).all()


@pytest.mark.parametrize("parameter", ["a", "b", "c"])
def test_a_named_parameter_is_scaled_and_measured(parameter):
    flow = Dysts(system="Rossler", parameter=parameter, burn_in=5.0)
    made = flow.sample(40, NEAR_ONE)
    assert made.quantity_name == f"dysts-factor(system=Rossler, parameter={parameter})"
    np.testing.assert_allclose(flow.quantity(made), made.quantity, rtol=1e-5)


def test_the_law_of_the_factor_is_the_intended_one():
    flow = Dysts(system="Rossler")
    made = flow.sample(2000, NEAR_ONE, T=16, seed=1)
    assert stats.kstest(flow.quantity(made), NEAR_ONE.cdf).pvalue > 0.001


def test_annotations_are_those_of_dysts():
    lorenz = Dysts()
    assert lorenz.lyapunov_exponent == pytest.approx(0.89, abs=0.01)
    assert lorenz.dimension == pytest.approx(1.99, abs=0.02)
    assert lorenz.annotations["kaplan_yorke_dimension"] == pytest.approx(2.075, abs=0.01)


def test_another_flow_is_not_valid():
    made = Dysts(system="Rossler").sample(20, NEAR_ONE, dt=0.05)
    assert not Dysts(system="Lorenz").valid(made).any()


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"system": "Lorentz"}, "unknown dysts system 'Lorentz'; did you mean 'Lorenz'"),
        ({"system": "Zaslavskii"}, "unknown dysts system 'Zaslavskii'"),
        ({"parameter": "tau"}, "unknown parameter of dysts Lorenz: 'tau'"),
        ({"burn_in": -1.0}, "burn_in = -1"),
        ({"longest_step": 0.0}, "longest_step = 0"),
        ({"tolerance": -1.0}, "tolerance = -1"),
    ],
)
def test_parameters_that_do_not_fit(parameters, message):
    with pytest.raises(InputError, match=message):
        create("dysts", **parameters)


def test_factors_and_channels_that_do_not_fit():
    with pytest.raises(InputError, match=r"factor of 0 \(2 of 2 draws\); expected above 0"):
        Dysts().sample(2, [0.0])
    with pytest.raises(InputError, match="got 3 channels; expected the 4 of Lorenz96"):
        Dysts(system="Lorenz96").quantity(Dysts().sample(2, NEAR_ONE))


@pytest.mark.filterwarnings("ignore:The following arguments have no effect")
@pytest.mark.parametrize("system", ["Rossler", "SprottA", "Lorenz96", "Halvorsen"])
def test_for_a_short_time_it_is_the_trajectory_of_dysts(system):
    import dysts.flows

    time, theirs = getattr(dysts.flows, system)().make_trajectory(
        20, resample=True, pts_per_period=20, method="DOP853", rtol=1e-10, atol=1e-10, return_times=True
    )
    law = Dysts(system=system).law
    ours = integrate(law, law.start[:, None], 20, time[1], law.substeps(time[1]), parameters=np.ones((1, 1)))[
        0
    ]
    np.testing.assert_allclose(ours, theirs, rtol=1e-6, atol=1e-6)


def test_a_step_too_long_for_the_flow_is_refused():
    with pytest.raises(InputError, match="the motion diverges for 4 of 4 trajectories"):
        Dysts(longest_step=0.5).sample(4, NEAR_ONE, T=4)


# What float32 rounds of a clock or of small scales, states that hardly move, and a law that jumps.
STATED_ERROR = {"MacArthur": 0.01, "SprottMore": 0.1, "TurchinHanski": 1e-3}
FLOWS = sorted(name for name, kind in dysts_systems().items() if kind == "flow")


@pytest.mark.slow
@pytest.mark.parametrize("system", FLOWS)
def test_every_flow(system):
    flow = Dysts(system=system)
    made = flow.sample(4, NEAR_ONE, T=24)
    assert np.abs(flow.quantity(made) / made.quantity - 1).max() <= STATED_ERROR.get(system, 1e-4)
    assert flow.valid(made).mean() >= (0.5 if system == "SprottMore" else 1.0)


def test_every_system_is_listed_with_its_kind():
    assert len(dysts_systems()) == 158
    assert len(FLOWS) == 129
