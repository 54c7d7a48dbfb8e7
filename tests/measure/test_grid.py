"""The grid counts every value exactly once, in the cell that its edges say."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward import Grid, InputError

finite = st.floats(-1e6, 1e6, allow_nan=False)


@given(st.lists(finite, max_size=200), finite, st.floats(1e-3, 1e6), st.integers(1, 40), st.integers(1, 40))
def test_counts_equal_numpy_histogram_on_the_same_edges(values, low, span, bins, subdivisions):
    grid = Grid(low, low + span, bins, subdivisions)
    q = np.array(values)
    edges = grid.cell_edges
    expected, _ = np.histogram(q, edges)
    counts = grid.count(q)
    assert counts[1:-1].tolist() == expected.tolist()
    assert counts[0] == (q < grid.low).sum()
    assert counts[-1] == (q > grid.high).sum()


def test_values_on_an_edge_belong_to_the_cell_on_its_right_and_the_last_edge_to_the_last_cell():
    grid = Grid(0.0, 1.0, bins=10, subdivisions=1)
    assert grid.index(grid.cell_edges).tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 10]


def test_bins_are_sums_of_their_cells():
    grid = Grid(0.0, 1.0, bins=3, subdivisions=2)
    assert grid.by_bin(np.arange(8.0)).tolist() == [0, 3, 7, 11, 7]


def test_a_constant_quantity_gets_a_grid_around_its_value():
    for value in (0.0, 3.0, -1e5):
        grid = Grid.covering(value, value)
        assert grid.low < value < grid.high


@pytest.mark.parametrize(("low", "high"), [(1.0, 1.0), (2.0, 1.0), (np.nan, 1.0), (0.0, np.inf)])
def test_a_range_that_is_empty_upside_down_or_infinite_is_refused(low, high):
    with pytest.raises(InputError, match="low < high"):
        Grid(low, high)
