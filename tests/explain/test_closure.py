"""Moving and spreading a law by its moments: exact where the errors are normal, whatever their size."""

import numpy as np
import pytest
from scipy import stats
from tests.forecast.closed_forms import linear, masses, normal_trajectories

import pushforward as pf
from pushforward.explain.closure import Closure
from pushforward.forecast import ForecastSettings
from pushforward.forecast.pushing import Pushed
from pushforward.forecast.tally import FlowTally
from pushforward.kernels import Gaussian, Shrinkage
from pushforward.measure import Grid

A = np.full((4, 2), 8**-0.5)
GRID = Grid(-2, 6, 32)


def uniform_tally():
    """Values evenly spread over [0, 4], which did not move."""
    q = (np.arange(32_000) + 0.5) / 8000
    return FlowTally.of(GRID, Pushed(q, q[None], np.arange(len(q)) % 128))


def moments(b, D):
    return np.full(GRID.bins + 2, float(b)), np.full(GRID.bins + 2, float(D))


def test_a_law_that_is_neither_moved_nor_spread_stays():
    tally = uniform_tally()
    law = tally.origins.sum(axis=0) / tally.n
    np.testing.assert_allclose(Closure(tally).pushed(law, *moments(0, 0)), law, atol=1e-15)


@pytest.mark.parametrize("b", [1e-4, 0.03, 0.8, -1.3])
def test_a_law_with_edges_is_moved_exactly(b):
    """Uniform on [0, 4] moved by b is uniform on [b, 4 + b], for moves far below and above a bin's 0.25."""
    tally = uniform_tally()
    law = tally.origins.sum(axis=0) / tally.n
    found = Closure(tally).pushed(law, *moments(b, 0))
    np.testing.assert_allclose(found, masses(stats.uniform(b, 4), GRID), atol=1e-12)


@pytest.mark.parametrize("s", [0.01, 0.2, 1.0])
def test_a_law_with_edges_is_blurred_exactly(s):
    """Uniform plus normal: ∫ of the normal's distribution function, by quadrature."""
    tally = uniform_tally()
    law = tally.origins.sum(axis=0) / tally.n
    found = Closure(tally).pushed(law, *moments(0, s**2 / 2))
    q = (np.arange(200_000) + 0.5) / 50_000
    limits = np.concatenate([[-np.inf], GRID.edges, [np.inf]])
    wanted = np.diff([stats.norm.cdf((end - q) / s).mean() for end in limits])
    np.testing.assert_allclose(found, wanted, atol=1e-7)
    assert found.sum() == pytest.approx(1, abs=1e-13)


def explained(kernel, **settings):
    # Within a bin the pull varies, which counts as spread: of the order of the squared width.
    grid = ForecastSettings(range=(-6, 6), bins=48)
    return pf.explain(
        kernel, normal_trajectories(40_000), linear(A), by=(), settings=grid, **settings
    ).moments


def test_normal_errors_leave_no_remainder_at_any_size():
    """q' = (1 − a)q + bε is normal given q: bias and spread are all there is, where the expansion has long failed."""
    found = explained(Shrinkage(1.0, strength=0.4, blur=0.4, correlation=0.0))
    assert found.skill["both"].value == pytest.approx(1, abs=0.01)
    assert abs(found.share["remainder"].value) < 0.01
    assert sum(found.share[key].value for key in ("bias", "spread", "remainder")) == pytest.approx(
        1, abs=1e-9
    )
    # A pull narrows and a blur widens: they push against one another.
    assert found.share["bias"].value * found.share["spread"].value < 0


def test_errors_of_another_shape_leave_a_remainder():
    """One in twenty moves by ±3 and the others stay: the same two moments as a small blur, another drift."""
    jumps = pf.Quantity(
        lambda tracks: tracks.values[:, 0, 0] + 3 * np.trunc(tracks.values[:, 1, 0] / 1.96), name="jumps"
    )
    values = np.random.default_rng(0).normal(size=(20_000, 2, 1)).astype(np.float32)
    values[:, 1] = 0
    made = pf.explain(Gaussian(1.0, relative=False), pf.Trajectories(values), jumps, by=(), repeats=2)
    smooth = pf.explain(
        Gaussian(1.0, relative=False), pf.Trajectories(values), "displacement", by=(), repeats=2
    )
    assert made.moments.skill["both"].high < 0.99
    assert abs(made.moments.share["remainder"].value) > 0.01
    assert smooth.forecast.n == made.forecast.n


def test_small_errors_of_a_smooth_law_are_the_expansion():
    """Both ways of explaining become one."""
    grid = ForecastSettings(range=(-5, 5), bins=20)
    made = pf.explain(
        Gaussian(0.4, relative=False), normal_trajectories(100_000), linear(A), by=(), settings=grid
    )
    assert np.abs(made.moments.both - made.expansion.both).max() < 0.1 * np.abs(made.forecast.drift).max()
    for key in ("bias", "spread"):
        assert made.moments.share[key].value == pytest.approx(made.expansion.share[key].value, abs=0.1)
