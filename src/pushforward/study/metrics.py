"""The numbers of an audit that a study compares, a row per quantity."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["NUMBERS", "metrics_of"]

_DISTANCES = ("w1", "ks", "energy", "cramer_von_mises", "tv")
_SINGLE = ("mean_made", "mean_expected", "std_expected", "p_adjusted", "minimum_detectable")
_COUNTS = ("n_made", "n_reference", "n_invalid", "n_invalid_reference")

NUMBERS: tuple[str, ...] = (
    *(f"{name}{suffix}" for name in _DISTANCES for suffix in ("", "_null_95", "_p_value")),
    *(f"{name}{suffix}" for name in ("mean_shift", "w1") for suffix in ("_low", "_high")),
    "mean_shift",
    *_SINGLE,
    *_COUNTS,
    "valid_share",
)
"""Columns of numbers in the result table."""


def metrics_of(audit: Mapping[str, Any], n_valid: int | None) -> list[dict[str, Any]]:
    """Rows of an audit's JSON: `quantity`, `unit`, `verdict` and the `NUMBERS`, None where one is not defined.

    `valid_share` is the share of the generated trajectories that obey the system's law, where there is one.
    """
    rows = []
    for quantity in audit["quantities"]:
        row: dict[str, Any] = {name: quantity[name] for name in ("unit", "verdict", *_SINGLE, *_COUNTS)}
        row["quantity"] = quantity["name"]
        for name in _DISTANCES:
            distance = quantity[name]
            row |= {
                name: distance["value"],
                f"{name}_null_95": distance["null_95"],
                f"{name}_p_value": distance["p_value"],
            }
        for name in ("mean_shift", "w1"):
            row |= {f"{name}_{limit}": quantity[name][limit] for limit in ("low", "high")}
        row["mean_shift"] = quantity["mean_shift"]["value"]
        row["valid_share"] = (
            None if n_valid is None else n_valid / (quantity["n_made"] + quantity["n_invalid"])
        )
        rows.append(row)
    return rows
