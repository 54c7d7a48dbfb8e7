"""The cone: its half-angle, and what rays and helices on it look like."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import optimize, stats

from pushforward.errors import InputError
from pushforward.quantities import ConeHalfAngle
from pushforward.systems import Cone, create
from pushforward.trajectories import Trajectories

UNIFORM = stats.uniform(0.2, 1.2)


def test_points_lie_on_the_cone_and_leave_its_apex_at_constant_speed():
    made = Cone(length=2.0).sample(500, UNIFORM)
    points = made.values.astype(float)
    assert np.abs(points[:, 0]).max() == 0
    distance = np.linalg.norm(points, axis=2)
    np.testing.assert_allclose(distance, np.tile(2.0 * np.arange(32) / 31, (500, 1)), rtol=1e-6, atol=1e-7)
    angle = np.arccos(points[:, 1:, 2] / distance[:, 1:])
    np.testing.assert_allclose(angle, np.tile(made.quantity[:, None], 31), rtol=1e-5)


def test_without_turns_it_is_a_ray():
    made = Cone(least_turns=0.0, most_turns=0.0).sample(20, UNIFORM)
    steps = np.diff(made.values.astype(float), axis=1)
    np.testing.assert_allclose(steps, np.broadcast_to(steps[:, :1], steps.shape), atol=1e-6)


def test_the_half_angle_minimises_the_squared_distances():
    rng = np.random.default_rng(0)
    made = Cone().sample(1, [0.7])
    points = made.values[0].astype(float) + rng.normal(0, 0.05, (32, 3))
    noisy = made.with_values(points[None])
    x, y, z = noisy.values[0].astype(float).T
    best = optimize.minimize_scalar(
        lambda a: np.square(np.hypot(x, y) * np.cos(a) - z * np.sin(a)).sum(),
        bounds=(0, 1.5),
        method="bounded",
        options={"xatol": 1e-10},
    )
    assert ConeHalfAngle()(noisy)[0] == pytest.approx(best.x, abs=1e-6)


def test_degrees_another_apex_and_other_channels():
    made = Cone().sample(5, UNIFORM)
    moved = Trajectories(made.values + np.float32([1, 2, 3]), channels=("a", "b", "c"), units=("m",) * 3)
    measured = ConeHalfAngle(channels=("a", "b", "c"), apex=(1.0, 2.0, 3.0), unit="deg")(moved)
    np.testing.assert_allclose(measured, np.degrees(made.quantity), rtol=1e-5)


def test_below_the_apex_it_is_obtuse_and_at_the_apex_not_defined():
    made = Cone().sample(1, [0.4])
    below = made.with_values(made.values * np.float32([1, 1, -1]))
    assert ConeHalfAngle()(below)[0] == pytest.approx(np.pi - 0.4)
    assert np.isnan(ConeHalfAngle()(made.with_values(np.zeros((1, 32, 3))))[0])


class TestValid:
    @pytest.mark.parametrize(
        "broken",
        [
            lambda p: p[:, :, [0, 2, 1]],  # another axis
            lambda p: p[:, ::-1],  # back to the apex
            lambda p: p + 0.2,  # another apex
            lambda p: np.concatenate(
                [p[:, :16], p[:, 16:] * np.float32([-1, 1, 1])], axis=1
            ),  # a jump around it
        ],
    )
    def test_what_is_on_no_such_cone_is_not(self, broken):
        made = Cone(least_turns=0.5).sample(40, stats.uniform(0.5, 0.2))
        assert Cone().valid(made.with_values(broken(made.values))).mean() <= 0.1

    def test_a_changing_speed_is_not(self):
        made = Cone().sample(40, UNIFORM)
        slower = made.values * np.float32(np.linspace(0, 1, 32)[None, :, None])
        assert not Cone().valid(made.with_values(slower)).any()

    def test_ragged_trajectories_are_judged_by_their_own_steps(self):
        made = Cone().sample(20, UNIFORM)
        ragged = Trajectories(made.values, lengths=np.resize([5, 32], 20), channels=made.channels)
        assert Cone().valid(ragged).all()


@pytest.mark.parametrize("angle", [0.0, -0.1, np.pi / 2, 2.0])
def test_angles_of_no_cone_are_refused(angle):
    with pytest.raises(InputError, match=r"half-angle of .* rad .*; expected between 0 and π/2"):
        Cone().sample(2, [angle])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"length": 0.0}, "length 0; expected above 0 m"),
        ({"least_turns": 2.0}, "turns from 2 to 1"),
        ({"tolerance": -1.0}, "tolerance"),
    ],
)
def test_parameters_that_do_not_fit(parameters, message):
    with pytest.raises(InputError, match=message):
        create("cone", **parameters)


def test_settings_of_the_quantity_that_do_not_fit():
    with pytest.raises(InputError, match="got 2 channels and 3 coordinates"):
        ConeHalfAngle(channels=("x", "y"))
