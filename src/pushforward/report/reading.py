"""What an audit says, in plain language: the sentences of the report and the text of its figures."""

from __future__ import annotations

import math
from dataclasses import dataclass

from pushforward.errors import printable
from pushforward.measure.results import Audit, Bins, QuantityAudit, Shift
from pushforward.report.notation import (
    MISSING,
    Precision,
    confidence,
    count,
    p_value,
    percent,
    points,
    significant,
    with_unit,
)

__all__ = ["SYMBOLS", "MassChange", "answer", "described", "mass_changes", "reading"]

# Every verdict has its own shape, so that colour is never alone.
SYMBOLS = {"drift": "≠", "within tolerance": "≈", "inconclusive": "?", "no drift found": "○"}

_MOST_RANGES = 3


@dataclass(frozen=True)
class MassChange:
    """A range of neighbouring bins that all gained, or all lost, significantly.

    Attributes:
        sign: +1 gained, −1 lost.
        low, high: the range, in the quantity's unit; infinite beyond the grid.
        expected, made: mass of the range under the intended law and as generated.
    """

    sign: int
    low: float
    high: float
    expected: float
    made: float

    @property
    def change(self) -> float:
        """made − expected."""
        return self.made - self.expected


def mass_changes(bins: Bins) -> list[MassChange]:
    """Neighbouring significant bins of one sign as one range, in order of the quantity."""
    edges = [-math.inf, *(float(edge) for edge in bins.edges), math.inf]
    changes: list[MassChange] = []
    for i, sign in enumerate(int(sign) for sign in bins.gain):
        if sign == 0:
            continue
        low, high, expected, made = edges[i], edges[i + 1], float(bins.expected[i]), float(bins.made[i])
        last = changes[-1] if changes else None
        if last is not None and last.sign == sign and last.high == low:
            changes[-1] = MassChange(sign, last.low, high, last.expected + expected, last.made + made)
        else:
            changes.append(MassChange(sign, low, high, expected, made))
    return changes


def answer(audit: Audit) -> str:
    """The report's one sentence: `2 of 3 quantities drifted.`"""
    verdicts: list[str] = [quantity.verdict for quantity in audit.quantities]
    total, drifted = len(verdicts), verdicts.count("drift")
    if total == 0:
        return "No quantity was audited."
    if total == 1:
        name = printable(audit.quantities[0].name, longest=80)
        return {
            "drift": f"The distribution of {name} drifted.",
            "within tolerance": f"The drift of {name} is within the tolerance.",
            "inconclusive": f"For {name} the sample is too small to decide.",
            "no drift found": f"No drift of {name} was found.",
        }[verdicts[0]]
    parts = []
    everything = "both quantities" if total == 2 else f"all {total} quantities"
    if drifted:
        parts.append(
            f"{everything} drifted" if drifted == total else f"{drifted} of {total} quantities drifted"
        )
    for verdict, words in _OTHERS.items():
        number = verdicts.count(verdict)
        if number == total:
            parts.append(words[0].format(total=total, everything=everything))
        elif number:
            parts.append(words[1].format(number=number if parts else f"{number} of {total} quantities"))
    text = "; ".join(parts) + "."
    return text[0].upper() + text[1:]


_OTHERS = {
    "within tolerance": (
        "{everything} stayed within the tolerance",
        "{number} stayed within the tolerance",
    ),
    "inconclusive": (
        "for none of {total} quantities is the sample large enough to decide",
        "{number} could not be decided",
    ),
    "no drift found": ("no drift was found in any of {total} quantities", "no drift was found in {number}"),
}


def reading(quantity: QuantityAudit, level: float = 0.05) -> list[str]:
    """The sentences under a quantity's figure: shift, distance, ranges, tails, and what was left out."""
    sentences = [
        _mean(quantity, level),
        _distance(quantity, level),
        *_ranges(quantity, level),
        _tails(quantity),
    ]
    sentences += [
        _tolerance(quantity, level),
        _sensitivity(quantity),
        _undefined(quantity),
        _groups(quantity),
    ]
    return [sentence for sentence in sentences if sentence]


def described(quantity: QuantityAudit, level: float = 0.05) -> str:
    """The content of the distribution figure as text, for readers who cannot see it."""
    unit = f" in {printable(quantity.unit)}" if quantity.unit else ""
    head = (
        f"Distribution of {printable(quantity.name, longest=80)}{unit}, generated against intended. "
        f"Verdict: {quantity.verdict}."
    )
    return " ".join([head, _mean(quantity, level), *_ranges(quantity, level)])


def _mean(quantity: QuantityAudit, level: float) -> str:
    shift, unit = quantity.mean_shift, printable(quantity.unit)
    precision = Precision.for_means(quantity)
    if not math.isfinite(shift.value):
        return "The shift of the mean is not defined for these samples."
    made = with_unit(precision.number(quantity.mean_made), unit)
    intended = with_unit(precision.number(quantity.mean_expected), unit)
    interval = precision.interval(shift)
    suffix = (
        f" ({confidence(level)} CI {with_unit(interval, unit)}{_standardised(quantity)})" if interval else ""
    )
    if shift.low > 0 or shift.high < 0:
        word = "higher" if shift.value > 0 else "lower"
        size = with_unit(precision.number(abs(shift.value)), unit)
        return f"On average the generated motion is {word} by {size}{suffix}: {made} where {intended} was intended."
    size = with_unit(precision.number(shift.value, signed=True), unit)
    return f"The mean shows no clear shift: {size}{suffix}; {made} where {intended} was intended."


def _standardised(quantity: QuantityAudit) -> str:
    ratio = quantity.mean_shift.value / quantity.std_expected if quantity.std_expected > 0 else math.nan
    return f"; {significant(abs(ratio), 2)} intended standard deviations" if math.isfinite(ratio) else ""


def _distance(quantity: QuantityAudit, level: float) -> str:
    w1, unit = quantity.w1, printable(quantity.unit)
    if not math.isfinite(w1.value):
        return "The distance W1 between the two distributions is not defined for these samples."
    value, floor = with_unit(significant(w1.value), unit), with_unit(significant(w1.null_95, 2), unit)
    head = f"The two distributions are {value} apart (W1)"
    adjusted = f"adjusted p = {p_value(quantity.p_adjusted)}"
    if w1.null_95 > 0 and w1.value > w1.null_95:
        ratio = significant(w1.value / w1.null_95, 2)
        return f"{head}, {ratio} times the noise floor of {floor} ({adjusted})."
    return f"{head}; sampling noise alone stays below {floor} in {confidence(level)} of comparisons ({adjusted})."


def _ranges(quantity: QuantityAudit, level: float) -> list[str]:
    changes = mass_changes(quantity.bins)
    if not changes:
        return ["No range of values gained or lost a significant share of trajectories."]
    sentences = []
    for sign, word, symbol in ((1, "Gained", "▲"), (-1, "Lost", "▼")):
        mine = sorted((c for c in changes if c.sign == sign), key=lambda c: -abs(c.change))
        if not mine:
            continue
        shown = [_spelled(change, quantity) for change in mine[:_MOST_RANGES]]
        left = len(mine) - len(shown)
        if left:
            shown.append(f"and {left} smaller {'range' if left == 1 else 'ranges'}")
        sentences.append(f"{symbol} {word}: " + "; ".join(shown) + ".")
    if quantity.verdict == "no drift found":
        chance = confidence(1 - level)
        sentences.append(
            f"Such marks appear in {chance} of comparisons without drift; the verdict rests on W1."
        )
    return sentences


def _spelled(change: MassChange, quantity: QuantityAudit) -> str:
    edges = quantity.bins.edges
    width = float(edges[-1] - edges[0]) / max(len(edges) - 1, 1)
    precision = Precision.of(width, float(max(abs(edges[0]), abs(edges[-1]))))
    low, high, unit = precision.number(change.low), precision.number(change.high), printable(quantity.unit)
    if low == MISSING and high == MISSING:
        where = "everywhere"
    elif low == MISSING:
        where = f"below {with_unit(high, unit)}"
    elif high == MISSING:
        where = f"above {with_unit(low, unit)}"
    else:
        where = f"{low} to {with_unit(high, unit)}"
    shares = f"{percent(change.expected)} intended, {percent(change.made)} made"
    return f"{where} {points(change.change)}\u00a0points ({shares})"


def _tails(quantity: QuantityAudit) -> str:
    parts = []
    tails = (
        ("below the intended 1 % quantile", quantity.tail_low),
        ("above the 99 % quantile", quantity.tail_high),
    )
    for where, shift in tails:
        if math.isfinite(shift.value):
            parts.append(
                f"the share {where} changed by {points(shift.value)}\u00a0points{_point_interval(shift)}"
            )
    return f"Tails: {'; '.join(parts)}.".replace(" %", "\u00a0%") if parts else ""


def _point_interval(shift: Shift) -> str:
    low, high = points(shift.low), points(shift.high)
    return "" if MISSING in (low, high) else f" [{low},\u00a0{high}]"


def _tolerance(quantity: QuantityAudit, level: float) -> str:
    if quantity.tolerance is None:
        return ""
    unit, w1 = printable(quantity.unit), quantity.w1
    tolerance = with_unit(significant(quantity.tolerance), unit)
    limits = f"{significant(w1.low, 2)} to {with_unit(significant(w1.high, 2), unit)}"
    return f"Tolerance: W1 up to {tolerance}; its {confidence(level)} confidence limits are {limits}."


def _sensitivity(quantity: QuantityAudit) -> str:
    if not math.isfinite(quantity.minimum_detectable):
        return ""
    smallest = with_unit(significant(quantity.minimum_detectable, 2), printable(quantity.unit))
    return f"This sample size finds a shift of the mean of {smallest} with 80\u00a0% power; smaller ones may go unseen."


def _undefined(quantity: QuantityAudit) -> str:
    parts = []
    for invalid, valid, whose in (
        (quantity.n_invalid, quantity.n_made, "generated"),
        (quantity.n_invalid_reference, quantity.n_reference or 0, "reference"),
    ):
        if invalid:
            total = invalid + valid
            parts.append(
                f"{count(invalid)} of {count(total)} {whose} trajectories ({percent(invalid / total)})"
            )
    return (
        f"Not defined on {' and '.join(parts)}; they are counted here and left out of the numbers."
        if parts
        else ""
    )


def _groups(quantity: QuantityAudit) -> str:
    """Nothing where every trajectory is its own group: there trajectories and groups are the same."""
    sides = (
        (quantity.n_groups_made, quantity.n_made, "generated"),
        (quantity.n_groups_reference, quantity.n_reference, "reference"),
    )
    parts = [
        f"{count(groups)} {whose} groups" for groups, n, whose in sides if groups is not None and groups != n
    ]
    return (
        f"Uncertainty counts groups as independent, not trajectories: {' and '.join(parts)}." if parts else ""
    )
