"""Units: factors known from their definitions, and clear refusals."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward.errors import InputError
from pushforward.quantities.units import UNITS, converts, factor, per, squared


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        ("km", "m", 1000),
        ("nmi", "km", 1.852),
        ("mi", "m", 1609.344),
        ("knots", "km/h", 1.852),
        ("kt", "m/s", 1852 / 3600),
        ("m/s", "km/h", 3.6),
        ("km/h²", "m/s^2", 1000 / 3600**2),
        ("m/s³", "mm/ms³", 1e3 / 1e9),
        ("deg", "rad", math.pi / 180),
        ("rad/km", "deg/m", 180 / math.pi / 1000),
        ("Hz", "1/min", 60),
        ("h", "min", 60),
        ("degrees_north", "deg", 1),
        ("furlong", "furlong", 1),
    ],
)
def test_factors_known_from_definitions(old, new, expected):
    assert factor(old, new) == pytest.approx(expected, rel=1e-14)


@given(st.sampled_from(sorted(UNITS)), st.sampled_from(sorted(UNITS)))
def test_there_and_back_is_one(old, new):
    if UNITS[old][0] == UNITS[new][0]:
        assert factor(old, new) * factor(new, old) == pytest.approx(1, rel=1e-14)
    else:
        assert not converts(old, new)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("km", "h", "cannot convert 'km' .length. to 'h' .time."),
        ("m/s", "m", "length time\\^-1"),
        ("1/s", "m/m", "a pure number"),
        ("", "km", "does not say its own unit"),
        ("km", "kmh", "unknown unit 'kmh'; did you mean"),
        ("km", "", "unknown unit"),
        ("m//s", "m/s", "unknown unit"),
        ("m", "m^4", "unknown unit"),
        ("m", "\x1b[2J", "unknown unit"),
    ],
)
def test_refusals_say_what_was_got(old, new, message):
    with pytest.raises(InputError, match=message):
        factor(old, new)


@given(st.text(max_size=12))
def test_any_text_is_a_unit_or_refused(text):
    assert converts(text, "m") in (True, False)


def test_derived_spellings():
    assert per("km", "h") == "km/h"
    assert per("m", "s", 2) == "m/s²"
    assert per("", "s") == ""
    assert squared("m/s") == "m²/s²"
    assert squared("") == ""
    assert squared("m/s²") == "(m/s²)²"
