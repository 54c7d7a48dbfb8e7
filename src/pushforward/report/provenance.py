"""How a report was measured: what a reader needs in order to judge the numbers and to repeat them."""

from __future__ import annotations

import importlib.metadata
import platform
from collections.abc import Mapping
from typing import Any

from pushforward.errors import printable
from pushforward.measure.results import Audit
from pushforward.report.notation import confidence, count

__all__ = ["assumptions", "inputs", "measured", "rows", "versions"]

_MOST_ROWS = 200
_LONGEST_VALUE = 400


def measured(audit: Audit) -> list[tuple[str, str]]:
    """Seed, level, resamples, grid and versions, as (what, value) rows."""
    grid = audit.grid
    bins, parts = grid.get("bins"), grid.get("subdivisions")
    table = [("Seed of the resampling", str(audit.seed)), ("Error level", f"{audit.level:g}")]
    table.append(("Resamples without drift", count(int(audit.resamples))))
    if bins is not None:
        table.append(("Bins shown per quantity", printable(bins)))
    if parts is not None:
        table.append(("Finer cells per bin, for distances and quantiles", printable(parts)))
    ranges = grid.get("ranges")
    if isinstance(ranges, Mapping):
        for name, ends in list(ranges.items())[:_MOST_ROWS]:
            table.append((f"Range of {printable(name, longest=60)}", _range(ends)))
    return [*table, *versions(f"{printable(audit.version)} (audit)")]


def versions(measured_with: str) -> list[tuple[str, str]]:
    """Versions of what measured and of what wrote the report, as (what, version) rows."""
    libraries = [
        (label, importlib.metadata.version(name)) for label, name in (("NumPy", "numpy"), ("SciPy", "scipy"))
    ]
    own = ("pushforward", f"{printable(measured_with)}, {_own_version()} (report)")
    return [own, ("Python", platform.python_version()), *libraries]


def inputs(audit: Audit) -> list[tuple[str, str]]:
    """What was compared, as (what, value) rows, and how each intended law was given."""
    table = rows(audit.inputs)
    laws: dict[str, list[str]] = {}
    for quantity in audit.quantities:
        laws.setdefault(printable(quantity.intended), []).append(printable(quantity.name, longest=60))
    for law, names in laws.items():
        suffix = "" if len(laws) == 1 else f" of {', '.join(names[:20])}"
        table.append((f"Intended law{suffix}", "the law of the data" if law == "data" else law))
    return table


def rows(settings: Mapping[str, Any], prefix: str = "") -> list[tuple[str, str]]:
    """Nested settings as flat (dotted name, value) rows, at most 200, every text printable and bounded."""
    table: list[tuple[str, str]] = []
    for key, value in settings.items():
        name = prefix + printable(key, longest=80)
        if isinstance(value, Mapping) and value and prefix.count(".") < 5:
            table += rows(value, f"{name}.")
        else:
            table.append((name, printable(value, longest=_LONGEST_VALUE)))
        if len(table) > _MOST_ROWS:
            return [*table[:_MOST_ROWS], ("…", "further settings are not shown")]
    return table


def assumptions(audit: Audit) -> list[str]:
    """What must hold for the numbers to mean what they say; only what concerns this audit."""
    sure = confidence(audit.level)
    grouped = any(
        number is not None for q in audit.quantities for number in (q.n_groups_made, q.n_groups_reference)
    )
    sampled = any(q.n_reference is not None for q in audit.quantities)
    stated = any(q.n_reference is None for q in audit.quantities)
    sentences = [
        "Groups are independent of one another, and there are many of them (20 or more), none dominating; within a "
        "group anything may depend on anything."
        if grouped
        else "Trajectories are independent of one another. Where several share a start, an episode or a storm, give "
        "groups: otherwise intervals are too narrow and p-values too small.",
    ]
    if sampled:
        sentences.append(
            "Where the intended law is given by data, the data's own sampling noise is part of the shifts' intervals, "
            "of every noise floor and of the band without drift. The confidence band of the generated mass "
            "is about the generated trajectories alone."
        )
    if stated:
        sentences.append("Where the intended law is stated as a distribution, it is taken as exact.")
    sentences += [
        f"The noise floor of a distance is what {sure} of comparisons without drift stay below. Distances cannot be "
        "negative and are never exactly 0 in samples, so a distance is only ever read beside its floor.",
        "p-values are (k + 1) / (n + 1) over n resamples without drift, k of which reach the observed distance: "
        "none is ever 0.",
        f"The bands over bins are simultaneous: without drift all bins lie inside theirs together in {sure} of "
        "comparisons. A bin is marked ▲ or ▼ where the generated mass leaves that band.",
        "Distances and quantiles are computed on the grid named above, values beyond its ends included.",
    ]
    if len(audit.quantities) > 1:
        sentences.append(
            "Verdicts use p-values adjusted over all quantities of this audit by Benjamini and Hochberg's procedure, "
            "which controls the expected share of false alarms among the alarms."
        )
    sentences.append(
        "“No drift found” is not “no drift”: see the smallest detectable shift of each quantity."
    )
    return sentences


def _range(ends: Any) -> str:
    try:
        low, high = ends
        return f"{float(low):,.6g} to {float(high):,.6g}".replace("-", "\u2212")
    except (TypeError, ValueError):
        return printable(ends)


def _own_version() -> str:
    from pushforward import __version__

    return __version__
