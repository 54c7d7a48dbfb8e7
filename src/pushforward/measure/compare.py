"""Compare two tallies, or a tally and a law: one quantity's drift with all of its uncertainty."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.measure import distances, inference, resampling
from pushforward.measure.bands import bins_with_bands
from pushforward.measure.expected import Expected
from pushforward.measure.grid import Grid
from pushforward.measure.intended import Intended
from pushforward.measure.results import Distance, QuantityAudit
from pushforward.measure.shifts import shifts, undefined_shift
from pushforward.measure.tally import Tally

__all__ = ["compare"]

Array = NDArray[np.float64]
# Limits of distances need fewer resamples than p-values that are to be adjusted.
_BOOTSTRAPS = 499


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

    Distances are compared with what resampling without drift gives (resampling.null_differences); signed
    shifts carry ordinary intervals. Assumes that values, or clusters where groups are given, are independent.

    Raises:
        InputError: fewer than two defined values or fewer than two groups on a side.
    """
    intended = "data" if isinstance(against, Tally) else against.text
    made, against = _sides(made, against, name)
    expected = Expected.of(against, made.grid)
    null, noise = _resamples(made, expected, resamples, rng)
    measured = _distances(null, noise, made, expected, level)
    return QuantityAudit(
        name=name,
        unit=unit,
        intended=intended,
        **_sizes(made, expected),
        **shifts(made, expected, level),
        **measured,
        p_adjusted=measured["w1"].p_value,
        tolerance=tolerance,
        bins=bins_with_bands(null, made, expected, level),
        verdict="inconclusive",
        undefined=undefined_shift(made, expected.sample, level / quantities),
    )


def _sides(made: Tally, against: Tally | Intended, name: str) -> tuple[Tally, Tally | Intended]:
    """Both sides as they are compared: enough of each, a law known by draws counted, groups of one left out."""
    _enough(name, "made", made)
    if isinstance(against, Intended) and against.drawn is not None:
        against = Tally.zero(made.grid).add(against.drawn)
    if isinstance(against, Tally):
        _enough(name, "the reference", against)
        against = against.without_single_groups()
    return made.without_single_groups(), against


def _enough(name: str, side: str, tally: Tally) -> None:
    if tally.n == 0 and tally.n_invalid:
        raise InputError(
            f"quantity {name!r}: not defined on any of the {tally.n_invalid} trajectories of {side}"
        )
    require(tally.n >= 2, f"quantity {name!r}: got {tally.n} trajectories in {side}; expected at least 2")
    if tally.groups is not None:
        n_groups = len(tally.groups.labels)
        require(n_groups >= 2, f"quantity {name!r}: got {n_groups} group in {side}; expected at least 2")


def _resamples(
    made: Tally, expected: Expected, resamples: int, rng: np.random.Generator
) -> tuple[list[Array], Iterable[Array]]:
    """Differences without drift, and deviations of the difference from the truth."""
    reference = expected.sample or expected.mass
    null = list(resampling.null_differences(made, reference, resamples, rng))
    if resampling.is_clustered(made, reference):
        # One law, and the dearest one to draw from: the same resamples serve both.
        return null, null
    return null, resampling.bootstrap_differences(made, reference, min(resamples, _BOOTSTRAPS), rng)


def _sizes(made: Tally, expected: Expected) -> dict[str, Any]:
    """Sizes, means and spread of both sides, by their names in `QuantityAudit`."""
    sample = expected.sample
    return {
        "n_made": made.n,
        "n_reference": None if sample is None else sample.n,
        "n_invalid": made.n_invalid,
        "n_invalid_reference": 0 if sample is None else sample.n_invalid,
        "n_groups_made": None if made.groups is None else len(made.groups.labels),
        "n_groups_reference": None if sample is None or sample.groups is None else len(sample.groups.labels),
        "mean_made": made.mean,
        "mean_expected": expected.mean.value,
        "std_expected": expected.std,
    }


def _distances(
    null: list[Array], noise: Iterable[Array], made: Tally, expected: Expected, level: float
) -> dict[str, Any]:
    pooled = expected.pooled(made)

    def all_of(blocks: Iterable[Array]) -> dict[str, Array]:
        found = [_all_distances(block, made.grid, pooled) for block in blocks]
        return {name: np.concatenate([block[name] for block in found]) for name in found[0]}

    without = all_of(null)
    deviations = without if noise is null else all_of(noise)
    result: dict[str, Any] = {}
    for name, value in all_of([(made.mass - expected.mass)[None, :]]).items():
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
