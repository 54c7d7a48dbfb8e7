"""Accumulated cyclone energy, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.quantities import AccumulatedCycloneEnergy, default_for
from pushforward.trajectories import Trajectories

ACE = AccumulatedCycloneEnergy()


def storm(wind, unit="knots", dt=6.0, time_unit="h", name="wind", **settings):
    wind = np.atleast_2d(np.asarray(wind, float))
    values = np.stack([np.full(wind.shape, 15.0), np.full(wind.shape, -100.0), wind], axis=2)
    return Trajectories(
        values,
        channels=("latitude", "longitude", name),
        units=("deg", "deg", unit),
        dt=dt,
        time_unit=time_unit,
        **settings,
    )


def test_by_hand():
    # 25 and 30 knots are a depression; 34 is the first that counts: (34² + 50² + 65² + 35²) / 10⁴.
    assert ACE(storm([25, 34, 50, 65, 35, 30]))[0] == pytest.approx((1156 + 2500 + 4225 + 1225) / 1e4)
    assert ACE(storm([25, 30, 33.9]))[0] == 0
    assert ACE.unit_of(storm([34])) == "10⁴ kt²"


def test_padding_does_not_count():
    assert ACE(storm([50, 50, 50, 50], lengths=[2]))[0] == pytest.approx(0.5)


@pytest.mark.parametrize(("dt", "time_unit"), [(6, "h"), (360, "min"), (21600, "s")])
def test_six_hours_in_any_unit(dt, time_unit):
    assert ACE(storm([100], dt=dt, time_unit=time_unit))[0] == pytest.approx(1)


def test_other_speeds_are_converted():
    assert ACE(storm([100 * 1852 / 3600], unit="m/s"))[0] == pytest.approx(1)


@pytest.mark.parametrize("name", ["wind", "max_wind", "vmax", "Wind"])
def test_the_winds_usual_names(name):
    assert ACE(storm([100], name=name))[0] == pytest.approx(1)
    assert AccumulatedCycloneEnergy(channel=name)(storm([100], name=name))[0] == pytest.approx(1)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"unit": ""}, "unknown unit; expected knots"),
        ({"unit": "hPa"}, "in hPa; expected knots"),
        ({"dt": 3.0}, "every 3 h; expected every 6 h"),
        ({"time_unit": "s"}, "every 6 s; expected every 6 h"),
        ({"time_unit": "step"}, "every 6 step; expected every 6 h"),
        ({"name": "pressure"}, "needs the wind; unknown channel 'wind'"),
    ],
)
def test_what_it_needs_is_said(settings, message):
    with pytest.raises(InputError, match=message):
        ACE(storm([50], **settings))


def test_it_is_measured_by_default_where_it_applies():
    names = ["path-length", "displacement", "mean-speed"]
    assert [q.name for q in default_for(storm([50]))] == [*names, "accumulated-cyclone-energy"]
    assert [q.name for q in default_for(storm([50], dt=3))] == names
    assert [q.name for q in default_for(storm([50], name="pressure"))] == names
