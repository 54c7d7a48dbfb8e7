"""Kepler's orbits: ellipses in time, with the intended eccentricity or energy."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.integrate import solve_ivp

from pushforward.errors import InputError
from pushforward.measure.intended import Intended
from pushforward.quantities import Eccentricity, KeplerEnergy
from pushforward.systems import Kepler
from pushforward.systems.kepler import _advanced, _kepler

SUN = 4 * np.pi**2


def test_energy_and_eccentricity_are_those_of_the_ellipse():
    made = Kepler(semi_major_axis=2.0).sample(100, [0.4])
    np.testing.assert_allclose(KeplerEnergy()(made), -SUN / 4, rtol=1e-6)
    radius = np.hypot(made.values[:, :, 0], made.values[:, :, 1])
    assert radius.min() == pytest.approx(1.2, rel=0.01)
    assert radius.max() == pytest.approx(2.8, rel=0.01)
    assert KeplerEnergy().unit_of(made) == "(AU/yr)²"


def test_an_orbit_of_one_unit_takes_a_year():
    made = Kepler().sample(50, Intended.uniform(0.0, 0.8), T=3, dt=1.0)
    np.testing.assert_allclose(made.values[:, 1], made.values[:, 0], atol=2e-5)


@given(st.floats(0, 0.95), st.floats(-20, 20))
def test_keplers_equation_is_solved(e, mean):
    root = _kepler(np.array([mean]), np.array([e]))[0]
    error = root - e * np.sin(root) - mean
    assert abs(np.sin(error / 2)) < 1e-13


@pytest.mark.parametrize("mirrored", [1, -1])
def test_states_are_advanced_as_an_integrator_does(mirrored):
    start = Kepler().simulate(np.array([0.0, 0.3, 0.8]), 2, 0.1, np.random.default_rng(2))[:, 0]
    start[:, 1::2] *= mirrored
    ours = _advanced(start, SUN, 0.37)

    def law(t, y):
        cube = np.hypot(y[0], y[1]) ** 3
        return [y[2], y[3], -SUN * y[0] / cube, -SUN * y[1] / cube]

    for state, moved in zip(start, ours, strict=True):
        peer = solve_ivp(law, (0, 0.37), state, "DOP853", rtol=1e-11, atol=1e-11).y[:, -1]
        np.testing.assert_allclose(moved, peer, atol=1e-6)


def test_states_are_uniform_in_time():
    # At e = 0.8 most of the time is spent far out: r > a for a share ½ + e/π of the period.
    made = Kepler().sample(20_000, [0.8], T=2)
    far = np.hypot(made.values[:, 0, 0], made.values[:, 0, 1]) > 1
    assert far.mean() == pytest.approx(0.5 + 0.8 / np.pi, abs=0.015)


def test_valid_are_orbits_only():
    made = Kepler().sample(60, Intended.uniform(0.0, 0.8))
    assert Kepler(tolerance=1e-3).valid(made).all()
    assert not Kepler(mu=1.5 * SUN).valid(made).any()
    assert not Kepler().valid(made.with_values(made.values[:, ::-1])).any()
    escaping, still = made.values.copy(), made.values * 0
    escaping[:, :, 2:] *= 3
    assert not Kepler().valid(made.with_values(escaping)).any()
    assert not Kepler().valid(made.with_values(still)).any()
    mirrored = made.values * np.float32([1, -1, 1, -1])
    assert Kepler().valid(made.with_values(mirrored)).all()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: Kepler().sample(3, [0.96]), "got eccentricity 0.96 .3 of 3 draws.; expected 0 ≤ e ≤ 0.95"),
        (lambda: Kepler().sample(3, [-0.1]), "expected 0 ≤ e"),
        (
            lambda: Kepler(quantity_kind="energy").sample(3, [0.0]),
            "got energy 0 .* expected E < 0, a bound orbit",
        ),
        (lambda: Kepler(quantity_kind="mass"), "one of eccentricity, energy"),
        (lambda: Kepler(mu=0), "got mu 0; expected a positive number"),
        (lambda: Kepler(semi_major_axis=-1), "got semi_major_axis -1"),
        (lambda: Kepler(eccentricity=1.0), "got eccentricity 1"),
    ],
)
def test_what_does_not_fit(call, message):
    with pytest.raises(InputError, match=message):
        call()


def test_a_fall_through_the_centre_has_no_eccentricity():
    made = Kepler().sample(2, [0.5])
    values = made.values.copy()
    values[0, 3, :2] = 0
    assert np.isnan(Eccentricity()(made.with_values(values))).tolist() == [True, False]
