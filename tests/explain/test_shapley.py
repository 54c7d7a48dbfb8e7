"""What makes a value a Shapley value: efficiency, symmetry, the null player, additivity."""

import itertools
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from pushforward.errors import InputError
from pushforward.explain import shapley


def games(columns=2):
    def of(n):
        return arrays(np.float64, (1 << n, columns), elements=st.floats(-100, 100))

    return st.integers(1, 6).flatmap(of)


@given(games())
def test_the_values_sum_to_the_whole(v):
    np.testing.assert_allclose(shapley(v).sum(axis=0), v[-1] - v[0], atol=1e-9)


@given(games(), st.data())
def test_a_part_that_changes_nothing_gets_nothing(v, data):
    n = len(v).bit_length() - 1
    i = data.draw(st.integers(0, n - 1))
    coalitions = np.arange(len(v))
    np.testing.assert_allclose(shapley(v[coalitions & ~(1 << i)])[i], 0, atol=1e-9)


@given(games(), st.data())
def test_parts_that_do_the_same_get_the_same(v, data):
    n = len(v).bit_length() - 1
    i, j = data.draw(st.integers(0, n - 1)), data.draw(st.integers(0, n - 1))
    S = np.arange(len(v))
    swapped = (S & ~(1 << i) & ~(1 << j)) | ((S >> i & 1) << j) | ((S >> j & 1) << i)
    found = shapley(v + v[swapped])
    np.testing.assert_allclose(found[i], found[j], atol=1e-9)


@given(games(1), st.floats(-5, 5))
def test_it_is_linear(v, factor):
    other = np.sin(v)
    np.testing.assert_allclose(shapley(v + factor * other), shapley(v) + factor * shapley(other), atol=1e-7)


def test_it_is_the_mean_over_all_orders():
    v = np.random.default_rng(0).normal(size=16)
    wanted = np.zeros(4)
    for order in itertools.permutations(range(4)):
        S = 0
        for i in order:
            wanted[i] += v[S | 1 << i] - v[S]
            S |= 1 << i
    np.testing.assert_allclose(shapley(v), wanted / math.factorial(4))


@pytest.mark.parametrize("v", [np.zeros(3), np.zeros(128), np.zeros(0), np.float64(1.0)])
def test_other_numbers_of_values_are_refused(v):
    with pytest.raises(InputError, match="shapley"):
        shapley(v)
