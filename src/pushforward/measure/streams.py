"""Audit streams of measured values: grids, tallies, comparisons, verdicts."""

from __future__ import annotations

import math
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy import special

from pushforward.errors import InputError, named, printable, require
from pushforward.measure.compare import compare
from pushforward.measure.grid import Grid
from pushforward.measure.inference import benjamini_hochberg
from pushforward.measure.intended import Intended, Law
from pushforward.measure.ranges import RangeScan, common_range
from pushforward.measure.results import Audit, QuantityAudit, Verdict
from pushforward.measure.shards import AbstractShards
from pushforward.measure.shifts import POWER
from pushforward.measure.tally import Tally

__all__ = ["AuditSettings", "Chunk", "Stream", "audit_streams", "audit_values", "settle"]

Array = NDArray[np.float64]
Chunk = tuple[Mapping[str, Array], NDArray[Any] | None]
# A stream can be read from the start any number of times; an audit needs two passes, or one if the range is given.
# One that has `scan` and `count` of its own (see measure/shards.py) makes these passes by itself.
Stream = Callable[[], Iterator[Chunk]]
Wanted = Intended | Law | str | Sequence[float] | Array


@dataclass(frozen=True)
class AuditSettings:
    """How to compare.

    Attributes:
        level: error level of tests and bands.
        resamples: resamples without drift behind p-values and noise floors.
        bins: bins of the reported masses and of the total variation.
        subdivisions: fine cells per bin, for W1, KS and quantiles.
        seed: seed of the resampling.
        range: (low, high) of the grid in the quantity's unit; found from the data when None.

    Raises:
        InputError: a level outside (0, 1), fewer than 99 resamples, a range upside down.
    """

    level: float = 0.05
    resamples: int = 999
    bins: int = 32
    subdivisions: int = 32
    seed: int = 0
    range: tuple[float, float] | None = None

    def __post_init__(self) -> None:
        """Validate."""
        whole = (("resamples", self.resamples), ("bins", self.bins), ("subdivisions", self.subdivisions))
        for name, value in (*whole, ("seed", self.seed)):
            require(
                isinstance(value, int | np.integer),
                f"{name}: got {printable(value, 40)}; expected a whole number",
            )
        require(
            isinstance(self.level, int | float) and 0 < self.level < 1,
            f"level: got {printable(self.level, 40)}; expected between 0 and 1",
        )
        require(99 <= self.resamples <= 10**6, f"resamples: got {self.resamples}; expected 99 to 1000000")
        require(self.seed >= 0, f"seed: got {self.seed}; expected 0 or more")
        Grid(*(self.range or (0.0, 1.0)), self.bins, self.subdivisions)


def audit_values(
    made: ArrayLike,
    against: ArrayLike | None = None,
    *,
    intended: Wanted | None = None,
    name: str = "value",
    unit: str = "",
    tolerance: float | None = None,
    made_groups: ArrayLike | None = None,
    against_groups: ArrayLike | None = None,
    settings: AuditSettings | None = None,
) -> Audit:
    """Audit (N,) numbers that were measured elsewhere against other numbers or a stated law.

    Raises:
        InputError: arrays that are not (N,) numbers; neither or both of `against` and `intended`.
    """
    return audit_streams(
        _one_array(name, made, made_groups),
        None if against is None else _one_array(name, against, against_groups),
        units={name: unit},
        intended=None if intended is None else {name: intended},
        tolerance=None if tolerance is None else {name: tolerance},
        settings=settings,
    )


def _one_array(name: str, values: ArrayLike, groups: ArrayLike | None) -> Stream:
    array = np.asarray(values)
    require(
        array.ndim == 1 and array.dtype.kind in "fiub",
        f"{name}: got {array.dtype} of shape {array.shape}; expected (N,) real numbers",
    )
    ids = None if groups is None else np.asarray(groups)
    require(ids is None or ids.shape == array.shape, f"groups of {name}: expected one per value")
    chunk: Chunk = ({name: array.astype(np.float64)}, ids)
    return lambda: iter([chunk])


def audit_streams(
    made: Stream,
    against: Stream | None,
    *,
    units: Mapping[str, str],
    intended: Mapping[str, Wanted] | None = None,
    tolerance: Mapping[str, float] | None = None,
    settings: AuditSettings | None = None,
    inputs: Mapping[str, str] | None = None,
) -> Audit:
    """Audit streams of measured values, in constant memory: a pass for the range, a pass for the counts.

    Args:
        made: generated values, chunks of {name: (n,) values} with (n,) groups or None.
        against: values whose law is intended; None where every law is stated.
        units: the quantities to audit, in order, with their units.
        intended: stated laws by name; the others are compared with `against`.
        tolerance: accepted drift (W1) by name, in the quantity's unit.

    Raises:
        InputError: a quantity with neither reference nor law; no or too few values; unknown names.
    """
    settings = settings or AuditSettings()
    laws = {key: Intended.of(law) for key, law in (intended or {}).items()}
    limits = dict(tolerance or {})
    unstated = [key for key in units if key not in laws]
    _check(units, laws, limits, unstated if against is None else [])
    require(
        against is None or len(unstated) > 0,
        "reference data: would not be used, as every quantity has a stated law; expected one of the two",
    )
    # Enough resamples for the smallest p-value to pass Benjamini–Hochberg's strictest level, with room to spare.
    settings = replace(
        settings, resamples=max(settings.resamples, math.ceil(2 * len(units) / settings.level) - 1)
    )
    grids = _grids(made, against if unstated else None, units, laws, settings)
    made_tallies = _count(made, grids)
    against_tallies = (
        _count(against, {k: grids[k] for k in unstated}) if against is not None and unstated else {}
    )
    found = [
        _compared(
            key, unit, made_tallies[key], laws.get(key) or against_tallies[key], settings, limits, len(units)
        )
        for key, unit in units.items()
    ]
    from pushforward import __version__

    ranges = {key: [grid.low, grid.high] for key, grid in grids.items()}
    return Audit(
        quantities=settle(found, settings.level),
        seed=settings.seed,
        level=settings.level,
        resamples=settings.resamples,
        grid={"bins": settings.bins, "subdivisions": settings.subdivisions, "ranges": ranges},
        version=__version__,
        inputs=dict(inputs or {}),
    )


def _check(
    units: Mapping[str, str],
    laws: Mapping[str, Intended],
    limits: Mapping[str, float],
    nothing: Sequence[str],
) -> None:
    for given in (*laws, *limits):
        if given not in units:
            raise named("quantity", given, units)
    for key, limit in limits.items():
        require(
            bool(np.isfinite(limit)) and limit > 0,
            f"tolerance of {key}: got {limit}; expected a positive number",
        )
    if nothing:
        raise InputError(
            f"quantity {printable(nothing[0])!r} has nothing to be compared with: "
            "give reference data or an intended law"
        )


def _compared(
    key: str,
    unit: str,
    made: Tally,
    against: Tally | Intended,
    settings: AuditSettings,
    limits: Mapping[str, float],
    quantities: int,
) -> QuantityAudit:
    return compare(
        made,
        against,
        name=key,
        unit=unit,
        # By name, so that a quantity's figures do not depend on what else is audited.
        rng=np.random.default_rng([settings.seed, zlib.crc32(key.encode())]),
        resamples=settings.resamples,
        level=settings.level,
        quantities=quantities,
        tolerance=limits.get(key),
    )


def _grids(
    made: Stream,
    against: Stream | None,
    units: Mapping[str, str],
    laws: Mapping[str, Intended],
    settings: AuditSettings,
) -> dict[str, Grid]:
    size = (settings.bins, settings.subdivisions)
    if settings.range is not None:
        return {key: Grid(*settings.range, *size) for key in units}
    drawn = {key: law.drawn for key, law in laws.items() if law.drawn is not None}
    made_scans = _scan(made, list(units))
    against_scans = {} if against is None else _scan(against, [key for key in units if key not in laws])
    for key, values in drawn.items():
        against_scans[key] = RangeScan()
        against_scans[key].add(values)
    grids = {}
    for key in units:
        scans = [made_scans[key], *([against_scans[key]] if key in against_scans else [])]
        for scan, side in zip(scans, ("made", "the reference"), strict=False):
            require(scan.n > 0, f"quantity {printable(key)!r}: not defined on any trajectory of {side}")
        low, high = common_range(scans)
        if key in laws and key not in drawn:
            low, high = _stated_range(laws[key].range(settings.bins), low, high)
        grids[key] = Grid.covering(low, high, *size)
    return grids


def _stated_range(stated: tuple[float, float], low: float, high: float) -> tuple[float, float]:
    """The law's own range, wherever it holds what was made; else both together."""
    if stated[0] <= low and high <= stated[1]:
        return stated
    return min(stated[0], low), max(stated[1], high)


def _scan(stream: Stream, names: Sequence[str]) -> dict[str, RangeScan]:
    if isinstance(stream, AbstractShards):
        return stream.scan(names)
    scans = {key: RangeScan() for key in names}
    for values, _ in stream():
        for key, scan in scans.items():
            scan.add(values[key])
    return scans


def _count(stream: Stream, grids: Mapping[str, Grid]) -> dict[str, Tally]:
    if isinstance(stream, AbstractShards):
        return stream.count(grids)
    tallies = {key: Tally.zero(grid) for key, grid in grids.items()}
    for values, groups in stream():
        for key in tallies:
            try:
                tallies[key] = tallies[key].add(values[key], groups)
            except InputError as error:
                raise InputError(f"quantity {printable(key)!r}: {error}") from None
    return tallies


def settle(found: Iterable[QuantityAudit], level: float) -> tuple[QuantityAudit, ...]:
    """Verdicts over all quantities: Benjamini–Hochberg on W1's p-values, then the tolerances.

    Without a tolerance: `drift` where the adjusted p-value is at most `level`, else `no drift found`.
    With one: `drift` where in addition W1's lower limit exceeds it, `within tolerance` where W1's upper limit
    does not (an equivalence test in the user's unit), else `inconclusive`. Either way `drift` where the quantity is
    defined on a significantly different share of the made and the reference trajectories.
    """
    quantities = list(found)
    if not quantities:
        raise InputError("audit: got no quantity; expected at least one")
    adjusted = benjamini_hochberg(np.array([quantity.w1.p_value for quantity in quantities]))
    m = len(quantities)
    return tuple(
        replace(
            quantity,
            p_adjusted=float(p),
            # What was computed at `level` holds at the strictest level that Benjamini–Hochberg may ask for.
            minimum_detectable=quantity.minimum_detectable * _factor(level / m) / _factor(level),
            verdict=_verdict(quantity, float(p), level),
        )
        for quantity, p in zip(quantities, adjusted, strict=True)
    )


def _factor(level: float) -> float:
    return float(special.ndtri(1 - level / 2) + special.ndtri(POWER))


def _verdict(quantity: QuantityAudit, p_adjusted: float, level: float) -> Verdict:
    if quantity.undefined.low > 0 or quantity.undefined.high < 0:
        # Where the quantity is defined on more or fewer trajectories than it should be, the rest decides nothing.
        return "drift"
    if quantity.tolerance is None:
        return "drift" if p_adjusted <= level else "no drift found"
    if quantity.w1.high <= quantity.tolerance:
        return "within tolerance"
    if p_adjusted <= level and quantity.w1.low > quantity.tolerance:
        return "drift"
    return "inconclusive"
