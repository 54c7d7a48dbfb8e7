"""The report's tables: numbers as text, ready to be shown."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pushforward.errors import printable
from pushforward.measure.results import QuantityAudit
from pushforward.report.notation import MISSING, Precision, count, p_value, significant
from pushforward.report.reading import SYMBOLS

__all__ = [
    "DistanceRow",
    "Heading",
    "QuantileRow",
    "VerdictRow",
    "distance_rows",
    "heading",
    "quantile_rows",
    "verdict_row",
]


@dataclass(frozen=True)
class Heading:
    """Name, unit and verdict of a quantity. `kind` is the verdict as a CSS class."""

    name: str
    unit: str
    verdict: str
    symbol: str
    kind: str


def heading(quantity: QuantityAudit) -> Heading:
    """Name, unit and verdict, printable."""
    verdict = quantity.verdict
    return Heading(
        name=printable(quantity.name, longest=120),
        unit=printable(quantity.unit, longest=40),
        verdict=verdict,
        symbol=SYMBOLS[verdict],
        kind=verdict.replace(" ", "-"),
    )


@dataclass(frozen=True)
class VerdictRow:
    """A line of the verdict table."""

    quantity: Heading
    made: str
    intended: str
    shift: str
    interval: str
    w1: str
    floor: str
    ks: str
    ks_p: str
    p_adjusted: str
    detectable: str
    n_made: str
    n_reference: str
    above_floor: bool


def verdict_row(quantity: QuantityAudit, level: float = 0.05) -> VerdictRow:
    """The line of `quantity`; whatever is not defined reads `n/a`."""
    precision = Precision.for_means(quantity)
    return VerdictRow(
        quantity=heading(quantity),
        made=precision.number(quantity.mean_made),
        intended=precision.number(quantity.mean_expected),
        shift=precision.number(quantity.mean_shift.value, signed=True),
        interval=precision.interval(quantity.mean_shift),
        w1=significant(quantity.w1.value),
        floor=significant(quantity.w1.null_95, 2),
        ks=significant(quantity.ks.value, 2),
        ks_p=p_value(quantity.ks.p_value),
        p_adjusted=p_value(quantity.p_adjusted),
        detectable=significant(quantity.minimum_detectable, 2),
        n_made=count(quantity.n_made),
        n_reference="stated law" if quantity.n_reference is None else count(quantity.n_reference),
        above_floor=quantity.w1.value > quantity.w1.null_95,
    )


@dataclass(frozen=True)
class QuantileRow:
    """Shift of one quantile."""

    level: str
    intended: str
    made: str
    shift: str
    interval: str
    clear: bool


def quantile_rows(quantity: QuantityAudit) -> list[QuantileRow]:
    """A row per quantile, all with the same number of decimals: what the narrowest interval resolves."""
    shifts = quantity.quantile_shifts
    halves = [(s.high - s.low) / 2 for s in shifts if s.high > s.low]
    values = [abs(v) for s in shifts for v in (s.expected, s.expected + s.value) if math.isfinite(v)]
    precision = Precision.of(min(halves, default=math.nan), max(values, default=0.0))
    return [
        QuantileRow(
            level=f"{100 * s.level:g}\u202f%",
            intended=precision.number(s.expected),
            made=precision.number(s.expected + s.value),
            shift=precision.number(s.value, signed=True),
            interval=precision.interval(s) or MISSING,
            clear=s.low > 0 or s.high < 0,
        )
        for s in shifts
    ]


@dataclass(frozen=True)
class DistanceRow:
    """A distance beside its noise floor."""

    name: str
    value: str
    floor: str
    p: str


def distance_rows(quantity: QuantityAudit) -> list[DistanceRow]:
    """All distances of the audit: W1 in the unit, the energy distance in its root, the others without one."""
    name = printable(quantity.unit, longest=40)
    unit, root = (f" ({name})", f" (√{name})") if name else ("", "")
    kinds = [
        (f"W1{unit}", quantity.w1),
        ("Kolmogorov–Smirnov", quantity.ks),
        ("Cramér–von Mises", quantity.cramer_von_mises),
        (f"Energy distance{root}", quantity.energy),
        ("Total variation", quantity.tv),
    ]
    return [
        DistanceRow(name, significant(d.value), significant(d.null_95, 2), p_value(d.p_value))
        for name, d in kinds
    ]
