"""Attributions are the closed form's, sum to the whole, and know what does nothing."""

import numpy as np
import pytest
from tests.forecast.closed_forms import normal_trajectories

import pushforward as pf
from pushforward.explain import TimeSegments
from pushforward.explain.attribution import coalitions
from pushforward.forecast import ForecastSettings
from pushforward.kernels import Gaussian

S = 0.3


def weighted(a, name="weighted"):
    return pf.Quantity(lambda tracks: (tracks.values * np.asarray(a)).sum(axis=(1, 2)), name=name)


def product():
    """x·y: both channels together move it."""
    return pf.Quantity(lambda tracks: tracks.values[:, 0, 0] * tracks.values[:, 0, 1], name="product")


def test_independent_channels_of_a_linear_quantity_add_their_variances():
    """q = 2 Σ x₀ + Σ x₁: D = ½ s²·T·(4 + 1), four fifths of it the first channel's; the mean does not move."""
    data = normal_trajectories(20_000)
    made = pf.explain(
        Gaussian(S, relative=False), data, weighted([2.0, 1.0]), by=("channels",), sample=20_000
    )
    found = made.attribution("channels")
    for estimate, a in zip(found.spread, (2.0, 1.0), strict=True):
        assert estimate.low < S**2 * data.T * a**2 / 2 < estimate.high
        assert estimate.high - estimate.low < 0.15 * estimate.value
    assert found.share[0].low < 0.8 < found.share[0].high
    assert all(one.low < 0 < one.high for one in found.shift)


def test_equal_steps_share_equally():
    data = normal_trajectories(20_000)
    made = pf.explain(Gaussian(S, relative=False), data, weighted([1.0, 1.0]), by=("time",), sample=20_000)
    found = made.attribution("time")
    for estimate in found.spread:
        assert estimate.low < S**2 * 2 / 2 < estimate.high
    for estimate in found.share:
        assert estimate.low < 0.25 < estimate.high


@pytest.mark.parametrize("intended", [None, "normal(0, 0.7)"])
def test_parts_sum_to_the_whole(intended):
    """Bin by bin, in the shift, in the spread and in the shares, whatever the quantity and the law."""
    data = normal_trajectories(6000)
    settings = ForecastSettings(range=(-4, 4), bins=16)
    made = pf.explain(
        Gaussian(0.4), data, product(), sample=6000, intended=intended, settings=settings, repeats=1
    )
    assert {one.name for one in made.attributions} == {"time", "channels", "frequency"}
    drifts = [one.drift.sum(axis=0) for one in made.attributions]
    for one, drift in zip(made.attributions, drifts, strict=True):
        # The same deviations are cut each time, so that the wholes are one and the same.
        np.testing.assert_allclose(drift, drifts[0], atol=1e-4)
        assert drift.sum() == pytest.approx(0, abs=1e-12)
        assert sum(part.value for part in one.shift) == pytest.approx(one.total_shift.value, abs=1e-12)
        assert sum(part.value for part in one.spread) == pytest.approx(one.total_spread.value, abs=1e-12)
        assert sum(part.value for part in one.share) == pytest.approx(1, abs=1e-9)
    # Other deviations of the same trajectories, as the forecast drew them: the same law up to sampling.
    assert np.abs(drifts[0] - made.forecast.drift).max() < 0.03


def test_what_the_quantity_does_not_see_gets_nothing():
    data = normal_trajectories(3000)
    made = pf.explain(Gaussian(0.9), data, weighted([1.0, 0.0]), by=("channels",), sample=3000)
    found = made.attribution("channels")
    assert not found.drift[1].any()
    assert (found.shift[1].value, found.shift[1].high, found.spread[1].value) == (0, 0, 0)
    assert found.share[1].value == 0
    assert found.share[0].value == pytest.approx(1)


def test_what_only_both_do_is_shared():
    """q = x·y at x = y = 0: neither channel's error alone moves q, both together do; each gets half."""
    data = pf.Trajectories(np.zeros((4000, 1, 2), dtype=np.float32))
    made = pf.explain(Gaussian(1.0, relative=False), data, product(), by=("channels",), sample=4000)
    found = made.attribution("channels")
    np.testing.assert_allclose(found.drift[0], found.drift[1], atol=1e-15)
    assert found.spread[0].value == found.spread[1].value
    assert found.total_spread.low < 0.5 < found.total_spread.high


def test_a_sample_of_the_data_is_enough():
    data = normal_trajectories(8000)
    made = pf.explain(Gaussian(S), data, weighted([1.0, 1.0]), by=(TimeSegments(2),), sample=1000)
    assert made.attribution("time").n == 1000
    assert made.movers.n == 1000
    assert made.forecast.n == 8000


def test_trajectories_on_which_a_coalition_is_not_defined_are_counted_and_left_out():
    data = normal_trajectories(2000)
    root = pf.Quantity(
        lambda tracks: np.sqrt(tracks.values[:, 0, 0] + tracks.values[:, 0, 1] + 3), name="root"
    )
    made = pf.explain(Gaussian(1.0), data, root, by=("channels",), sample=2000)
    found = made.attribution("channels")
    assert found.n_lost > 0
    assert found.n + found.n_lost + made.forecast.n_undefined == 2000
    assert sum(part.value for part in found.shift) == pytest.approx(found.total_shift.value)
    assert f"{found.n_lost} left out" in str(made)


def test_every_coalition_is_its_parts():
    x = np.zeros((1, 2, 1), dtype=np.float32)
    parts = [np.full_like(x, 10.0**k) for k in range(3)]
    found = {S: float(values[0, 0, 0]) for S, values in coalitions(x, parts)}
    assert found == {0: 0, 1: 1, 2: 10, 3: 11, 4: 100, 5: 101, 6: 110, 7: 111}
