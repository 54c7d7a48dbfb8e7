"""The expansion conserves mass, is exact to its order, and meets the full forecast as the errors become small."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats
from tests.forecast.closed_forms import linear, masses, normal_trajectories

import pushforward as pf
from pushforward.explain.expansion import spread_drift, transport_drift
from pushforward.forecast import ForecastSettings
from pushforward.kernels import Gaussian, Shrinkage
from pushforward.measure import Grid

A = np.full((4, 2), 8**-0.5)


@given(arrays(np.float64, (3, 12), elements=st.floats(-10, 10)), st.floats(0.01, 10))
def test_mass_is_conserved(amount, width):
    for operator in (transport_drift, spread_drift):
        drift = operator(amount, width)
        assert drift.shape == amount.shape
        np.testing.assert_allclose(drift.sum(axis=-1), 0, atol=1e-9 * max(1, 1 / width**2) * 100)


@pytest.mark.parametrize(("operator", "derivative"), [(transport_drift, 1), (spread_drift, 2)])
def test_operators_are_of_fourth_order(operator, derivative):
    """Of the normal law: −π′ = q π, and π″ = (q² − 1) π, integrated over bins; halving the bins costs 1/16."""
    errors = []
    for bins in (48, 96, 192):
        grid = Grid(-6, 6, bins)
        edges, law = grid.edges, stats.norm()
        primitive = -law.pdf(edges) if derivative == 1 else -edges * law.pdf(edges)
        exact = np.diff(primitive)
        found = operator(np.diff(law.cdf(edges)), 12 / bins)
        errors.append(np.abs(found - exact).max() * bins)
    assert errors[0] / errors[1] > 13
    assert errors[1] / errors[2] > 13


def test_the_remainder_falls_with_the_square_of_the_scale():
    """N(0, 1) blurred by τ: the drift is of order τ², what the expansion leaves of it of order τ⁴."""
    grid = Grid(-8, 8, 160)
    law = masses(stats.norm(), grid)
    left = []
    for tau in (0.4, 0.2, 0.1):
        drift = masses(stats.norm(0, np.hypot(1, tau)), grid) - law
        remainder = drift - spread_drift(law * tau**2 / 2, 0.1)
        left.append(np.linalg.norm(remainder) / np.linalg.norm(drift))
    assert left[0] / left[1] == pytest.approx(4, rel=0.2)
    assert left[1] / left[2] == pytest.approx(4, rel=0.2)


def test_a_pull_towards_the_middle_is_expanded_to_second_order():
    """q' = (1 − a)q: with the b² term the remainder is of order a³, a quarter beside the drift when a is halved."""
    grid = Grid(-8, 8, 160)
    edges, law = grid.edges, stats.norm()
    limits = np.concatenate([[-np.inf], edges, [np.inf]])
    # ∫ q π = −Δφ and ∫ q² π = Δ(Φ − q φ) over a bin.
    density = law.pdf(limits)
    first, second = (
        -np.diff(density),
        np.diff(law.cdf(limits) - np.where(np.isfinite(limits), limits, 0) * density),
    )
    left = []
    for a in (0.1, 0.05, 0.025):
        drift = masses(stats.norm(0, 1 - a), grid) - np.diff(law.cdf(limits))
        made = transport_drift(-a * first, 0.1) + spread_drift(a**2 * second / 2, 0.1)
        left.append(np.linalg.norm(drift - made) / np.linalg.norm(drift))
    assert left[0] / left[1] == pytest.approx(4, rel=0.3)
    assert left[1] / left[2] == pytest.approx(4, rel=0.3)


def explained(kernel, n=40_000, **settings):
    return pf.explain(
        kernel,
        normal_trajectories(n),
        linear(A),
        by=(),
        settings=ForecastSettings(range=(-5, 5), bins=20),
        **settings,
    )


def test_white_errors_of_a_linear_quantity_drift_by_spread_alone():
    found = explained(Gaussian(0.5, relative=False)).expansion
    assert found.share["bias"].low < 0.02
    assert abs(found.share["bias"].value) < 0.03
    assert found.share["spread"].value > 0.9
    assert found.skill["both"].value > 0.95
    total = sum(found.share[key].value for key in ("bias", "spread", "remainder"))
    assert total == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(found.both + found.remainder, found.drift, atol=1e-15)


def test_a_pure_pull_drifts_by_bias_alone():
    found = explained(Shrinkage(1.0, strength=0.1, blur=0.0)).expansion
    assert found.share["bias"].value == pytest.approx(1, abs=0.05)
    assert abs(found.share["spread"].value) < 0.02
    assert found.share["bias"].low < found.share["bias"].value < found.share["bias"].high


def test_large_errors_leave_a_remainder():
    """Blurred by twice its own width, a law is far from its first two moments' expansion."""
    found = explained(Gaussian(2.0, relative=False)).expansion
    assert found.skill["both"].high < 0.5


def test_the_remainder_of_forecasts_falls_with_the_scale():
    kernels = [Gaussian(s, relative=False) for s in (1.6, 0.8, 0.4)]
    skills = [explained(kernel).expansion.skill["both"].value for kernel in kernels]
    assert skills[0] < skills[1] < 1.02
    assert 1 - skills[2] < 0.25 * (1 - skills[1]) + 0.02


def test_a_stated_law_is_expanded_instead_of_the_datas():
    """Under a stated N(0, 0.8²) the data's bins are reweighted: masses, moments and flow belong to it."""
    made = explained(Gaussian(0.4, relative=False), intended="normal(0, 0.8)")
    drift = masses(stats.norm(0, np.hypot(0.8, 0.4)), made.forecast.grid) - masses(
        stats.norm(0, 0.8), made.forecast.grid
    )
    assert np.abs(made.expansion.both - drift).max() < 0.006
    assert made.expansion.skill["both"].value > 0.85
