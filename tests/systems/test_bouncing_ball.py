"""The bouncing ball: exact impacts, and the restitution they tell."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pushforward.errors import InputError
from pushforward.quantities import Restitution
from pushforward.systems import BouncingBall, create
from pushforward.systems.bouncing_ball import after

UNIFORM = stats.uniform(0.5, 0.45)
G = 9.81


def event_by_event(time, launch, e):
    """The same ball, one impact after the other."""
    speed, flight = launch, 2 * launch / G
    for _ in range(10_000):
        if time < flight or speed < 1e-300:
            return speed * time - G * time**2 / 2, speed - G * time
        time, speed = time - flight, e * speed
        flight = 2 * speed / G
    return 0.0, 0.0


@given(st.floats(0, 8), st.floats(1, 8), st.floats(0.05, 1.0))
@settings(max_examples=200)
def test_the_closed_form_is_the_ball_of_event_after_event(time, launch, e):
    z, _ = after(np.array([time]), np.array([launch]), np.array([e]), G)
    expected_z, _ = event_by_event(time, launch, e)
    assert z[0] == pytest.approx(max(expected_z, 0.0), abs=1e-6)
    assert z[0] >= 0


def test_flights_are_parabolas_and_rebounds_lose_the_share_one_minus_e_squared():
    made = BouncingBall().sample(200, stats.uniform(0.8, 0.15), T=64, dt=0.02)
    z, v = np.moveaxis(made.values.astype(float), 2, 0)
    energy = v**2 / 2 + G * z
    ratio = energy[:, 1:] / energy[:, :-1]
    in_flight = v[:, 1:] < v[:, :-1]
    np.testing.assert_allclose(ratio[in_flight], 1, rtol=1e-5)
    once = np.isclose(ratio, made.quantity[:, None] ** 2, rtol=1e-5)
    assert once.any(axis=1).all()


def test_the_restitution_is_exact_from_the_smallest_it_can_measure_to_one():
    ball = BouncingBall()
    made = ball.sample(20_000, stats.uniform(0.07, 0.93))
    np.testing.assert_allclose(ball.quantity(made), made.quantity, rtol=1e-6)
    np.testing.assert_allclose(ball.quantity(ball.sample(100, [1.0])), 1, rtol=1e-6)


def test_a_ball_comes_to_rest():
    made = BouncingBall().sample(50, [0.3], T=128)
    assert (made.values[:, -1] == 0).all()
    assert BouncingBall().valid(made).all()


def test_it_starts_at_a_uniform_time_of_the_first_flight():
    made = BouncingBall(slowest=5.0, fastest=5.0).sample(20_000, [0.8])
    since = (5.0 - made.values[:, 0, 1].astype(float)) / G
    assert stats.kstest(since, stats.uniform(0, 10 / G).cdf).pvalue > 0.001


class TestRestitution:
    def test_without_a_bounce_it_is_not_defined(self):
        made = BouncingBall().sample(3, [0.8])
        time = np.arange(made.T) * made.dt
        falling = np.stack([100 - G * time**2 / 2, -G * time], axis=1)
        assert np.isnan(Restitution()(made.with_values(np.tile(falling, (3, 1, 1))))).all()

    def test_channels_and_gravity_are_settings(self):
        moon = BouncingBall(gravity=1.62, slowest=1.0, fastest=2.0)
        made = moon.sample(100, UNIFORM, T=128)
        assert made.quantity_name == "restitution(gravity=1.62)"
        np.testing.assert_allclose(moon.quantity(made), made.quantity, rtol=1e-6)

    def test_gravity_that_does_not_fit(self):
        with pytest.raises(InputError, match="gravity 0; expected above 0"):
            Restitution(gravity=0.0)


class TestValid:
    def test_a_ball_under_other_gravity_is_not(self):
        heavy = BouncingBall(gravity=15.0, slowest=5.0, fastest=6.0).sample(50, UNIFORM)
        assert not BouncingBall(tolerance=0.02).valid(heavy).any()

    def test_a_ball_that_changes_its_restitution_is_not(self):
        ball = BouncingBall(slowest=4.0, fastest=4.0)
        lively, dull = (ball.sample(50, [e], T=64) for e in (0.9, 0.5))
        mixed = np.concatenate([lively.values[:, :32], dull.values[:, 32:]], axis=1)
        assert not ball.valid(lively.with_values(mixed)).any()

    def test_one_that_falls_through_the_ground_is_not(self):
        made = BouncingBall().sample(50, UNIFORM)
        assert not BouncingBall().valid(made.with_values(made.values - np.float32([0.5, 0]))).any()


@pytest.mark.parametrize("e", [0.0, 0.04, 1.001, -0.5])
def test_restitutions_that_do_not_fit_are_refused(e):
    with pytest.raises(InputError, match=r"restitution of .* \(2 of 2 draws\); expected between 0.0613125"):
        BouncingBall().sample(2, [e])


def test_a_record_that_may_hold_no_bounce_is_refused():
    with pytest.raises(InputError, match=r"record of 0\.95 s; expected at least the first flight's 1\.22"):
        BouncingBall().sample(2, UNIFORM, T=20)


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"slowest": 7.0}, "speeds from 7 to 6"),
        ({"gravity": 0.0}, "gravity 0"),
        ({"tolerance": -1.0}, "tolerance"),
    ],
)
def test_parameters_that_do_not_fit(parameters, message):
    with pytest.raises(InputError, match=message):
        create("bouncing-ball", **parameters)
