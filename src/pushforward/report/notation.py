"""Numbers as a careful reader wants them: as many digits as their uncertainty supports, never NaN."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

from pushforward.measure.results import QuantityAudit, Shift

__all__ = [
    "MISSING",
    "Precision",
    "confidence",
    "count",
    "p_value",
    "percent",
    "points",
    "significant",
    "with_unit",
]

MISSING = "n/a"
_MINUS = "\u2212"
_NARROW_SPACE = "\u202f"
_SUPERSCRIPTS = str.maketrans("0123456789-", "⁰¹²³⁴⁵⁶⁷⁸⁹⁻")
_LARGEST_PLAIN = 1e7
_SMALLEST_PLAIN = 1e-5
# Below this powers of ten lose their digits.
_SMALLEST = 1e-300
# Per cent that are only the rounding of sums of masses.
_ROUNDING = 1e-10


@dataclass(frozen=True)
class Precision:
    """How many decimals numbers of one quantity are shown with.

    Attributes:
        decimals: digits after the point.
        exponent: power of ten that is taken out, 0 for plain numbers.
    """

    decimals: int
    exponent: int = 0

    @classmethod
    def of(cls, resolution: float, largest: float) -> Self:
        """Two significant digits of `resolution`; a power of ten where plain digits would be too many."""
        largest = abs(largest) if math.isfinite(largest) else 0.0
        if not math.isfinite(resolution) or resolution < _SMALLEST:
            resolution = max(largest / 100, _SMALLEST) if largest > 0 else 1.0
        largest = max(largest, resolution)
        exponent = 0
        if largest >= _LARGEST_PLAIN or largest < _SMALLEST_PLAIN:
            exponent = math.floor(math.log10(largest))
        first_digit = math.floor(math.log10(resolution)) - exponent
        return cls(decimals=min(max(1 - first_digit, 0), 9), exponent=exponent)

    @classmethod
    def for_means(cls, quantity: QuantityAudit) -> Self:
        """For the means of `quantity` and their shift: what the confidence interval resolves."""
        half = (quantity.mean_shift.high - quantity.mean_shift.low) / 2
        if not half > 0:
            half = quantity.std_expected / 100
        largest = max(
            (abs(v) for v in (quantity.mean_made, quantity.mean_expected) if math.isfinite(v)), default=0
        )
        return cls.of(half, largest)

    def number(self, value: float, signed: bool = False) -> str:
        """`value`, with a proper minus sign; `n/a` where it is not finite."""
        if not math.isfinite(value):
            return MISSING
        text = f"{value / 10.0**self.exponent:{'+' if signed else ''},.{self.decimals}f}"
        if not any(digit in text for digit in "123456789"):
            text = text.lstrip("+-")
        text = text.replace("-", _MINUS)
        return text + (f" × 10{str(self.exponent).translate(_SUPERSCRIPTS)}" if self.exponent else "")

    def shift(self, shift: Shift) -> str:
        """`+0.019 [+0.016, +0.022]`."""
        return f"{self.number(shift.value, signed=True)}\u00a0{self.interval(shift)}"

    def interval(self, shift: Shift) -> str:
        """`[+0.016, +0.022]`, or nothing where it is not defined."""
        if not (math.isfinite(shift.low) and math.isfinite(shift.high)):
            return ""
        return f"[{self.number(shift.low, signed=True)},\u00a0{self.number(shift.high, signed=True)}]"


def significant(value: float, digits: int = 3) -> str:
    """`value` with `digits` significant digits; `n/a` where it is not finite."""
    if not math.isfinite(value):
        return MISSING
    if value == 0:
        return "0"
    return Precision.of(abs(value) / 10 ** (digits - 2), value).number(value)


def with_unit(text: str, unit: str) -> str:
    """A number and its unit, kept on one line."""
    return f"{text}\u00a0{unit}" if unit and text != MISSING else text


def confidence(level: float) -> str:
    """The confidence that goes with an error level: `95 %` for 0.05."""
    return f"{100 * (1 - level):g}\u00a0%"


def count(number: int | None) -> str:
    """`10,000`; `n/a` for None."""
    return MISSING if number is None else f"{number:,}"


def percent(mass: float) -> str:
    """A probability as a percentage: `4.3 %`, `0.012 %`."""
    text = _hundredths(mass)
    return text if text == MISSING else f"{text}{_NARROW_SPACE}%"


def points(difference: float) -> str:
    """A difference of probabilities, signed, in percentage points: `+1.4`."""
    text = _hundredths(difference)
    if text in (MISSING, "0"):
        return text
    return text if difference < 0 else f"+{text}"


def p_value(p: float) -> str:
    """Two significant digits, one where it is clearly not small."""
    if not math.isfinite(p):
        return MISSING
    if p >= 0.1:
        return f"{p:.2f}"
    return f"{p:.2g}" if p >= 1e-4 else significant(p, 2)


def _hundredths(mass: float) -> str:
    if not math.isfinite(mass):
        return MISSING
    value = 100 * mass
    if abs(value) < _ROUNDING:
        return "0"
    if abs(value) >= 1:
        return f"{value:.1f}".replace("-", _MINUS)
    return significant(value, 2)
