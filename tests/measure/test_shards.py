"""Audits in parts: tallies and scans of parts merge to those of the whole."""

import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward.errors import InputError
from pushforward.measure import Grid, Tally
from pushforward.measure.ranges import RangeScan, common_range
from pushforward.measure.shards import LARGEST_SAMPLE, ShardScan, TallySum, merged_scan
from pushforward.measure.tally_json import tally_from_json, tally_to_json

GRID = Grid(-2.0, 2.0, 4, 8)
NUMBERS = st.floats(-1e6, 1e6) | st.just(float("nan"))


def through_json(value):
    return json.loads(json.dumps(value, allow_nan=False))


def parts_of(values, cuts, n_shards=None):
    parts = np.split(values, sorted(cuts))
    scans = [ShardScan(n_shards or len(parts)) for _ in parts]
    for scan, part in zip(scans, parts, strict=True):
        scan.add(part)
    return [through_json(scan.to_json()) for scan in scans]


def whole_scan(values):
    scan = RangeScan()
    scan.add(values)
    return scan


def equal(one, other):
    return (
        (one.n, one.low, one.high, one.stride) == (other.n, other.low, other.high, other.stride)
        and np.array_equal(one.kept, other.kept, equal_nan=True)
    )  # fmt: skip


@given(st.lists(NUMBERS, max_size=200), st.lists(st.integers(0, 200), max_size=6))
def test_small_parts_scan_to_exactly_the_scan_of_the_whole(values, cuts):
    array = np.array(values, dtype=np.float64)
    assert equal(merged_scan(parts_of(array, [c for c in cuts if c <= len(array)])), whole_scan(array))


@pytest.mark.parametrize("n", [LARGEST_SAMPLE, LARGEST_SAMPLE + 1, 3 * LARGEST_SAMPLE - 5])
def test_one_part_and_many_parts_below_their_share_scan_to_exactly_the_scan_of_the_whole(n):
    values = np.random.default_rng(0).normal(size=n)
    assert equal(merged_scan(parts_of(values, [])), whole_scan(values))
    # A share of LARGEST_SAMPLE / 2 each, of which no part has more.
    many = parts_of(values, list(range(50_000, n, 50_000)), n_shards=2)
    assert equal(merged_scan(many), whole_scan(values))


def test_large_parts_of_unequal_size_keep_their_weights_and_the_bound():
    rng = np.random.default_rng(1)
    # A thousand tiny parts far from a large one: a scan that counted each as much would be led astray.
    tiny, large = rng.normal(100, 1, 10_000), rng.normal(0, 1, 1_000_000)
    values = np.concatenate([tiny, large])
    parts = parts_of(values, [*range(10, 10_001, 10)])
    assert len(parts) == 1001
    merged, whole = merged_scan(parts), whole_scan(values)
    assert (merged.n, merged.low, merged.high) == (whole.n, whole.low, whole.high)
    assert len(merged.kept) <= LARGEST_SAMPLE
    assert np.mean(merged.kept > 50) == pytest.approx(np.mean(values > 50), rel=0.15)
    assert len(merged.kept) * merged.stride == pytest.approx(len(values), rel=0.01)
    assert common_range([merged]) == pytest.approx(common_range([whole]), rel=0.1)


@given(st.lists(st.integers(1, 40_000), min_size=1, max_size=5), st.integers(0, 2**32))
def test_exactly_one_value_is_kept_for_every_stride(sizes, seed):
    values = np.random.default_rng(seed).normal(size=sum(sizes))
    merged = merged_scan(parts_of(values, np.cumsum(sizes)[:-1], n_shards=1000))
    assert len(merged.kept) == -(-len(values) // merged.stride)
    assert set(merged.kept) <= set(values)


def test_nothing_scans_to_nothing():
    assert merged_scan([]).n == 0
    assert merged_scan(parts_of(np.array([np.nan, np.nan]), [1])).n == 0
    with pytest.raises(InputError, match="damaged"):
        merged_scan([{"seen": 3}])


@given(st.lists(st.floats(-1e100, 1e100) | st.just(float("nan")), max_size=60), st.booleans(), st.booleans())
def test_tallies_pass_through_json_bit_for_bit(values, grouped, named):
    groups = np.arange(len(values)) // 3 if grouped else None
    if groups is not None and named:
        groups = np.array([f"g{g}" for g in groups], dtype=np.str_)
    tally = Tally.zero(GRID).add(np.array(values, dtype=np.float64), groups)
    back = tally_from_json(through_json(tally_to_json(tally)))
    same(back, tally)
    # What came back can be added to what stayed here.
    same(back + tally, tally + tally)


def same(one, other):
    assert (one.grid, one.n_invalid, one.sum_1, one.sum_2) == (
        other.grid,
        other.n_invalid,
        other.sum_1,
        other.sum_2,
    )
    assert np.array_equal(one.counts, other.counts)
    assert (one.groups is None) == (other.groups is None)
    if one.groups is not None and len(other.groups.labels):
        for name in ("labels", "group", "cell", "count"):
            assert np.array_equal(getattr(one.groups, name), getattr(other.groups, name))


@given(st.lists(st.lists(st.floats(-3, 3), max_size=5), max_size=12), st.booleans())
def test_a_sum_of_tallies_is_the_tally_of_all(parts, grouped):
    total, sums = Tally.zero(GRID), TallySum(GRID)
    for i, part in enumerate(parts):
        groups = np.full(len(part), i % 3) if grouped else None
        tally = Tally.zero(GRID).add(np.array(part, dtype=np.float64), groups)
        total = total + tally
        sums.add(tally)
    same(sums.total(), total)


@pytest.mark.parametrize(
    "damage",
    [
        {"grid": {"low": 1, "high": 0, "bins": 4, "subdivisions": 8}},
        {"cells": [10**6]},
        {"cells": [-1]},
        {"counts": [1, 2, 3]},
        {"counts": [-5]},
        {"sum_1": "x"},
        {"sum_1": "0x" + "f" * 5000},
        {"groups": {"labels": [0], "group": [3], "cell": [0], "count": [1]}},
        {"groups": {"labels": [None], "group": [0], "cell": [0], "count": [1]}},
        {"groups": {}},
        {"n_invalid": "many"},
    ],
)
def test_a_damaged_tally_is_refused(damage):
    record = tally_to_json(Tally.zero(GRID).add([0.5]))
    with pytest.raises(InputError):
        tally_from_json({**record, **damage})
