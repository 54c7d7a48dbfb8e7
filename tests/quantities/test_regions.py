"""Time in a box and distance to obstacles."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.quantities import Duration, MinimumClearance, TimeInRegion
from pushforward.quantities.sphere import EARTH_RADIUS
from pushforward.trajectories import Trajectories


def one(points, **settings):
    return Trajectories(np.asarray(points, float)[None], **settings)


def value(quantity, trajectories):
    return float(quantity(trajectories)[0])


class TestTimeInRegion:
    line = one(np.linspace(0, 1, 101)[:, None] * [1, 1], dt=0.01, channels=("x", "y"))

    def test_a_uniform_crossing_spends_its_share(self):
        assert value(TimeInRegion((0.2, 0.0), (0.5, 1.0)), self.line) == pytest.approx(0.31, abs=0.011)

    def test_always_inside_is_the_duration_and_never_is_zero(self):
        always = TimeInRegion((-np.inf, -np.inf), (np.inf, np.inf))
        assert value(always, self.line) == value(Duration(), self.line)
        assert value(TimeInRegion((2, 2), (3, 3)), self.line) == 0
        assert value(always, one([[1, 2]])) == 0

    def test_the_edges_belong_to_the_region_and_ends_count_half(self):
        steps = one([[0], [1], [2], [3]])
        assert value(TimeInRegion(1, 2), steps) == 2
        assert value(TimeInRegion(0, 1), steps) == 1.5
        assert value(TimeInRegion(3, 9), steps) == 0.5

    def test_padding_does_not_count(self):
        padded = Trajectories(np.array([[[0.0], [1], [2], [3]]]), lengths=[2])
        assert value(TimeInRegion(0, 9), padded) == 1

    def test_any_channel_and_unit(self):
        storm = one(
            [[0, 0, 30], [0, 1, 50], [0, 2, 70]], channels=("lat", "lon", "wind"), dt=6, time_unit="h"
        )
        assert value(TimeInRegion(34, np.inf, ("wind",)), storm) == 9
        assert value(TimeInRegion(34, np.inf, ("wind",), unit="min"), storm) == 540
        assert TimeInRegion(34, np.inf, ("wind",)).unit_of(storm) == "h"

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({}, "needs low and high"),
            ({"low": (0,)}, "needs low and high"),
            ({"low": (0, 0), "high": (1,)}, "got 2 in low, 1 in high"),
            ({"low": (2,), "high": (1,)}, "got low 2 above high 1"),
            ({"low": ("a",), "high": (1,)}, "setting 'low': got 'a'; expected a number"),
            ({"low": (np.nan,), "high": (1,)}, "expected a number"),
        ],
    )
    def test_regions_that_cannot_be_are_refused(self, settings, message):
        with pytest.raises(InputError, match=message):
            TimeInRegion(**settings)

    def test_one_number_for_each_channel(self):
        with pytest.raises(InputError, match="got 1 numbers in low for 2 channels"):
            TimeInRegion(0, 1)(self.line)


class TestMinimumClearance:
    def test_circles(self):
        path = one([[-3, 0], [0, 2], [3, 0]])
        assert value(MinimumClearance(circles=((0, 0, 0.5),)), path) == pytest.approx(1.5)
        assert value(MinimumClearance(circles=((0, 0, 0.5), (3, 1, 0.25))), path) == pytest.approx(0.75)
        assert value(MinimumClearance(circles=((0, 2, 0.5),)), path) == pytest.approx(-0.5)

    @pytest.mark.parametrize(
        ("point", "expected"),
        [
            ([3, 0.5], 2),
            ([0.5, -1], 1),
            ([4, 5], 5),
            ([0.5, 0.5], -0.5),
            ([0.9, 0.5], -0.1),
            ([1, 0.5], 0),
        ],
    )
    def test_boxes(self, point, expected):
        assert value(MinimumClearance(boxes=((0, 0, 1, 1),)), one([point])) == pytest.approx(
            expected, abs=1e-6
        )

    def test_a_ball_in_space_and_a_single_obstacle_without_brackets(self):
        assert value(MinimumClearance(circles=(0, 0, 0, 1)), one([[0, 0, 3]])) == 2

    def test_on_the_earth_a_circle_is_a_cap(self):
        port = MinimumClearance(circles=((0, 0, 100),))
        degree = EARTH_RADIUS * np.pi / 180
        storm = one([[0, 179], [0, 3], [0, -2]], channels=("latitude", "longitude"))
        assert value(port, storm) == pytest.approx(2 * degree - 100)
        assert port.unit_of(storm) == "km"
        with pytest.raises(InputError, match="no meaning in latitude"):
            MinimumClearance(boxes=((0, 0, 1, 1),))(storm)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({}, "needs obstacles"),
            ({"circles": ((0, 0, -1),)}, "radius ≥ 0"),
            ({"circles": (1,)}, "expected centre and radius"),
            ({"boxes": ((1, 1, 0, 0),)}, "low corner, then high"),
            ({"boxes": ((0, 0, 1),)}, "low corner, then high"),
            ({"circles": "here"}, "expected a number"),
        ],
    )
    def test_obstacles_that_cannot_be_are_refused(self, settings, message):
        with pytest.raises(InputError, match=message):
            MinimumClearance(**settings)

    def test_obstacles_of_another_dimension_are_refused(self):
        with pytest.raises(InputError, match="for 2 channels; expected 3 numbers"):
            MinimumClearance(circles=((0, 0, 0, 1),))(one([[0, 0]]))
        with pytest.raises(InputError, match="for 2 channels; expected 4 numbers"):
            MinimumClearance(boxes=((0, 1),))(one([[0, 0]]))
