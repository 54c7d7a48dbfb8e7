"""A tally merges exactly and in any order, and keeps the moments of the values themselves."""

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward import Grid, InputError, Tally
from pushforward.measure.exact import UNIT, exact_sum, exact_sum_of_squares

GRID = Grid(-2.0, 2.0, bins=8, subdivisions=4)
doubles = st.floats(allow_nan=False, allow_infinity=False, width=64)
moderate = st.floats(-1e9, 1e9)


@given(st.lists(doubles, max_size=60))
def test_exact_sum_equals_the_sum_of_fractions(values):
    assert exact_sum(np.array(values, dtype=np.float64)) * UNIT == sum(
        (Fraction(v) for v in values), Fraction(0)
    )


def test_exact_sum_over_many_blocks_agrees_with_fsum():
    values = np.random.default_rng(0).standard_cauchy(200_000)
    assert float(exact_sum(values) * UNIT) == math.fsum(values)


def state(tally):
    groups = tally.groups
    parts = (
        () if groups is None else tuple(map(tuple, (groups.labels, groups.group, groups.cell, groups.count)))
    )
    moments = (tally.sum_1, tally.sum_2)
    return tuple(tally.counts), tally.n_invalid, moments, parts


@given(st.lists(st.tuples(moderate | st.just(math.nan), st.integers(0, 5)), max_size=60), st.randoms())
def test_merging_in_any_order_and_cutting_gives_the_same_bits(rows, random):
    q = np.array([value for value, _ in rows])
    groups = np.array([group for _, group in rows], dtype=np.int64)
    whole = Tally.zero(GRID).add(q, groups)
    cut = sorted(random.sample(range(len(rows) + 1), k=min(3, len(rows))))
    parts = [Tally.zero(GRID).add(a, g) for a, g in zip(np.split(q, cut), np.split(groups, cut), strict=True)]
    random.shuffle(parts)
    total = Tally.zero(GRID)
    for part in parts:
        total = part + total
    assert state(total) == state(whole)


@given(st.lists(moderate, min_size=2, max_size=50))
def test_mean_and_variance_are_those_of_the_values(values):
    tally = Tally.zero(GRID).add(values)
    exact = [Fraction(v) for v in values]
    mean = sum(exact, Fraction(0)) / len(exact)
    variance = sum(((v - mean) ** 2 for v in exact), Fraction(0)) / (len(exact) - 1)
    assert tally.mean == pytest.approx(float(mean), rel=1e-12, abs=1e-9)
    assert tally.variance == pytest.approx(float(variance), rel=1e-9, abs=1e-12)


def test_nan_is_counted_as_invalid_with_its_group_left_out():
    tally = Tally.zero(GRID).add([0.0, math.nan, 1.0], ["a", "b", "c"])
    assert (tally.n, tally.n_invalid, tally.groups.labels.tolist()) == (2, 1, ["a", "c"])


def test_group_counts_say_which_group_has_what():
    tally = Tally.zero(GRID).add([-1.9, -1.9, 1.9, 5.0], [7, 7, 7, 3])
    matrix, sizes = tally.clusters
    assert tally.groups.labels.tolist() == [3, 7]
    assert sizes.tolist() == [1, 3]
    assert np.array_equal(matrix.sum(axis=0), tally.counts)


@pytest.mark.parametrize(
    "ids",
    [
        np.array([5, 3, 5, 4], dtype=np.int8),
        np.array([127, -128, 127, 0], dtype=np.int8),
        np.array([2**62, -(2**62), 2**62, 7]),
        np.array([2**64 - 1, 2**64 - 3, 2**64 - 1, 2**64 - 2], dtype=np.uint64),
        np.array(["b", "a", "b", "aa"]),
    ],
)
def test_clusters_of_any_ids_hold_the_counts_of_their_own_values(ids):
    q = np.array([-1.9, 0.0, 1.9, 1.9])
    matrix, _ = Tally.zero(GRID).add(q, ids).clusters
    labels = np.unique(ids)
    assert Tally.zero(GRID).add(q, ids).groups.labels.tolist() == labels.tolist()
    for label, row in zip(labels, matrix.toarray(), strict=True):
        assert np.array_equal(row, GRID.count(q[ids == label]))


@pytest.mark.parametrize(
    ("values", "groups", "expected"),
    [
        ([[1.0]], None, "expected \\(N,\\)"),
        (["a"], None, "real numbers"),
        ([math.inf], None, "infinity"),
        ([1e200], None, "magnitudes"),
        ([1.0, 2.0], [1], "groups"),
    ],
)
def test_what_cannot_be_counted_is_refused(values, groups, expected):
    with pytest.raises(InputError, match=expected):
        Tally.zero(GRID).add(values, groups)


def test_tallies_on_different_grids_do_not_merge():
    with pytest.raises(InputError, match="different grids"):
        Tally.zero(GRID) + Tally.zero(Grid(0.0, 1.0))


@given(st.lists(st.floats(-1e9, 1e9).filter(lambda v: v == 0 or abs(v) > 1e-100), max_size=40))
def test_exact_sum_of_squares_equals_the_sum_of_fractions(values):
    total = exact_sum_of_squares(np.array(values, dtype=np.float64)) * UNIT
    assert total == sum((Fraction(v) ** 2 for v in values), Fraction(0))
