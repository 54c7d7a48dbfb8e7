"""What an audit found: plain, frozen, and readable back from its JSON."""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Self, cast

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable

__all__ = ["Audit", "Bins", "Distance", "QuantileShift", "QuantityAudit", "Shift", "Verdict"]

Verdict = Literal["drift", "within tolerance", "inconclusive", "no drift found"]
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Shift:
    """A signed difference, made − expected, with its 95 % confidence interval, in the quantity's unit."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class QuantileShift(Shift):
    """Shift of one quantile: `level` in (0, 1), `expected` its value under the intended law."""

    level: float
    expected: float


@dataclass(frozen=True)
class Distance:
    """A distance between the two laws, beside what pure sampling noise gives.

    Attributes:
        value: the distance between the observed counts.
        null_95: the noise floor: 95 % of comparisons without any drift stay below it.
        p_value: (k + 1) / (n + 1) over resamples without drift.
        low, high: conservative 95 % confidence limits of the true distance: `value` ∓ what a bootstrap of both sides
            deviates from them; `low` is 0 where the distance is not significant.
    """

    value: float
    null_95: float
    p_value: float
    low: float
    high: float


@dataclass(frozen=True)
class Bins:
    """Masses per bin. Every array has B + 2 entries: below the first edge, B inner bins, above the last edge.

    Attributes:
        edges: (B + 1,) inner edges, in the quantity's unit.
        expected: mass under the intended law.
        made: mass of the generated trajectories.
        low, high: simultaneous 95 % confidence band of the true made mass.
        null_low, null_high: where all made masses would lie together in 95 % of comparisons without drift.
        gain: +1 where mass was significantly gained, −1 where lost, 0 elsewhere.
    """

    edges: NDArray[np.float64]
    expected: NDArray[np.float64]
    made: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    null_low: NDArray[np.float64]
    null_high: NDArray[np.float64]
    gain: NDArray[np.int64]

    def to_json(self) -> dict[str, Any]:
        """Inner bins as lists; the two outer ones under `underflow` and `overflow`."""
        arrays = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "edges"}
        inner = {name: array[1:-1].tolist() for name, array in arrays.items()}
        under = {name: array[0].item() for name, array in arrays.items()}
        over = {name: array[-1].item() for name, array in arrays.items()}
        return {"edges": self.edges.tolist(), **inner, "underflow": under, "overflow": over}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `to_json` gave."""
        names = [f.name for f in dataclasses.fields(cls) if f.name != "edges"]
        arrays = {
            name: np.array([record["underflow"][name], *record[name], record["overflow"][name]])
            for name in names
        }
        arrays["gain"] = arrays["gain"].astype(np.int64)
        return cls(edges=np.array(record["edges"], dtype=np.float64), **arrays)


@dataclass(frozen=True)
class QuantityAudit:
    """The drift of one quantity with its uncertainty.

    Attributes:
        name, unit: as the quantity says.
        intended: how the intended law was given, such as `data` or `uniform(1, 2)`.
        n_made, n_reference: measured trajectories (`n_reference` None for a stated law).
        n_invalid, n_invalid_reference: trajectories on which the quantity is not defined; counted, left out.
        n_groups_made, n_groups_reference: independent clusters, where groups were given.
        mean_made, mean_expected, std_expected: for the reader; in the unit.
        mean_shift: difference of means.
        quantile_shifts: differences of quantiles.
        tail_low, tail_high: shift of the mass beyond the intended law's 1 % and 99 % quantiles.
        w1, ks, energy, cramer_von_mises, tv: distances beside their noise floors.
        p_adjusted: W1's p-value after Benjamini–Hochberg over the audit's quantities.
        minimum_detectable: the smallest shift of the mean that a t-test finds with 80 % power at these sample sizes, at
            Benjamini–Hochberg's strictest level; the test by W1, which also sees other changes, is a little weaker.
        tolerance: the drift that the user accepts (W1, in the unit), or None.
        bins: masses per bin with their bands.
        verdict: see `Verdict`.
        undefined: shift of the share of trajectories on which the quantity is not defined (0 for a stated law).
    """

    name: str
    unit: str
    intended: str
    n_made: int
    n_reference: int | None
    n_invalid: int
    n_invalid_reference: int
    n_groups_made: int | None
    n_groups_reference: int | None
    mean_made: float
    mean_expected: float
    std_expected: float
    mean_shift: Shift
    quantile_shifts: tuple[QuantileShift, ...]
    tail_low: Shift
    tail_high: Shift
    w1: Distance
    ks: Distance
    energy: Distance
    cramer_von_mises: Distance
    tv: Distance
    p_adjusted: float
    minimum_detectable: float
    tolerance: float | None
    bins: Bins
    verdict: Verdict
    undefined: Shift = Shift(0.0, 0.0, 0.0)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, lists and strings."""
        record = {f.name: getattr(self, f.name) for f in dataclasses.fields(self) if f.name != "bins"}
        for name, value in record.items():
            if dataclasses.is_dataclass(value):
                record[name] = dataclasses.asdict(cast(Any, value))
        record["quantile_shifts"] = [dataclasses.asdict(shift) for shift in self.quantile_shifts]
        return {**record, "bins": self.bins.to_json()}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `to_json` gave."""
        values = {f.name: record[f.name] for f in dataclasses.fields(cls)}
        for name in ("mean_shift", "tail_low", "tail_high", "undefined"):
            values[name] = Shift(**values[name])
        for name in ("w1", "ks", "energy", "cramer_von_mises", "tv"):
            values[name] = Distance(**values[name])
        values["quantile_shifts"] = tuple(QuantileShift(**shift) for shift in values["quantile_shifts"])
        values["bins"] = Bins.from_json(values["bins"])
        return cls(**values)


@dataclass(frozen=True)
class Audit:
    """Drift of one or more quantities with its uncertainty. `print(audit)` shows a table.

    Attributes:
        quantities: one `QuantityAudit` each, in the order asked.
        seed: seed of the resampling.
        level: the error level of tests and bands (0.05).
        resamples: resamples without drift behind every p-value and noise floor.
        grid: {"bins", "subdivisions", "ranges": {name: [low, high]}}.
        n_dropped: invalid trajectories left out before measuring: {"made": ..., "against": ...}.
        inputs: what was compared, as text for the reader: {"made": ..., "against": ...}.
        version: of pushforward.
    """

    quantities: tuple[QuantityAudit, ...]
    seed: int
    level: float
    resamples: int
    grid: Mapping[str, Any]
    version: str
    inputs: Mapping[str, str] = field(default_factory=dict)
    n_dropped: Mapping[str, int] = field(default_factory=dict)

    @property
    def verdicts(self) -> dict[str, Verdict]:
        """Verdict by quantity name."""
        return {quantity.name: quantity.verdict for quantity in self.quantities}

    @property
    def drifted(self) -> bool:
        """True when any quantity's verdict is `drift`."""
        return "drift" in self.verdicts.values()

    def __getitem__(self, name: str) -> QuantityAudit:
        """One quantity's audit by its name."""
        for quantity in self.quantities:
            if quantity.name == name:
                return quantity
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """The machine-readable result: plain numbers, lists and strings."""
        return {
            "format": "pushforward-audit",
            "format_version": FORMAT_VERSION,
            "version": self.version,
            "seed": self.seed,
            "level": self.level,
            "resamples": self.resamples,
            "grid": dict(self.grid),
            "inputs": dict(self.inputs),
            "n_dropped": dict(self.n_dropped),
            "quantities": [quantity.to_json() for quantity in self.quantities],
        }

    def to_text(self) -> str:
        """`to_json` as strict JSON text (numbers that are not finite become null)."""
        return json.dumps(_finite(self.to_json()), indent=1, allow_nan=False)

    @classmethod
    def from_json(cls, record: object) -> Self:
        """Read back what `to_json` gave.

        Raises:
            InputError: not an audit, from a newer version, or damaged.
        """
        if not isinstance(record, dict) or record.get("format") != "pushforward-audit":
            raise InputError("not an audit: expected the JSON written by `pushforward audit --json`")
        if record.get("format_version") != FORMAT_VERSION:
            got = printable(record.get("format_version"))
            raise InputError(
                f"audit of format version {got}; this pushforward reads version {FORMAT_VERSION}"
            )
        try:
            return cls(
                quantities=tuple(
                    QuantityAudit.from_json(quantity) for quantity in _numbers(record["quantities"])
                ),
                **{
                    name: record[name]
                    for name in ("seed", "level", "resamples", "grid", "version", "inputs", "n_dropped")
                },
            )
        except (KeyError, TypeError, ValueError, IndexError) as error:
            raise InputError(f"damaged audit: {type(error).__name__}: {printable(error)}") from error

    def __str__(self) -> str:
        """A table, a line per quantity: every drift beside its noise floor."""
        from pushforward.measure.table import audit_table

        return audit_table(self)


def _finite(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


_OPTIONAL = {"n_reference", "n_groups_made", "n_groups_reference", "tolerance"}


def _numbers(value: Any, key: str = "") -> Any:
    """The inverse of `_finite`: null back to NaN, except where None is meant."""
    if isinstance(value, dict):
        return {name: _numbers(item, name) for name, item in value.items()}
    if isinstance(value, list):
        return [_numbers(item) for item in value]
    return math.nan if value is None and key not in _OPTIONAL else value
