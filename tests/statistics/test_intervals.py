"""95 % intervals cover the truth in 93–97 % of repetitions, with and without drift, and agree with p-values."""

import numpy as np
import pytest
from scipy import stats
from tests.statistics.simulation import audits

from pushforward import Grid, Intended
from pushforward.measure import AuditSettings, Shift, Tally, audit_values, inference

REPETITIONS = 1000


def covered(shifts, truth=0.0):
    return np.mean([shift.low <= truth <= shift.high for shift in shifts])


@pytest.mark.parametrize(("n", "cluster_size"), [(100, 1), (1000, 1), (1000, 10)])
@pytest.mark.parametrize("shift", [0.0, 0.25])
def test_the_shift_of_the_mean_is_covered(n, cluster_size, shift):
    found = audits(n=n, repetitions=300, cluster_size=cluster_size, shift=shift)
    assert 0.93 <= covered([q.mean_shift for audit in found for q in audit.quantities], shift) <= 0.97


def coverage_of_unequal_clusters(sizes, n_groups, repetitions):
    """Share of intervals for the shift of the mean that hold 0; half of the variance is shared in a cluster."""
    rng = np.random.default_rng([1, n_groups])
    grid = Grid(-6.0, 6.0)

    def mean():
        groups = np.repeat(np.arange(n_groups), sizes(rng, n_groups))
        values = 0.5**0.5 * (rng.normal(size=n_groups)[groups] + rng.normal(size=len(groups)))
        return inference.mean_of(Tally.zero(grid).add(values, groups))

    return covered([Shift(*inference.shift_of_means(mean(), mean(), 0.05)[0]) for _ in range(repetitions)])


@pytest.mark.parametrize("n_groups", [60, 300])
def test_the_shift_of_the_mean_is_covered_with_clusters_of_geometric_sizes(n_groups):
    """Sizes from 1 to about 60, ten on average: their standard deviation is as large as their mean."""
    found = coverage_of_unequal_clusters(lambda rng, n: rng.geometric(0.1, n), n_groups, repetitions=2000)
    assert 0.93 <= found <= 0.97


def test_clusters_of_which_a_few_hold_most_values_make_intervals_too_wide_rather_than_too_narrow():
    """Sizes whose logarithm has a standard deviation of 1.2: of 60 clusters the largest holds 1/7 of all values."""
    found = coverage_of_unequal_clusters(
        lambda rng, n: np.ceil(np.exp(rng.normal(1.5, 1.2, n))).astype(int), 60, repetitions=1000
    )
    assert 0.95 <= found <= 0.995


@pytest.mark.parametrize("cluster_size", [1, 10])
def test_shifts_of_quantiles_are_covered(cluster_size):
    found = audits(n=2000, repetitions=200, cluster_size=cluster_size, shift=0.25)
    shifts = [shift for audit in found for q in audit.quantities for shift in q.quantile_shifts]
    assert 0.93 <= covered(shifts, 0.25) <= 0.97


def normal_repetitions(n, repetitions=REPETITIONS, **settings):
    for repetition in range(repetitions):
        rng = np.random.default_rng([repetition, n])
        yield audit_values(
            rng.normal(0.1, 1, n),
            settings=AuditSettings(resamples=99, seed=repetition, range=(-4.0, 4.0)),
            intended="normal(0, 1)",
            **settings,
        ).quantities[0]


def test_masses_of_the_tails_are_covered():
    law = stats.norm(0.1, 1)
    found = list(normal_repetitions(5000))
    low = law.cdf(stats.norm.ppf(0.01)) - 0.01
    high = law.sf(stats.norm.ppf(0.99)) - 0.01
    assert 0.93 <= covered([q.tail_low for q in found], low) <= 0.97
    assert 0.93 <= covered([q.tail_high for q in found], high) <= 0.97


def test_the_band_over_all_bins_covers_the_true_masses_together():
    grid = Grid(-4.0, 4.0)
    truth = grid.by_bin(Intended(stats.norm(0.1, 1)).mass(grid))
    found = normal_repetitions(5000)
    together = [((q.bins.low <= truth) & (truth <= q.bins.high)).all() for q in found]
    assert 0.93 <= np.mean(together) <= 0.97


def test_the_null_band_holds_all_bins_together_when_nothing_drifts():
    found = audits(n=2000, repetitions=200)
    quiet = [not q.bins.gain.any() for audit in found for q in audit.quantities]
    assert 0.93 <= np.mean(quiet) <= 0.97


@pytest.mark.parametrize("shift", [0.0, 0.05, 0.3])
def test_the_limits_of_w1_are_conservative_at_any_truth(shift):
    """W1 is biased upwards near zero: a bare bootstrap would never cover it there. These limits do."""
    found = [q for audit in audits(n=500, repetitions=100, shift=shift) for q in audit.quantities]
    assert covered([q.w1 for q in found], shift) >= 0.95 - 0.02


@pytest.mark.parametrize("law", ["normal(0, 0.1)", None])
def test_tolerance_verdicts_are_rarely_wrong_when_the_spreads_differ(law):
    """A hundred wide values against a narrow law, or many narrow values: the noise is the wide side's own."""
    wrong = {2.02: 0, 1.99: 0}
    for repetition in range(150):
        rng = np.random.default_rng([repetition, 5])
        made, data = rng.normal(2, 1, 100), None if law else rng.normal(0, 0.1, 5000)
        for tolerance, false in ((2.02, "drift"), (1.99, "within tolerance")):
            settings = AuditSettings(resamples=99, seed=repetition)
            found = audit_values(made, data, intended=law, tolerance=tolerance, settings=settings)
            wrong[tolerance] += found.quantities[0].verdict == false
    assert max(wrong.values()) <= 0.08 * 150


def test_p_values_and_intervals_tell_the_same_story():
    for repetition in range(200):
        rng = np.random.default_rng([repetition, 3])
        a, b = rng.normal(0.2, 1, 150), rng.normal(0, 1.5, 170)
        quantity = audit_values(a, b, settings=AuditSettings(resamples=199, seed=repetition)).quantities[0]
        p = stats.ttest_ind(a, b, equal_var=False).pvalue
        excluded = not quantity.mean_shift.low <= 0 <= quantity.mean_shift.high
        assert excluded == (p < 0.05)
        assert quantity.w1.low == 0 or quantity.w1.p_value <= 0.05


def test_without_drift_p_values_are_uniform():
    p = [q.w1.p_value for audit in audits(n=300, repetitions=100) for q in audit.quantities]
    assert stats.kstest(p, "uniform").pvalue > 0.01
