"""The maps of dysts: its own trajectories, their factor, and Lyapunov exponents by closed forms."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pushforward.errors import InputError
from pushforward.systems import Dysts, LogisticMap, dysts_systems
from pushforward.systems.dysts_annotations import kaplan_yorke_dimension

pytest.importorskip("dysts", reason="needs the extra [chaos]")

NEAR_ONE = stats.uniform(0.95, 0.1)
MAPS = [name for name, kind in dysts_systems().items() if kind == "map"]
# It solves an equation for every state.
FAST = [name for name in MAPS if name != "BlinkingVortexMap"]
# Its law has a jump and a kink near which some records fit a neighbouring factor as well.
STATED_ERROR = {"Hopalong": 1e-3}


def test_there_are_23_and_the_one_that_shares_its_name_with_a_flow_has_another():
    assert len(MAPS) == 23
    assert dysts_systems()["Duffing"] == "flow"
    assert "DuffingMap" in MAPS


@pytest.mark.parametrize("name", MAPS)
def test_at_factor_one_it_is_the_trajectory_of_dysts(name):
    import dysts.maps

    theirs = getattr(dysts.maps, {"DuffingMap": "Duffing"}.get(name, name))().make_trajectory(12)
    law = Dysts(system=name).law
    state, ours = law.start[:, None], []
    for _ in range(12):
        state = law(state, np.ones(1))
        ours.append(state[:, 0])
    # Angles are taken modulo one turn here; a turn this long is none.
    turn = {"Circle": [1.0], "Chirikov": [1e9, 2 * np.pi]}.get(name, 1e9)
    difference = (np.array(ours) - theirs.reshape(12, -1)) / turn
    assert (np.abs(difference - np.round(difference)) * turn < 1e-8).all()


@pytest.mark.parametrize("name", FAST)
def test_the_size_is_measured_and_its_trajectories_are_valid(name):
    system = Dysts(system=name)
    made = system.sample(100, NEAR_ONE, T=32)
    assert (made.dt, made.time_unit) == (1.0, "step")
    assert np.abs(system.quantity(made) / made.quantity - 1).max() <= STATED_ERROR.get(name, 1e-6)
    assert system.valid(made).all()


@pytest.mark.slow
def test_the_map_that_solves_equations_is_measured_too():
    system = Dysts(system="BlinkingVortexMap")
    made = system.sample(4, NEAR_ONE, T=16)
    np.testing.assert_allclose(system.quantity(made), made.quantity, rtol=1e-6)
    assert system.valid(made).all()


@pytest.mark.parametrize("name", ["Henon", "Baker", "Hopalong", "Chirikov"])
def test_factors_are_found_anywhere_between_a_half_and_two(name):
    system = Dysts(system=name)
    made = system.sample(200, stats.uniform(0.55, 1.4), T=48, seed=2)
    assert np.mean(np.abs(system.quantity(made) / made.quantity - 1) <= 1e-6) > 0.98


def test_where_the_steps_that_are_compared_first_tell_nothing_all_are():
    # In two of these, half the size predicts the eight steps compared first as well as the true one.
    system = Dysts(system="Baker")
    made = system.sample(1_000, NEAR_ONE)
    np.testing.assert_allclose(system.quantity(made), made.quantity, rtol=1e-6)


@pytest.mark.parametrize(
    ("name", "parameter"), [("Henon", "b"), ("Ikeda", "u"), ("Circle", "k"), ("Tent", "mu")]
)
def test_a_named_parameter_is_scaled_and_measured(name, parameter):
    system = Dysts(system=name, parameter=parameter)
    made = system.sample(100, stats.uniform(0.95, 0.05))
    np.testing.assert_allclose(system.quantity(made), made.quantity, rtol=1e-6)
    assert system.valid(made).all()


def test_its_logistic_map_is_the_logistic_map():
    made = Dysts(system="Logistic", parameter="r").sample(100, stats.uniform(0.95, 0.05))
    np.testing.assert_allclose(LogisticMap().quantity(made), 3.9 * made.quantity, rtol=1e-6)


def test_many_trajectories_follow_the_intended_law_of_the_size():
    system = Dysts(system="Henon")
    made = system.sample(4_000, NEAR_ONE, T=8, seed=1)
    assert stats.kstest(system.quantity(made), NEAR_ONE.cdf).pvalue > 0.001
    assert len(np.unique(made.values[:, 0, 0])) > 3_990


@pytest.mark.parametrize(
    ("name", "exponent", "dimension"),
    [
        ("Tent", np.log(1.9), 1.0),
        ("Chebyshev", np.log(6), 1.0),
        ("Baker", np.log(2), 2.0),
        ("KaplanYorke", np.log(2), 1 + np.log(2) / np.log(5)),
        ("Henon", 0.419, 1.258),
    ],
)
def test_lyapunov_exponents_and_dimensions_are_the_known_ones(name, exponent, dimension):
    system = Dysts(system=name)
    assert system.lyapunov_exponent == pytest.approx(exponent, abs=0.005)
    assert system.dimension == pytest.approx(dimension, abs=0.01)
    assert len(system.annotations["lyapunov_spectrum_estimated"]) == len(system.channels)


def test_the_dimension_of_kaplan_and_yorke():
    assert kaplan_yorke_dimension(np.array([-0.5])) == 0
    assert kaplan_yorke_dimension(np.array([0.5])) == 1
    assert kaplan_yorke_dimension(np.array([0.9, 0.0, -14.6])) == pytest.approx(2 + 0.9 / 14.6)


def test_another_map_is_not_valid_and_noise_is_not():
    made = Dysts(system="Henon").sample(20, NEAR_ONE)
    assert not Dysts(system="Tinkerbell").valid(made).any()
    noise = np.random.default_rng(0).normal(0, 0.2, made.values.shape)
    assert not Dysts(system="Henon").valid(made.with_values(made.values + noise)).any()


@pytest.mark.parametrize("factor", [0.5, 2.1, -1.0])
def test_factors_that_are_not_looked_for_are_refused(factor):
    with pytest.raises(InputError, match=r"factor of .* expected above 0.5 and at most 2"):
        Dysts(system="Henon").sample(2, [factor])


def test_a_parameter_that_makes_the_motion_diverge_is_refused():
    with pytest.raises(InputError, match="the motion diverges for 5 of 5 trajectories"):
        Dysts(system="Logistic", parameter="r").sample(5, [1.1])


@pytest.mark.parametrize("parameter", ["pace", "mu"])
def test_parameters_that_it_has_not(parameter):
    with pytest.raises(
        InputError, match=rf"unknown parameter of dysts Henon: '{parameter}'.* valid: a, b, size"
    ):
        Dysts(system="Henon", parameter=parameter)
