"""Who loses to whom: net flows equal the closed form, and nothing is said of noise."""

import numpy as np
from scipy import stats
from tests.forecast.closed_forms import flow, linear, normal_trajectories

import pushforward as pf
from pushforward.forecast import ForecastSettings
from pushforward.kernels import Gaussian, OrnsteinUhlenbeck, Shrinkage

N = 40_000
A = np.full((4, 2), 8**-0.5)


def explained(kernel, n=N, bins=10, seed=0):
    settings = ForecastSettings(range=(-5, 5), bins=bins)
    return pf.explain(kernel, normal_trajectories(n), linear(A), by=(), settings=settings, seed=seed)


def test_net_flows_are_those_of_the_closed_form():
    """q' = (1 − a)q + bε: mass moves inwards; each exact net flow lies within its limits, 95 % of the time."""
    kernel = Shrinkage(1.0, strength=0.2, blur=0.3, correlation=0.0)
    made = explained(kernel)
    exact = flow(stats.norm(), lambda end, q: stats.norm.cdf(end, 0.8 * q, 0.3), made.forecast.grid)
    limits = [-np.inf, *made.forecast.edges, np.inf]
    held = []
    for one in made.flows:
        a, b = limits.index(one.source[0]), limits.index(one.target[0])
        held.append(one.low <= exact[a, b] - exact[b, a] <= one.high)
    assert len(held) >= 6
    assert np.mean(held) > 0.8
    assert [one.mass for one in made.flows] == sorted((one.mass for one in made.flows), reverse=True)
    for one in made.flows[:6]:
        # Inwards.
        assert abs(np.mean(np.clip(one.target, -5, 5))) < abs(np.mean(np.clip(one.source, -5, 5)))
        assert one.gross >= one.mass > 0


def test_a_kernel_in_balance_has_no_net_flow():
    """A step that keeps a normal law, and is reversible: as much goes as comes, between every pair."""
    made = explained(OrnsteinUhlenbeck(0.5))
    assert max((one.mass for one in made.flows), default=0) < 0.004
    assert made.flow.sum() > 0.99
    assert np.diag(made.flow).sum() < 0.8
    assert "net flows" in str(made) or made.flows


def test_many_bins_are_drawn_together_and_nothing_is_lost():
    made = explained(Gaussian(0.5, relative=False), n=4000, bins=100)
    ends = {one.source for one in made.flows} | {one.target for one in made.flows}
    assert len(ends) <= 14
    lows, highs = {low for low, _ in ends}, {high for _, high in ends}
    assert all(np.isinf(low) or low in made.forecast.edges for low in lows)
    assert all(np.isinf(high) or high in made.forecast.edges for high in highs)
