"""Distances on counts agree with SciPy on the raw values, to the width of a cell."""

import numpy as np
import pytest
from scipy import stats

from pushforward import Grid, Tally
from pushforward.measure import distances


def laws(seed=0, n=4000):
    rng = np.random.default_rng(seed)
    return rng.normal(0.1, 1.0, n), rng.gamma(4.0, 0.5, n) - 2


@pytest.fixture(scope="module")
def pair():
    a, b = laws()
    grid = Grid(min(a.min(), b.min()), max(a.max(), b.max()), 64, 64)
    p, q = Tally.zero(grid).add(a), Tally.zero(grid).add(b)
    return a, b, grid, p, q, distances.cdf_difference(p.mass - q.mass)


def test_w1_agrees_with_scipy(pair):
    a, b, grid, _, _, cdf = pair
    assert float(distances.w1(cdf, grid)) == pytest.approx(
        stats.wasserstein_distance(a, b), abs=grid.width / 2
    )


def test_energy_agrees_with_scipy(pair):
    a, b, grid, _, _, cdf = pair
    assert float(distances.energy(cdf, grid)) == pytest.approx(stats.energy_distance(a, b), rel=2e-3)


def test_ks_agrees_with_scipy_and_is_never_larger(pair):
    a, b, _, _, _, cdf = pair
    exact = stats.ks_2samp(a, b).statistic
    assert exact - 2e-3 <= float(distances.ks(cdf)) <= exact + 1e-12


def test_cramer_von_mises_agrees_with_scipy(pair):
    a, b, _, p, q, cdf = pair
    pooled = (p.counts + q.counts) / (p.n + q.n)
    # SciPy's statistic is T = nm/(n + m)·∫(F − G)² dH with a small correction for the ranks.
    scaled = float(distances.cramer_von_mises(cdf, pooled)) * p.n * q.n / (p.n + q.n)
    assert scaled == pytest.approx(stats.cramervonmises_2samp(a, b).statistic, rel=5e-3)


def test_lattice_values_are_exact():
    a, b = np.array([0.0, 1.0, 1.0, 3.0]), np.array([0.0, 0.0, 2.0, 3.0])
    grid = Grid(0.0, 4.0, bins=4, subdivisions=1)
    p, q = Tally.zero(grid).add(a), Tally.zero(grid).add(b)
    cdf = distances.cdf_difference(p.mass - q.mass)
    assert float(distances.w1(cdf, grid)) == stats.wasserstein_distance(a, b)
    assert float(distances.ks(cdf)) == stats.ks_2samp(a, b).statistic
    assert float(distances.tv(p.mass - q.mass, grid)) == pytest.approx(0.5)


def test_mass_outside_the_range_counts_where_it_is_on_each_side():
    grid = Grid(-4.0, 4.0, bins=8, subdivisions=8)
    rng = np.random.default_rng(0)
    near, far = rng.normal(size=1000), rng.normal(size=1000)
    near[:30], far[:30] = 10, 1000
    p, q = Tally.zero(grid).add(far), Tally.zero(grid).add(near)
    cdf = distances.cdf_difference(p.mass - q.mass)
    assert float(distances.w1(cdf, grid)) == pytest.approx(stats.wasserstein_distance(far, near), rel=0.4)


@pytest.mark.parametrize("level", [0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99])
def test_quantiles_agree_with_numpy_to_a_cell(pair, level):
    a, _, grid, p, _, _ = pair
    exact = np.quantile(a, level, method="inverted_cdf")
    assert distances.quantile(p.mass, grid, level) == pytest.approx(exact, abs=grid.width * (1 + 1e-9))
