"""Resamples have exactly the law that they are said to have, by whichever way they are drawn."""

from itertools import product

import numpy as np
import pytest
from scipy import stats

from pushforward import Grid, Tally
from pushforward.measure import resampling
from pushforward.measure.grid import OUTER

GRID = Grid(0.0, 4.0, bins=4, subdivisions=1)
DRAWS = 20_000


def tallied(values, groups=None):
    return Tally.zero(GRID).add(values, groups)


def drawn_from(source, *sides, resamples=DRAWS):
    return np.concatenate(list(source(*sides, resamples, np.random.default_rng(2))))


def fits(k, law):
    """Whether whole numbers follow a law, by Pearson's χ² over the values expected at least five times."""
    expected = law.pmf(np.arange(k.max() + 1)) * len(k)
    observed, often = np.bincount(k), expected >= 5
    counts, wanted = observed[often], expected[often]
    if wanted.sum() < len(k) - 1e-6:
        counts, wanted = np.append(counts, observed[~often].sum()), np.append(wanted, len(k) - wanted.sum())
    return stats.chisquare(counts, wanted).pvalue > 1e-3


# The more copies, the cheaper it is to draw cell by cell instead of value by value.
@pytest.mark.parametrize("copies", [1, 8])
def test_permuted_counts_have_the_exact_hypergeometric_law(copies):
    made = tallied(([0.5] * 3 + [1.5] * 2) * copies)
    reference = tallied(([0.5] * 2 + [2.5] * 5) * copies)
    n, m = 5 * copies, 7 * copies
    difference = drawn_from(resampling.null_differences, made, reference)[:, OUTER + 1]
    # Of 5 values at 0.5 among 12, how many fall into the first sample: p − q determines it.
    k = np.rint((difference + n / m) / (1 / n + 1 / m)).astype(int)
    assert fits(k, stats.hypergeom(n + m, n, n))


@pytest.mark.parametrize("copies", [1, 40])
def test_bootstrapped_counts_have_the_exact_binomial_law(copies):
    made = tallied(([0.5] * 3 + [1.5] * 2) * copies)
    n, law = 5 * copies, np.zeros(GRID.size)
    law[[OUTER + 1, OUTER + 2]] = 0.6, 0.4
    deviation = drawn_from(resampling.bootstrap_differences, made, law)
    k = np.rint((deviation[:, OUTER + 1] + 0.6) * n).astype(int)
    assert fits(k, stats.binom(n, 0.6))
    assert np.allclose(deviation[:, OUTER + 2], -deviation[:, OUTER + 1])


def test_one_sample_null_is_multinomial():
    made = tallied(np.random.default_rng(3).uniform(0, 4, size=50))
    law = np.concatenate([np.zeros(OUTER + 1), [0.1, 0.2, 0.3, 0.4], np.zeros(OUTER + 1)])
    drawn = drawn_from(resampling.null_differences, made, law)
    assert np.allclose(drawn.mean(axis=0), 0, atol=0.002)
    assert np.allclose(drawn.var(axis=0), law * (1 - law) / 50, rtol=0.05, atol=1e-9)


@pytest.mark.parametrize("most", [7, 1 << 22])
def test_whole_clusters_are_drawn_each_as_likely_as_any(monkeypatch, most):
    """Of 3 clusters all 27 ordered draws are equally likely, however the draws are cut into parts."""
    monkeypatch.setattr(resampling, "_MOST_DRAWS", most)
    monkeypatch.setattr(resampling, "_CACHED_DRAWS", most // 2)
    matrix, _ = tallied([0.5, 0.5, 1.5, 0.5, 2.5, 3.5], np.array([0, 0, 0, 1, 1, 2])).clusters
    drawn = resampling.cluster_counts(matrix.T, 5400, np.random.default_rng(4))
    dense = matrix.toarray()
    expected: dict[tuple[float, ...], int] = {}
    for three in product(range(3), repeat=3):
        counts = tuple(dense[list(three)].sum(axis=0))
        expected[counts] = expected.get(counts, 0) + 200
    found, times = np.unique(drawn, axis=0, return_counts=True)
    assert {tuple(row) for row in found} == set(expected)
    assert stats.chisquare(times, [expected[tuple(row)] for row in found]).pvalue > 1e-3


def test_single_and_double_precision_count_the_same():
    rng = np.random.default_rng(5)
    matrix, _ = tallied(rng.uniform(0, 4, 3000), rng.integers(0, 40, 3000)).clusters
    single, double = (
        resampling.cluster_counts(matrix.astype(dtype).T, 50, np.random.default_rng(6))
        for dtype in (np.float32, np.float64)
    )
    assert np.array_equal(single, double)


def test_clusters_spread_the_mean_as_much_as_the_jackknife_says():
    """Deviations of the mean over resamples have Student's spread around the clusters' own standard error."""
    rng = np.random.default_rng(7)
    groups = np.repeat(np.arange(200), rng.geometric(0.1, 200))
    side = tallied(np.clip(rng.normal(2, 0.5, 200)[groups] + rng.normal(0, 0.3, len(groups)), 0, 4), groups)
    deviation = drawn_from(resampling.null_differences, side, side.mass) @ GRID.positions
    mean = resampling.mean_of(side)
    student = stats.t(mean.degrees, scale=mean.standard_error)
    assert np.std(deviation) == pytest.approx(student.std(), rel=0.03)
    assert np.quantile(np.abs(deviation), 0.95) == pytest.approx(student.ppf(0.975), rel=0.04)
