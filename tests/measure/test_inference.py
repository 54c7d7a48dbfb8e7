"""p-values and intervals against exact cases."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pushforward import Grid, Tally
from pushforward.measure import inference


def tallied(values, grid=None, groups=None):
    return Tally.zero(grid or Grid(-6.0, 6.0)).add(values, groups)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=30))
def test_adjusted_p_values_agree_with_scipy(p):
    ours = inference.benjamini_hochberg(np.array(p))
    assert np.allclose(ours, stats.false_discovery_control(p, method="bh"))


def test_a_p_value_is_never_zero_and_ties_count_as_reached():
    assert inference.p_values(10.0, np.zeros(999)) == 1 / 1000
    assert inference.p_values(1.0, np.ones(999)) == 1.0


def test_welch_interval_agrees_with_scipy():
    rng = np.random.default_rng(1)
    a, b = rng.normal(0.3, 1, 40), rng.normal(0, 2, 70)
    (value, low, high), _ = inference.shift_of_means(
        inference.mean_of(tallied(a)), inference.mean_of(tallied(b)), 0.05
    )
    exact = stats.ttest_ind(a, b, equal_var=False).confidence_interval(0.95)
    assert value == pytest.approx(a.mean() - b.mean())
    assert (low, high) == pytest.approx((exact.low, exact.high), rel=1e-9)


def test_proportion_interval_agrees_with_scipy():
    for k, n in [(0, 10), (3, 17), (500, 1000), (10, 10)]:
        low, high = inference.proportion_interval(np.asarray(k / n), n, 0.05)
        exact = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert (float(low), float(high)) == pytest.approx((exact.low, exact.high), abs=1e-12)


def test_clustered_standard_error_equals_that_of_the_cluster_means_when_sizes_are_equal():
    rng = np.random.default_rng(4)
    groups = np.repeat(np.arange(30), 8)
    values = np.repeat(rng.normal(size=30), 8) + 0.3 * rng.normal(size=240)
    found = inference.mean_of(tallied(values, Grid(-6.0, 6.0, 64, 256), groups))
    exact = values.reshape(30, 8).mean(axis=1).std(ddof=1) / 30**0.5
    assert found.standard_error == pytest.approx(exact, rel=1e-3)
    assert found.degrees == 29


def test_one_large_cluster_leaves_few_degrees_of_freedom_and_a_wider_interval():
    rng = np.random.default_rng(7)
    groups = np.concatenate([np.zeros(200, dtype=int), np.repeat(np.arange(1, 30), 5)])
    values = rng.normal(size=30)[groups] + 0.1 * rng.normal(size=len(groups))
    found = inference.mean_of(tallied(values, groups=groups))
    assert found.degrees < 3
    assert found.standard_error > 1 / 30**0.5


def test_design_effect_of_copies_is_the_number_of_copies_but_for_students_widening():
    rng = np.random.default_rng(5)
    values = np.repeat(rng.normal(size=2000), 5)
    side = tallied(values, groups=np.repeat(np.arange(2000), 5))
    half = (np.arange(side.grid.size) < side.grid.size // 2).astype(float)
    assert inference.design_effect(side, half) == pytest.approx(5, rel=0.05)


def test_sidak_levels_of_independent_intervals_multiply_to_the_whole():
    assert (1 - inference.sidak(0.05, 34)) ** 34 == pytest.approx(0.95)


def test_bin_interval_is_the_equal_tailed_beta_interval():
    low, high = inference.bin_interval(np.array([0.0, 0.3, 1.0]), 10, 0.05)
    assert (low[0], high[2]) == (0.0, 1.0)
    assert (low[1], high[1]) == pytest.approx(stats.beta(3.5, 7.5).interval(0.95))


def test_passing_the_upper_limit_is_a_p_value_of_at_most_the_level():
    rng = np.random.default_rng(6)
    for resamples in (99, 199, 999):
        null = rng.normal(size=resamples)
        limit = inference.upper_limit(null, 0.05)
        for observed in (limit - 1e-6, limit + 1e-6):
            assert (observed > limit) == (inference.p_values(observed, null) <= 0.05)
