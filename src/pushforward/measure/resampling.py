"""Resampling of counts: what a comparison would give without drift, and how far one may lie from the truth.

A *side* is one sample; its clusters, where given, are what is resampled.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pushforward.measure.inference import Mean, clustered_error, mean_of, welch
from pushforward.measure.tally import Tally

__all__ = ["bootstrap_differences", "cluster_counts", "is_clustered", "null_differences"]

Array = NDArray[np.float64]
# Resamples at a time: their differences on the usual grid stay in the processor's cache.
_BLOCK = 32
# Draws of clusters at a time, for the same reason, and how many resamples' draws are kept (16 MiB).
_CACHED_DRAWS = 1 << 15
_MOST_DRAWS = 1 << 22
# NumPy's multivariate hypergeometric sampler is limited to populations below this.
_HYPERGEOMETRIC_LIMIT = 1_000_000_000
# Values per cell up to which drawing value by value is cheaper than cell by cell.
_FEW = 6
# Below this whole numbers and their sums are exact in single precision.
_EXACT_SINGLE = 1 << 24


def null_differences(
    made: Tally, reference: Tally | Array, resamples: int, rng: np.random.Generator
) -> Iterator[Array]:
    """Blocks of (r, size) differences of masses p − q as they would be without drift.

    - Two samples of independent values: exact permutation. Given the pooled counts, the first sample's counts
      are multivariate hypergeometric; conditional on the pooled values the test is exact, with ties.
    - One sample against a law (`reference` is its cell masses): exact multinomial counts.
    - Where groups are given: `bootstrap_differences`. Assumes independent clusters, at least about 20 of them, none
      dominating.

    Blocks bound the memory: they do not depend on anything but `resamples`.
    """
    if is_clustered(made, reference):
        yield from bootstrap_differences(made, reference, resamples, rng)
        return
    if isinstance(reference, Tally):
        draw = _permutation(made, reference, rng)
    else:
        draw = _multinomial(made.n, reference / reference.sum(), rng)
    yield from _blocks(draw, resamples)


def bootstrap_differences(
    made: Tally, reference: Tally | Array, resamples: int, rng: np.random.Generator
) -> Iterator[Array]:
    """Blocks of (r, size) deviations of p − q from the truth, (p* − p) − (q* − q), each side with its own noise.

    Each side's values are drawn with replacement, in whole clusters where groups are given; then the deviations are
    widened from normal to Student t with Welch's degrees of freedom of the means.

    ‖p − q‖ of any norm lies within ‖deviation‖ of its true value, so their quantile gives limits at any truth.
    """
    yield from _blocks(_centred(made, reference, rng), resamples)


def is_clustered(made: Tally, reference: Tally | Array) -> bool:
    """Whether either side has clusters."""
    return made.groups is not None or (isinstance(reference, Tally) and reference.groups is not None)


def _blocks(draw: Callable[[int], Array], resamples: int) -> Iterator[Array]:
    for start in range(0, resamples, _BLOCK):
        yield draw(min(_BLOCK, resamples - start))


def _multinomial(n: int, law: Array, rng: np.random.Generator) -> Callable[[int], Array]:
    return lambda r: rng.multinomial(n, law, size=r) / n - law


def _permutation(made: Tally, reference: Tally, rng: np.random.Generator) -> Callable[[int], Array]:
    pooled = made.counts + reference.counts
    occupied = np.flatnonzero(pooled)
    colours, n, m = pooled[occupied], made.n, reference.n
    # One law by two ways: draw by draw, or cell by cell.
    method: Literal["count", "marginals"] = "count" if n + m < _FEW * len(occupied) else "marginals"

    def draw(r: int) -> Array:
        if n + m < _HYPERGEOMETRIC_LIMIT:
            first = rng.multivariate_hypergeometric(colours, n, size=r, method=method)
            p, q = first / n, (colours - first) / m
        else:
            # Beyond a billion values drawing with and without replacement differ by less than 1e-9.
            share = colours / (n + m)
            p, q = rng.multinomial(n, share, size=r) / n, rng.multinomial(m, share, size=r) / m
        difference = np.zeros((r, len(pooled)))
        difference[:, occupied] = p - q
        return difference

    return draw


def _centred(made: Tally, reference: Tally | Array, rng: np.random.Generator) -> Callable[[int], Array]:
    first = _bootstrap(made, rng)
    second = _bootstrap(reference, rng) if isinstance(reference, Tally) else None
    if not is_clustered(made, reference):
        return lambda r: first(r) if second is None else first(r) - second(r)
    known = Mean(0.0, 0.0, math.inf)
    nu = welch(mean_of(made), mean_of(reference) if isinstance(reference, Tally) else known)[1]

    def draw(r: int) -> Array:
        difference = first(r) if second is None else first(r) - second(r)
        # √(ν/χ²_ν) turns the bootstrap's normal deviations into Student's: the spread between few clusters is
        # itself uncertain.
        return np.asarray(difference * np.sqrt(nu / rng.chisquare(nu, size=r))[:, None])

    return draw


def _bootstrap(side: Tally, rng: np.random.Generator) -> Callable[[int], Array]:
    if side.groups is None:
        return _independent(side, rng)
    matrix, sizes = side.clusters
    # Resampling clusters spreads the mean a little less than the jackknife says, the more so the more unequal
    # the clusters: the ratio of the two is made up for.
    score = side.grid.positions
    total = matrix @ score
    plain = math.sqrt(float(np.square(total - total.sum() / side.n * sizes).sum())) / side.n
    widening = clustered_error(side, score)[0] / plain if plain > 0 else 1.0
    largest = len(sizes) * int(matrix.data.max(initial=0))
    by_cell = matrix.astype(np.float32 if largest < _EXACT_SINGLE else np.float64).T

    def draw(r: int) -> Array:
        counts = cluster_counts(by_cell, r, rng)
        return np.asarray((counts / counts.sum(axis=1, keepdims=True) - side.mass) * widening)

    return draw


def _independent(side: Tally, rng: np.random.Generator) -> Callable[[int], Array]:
    occupied, n, size = np.flatnonzero(side.counts), side.n, len(side.counts)
    if n >= _FEW * len(occupied):
        return _multinomial(n, side.mass, rng)
    # Few values are drawn one by one, which has the same law and costs less than a draw for each cell.
    cell = np.repeat(occupied, side.counts[occupied])

    def draw(r: int) -> Array:
        drawn = cell[rng.integers(0, n, size=(r, n))]
        return _row_counts(drawn, size) / n - side.mass

    return draw


def cluster_counts(by_cell: Any, resamples: int, rng: np.random.Generator) -> Array:
    """(resamples, size) counts, each of as many clusters as there are, drawn with replacement.

    `by_cell` is the sparse (size, G) matrix of counts. Drawing G clusters and counting how often each came is
    the multinomial law with equal shares, six times faster than NumPy's sampler of it.
    """
    size, n_groups = by_cell.shape
    counts = np.empty((resamples, size))
    rows = max(_MOST_DRAWS // n_groups, 1)
    for start in range(0, resamples, rows):
        stop = min(start + rows, resamples)
        times = np.empty((n_groups, stop - start), dtype=by_cell.dtype)
        step = max(_CACHED_DRAWS // n_groups, 1)
        for first in range(0, stop - start, step):
            part = times[:, first : first + step]
            part[:] = _row_counts(rng.integers(0, n_groups, size=part.T.shape), n_groups).T
        counts[start:stop] = (by_cell @ times).T
    return counts


def _row_counts(drawn: NDArray[np.int64], size: int) -> NDArray[np.int64]:
    """(r, size) how often each of 0 … size − 1 is in each row of (r, n)."""
    rows = len(drawn)
    flat = (drawn + size * np.arange(rows)[:, None]).ravel()
    return np.bincount(flat, minlength=rows * size).reshape(rows, size)
