"""One range for all samples, from one pass in constant memory."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pushforward.measure.ranges import RangeScan, common_range


def scan(values, cuts=()):
    found = RangeScan()
    for part in np.split(np.asarray(values, dtype=np.float64), cuts):
        found.add(part)
    return found


def test_well_behaved_values_are_all_inside():
    values = np.random.default_rng(0).uniform(1, 2, 10_000)
    assert common_range([scan(values)]) == (values.min(), values.max())


def test_a_few_wild_values_do_not_set_the_range():
    values = np.append(np.random.default_rng(0).normal(size=10_000), [1e12, -1e9])
    low, high = common_range([scan(values)])
    assert -6 < low < -3
    assert 3 < high < 6


def test_the_range_covers_both_samples_however_far_apart():
    low, high = common_range([scan(np.linspace(0, 1, 1000)), scan(np.linspace(100, 101, 50))])
    assert (low, high) == (0, 101)


@given(st.lists(st.integers(0, 5000), max_size=5))
def test_what_is_kept_does_not_depend_on_how_the_stream_was_cut(cuts):
    values = np.random.default_rng(1).normal(size=5000)
    assert np.array_equal(scan(values, sorted(cuts)).kept, scan(values).kept)


def test_memory_is_bounded_and_the_kept_values_stay_representative():
    values = np.random.default_rng(2).normal(size=1_000_000)
    whole = scan(values, range(0, 1_000_000, 37_000))
    assert len(whole.kept) <= 1 << 17
    assert np.array_equal(whole.kept, values[:: whole.stride])
    assert abs(np.quantile(whole.kept, 0.995) - np.quantile(values, 0.995)) < 0.05


def test_nan_is_passed_over():
    found = scan([np.nan, 1.0, 2.0, np.nan])
    assert (found.n, found.low, found.high) == (2, 1.0, 2.0)
    assert common_range([found]) == (1.0, 2.0)
