"""Compare two tallies, or a tally and a law: one quantity's drift with all of its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pushforward.errors import InputError, require
from pushforward.measure import distances, inference
from pushforward.measure.grid import OUTER, Grid
from pushforward.measure.inference import Mean
from pushforward.measure.intended import Intended
from pushforward.measure.results import Bins, Distance, QuantileShift, QuantityAudit, Shift
from pushforward.measure.tally import Tally

__all__ = ["POWER", "compare"]

Array = NDArray[np.float64]
_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_TAIL = 0.01
POWER = 0.8
# Limits of distances need fewer resamples than p-values that are to be adjusted.
_BOOTSTRAPS = 499


@final
@dataclass(frozen=True)
class _Expected:
    """The intended law on the grid, whether it came as samples or was stated."""

    mass: Array
    mean: Mean
    std: float
    quantile: Callable[[float], float]
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
    quantities: int = 1,
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
    observed = made.mass - expected.mass
    sample = expected.sample
    against_counts = sample or expected.mass
    null = list(inference.null_differences(made, against_counts, resamples, rng))
    noise = inference.bootstrap_differences(made, against_counts, min(resamples, _BOOTSTRAPS), rng)
    measured = _distances(observed, null, noise, made, expected, level)
    shift, error = inference.shift_of_means(inference.mean_of(made), expected.mean, level)
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
        minimum_detectable=float(special.ndtri(1 - level / 2) + special.ndtri(POWER)) * error,
        tolerance=tolerance,
        bins=_bins(observed, null, made, expected, level),
        verdict="inconclusive",
        undefined=_undefined(made, sample, level / quantities),
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
    sample = against if isinstance(against, Tally) else None
    mass = against.mass if isinstance(against, Tally) else against.mass(grid)
    return _Expected(
        mass=mass,
        mean=inference.mean_of(against) if isinstance(against, Tally) else Mean(against.mean, 0.0, math.inf),
        std=math.sqrt(against.variance) if isinstance(against, Tally) else against.std,
        # From the masses also for a stated law, so that both sides are read off the grid by one rule.
        quantile=lambda tau: distances.quantile(mass, grid, tau),
        sample=sample,
    )


def _distances(
    observed: Array, null: list[Array], noise: Iterable[Array], made: Tally, expected: _Expected, level: float
) -> dict[str, Distance]:
    pooled = expected.mass
    if expected.sample is not None:
        pooled = (made.counts + expected.sample.counts) / (made.n + expected.sample.n)

    def all_of(blocks: Iterable[Array]) -> dict[str, Array]:
        found = [_all_distances(block, made.grid, pooled) for block in blocks]
        return {name: np.concatenate([block[name] for block in found]) for name in found[0]}

    without, deviations = all_of(null), all_of(noise)
    result = {}
    for name, value in all_of([observed[None, :]]).items():
        size, floor = float(value[0]), float(inference.upper_limit(without[name], level))
        margin = float(inference.upper_limit(deviations[name], level))
        low, high = _limits(size, margin, squared=name == "cramer_von_mises")
        p = inference.p_values(size, without[name])
        result[name] = Distance(size, floor, p, low if p <= level else 0.0, high)
    return result


def _all_distances(difference: Array, grid: Grid, pooled: Array) -> dict[str, Array]:
    cdf = distances.cdf_difference(difference)
    return {
        "w1": distances.w1(cdf, grid),
        "ks": distances.ks(cdf),
        "energy": distances.energy(cdf, grid),
        "cramer_von_mises": distances.cramer_von_mises(cdf, pooled),
        "tv": distances.tv(difference, grid),
    }


def _limits(size: float, margin: float, squared: bool) -> tuple[float, float]:
    """Limits from the triangle inequality of a norm; Cramér–von Mises is the square of one."""
    if squared:
        low, high = _limits(math.sqrt(size), math.sqrt(margin), squared=False)
        return low**2, high**2
    return max(size - margin, 0.0), size + margin


def _undefined(made: Tally, sample: Tally | None, level: float) -> Shift:
    """Shift of the share of trajectories on which the quantity is not defined; nothing to compare with a law."""
    share = made.n_invalid / (made.n + made.n_invalid)
    if sample is None or (made.n_invalid == 0 and sample.n_invalid == 0):
        return Shift(0.0, 0.0, 0.0)
    expected = sample.n_invalid / (sample.n + sample.n_invalid)
    sizes = [
        float(side.n + side.n_invalid) if side.groups is None else float(len(side.groups.labels))
        for side in (made, sample)
    ]
    return Shift(*inference.shift_of_proportions(share, sizes[0], expected, sizes[1], level))


def _quantile_shift(made: Tally, expected: _Expected, tau: float, level: float) -> QuantileShift:
    def at(share: float) -> float:
        return distances.quantile(made.mass, made.grid, share)

    n = made.n / inference.design_effect(made, _cells_below(made.grid, at(tau)))
    expected_n = expected.effective_n(_cells_below(made.grid, expected.quantile(tau)))
    shift = inference.shift_of_quantiles(at, n, expected.quantile, expected_n, tau, level)
    return QuantileShift(*shift, level=tau, expected=expected.quantile(tau))


def _cells_below(grid: Grid, value: float) -> Array:
    """(size,) how much of each cell lies below a value, linear within a cell."""
    edges = grid.cell_edges
    inner = np.clip((value - edges[:-1]) / np.diff(edges), 0.0, 1.0)
    return np.concatenate([[float(value >= edges[0])], inner, [float(value > edges[-1])]])


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
    """(bins + 2, size) indicator of each bin; a cheap row where there are no clusters to look at."""
    if made.groups is None:
        return np.zeros((grid.bins + 2, 1))
    outer = np.zeros(OUTER + 1, dtype=np.int64)
    owner = np.concatenate([outer, 1 + np.arange(grid.cells) // grid.subdivisions, outer + grid.bins + 1])
    return np.asarray(owner[None, :] == np.arange(grid.bins + 2)[:, None], dtype=np.float64)
