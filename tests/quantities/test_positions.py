"""Which channels are the position."""

from __future__ import annotations

import math

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.quantities.positions import positions_of, velocity_of
from pushforward.trajectories import Trajectories


def motion(channels, units=()):
    return Trajectories(np.zeros((2, 3, len(channels))), channels=channels, units=units)


@pytest.mark.parametrize(
    ("channels", "index"),
    [
        (("latitude", "longitude", "wind"), (0, 1)),
        (("wind", "LON", "Lat"), (2, 1)),
        (("vx", "x", "vy", "y"), (1, 3)),
        (("z", "x", "grip"), (0, 1)),
        (("pos_x", "pos_y", "posture"), (0, 1)),
        (("position", "angle"), (0,)),
        (("position.0", "position.1", "velocity.0"), (0, 1)),
        (("posx", "posy", "v"), (0, 1)),
        (("pos1", "pos2", "v"), (0, 1)),
        (("x0", "x1"), (0, 1)),
        (("sin", "cos", "omega"), (0, 1, 2)),
        (("latitude", "speed"), (0, 1)),
    ],
)
def test_the_default_choice(channels, index):
    assert positions_of(motion(channels)).index == index


def test_named_channels_win_over_the_default():
    chosen = positions_of(motion(("latitude", "longitude", "wind")), ("wind",))
    assert (chosen.index, chosen.geographic) == ((2,), False)
    assert positions_of(motion(("x", "y", "z")), ("z", "x")).index == (2, 0)


@pytest.mark.parametrize(
    ("units", "to_radians"),
    [
        ((), math.pi / 180),
        (("deg", "deg"), math.pi / 180),
        (("degrees", "degrees"), math.pi / 180),
        (("rad", "rad"), 1),
    ],
)
def test_latitude_and_longitude_are_degrees_unless_they_say_radians(units, to_radians):
    chosen = positions_of(motion(("lat", "lon"), units))
    assert chosen.geographic
    assert chosen.unit == "km"
    assert chosen.to_radians == pytest.approx(to_radians)


@pytest.mark.parametrize("units", [("m", "m"), ("deg", "rad")])
def test_latitude_and_longitude_in_other_units_are_not_on_the_sphere(units):
    names = ("lat", "lon")
    if units[0] == units[1]:
        assert not positions_of(motion(names, units)).geographic
    else:
        assert positions_of(motion(names, units)).unit == ""


def test_their_common_unit_is_the_positions_unit():
    assert positions_of(motion(("x", "y", "v"), ("m", "m", "m/s"))).unit == "m"
    assert positions_of(motion(("a", "b"), ("m", "kg"))).unit == ""


def test_positions_in_different_units_are_refused():
    with pytest.raises(InputError, match="different units: got x in m, y in km"):
        positions_of(motion(("x", "y"), ("m", "km")))
    with pytest.raises(InputError, match="different units"):
        positions_of(motion(("a", "b"), ("m", "kg")), ("a", "b"))


def test_an_unknown_channel_is_refused():
    with pytest.raises(InputError, match="unknown channel 'lattitude'; did you mean 'latitude'"):
        positions_of(motion(("latitude", "longitude")), ("lattitude",))


@pytest.mark.parametrize(
    ("channels", "index"),
    [(("x", "vx", "vy"), (1, 2)), (("velocity_0", "vel1", "v"), (0, 1)), (("x", "y", "volume"), ())],
)
def test_velocity_channels(channels, index):
    assert velocity_of(motion(channels)) == index
