"""Speeds, accelerations and energies against uniformly accelerated, circular and great-circle motion."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.quantities import Duration, KineticEnergy, MaxSpeed, MeanAcceleration, MeanJerk, MeanSpeed
from pushforward.quantities.sphere import EARTH_RADIUS
from pushforward.trajectories import Trajectories

DT = 0.25
TIME = np.arange(17) * DT


def one(points, dt=DT, units=("m", "m"), channels=("x", "y"), **settings):
    return Trajectories(np.asarray(points, float)[None], dt=dt, units=units, channels=channels, **settings)


def polynomial(x, y=0.0):
    return one(np.stack([x + 0 * TIME, y + 0 * TIME], axis=1))


def value(quantity, trajectories):
    return float(quantity(trajectories)[0])


def test_uniform_motion():
    motion = polynomial(3 * TIME, 4 * TIME)
    assert value(Duration(), motion) == 4
    assert value(MeanSpeed(), motion) == pytest.approx(5)
    assert value(MaxSpeed(), motion) == pytest.approx(5)
    assert value(MeanAcceleration(), motion) == pytest.approx(0, abs=1e-4)
    assert value(KineticEnergy(mass=2), motion) == pytest.approx(25)


def test_uniform_acceleration():
    motion = polynomial(0.5 * 3 * TIME**2, 0.5 * 4 * TIME**2)
    assert value(MeanAcceleration(), motion) == pytest.approx(5, rel=1e-6)
    assert value(MeanJerk(), motion) == pytest.approx(0, abs=1e-3)
    assert value(MeanSpeed(), motion) == pytest.approx(5 * 4 / 2)
    assert value(MaxSpeed(), motion) == pytest.approx(5 * (4 - DT / 2))


def test_uniform_jerk():
    assert value(MeanJerk(), polynomial(TIME**3 / 6 * 2)) == pytest.approx(2, rel=1e-4)


def test_on_a_circle_the_acceleration_points_inwards():
    angle = np.arange(1000) * 0.01
    motion = one(np.stack([2 * np.cos(angle), 2 * np.sin(angle)], axis=1), dt=0.01)
    assert value(MeanAcceleration(), motion) == pytest.approx(2, rel=1e-2)
    assert value(KineticEnergy(), motion) == pytest.approx(0.5 * 4, rel=1e-4)


@pytest.mark.parametrize(
    ("quantity", "natural", "wanted", "factor"),
    [
        (MeanSpeed, "m/s", "km/h", 3.6),
        (MaxSpeed, "m/s", "knots", 3600 / 1852),
        (MeanAcceleration, "m/s²", "m/s^2", 1),
        (MeanAcceleration, "m/s²", "km/h²", 3600**2 / 1000),
        (MeanJerk, "m/s³", "cm/s³", 100),
        (Duration, "s", "min", 1 / 60),
    ],
)
def test_units(quantity, natural, wanted, factor):
    motion = polynomial(TIME**3)
    assert quantity().unit_of(motion) == natural
    assert quantity(unit=wanted).unit_of(motion) == wanted
    assert value(quantity(unit=wanted), motion) == pytest.approx(factor * value(quantity(), motion))


def test_unknown_units_stay_unknown():
    motion = one(np.zeros((4, 2)), units=())
    for quantity in (MeanSpeed(), MaxSpeed(), MeanAcceleration(), MeanJerk(), KineticEnergy()):
        assert quantity.unit_of(motion) == ""


class TestOnTheEarth:
    def storm(self, points, dt=6.0):
        return one(points, dt=dt, channels=("latitude", "longitude"), units=("deg", "deg"), time_unit="h")

    def test_one_degree_of_the_equator_in_six_hours(self):
        degree = EARTH_RADIUS * np.pi / 180
        motion = self.storm([[0, 179 + k - (360 if k > 1 else 0)] for k in range(4)])
        assert value(MeanSpeed(), motion) == pytest.approx(degree / 6)
        assert value(MaxSpeed(), motion) == pytest.approx(degree / 6)
        assert MeanSpeed().unit_of(motion) == "km/h"
        assert value(MeanAcceleration(), motion) == pytest.approx(0, abs=1e-9)
        assert value(MeanJerk(), motion) == pytest.approx(0, abs=1e-9)
        assert KineticEnergy().unit_of(motion) == "J"
        assert value(KineticEnergy(), motion) == pytest.approx(0.5 * (degree * 1000 / 6 / 3600) ** 2)

    def test_a_meridian_over_the_pole_is_uniform_motion(self):
        motion = self.storm([[70, 0], [80, 0], [90, 0], [80, 180], [70, 180]])
        assert value(MeanAcceleration(), motion) == pytest.approx(0, abs=1e-6)

    def test_acceleration_along_a_meridian_is_the_plane_one(self):
        latitude = 0.5 * 0.1 * np.arange(6) ** 2
        motion = self.storm(np.stack([latitude, 0 * latitude], axis=1), dt=1.0)
        assert value(MeanAcceleration(), motion) == pytest.approx(EARTH_RADIUS * np.radians(0.1), rel=1e-5)

    def test_a_small_patch_is_flat(self):
        rng = np.random.default_rng(0)
        degrees = rng.uniform(-0.05, 0.05, (50, 9, 2))
        ball = Trajectories(degrees, channels=("lat", "lon"), time_unit="h")
        kilometres = np.radians(ball.values.astype(float)) * EARTH_RADIUS
        plane = Trajectories(kilometres, channels=("x", "y"), units=("km", "km"), time_unit="h")
        for quantity in (MeanAcceleration(), MeanJerk(), MaxSpeed()):
            np.testing.assert_allclose(quantity(ball), quantity(plane), rtol=1e-5)

    def test_beyond_a_pole_is_not_defined(self):
        motion = self.storm([[89, 0], [91, 0], [89, 0], [88, 0]])
        for quantity in (MeanSpeed(), MaxSpeed(), MeanAcceleration(), MeanJerk(), KineticEnergy()):
            assert np.isnan(value(quantity, motion)), quantity.name


class TestKineticEnergy:
    def test_velocity_channels_are_used_where_the_data_has_them(self):
        points = np.array([[0, 0, 3, 4], [9, 9, 6, 8]])
        motion = one(points, channels=("x", "y", "vx", "vy"), units=("m", "m", "m/s", "m/s"))
        assert value(KineticEnergy(mass=2), motion) == pytest.approx((25 + 100) / 2)
        assert KineticEnergy().unit_of(motion) == "J"
        assert value(KineticEnergy(velocity=("vx",)), motion) == pytest.approx(0.5 * (9 + 36) / 2)
        from_positions = 0.5 * (2 * 81) / DT**2
        assert value(KineticEnergy(channels=("x", "y")), motion) == pytest.approx(from_positions)

    def test_one_point_has_a_velocity_only_where_it_is_recorded(self):
        assert np.isnan(value(KineticEnergy(), one([[1, 2]])))
        assert value(KineticEnergy(), one([[3, 4]], channels=("vx", "vy"), units=())) == 12.5

    def test_units_other_than_metres_are_converted_to_joules(self):
        motion = one([[36, 0], [36, 0]], channels=("vx", "vy"), units=("km/h", "km/h"))
        assert value(KineticEnergy(), motion) == pytest.approx(50)

    def test_refusals(self):
        with pytest.raises(InputError, match="mass 0; expected above 0 kg"):
            KineticEnergy(mass=0)
        with pytest.raises(InputError, match="different units: got m/s, unknown"):
            KineticEnergy()(one([[1, 2]], channels=("vx", "vy"), units=("m/s", "")))
        with pytest.raises(InputError, match="unknown channel"):
            KineticEnergy(velocity=("w",))(one([[1, 2]]))


@pytest.mark.parametrize(
    ("quantity", "needed"),
    [(MeanSpeed(), 2), (MaxSpeed(), 2), (MeanAcceleration(), 3), (MeanJerk(), 4), (KineticEnergy(), 2)],
)
@pytest.mark.parametrize("padded", [False, True])
def test_too_few_steps_are_not_defined(quantity, needed, padded):
    points = np.arange(10.0).reshape(5, 2)
    for steps in (1, 2, 3, 4, 5):
        motion = one(points, lengths=[steps]) if padded else one(points[:steps])
        assert np.isnan(value(quantity, motion)) == (steps < needed)
