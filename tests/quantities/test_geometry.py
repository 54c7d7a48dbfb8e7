"""Shapes of paths against closed forms: lines, circles, great circles."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pushforward.errors import InputError
from pushforward.quantities import Displacement, MeanCurvature, PathLength, Tortuosity, TotalTurning
from pushforward.quantities.sphere import EARTH_RADIUS
from pushforward.trajectories import Trajectories

QUARTER = EARTH_RADIUS * np.pi / 2


def one(points, **settings):
    return Trajectories(np.asarray(points, dtype=np.float64)[None], **settings)


def on_earth(points):
    return one(points, channels=("latitude", "longitude"), units=("deg", "deg"))


def circle(steps, radius=2.0):
    angle = np.linspace(0, 2 * np.pi, steps + 1)
    return one(np.stack([radius * np.cos(angle), radius * np.sin(angle)], axis=1))


def value(quantity, trajectories):
    return float(quantity(trajectories)[0])


class TestInThePlane:
    @pytest.mark.parametrize("width", [1, 2, 3, 4])
    def test_a_straight_line_is_as_long_as_its_ends_are_apart(self, width):
        line = one(np.linspace(0, 1, 11)[:, None] * np.arange(1, width + 1))
        length = np.sqrt(np.sum(np.arange(1, width + 1) ** 2))
        assert value(PathLength(), line) == pytest.approx(length, rel=1e-6)
        assert value(Displacement(), line) == pytest.approx(length, rel=1e-6)
        assert value(Tortuosity(), line) == pytest.approx(1, rel=1e-6)
        assert value(TotalTurning(), line) == pytest.approx(0, abs=1e-5)

    @pytest.mark.parametrize("steps", [4, 16, 1000])
    def test_a_circles_polygon(self, steps):
        chord = 2 * 2.0 * np.sin(np.pi / steps)
        assert value(PathLength(), circle(steps)) == pytest.approx(steps * chord, rel=1e-6)
        assert value(Displacement(), circle(steps)) == pytest.approx(0, abs=1e-6)
        turning = (steps - 1) * 2 * np.pi / steps
        assert value(TotalTurning(), circle(steps)) == pytest.approx(turning, rel=2e-5)
        assert value(MeanCurvature(), circle(steps)) == pytest.approx(turning / (steps * chord), rel=2e-5)

    def test_a_right_angle(self):
        corner = one([[0, 0], [3, 0], [3, 4]])
        assert value(PathLength(), corner) == 7
        assert value(Displacement(), corner) == 5
        assert value(Tortuosity(), corner) == pytest.approx(1.4)
        assert value(TotalTurning(), corner) == pytest.approx(np.pi / 2)
        assert value(TotalTurning(unit="deg"), corner) == pytest.approx(90)

    def test_there_and_back_turns_by_pi(self):
        assert value(TotalTurning(), one([[0, 0], [1, 0], [0, 0]])) == pytest.approx(np.pi)
        assert value(TotalTurning(), one([[0], [1], [0]])) == pytest.approx(np.pi)

    def test_waiting_is_no_turning(self):
        moving = one([[0, 0], [1, 0], [1, 1], [0, 1]])
        waiting = one([[0, 0], [0, 0], [1, 0], [1, 0], [1, 0], [1, 1], [1, 1], [0, 1], [0, 1]])
        assert value(TotalTurning(), waiting) == pytest.approx(value(TotalTurning(), moving))

    def test_units(self):
        metres = one([[0, 0], [3, 4]], channels=("x", "y"), units=("m", "m"))
        assert PathLength().unit_of(metres) == "m"
        assert PathLength(unit="km").unit_of(metres) == "km"
        assert value(PathLength(unit="km"), metres) == pytest.approx(0.005)
        assert MeanCurvature().unit_of(metres) == "rad/m"
        assert Tortuosity().unit_of(metres) == ""
        assert TotalTurning().unit_of(metres) == "rad"
        with pytest.raises(InputError, match="cannot convert 'm'"):
            PathLength(unit="s")(metres)
        with pytest.raises(InputError, match="does not say its own unit"):
            PathLength(unit="km")(one([[0, 0], [3, 4]]))


class TestOnTheEarth:
    @pytest.mark.parametrize(
        ("points", "expected"),
        [
            ([[0, 0], [0, 90]], QUARTER),
            ([[0, 0], [90, 0]], QUARTER),
            ([[0, 45], [0, 135]], QUARTER),
            ([[-90, 0], [90, 77]], 2 * QUARTER),
            ([[0, 0], [0, 180]], 2 * QUARTER),
            ([[0, 179.5], [0, -179.5]], QUARTER / 90),
            ([[60, 0], [60, 180]], EARTH_RADIUS * np.pi / 3),
            ([[0, 0], [0, 2.0**-20]], QUARTER / 90 * 2.0**-20),
        ],
    )
    def test_known_great_circles(self, points, expected):
        assert value(PathLength(), on_earth(points)) == pytest.approx(expected, rel=1e-9)
        assert value(Displacement(), on_earth(points)) == pytest.approx(expected, rel=1e-9)
        assert value(PathLength(unit="nmi"), on_earth(points)) == pytest.approx(expected / 1.852, rel=1e-9)

    def test_paris_to_new_york(self):
        # By the spherical law of cosines, an independent formula that is exact enough at this distance.
        points = np.array([[48.8566, 2.3522], [40.7128, -74.006]], dtype=np.float32).astype(np.float64)
        (a, b), (c, d) = np.radians(points)
        expected = EARTH_RADIUS * np.arccos(np.sin(a) * np.sin(c) + np.cos(a) * np.cos(c) * np.cos(d - b))
        assert expected == pytest.approx(5837, abs=1)
        assert value(PathLength(), on_earth(points)) == pytest.approx(expected, rel=1e-9)

    def test_wind_and_other_channels_do_not_count(self):
        storm = one([[0, 0, 10], [0, 1, 99]], channels=("latitude", "longitude", "wind"))
        assert value(PathLength(), storm) == pytest.approx(QUARTER / 90)
        assert PathLength().unit_of(storm) == "km"

    def test_beyond_a_pole_is_not_defined(self):
        nowhere = on_earth([[89, 0], [91, 0], [89, 0]])
        for quantity in (PathLength(), Tortuosity(), TotalTurning(), MeanCurvature()):
            assert np.isnan(value(quantity, nowhere)), quantity.name

    def test_a_great_circle_does_not_turn_and_a_triangle_does(self):
        equator = on_earth([[0, 170 + 5 * k if k < 3 else 5 * k - 190] for k in range(6)])
        assert value(TotalTurning(), equator) == pytest.approx(0, abs=1e-9)
        octant = on_earth([[0, 0], [0, 90], [90, 0]])
        assert value(TotalTurning(), octant) == pytest.approx(np.pi / 2)

    def test_a_parallel_turns_by_its_geodesic_curvature(self):
        # Geodesic curvature of the parallel at latitude β is tan β / R.
        parallel = on_earth(np.stack([np.full(181, 60.0), np.arange(181) - 90], axis=1))
        assert value(MeanCurvature(), parallel) == pytest.approx(np.tan(np.pi / 3) / EARTH_RADIUS, rel=0.01)

    @pytest.mark.parametrize("waiting", [0, 3])
    def test_180_degrees_east_is_180_degrees_west(self, waiting):
        path = on_earth([[10, 178], *[[10, 180], [10, -180]] * waiting, [10, 180], [12, 180]])
        plain = on_earth([[10, 178], [10, 180], [12, 180]])
        assert value(TotalTurning(), path) == pytest.approx(value(TotalTurning(), plain), abs=1e-9)


class TestUndefined:
    def test_one_point_has_length_zero_and_no_shape(self):
        point = one([[1, 2]])
        assert value(PathLength(), point) == 0
        assert value(Displacement(), point) == 0
        for quantity in (Tortuosity(), TotalTurning(), MeanCurvature()):
            assert np.isnan(value(quantity, point)), quantity.name

    def test_standing_still(self):
        still = one([[1, 2]] * 5)
        assert value(PathLength(), still) == 0
        for quantity in (Tortuosity(), TotalTurning(), MeanCurvature()):
            assert np.isnan(value(quantity, still)), quantity.name

    def test_one_step_has_no_corner(self):
        assert np.isnan(value(TotalTurning(), one([[0, 0], [1, 0], [1, 0]])))


class TestAccuracy:
    @given(st.data(), st.sampled_from([1, 2, 3]), st.sampled_from([1e-30, 1e-20, 1e-6, 1, 1e6, 1e18, 1e30]))
    def test_path_length_has_a_relative_error_below_1e_6_at_every_scale(self, data, width, scale):
        steps = data.draw(st.sampled_from([2, 3, 64, 127, 128, 129, 300]))
        values = data.draw(hnp.arrays(np.float32, (5, steps, width), elements=st.floats(-1, 1, width=32)))
        motion = Trajectories(values * np.float32(scale))
        legs = np.diff(motion.values.astype(np.float64), axis=1)
        expected = np.sqrt((legs**2).sum(axis=-1)).sum(axis=1)
        np.testing.assert_allclose(PathLength()(motion), expected, rtol=1e-6)

    @pytest.mark.parametrize("width", [1, 2, 3])
    @pytest.mark.parametrize("steps", [64, 128, 129, 5000])
    def test_and_over_many_blocks_and_steps_that_all_round_the_same_way(self, width, steps):
        rng = np.random.default_rng(0)
        step = rng.uniform(0, 0.1, (40_000_00 // (steps * width), 1, width))
        values = np.arange(steps)[None, :, None] * step + 0.1
        motion = Trajectories(values)
        legs = np.diff(motion.values.astype(np.float64), axis=1)
        expected = np.sqrt((legs**2).sum(axis=-1)).sum(axis=1)
        np.testing.assert_allclose(PathLength()(motion), expected, rtol=1e-6)

    def test_neighbours_at_opposite_ends_of_float32_do_not_mix(self):
        motion = Trajectories(np.array([[[3e38], [3e38]], [[-3e38], [-2.9e38]]], dtype=np.float32))
        np.testing.assert_allclose(PathLength()(motion), [0, 1e37], rtol=1e-6)

    def test_channels_that_do_not_lie_together(self):
        rng = np.random.default_rng(1)
        values = rng.standard_normal((50, 9, 4))
        motion = Trajectories(values, channels=("x", "v", "y", "w"))
        alone = Trajectories(values[:, :, [0, 2]])
        assert np.array_equal(PathLength()(motion), PathLength()(alone))
        assert np.array_equal(
            PathLength(channels=("y", "x"))(motion), PathLength(channels=("x1", "x0"))(alone)
        )

    def test_memory_layout_does_not_matter(self):
        values = np.asfortranarray(np.random.default_rng(2).standard_normal((50, 9, 2)).astype(np.float32))
        assert np.array_equal(
            PathLength()(Trajectories(values)), PathLength()(Trajectories(values.copy("C")))
        )

    def test_an_empty_batch_has_no_values(self):
        empty = circle(8).select(slice(0, 0))
        for quantity in (PathLength(), Displacement(), Tortuosity(), TotalTurning()):
            assert quantity(empty).shape == (0,)
