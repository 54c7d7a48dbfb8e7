"""Limits hold the truth as often as they say."""

import numpy as np
import pytest
from tests.forecast.closed_forms import linear, normal_trajectories, squared_norm

import pushforward as pf
from pushforward.forecast import ForecastSettings
from pushforward.kernels import Gaussian

A = np.full((4, 2), 8**-0.5)
S = 0.8
N = 3000
REPETITIONS = 150


@pytest.mark.slow
def test_limits_of_bias_spread_shares_and_shifts_cover():
    """q = a·x + ⅛‖x‖² of 3,000 trajectories, against the same numbers of 400 times the data."""
    quantity = pf.Quantity(lambda tracks: linear(A)(tracks) + squared_norm()(tracks) / 8, name="curved")
    settings = ForecastSettings(range=(-2, 6), bins=12)

    def of(n, seed, sample):
        kernel = Gaussian(S, relative=False)
        return pf.explain(
            kernel,
            normal_trajectories(n, seed),
            quantity,
            by=("time",),
            settings=settings,
            seed=seed,
            sample=sample,
            repeats=2,
        )

    truth = of(600_000, 10_000, 100_000)
    filled = np.flatnonzero(truth.forecast.expected * N > 20)
    held = {key: [] for key in ("bias", "spread", "share", "moment share", "shift", "part")}
    for seed in range(REPETITIONS):
        made = of(N, seed, N)
        for key in ("bias", "spread"):
            mine, wanted = getattr(made, key), getattr(truth, key).value
            held[key].append(((mine.low <= wanted) & (wanted <= mine.high))[filled].mean())
        mine, wanted = made.attribution("time"), truth.attribution("time")
        for key, pairs in (("share", (mine.share, wanted.share)), ("part", (mine.spread, wanted.spread))):
            held[key].append(np.mean([a.low <= b.value <= a.high for a, b in zip(*pairs, strict=True)]))
        held["shift"].append(mine.total_shift.low <= wanted.total_shift.value <= mine.total_shift.high)
        share, exact = made.moments.share["bias"], truth.moments.share["bias"].value
        held["moment share"].append(share.low <= exact <= share.high)
    found = {key: float(np.mean(values)) for key, values in held.items()}
    assert all(0.9 <= coverage <= 0.995 for coverage in found.values()), found
