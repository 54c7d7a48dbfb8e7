"""An audit as a table of plain text: every drift beside its noise floor."""

from __future__ import annotations

from typing import TYPE_CHECKING

from pushforward.errors import printable

if TYPE_CHECKING:
    from pushforward.measure.results import Audit, QuantityAudit

__all__ = ["audit_table", "number"]


def number(value: float) -> str:
    """Four significant digits, without a needless exponent."""
    return f"{value:.4g}"


def audit_table(audit: Audit) -> str:
    """The audit's verdicts, a line per quantity, with what each compared and what was left out."""
    sure = f"{100 * (1 - audit.level):.4g} %"
    headings = (
        "quantity", "unit", "made", "intended", f"shift of mean [{sure} CI]", "W1 (noise floor)", "p adj.", "verdict",
    )  # fmt: skip
    rows = [headings, *(_row(quantity) for quantity in audit.quantities)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(headings))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    lines.insert(1, "  ".join("-" * width for width in widths))
    return "\n".join([*lines, *_notes(audit)])


def _row(quantity: QuantityAudit) -> tuple[str, ...]:
    shift, w1 = quantity.mean_shift, quantity.w1
    return (
        printable(quantity.name, 40),
        printable(quantity.unit, 20),
        number(quantity.mean_made),
        number(quantity.mean_expected),
        f"{shift.value:+.4g} [{shift.low:+.4g}, {shift.high:+.4g}]",
        f"{number(w1.value)} ({number(w1.null_95)})",
        f"{quantity.p_adjusted:.3f}",
        quantity.verdict,
    )


def _notes(audit: Audit) -> list[str]:
    notes = [
        f"{side}: {count:,} invalid trajectories were left out before measuring"
        for side, count in audit.n_dropped.items()
        if count
    ]
    for quantity in audit.quantities:
        name = printable(quantity.name, 40)
        against = "a stated law" if quantity.n_reference is None else f"{quantity.n_reference:,} of the data"
        notes.append(
            f"{name}: {quantity.n_made:,} made against {against} ({printable(quantity.intended, 60)}); "
            f"TV {quantity.tv.value:.3f} (floor {quantity.tv.null_95:.3f}), KS {quantity.ks.value:.3f} "
            f"(p = {quantity.ks.p_value:.3f}); smallest detectable shift {number(quantity.minimum_detectable)}"
        )
        if quantity.tolerance is not None:
            notes.append(
                f"{name}: tolerance {number(quantity.tolerance)}; W1 lies in "
                f"[{number(quantity.w1.low)}, {number(quantity.w1.high)}]"
            )
        if quantity.n_invalid or quantity.n_invalid_reference:
            notes.append(
                f"{name}: not defined on {quantity.n_invalid:,} made and {quantity.n_invalid_reference:,} reference "
                "trajectories, which were left out"
                + (
                    "; that difference is significant"
                    if quantity.undefined.low * quantity.undefined.high > 0
                    else ""
                )
            )
        if quantity.n_groups_made is not None or quantity.n_groups_reference is not None:
            notes.append(
                f"{name}: clusters {quantity.n_groups_made or '–'} made, "
                f"{quantity.n_groups_reference or '–'} reference; uncertainty is between clusters"
            )
    return notes
