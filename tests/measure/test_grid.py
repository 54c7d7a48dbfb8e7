"""The grid counts every value exactly once, in the cell that its edges say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward import Grid, InputError
from pushforward.measure.grid import OUTER

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(finite, max_size=200), finite, st.floats(1e-3, 1e6), st.integers(1, 40), st.integers(1, 40))
def test_counts_equal_numpy_histogram_on_the_same_edges(values, low, span, bins, subdivisions):
    grid = Grid(low, low + span, bins, subdivisions)
    q = np.array(values)
    edges = grid.inner_edges
    expected, _ = np.histogram(q, edges)
    counts = grid.count(q)
    assert counts[OUTER + 1 : -OUTER - 1].tolist() == expected.tolist()
    assert counts[: OUTER + 1].sum() == (q < grid.low).sum()
    assert counts[-OUTER - 1 :].sum() == (q > grid.high).sum()


def test_values_on_an_edge_belong_to_the_cell_on_its_right_and_the_last_edge_to_the_last_cell():
    grid = Grid(0.0, 1.0, bins=10, subdivisions=1)
    assert (grid.index(grid.inner_edges) - OUTER).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]


def test_bins_are_sums_of_their_cells():
    grid = Grid(0.0, 1.0, bins=3, subdivisions=2)
    cells = np.concatenate([np.zeros(OUTER), np.arange(8.0), np.zeros(OUTER)])
    assert grid.by_bin(cells).tolist() == [0, 3, 7, 11, 7]


def test_values_far_outside_keep_their_place_to_a_factor_of_two():
    grid = Grid(0.0, 1.0, bins=10, subdivisions=10)
    for distance in (0.011, 0.3, 7.0, 1e4, 1e9):
        for value, away in ((1 + distance, lambda q: q - 1), (-distance, lambda q: -q)):
            place = away(grid.positions[grid.index(np.array([value]))[0]])
            assert distance / 2 <= place <= 2 * distance
    assert grid.index(np.array([1e300, -1e300])).tolist() == [grid.size - 1, 0]


def test_a_constant_quantity_gets_a_grid_around_its_value():
    for value in (0.0, 3.0, -1e5):
        grid = Grid.covering(value, value)
        assert grid.low < value < grid.high


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (np.nan, 1.0), (0.0, np.inf)])
def test_a_range_that_is_empty_upside_down_or_infinite_is_refused(low, high):
    with pytest.raises(InputError, match="low < high"):
        Grid(low, high)
