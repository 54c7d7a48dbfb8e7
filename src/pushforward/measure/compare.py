"""Compare two tallies, or a tally and a law: one quantity's drift with all of its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pushforward.errors import InputError, require
from pushforward.measure import distances, inference
from pushforward.measure.grid import Grid
from pushforward.measure.inference import Mean
from pushforward.measure.intended import Intended
from pushforward.measure.results import Bins, Distance, QuantileShift, QuantityAudit, Shift
from pushforward.measure.tally import Tally

__all__ = ["compare"]

Array = NDArray[np.float64]
_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_TAIL = 0.01
_POWER = 0.8


@final
@dataclass(frozen=True)
class _Expected:
    """The intended law on the grid, whether it came as samples or was stated."""

    mass: Array
    mean: Mean
    std: float
    quantile: Callable[[float], float]
    tail_means: tuple[float, float]
    sample: Tally | None

    def effective_n(self, below: Array) -> float | None:
        """Independent values behind a share of the expected mass; None for a stated law."""
        return None if self.sample is None else self.sample.n / inference.design_effect(self.sample, below)


def compare(
    made: Tally,
    against: Tally | Intended,
    *,
    name: str,
    unit: str,
    rng: np.random.Generator,
    resamples: int = 999,
    level: float = 0.05,
    tolerance: float | None = None,
) -> QuantityAudit:
    """Drift of `made` from `against` on their grid. The verdict is settled later, over all quantities.

    Distances are compared with what resampling without drift gives (inference.null_differences); signed
    shifts carry ordinary intervals. Assumes that values, or clusters where groups are given, are independent.

    Raises:
        InputError: fewer than two defined values or fewer than two groups on a side.
    """
    _enough(name, "made", made)
    made = made.without_single_groups()
    intended = "data" if isinstance(against, Tally) else against.text
    if isinstance(against, Intended) and against.drawn is not None:
        against = Tally.zero(made.grid).add(against.drawn)
    if isinstance(against, Tally):
        _enough(name, "the reference", against)
        against = against.without_single_groups()
    expected = _expected(against, made.grid)
    tails = _pooled_tails(made, expected)
    observed = made.mass - expected.mass
    null = list(
        inference.null_differences(made, expected.sample or expected.mass, resamples, rng),
    )
    measured = _distances(observed, null, made, expected, tails, level)
    shift, error = inference.shift_of_means(inference.mean_of(made), expected.mean, level)
    sample = expected.sample
    return QuantityAudit(
        name=name,
        unit=unit,
        intended=intended,
        n_made=made.n,
        n_reference=None if sample is None else sample.n,
        n_invalid=made.n_invalid,
        n_invalid_reference=0 if sample is None else sample.n_invalid,
        n_groups_made=None if made.groups is None else len(made.groups.labels),
        n_groups_reference=None if sample is None or sample.groups is None else len(sample.groups.labels),
        mean_made=made.mean,
        mean_expected=expected.mean.value,
        std_expected=expected.std,
        mean_shift=Shift(*shift),
        quantile_shifts=tuple(_quantile_shift(made, expected, tau, level) for tau in _LEVELS),
        tail_low=_tail_shift(made, expected, level, upper=False),
        tail_high=_tail_shift(made, expected, level, upper=True),
        **measured,
        p_adjusted=measured["w1"].p_value,
        minimum_detectable=float(special.ndtri(1 - level / 2) + special.ndtri(_POWER)) * error,
        tolerance=tolerance,
        bins=_bins(observed, null, made, expected, level),
        verdict="inconclusive",
    )


def _enough(name: str, side: str, tally: Tally) -> None:
    if tally.n == 0 and tally.n_invalid:
        raise InputError(
            f"quantity {name!r}: not defined on any of the {tally.n_invalid} trajectories of {side}"
        )
    require(tally.n >= 2, f"quantity {name!r}: got {tally.n} trajectories in {side}; expected at least 2")
    if tally.groups is not None:
        n_groups = len(tally.groups.labels)
        require(n_groups >= 2, f"quantity {name!r}: got {n_groups} group in {side}; expected at least 2")


def _expected(against: Tally | Intended, grid: Grid) -> _Expected:
    if isinstance(against, Tally):
        tails, mass = against.tail_means, against.mass
        return _Expected(
            mass=mass,
            mean=inference.mean_of(against),
            std=math.sqrt(against.variance),
            quantile=lambda tau: distances.quantile(mass, grid, tau, tails),
            tail_means=tails,
            sample=against,
        )
    law = against.mass(grid)
    known = Mean(against.mean, 0.0, math.inf)
    return _Expected(law, known, against.std, against.quantile, against.tail_means(grid), None)


def _pooled_tails(made: Tally, expected: _Expected) -> tuple[float, float]:
    """Mean distance from the range's ends of all mass outside it, made and expected together."""

    def pooled(cell: int, side: int) -> float:
        if expected.sample is not None:
            p, q = float(made.counts[cell]), float(expected.sample.counts[cell])
        else:
            p, q = float(made.mass[cell]), float(expected.mass[cell])
        total = p + q
        return (p * made.tail_means[side] + q * expected.tail_means[side]) / total if total > 0 else 0.0

    return pooled(0, 0), pooled(-1, 1)


def _distances(
    observed: Array,
    null: list[Array],
    made: Tally,
    expected: _Expected,
    tails: tuple[float, float],
    level: float,
) -> dict[str, Distance]:
    grid, sample = made.grid, expected.sample
    pooled = expected.mass
    if sample is not None:
        pooled = (made.counts + sample.counts) / (made.n + sample.n)

    def all_of(difference: Array) -> dict[str, Array]:
        cdf = distances.cdf_difference(difference)
        return {
            "w1": distances.w1(cdf, grid, tails),
            "ks": distances.ks(cdf),
            "energy": distances.energy(cdf, grid, tails),
            "cramer_von_mises": distances.cramer_von_mises(cdf, pooled),
            "tv": distances.tv(difference, grid),
        }

    blocks = [all_of(block) for block in null]
    result = {}
    for name, value in all_of(observed).items():
        without = np.concatenate([block[name] for block in blocks])
        floor, size = float(inference.upper_limit(without, level)), float(value)
        p = inference.p_values(size, without)
        result[name] = Distance(size, floor, p, max(size - floor, 0.0), size + floor)
    return result


def _quantile_shift(made: Tally, expected: _Expected, tau: float, level: float) -> QuantileShift:
    def at(share: float) -> float:
        return distances.quantile(made.mass, made.grid, share, made.tail_means)

    n = made.n / inference.design_effect(made, _cells_below(made.grid, at(tau)))
    expected_n = expected.effective_n(_cells_below(made.grid, expected.quantile(tau)))
    shift = inference.shift_of_quantiles(at, n, expected.quantile, expected_n, tau, level)
    return QuantileShift(*shift, level=tau, expected=expected.quantile(tau))


def _cells_below(grid: Grid, value: float) -> Array:
    """(cells + 2,) how much of each cell lies below a value, linear within a cell."""
    inner = np.clip((value - grid.cell_edges[:-1]) / grid.width, 0.0, 1.0)
    return np.concatenate([[float(value >= grid.low)], inner, [float(value > grid.high)]])


def _tail_shift(made: Tally, expected: _Expected, level: float, upper: bool) -> Shift:
    below = _cells_below(made.grid, expected.quantile(1 - _TAIL if upper else _TAIL))
    tail = 1 - below if upper else below
    n = made.n / inference.design_effect(made, tail)
    share, wanted = float(made.mass @ tail), float(expected.mass @ tail)
    return Shift(*inference.shift_of_proportions(share, n, wanted, expected.effective_n(tail), level))


def _bins(observed: Array, null: list[Array], made: Tally, expected: _Expected, level: float) -> Bins:
    """Masses per bin; the null band is calibrated so that all bins hold together in 1 − level of resamples."""
    grid = made.grid
    by_bin = np.concatenate([grid.by_bin(block) for block in null])
    wanted, found = grid.by_bin(expected.mass), grid.by_bin(made.mass)
    spread = _spread(by_bin, made, expected)
    scale = np.where(spread > 0, spread, 1.0)
    half = float(inference.upper_limit(np.abs(by_bin / scale).max(axis=1), level)) * spread
    n = np.array([made.n / inference.design_effect(made, one) for one in _one_bin_each(grid, made)])
    low, high = inference.bin_interval(found, n, inference.sidak(level, len(found)))
    # Rounding must not make a gain of a bin in which nothing can vary.
    margin = half + 1e-12
    difference = grid.by_bin(observed)
    return Bins(
        edges=grid.edges,
        expected=wanted,
        made=found,
        low=low,
        high=high,
        null_low=np.maximum(wanted - half, 0.0),
        null_high=np.minimum(wanted + half, 1.0),
        gain=(difference > margin).astype(np.int64) - (difference < -margin).astype(np.int64),
    )


def _spread(null: Array, made: Tally, expected: _Expected) -> Array:
    """(bins + 2,) standard deviation of each bin's difference without drift.

    Of independent values it follows from the pooled masses alone, which keeps the band's calibration exact.
    """
    sample = expected.sample
    if made.groups is not None or (sample is not None and sample.groups is not None):
        return np.asarray(null.std(axis=0))
    pooled, inverse = made.grid.by_bin(expected.mass), 1 / made.n
    if sample is not None:
        pooled = made.grid.by_bin(made.counts + sample.counts) / (made.n + sample.n)
        inverse += 1 / sample.n
    return np.asarray(np.sqrt(pooled * (1 - pooled) * inverse))


def _one_bin_each(grid: Grid, made: Tally) -> Array:
    """(bins + 2, cells + 2) indicator of each bin; a cheap row where there are no clusters to look at."""
    if made.groups is None:
        return np.zeros((grid.bins + 2, grid.cells + 2))
    owner = np.concatenate([[0], 1 + np.arange(grid.cells) // grid.subdivisions, [grid.bins + 1]])
    return np.asarray(owner[None, :] == np.arange(grid.bins + 2)[:, None], dtype=np.float64)
