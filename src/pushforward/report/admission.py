"""An audit may come from a file of others: it is checked before it is drawn."""

from __future__ import annotations

import dataclasses
from typing import get_args

import numpy as np

from pushforward.errors import InputError, printable, require
from pushforward.measure.results import Audit, Bins, Distance, QuantileShift, QuantityAudit, Shift, Verdict

__all__ = ["admit"]

_NUMBERS = ("mean_made", "mean_expected", "std_expected", "p_adjusted", "minimum_detectable")
_COUNTS = ("n_made", "n_invalid", "n_invalid_reference")
_OPTIONAL_COUNTS = ("n_reference", "n_groups_made", "n_groups_reference")
_SHIFTS = ("mean_shift", "tail_low", "tail_high")
_DISTANCES = ("w1", "ks", "energy", "cramer_von_mises", "tv")


def admit(audit: Audit) -> Audit:
    """The same audit, once every field is known to hold what its class declares.

    Raises:
        InputError: a field of the wrong type, bins of unequal length, edges out of order, an unknown verdict.
    """
    require(isinstance(audit, Audit), f"report: got {type(audit).__name__}; expected an Audit")
    require(
        len(audit.quantities) <= 1000,
        f"report: got {len(audit.quantities)} quantities; expected at most 1,000",
    )
    for name in ("seed", "resamples"):
        _whole(f"audit {name}", getattr(audit, name))
    _number("audit level", audit.level)
    for name in ("grid", "inputs"):
        require(hasattr(getattr(audit, name), "items"), f"damaged audit: {name} is not a table")
    for quantity in audit.quantities:
        _quantity(quantity)
    return audit


def _quantity(quantity: QuantityAudit) -> None:
    where = f"quantity {printable(quantity.name, longest=60)!r}"
    for name in ("name", "unit", "intended"):
        value = getattr(quantity, name)
        require(
            isinstance(value, str), f"damaged audit: {where}: {name} is {type(value).__name__}; expected text"
        )
    require(
        quantity.verdict in get_args(Verdict),
        f"damaged audit: {where}: unknown verdict {printable(quantity.verdict)!r}",
    )
    for name in _NUMBERS:
        _number(f"{where}: {name}", getattr(quantity, name))
    for name in _COUNTS:
        _whole(f"{where}: {name}", getattr(quantity, name))
    for name in _OPTIONAL_COUNTS:
        if getattr(quantity, name) is not None:
            _whole(f"{where}: {name}", getattr(quantity, name))
    if quantity.tolerance is not None:
        _number(f"{where}: tolerance", quantity.tolerance)
    for name in _SHIFTS + _DISTANCES:
        _record(f"{where}: {name}", getattr(quantity, name))
    for shift in quantity.quantile_shifts:
        _record(f"{where}: quantile shift", shift)
    _bins(where, quantity.bins)


def _record(where: str, record: Shift | Distance | QuantileShift) -> None:
    for field in dataclasses.fields(record):
        _number(f"{where}.{field.name}", getattr(record, field.name))


def _bins(where: str, bins: Bins) -> None:
    arrays = [getattr(bins, field.name) for field in dataclasses.fields(bins)]
    numeric = all(isinstance(a, np.ndarray) and a.ndim == 1 and a.dtype.kind in "fiu" for a in arrays)
    require(numeric, f"damaged audit: {where}: bins are not one-dimensional numbers")
    edges = bins.edges
    ordered = 2 <= len(edges) <= 100_001 and bool(np.isfinite(edges).all() and (np.diff(edges) > 0).all())
    require(
        ordered, f"damaged audit: {where}: bin edges must be finite and rise, at least 2 and at most 100,001"
    )
    wanted = len(edges) + 1
    for field in dataclasses.fields(bins):
        array = getattr(bins, field.name)
        if field.name != "edges" and len(array) != wanted:
            raise InputError(
                f"damaged audit: {where}: {field.name} has {len(array)} masses; expected {wanted}"
            )
        require(
            bool(np.isfinite(array).all()), f"damaged audit: {where}: {field.name} of the bins is not finite"
        )


def _number(where: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | float | np.number):
        raise InputError(f"damaged audit: {where} is {type(value).__name__}; expected a number")


def _whole(where: str, value: object) -> None:
    if isinstance(value, bool) or not isinstance(value, int | np.integer):
        raise InputError(f"damaged audit: {where} is {type(value).__name__}; expected a whole number")
