"""The bands hold: sampling of the data and Monte Carlo of the deviations, by trajectory or by group."""

import numpy as np
import pytest
from scipy import stats
from tests.forecast.closed_forms import masses

import pushforward as pf
from pushforward.forecast import ForecastSettings
from pushforward.kernels import Gaussian

VALUE = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="value")
SETTINGS = ForecastSettings(range=(-3.0, 3.0), bins=12)
MOVED = 0.5


def points(n, seed):
    return pf.Trajectories(np.random.default_rng(seed).normal(size=(n, 1, 1)).astype(np.float32))


def clustered(groups, each, seed):
    """Values that share most of their variance within a group: marginally N(0, 1)."""
    rng = np.random.default_rng(seed)
    shared, own = rng.normal(size=(groups, 1)), rng.normal(size=(groups, each))
    values = (np.sqrt(0.9) * shared + np.sqrt(0.1) * own).reshape(-1, 1, 1)
    return pf.Trajectories(values.astype(np.float32), groups=np.repeat(np.arange(groups), each))


def forecast(data, seed=0, scale=MOVED, **settings):
    return pf.forecast(Gaussian(scale, relative=False), data, VALUE, seed=seed, settings=SETTINGS, **settings)


EXACT = stats.norm(0, np.hypot(1, MOVED))


def covered(make, repetitions):
    """How often the whole band holds the exact law, and how often the interval holds the exact shift of the mean."""
    band = shift = 0
    for seed in range(repetitions):
        made = make(seed)
        wanted = masses(EXACT, made.grid)
        band += bool(np.all((made.low <= wanted) & (wanted <= made.high)))
        shift += made.mean_shift.low <= 0 <= made.mean_shift.high
    return band / repetitions, shift / repetitions


def test_the_band_holds_all_bins_together():
    band, shift = covered(lambda seed: forecast(points(800, seed), seed, repeats=1), 200)
    # 0.95 less three standard errors of 200 repetitions; more would be a band that says too little.
    assert 0.90 <= band <= 0.995
    assert 0.90 <= shift <= 0.995


def test_repeated_deviations_of_a_trajectory_are_not_taken_for_new_data():
    band, _ = covered(lambda seed: forecast(points(300, seed), seed, repeats=6), 150)
    assert 0.89 <= band <= 0.995


def test_groups_widen_the_band_by_what_they_share():
    band, _ = covered(lambda seed: forecast(clustered(150, 8, seed), seed, repeats=1), 150)
    assert band >= 0.88
    blind, _ = covered(lambda seed: forecast(clustered(150, 8, seed), seed, repeats=1, group="none"), 60)
    assert blind < band - 0.1


def test_twice_the_data_halves_the_square_of_the_band():
    def width(n):
        made = [forecast(points(n, seed), seed, repeats=1) for seed in range(8)]
        return np.mean([np.square(one.high - one.low)[1:-1].mean() for one in made])

    assert width(8000) / width(16_000) == pytest.approx(2, rel=0.1)


def test_a_stated_law_takes_its_own_sampling_out_of_the_band():
    data = points(4000, 0)
    own, stated = forecast(data, scale=0.05), forecast(data, scale=0.05, intended="normal(0, 1)")
    inner = slice(2, -2)
    assert np.mean((stated.high - stated.low)[inner]) < 0.5 * np.mean((own.high - own.low)[inner])


def test_no_gain_is_claimed_where_nothing_drifts():
    """Mass only changes places: q' is another draw of the same law. At most 5 % of forecasts may claim anything."""

    class Exchange(pf.kernels.AbstractDeviationKernel):
        name = "exchange"

        def deviate(self, trajectories, rng):
            # A stationary autoregression: N(0, 1) stays N(0, 1).
            noise = rng.standard_normal(trajectories.values.shape, dtype=np.float32)
            return trajectories.with_values(0.8 * trajectories.values + 0.6 * noise)

    claimed = [
        bool(
            pf.forecast(
                Exchange(1.0), points(600, seed), VALUE, repeats=1, seed=seed, settings=SETTINGS
            ).gain.any()
        )
        for seed in range(200)
    ]
    assert np.mean(claimed) <= 0.05 + 3 * np.sqrt(0.05 * 0.95 / 200)


def test_an_uncertain_scale_widens_the_band():
    data = points(20_000, 0)
    known, unsure = (
        pf.forecast(Gaussian(1.0, relative=False, scale_error=error), data, VALUE, settings=SETTINGS)
        for error in (0, 0.2)
    )
    np.testing.assert_array_equal(known.mass, unsure.mass)
    wanted = [masses(stats.norm(0, np.hypot(1, np.exp(0.2 * z))), known.grid) for z in (-1.96, 1.96)]
    moved = np.abs(wanted[1] - wanted[0]) / 2
    widest = int(np.argmax(moved))
    assert (known.high - known.low)[widest] / 2 < 0.5 * moved[widest]
    assert (unsure.high - unsure.low)[widest] / 2 > moved[widest]
    assert unsure.mean_shift.high - unsure.mean_shift.low >= known.mean_shift.high - known.mean_shift.low


def test_total_variation_and_w1_hold_the_truth_within_their_limits():
    law = stats.norm(0, 1)
    held = np.zeros(2)
    for seed in range(60):
        made = forecast(points(500, seed), seed, repeats=1)
        tv = 0.5 * np.abs(masses(EXACT, made.grid) - masses(law, made.grid)).sum()
        w1 = (EXACT.std() - 1) * np.sqrt(2 / np.pi)
        held += [made.tv.low <= tv <= made.tv.high, made.w1.low <= w1 <= made.w1.high]
    assert held.min() >= 54
