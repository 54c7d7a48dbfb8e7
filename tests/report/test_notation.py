"""Numbers carry the digits that their uncertainty supports."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward.measure import Shift
from pushforward.report.notation import Precision, count, p_value, percent, points, significant


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (1.0, "1.00"),
        (1234.5, "1,234"),
        (0.0012345, "0.00123"),
        (-2.5, "−2.50"),
        (math.nan, "n/a"),
        (math.inf, "n/a"),
        (2.5e12, "2.50 × 10¹²"),
        (3e-9, "3.00 × 10⁻⁹"),
    ],
)
def test_significant(value, text):
    assert significant(value) == text


def test_precision_follows_the_interval():
    precision = Precision.of(0.0123, 1.5)
    assert precision.number(1.50234) == "1.502"
    assert precision.shift(Shift(0.019, 0.0067, 0.0313)).replace("\u00a0", " ") == "+0.019 [+0.007, +0.031]"


def test_a_rounded_zero_has_no_sign():
    assert Precision(1).number(-0.01, signed=True) == "0.0"


@pytest.mark.parametrize(
    ("p", "text"),
    [(0.83, "0.83"), (0.045, "0.045"), (0.001, "0.001"), (1e-6, "1.0 × 10⁻⁶"), (math.nan, "n/a")],
)
def test_p_values(p, text):
    assert p_value(p) == text


def test_shares():
    assert percent(0.043).replace("\u202f", " ") == "4.3 %"
    assert percent(0.00012).replace("\u202f", " ") == "0.012 %"
    assert percent(8.9e-16) == "0\u202f%"  # what rounding leaves of a sum of masses
    assert percent(0) == "0\u202f%"
    assert points(0.014) == "+1.4"
    assert points(-0.0007) == "−0.070"
    assert points(0) == "0"
    assert (count(10_000), count(None)) == ("10,000", "n/a")


@given(st.floats(allow_nan=True, allow_infinity=True), st.floats(allow_nan=True, allow_infinity=True))
def test_any_number_has_a_short_spelling(resolution, value):
    text = Precision.of(resolution, value).number(value, signed=True)
    assert 1 <= len(text) <= 32
    assert "nan" not in text
    assert "inf" not in text


@given(st.floats(1e-300, 1e300), st.booleans())
def test_significant_digits_are_right(value, negative):
    value = -value if negative else value
    text = significant(value, 3).replace(",", "").replace("−", "-")
    mantissa, _, power = text.partition(" × 10")
    exponent = int(power.translate(str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻", "0123456789-")) or 0)
    assert float(f"{mantissa}e{exponent}") == pytest.approx(value, rel=6e-3)
