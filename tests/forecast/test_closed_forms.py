"""Normal trajectories, linear and quadratic quantities: masses, means and flow equal the closed form."""

import numpy as np
import pytest
from scipy import stats
from tests.forecast.closed_forms import C, T, flow, linear, masses, normal_trajectories, squared_norm

import pushforward as pf
from pushforward.forecast import ForecastSettings
from pushforward.kernels import Gaussian, Spectral

N = 60_000
A = np.random.default_rng(42).normal(size=(T, C))
SCALE = 0.4


def settings(low, high, bins=16):
    return ForecastSettings(range=(low, high), bins=bins)


def correlation(length):
    k = np.arange(T)
    return np.exp(-0.5 * ((k[:, None] - k[None, :]) / length) ** 2)


def assert_counts_fit(found, wanted, n):
    """Pearson's χ² of counts against exact probabilities, over cells that expect at least five."""
    known = wanted * n >= 5
    size = np.square(found - wanted)[known] * n / wanted[known]
    assert stats.chi2.sf(size.sum(), known.sum() - 1) > 1e-4
    assert abs(found[~known].sum() - wanted[~known].sum()) < 5 * np.sqrt((wanted[~known].sum() + 1 / n) / n)


KERNELS = {
    "gaussian": (Gaussian(SCALE, relative=False), np.sqrt(np.einsum("tc,tc->", A, A))),
    "spectral": (
        Spectral(SCALE, 3.0, relative=False),
        np.sqrt(np.einsum("tc,ts,sc->", A, correlation(3.0), A)),
    ),
}


@pytest.mark.parametrize("name", KERNELS)
def test_a_linear_quantity_spreads_by_the_variance_of_its_errors(name):
    """q ~ N(0, |a|²) and δq ~ N(0, s²·aᵀRa) independent: p̃ is normal with both variances."""
    kernel, spread = KERNELS[name]
    law, moved = stats.norm(0, np.linalg.norm(A)), SCALE * spread
    made = pf.forecast(kernel, normal_trajectories(N), linear(A), repeats=1, settings=settings(-8, 8))
    predicted = stats.norm(0, np.hypot(law.std(), moved))
    assert_counts_fit(made.expected, masses(law, made.grid), N)
    assert_counts_fit(made.mass, masses(predicted, made.grid), N)
    assert made.mean == pytest.approx(0, abs=4 * predicted.std() / np.sqrt(N))
    assert made.mean_shift.value == pytest.approx(0, abs=4 * moved / np.sqrt(N))
    exact = flow(law, lambda end, q: stats.norm.cdf(end, q, moved), made.grid)
    assert_counts_fit(made.flow.toarray().ravel(), exact.ravel(), N)


def test_a_quadratic_quantity_shifts_by_half_the_trace_of_its_hessian():
    """q = ‖x‖²: E δq = ½ tr(HΣ) = s²·TC, q' given q is s²·χ²(TC, q/s²), and p̃ is (1 + s²)·χ²(TC)."""
    k = T * C
    kernel, law = Gaussian(SCALE, relative=False), stats.chi2(k)
    made = pf.forecast(kernel, normal_trajectories(N), squared_norm(), repeats=2, settings=settings(0, 30))
    predicted = stats.chi2(k, scale=1 + SCALE**2)
    # Var δq = 4 s² E q + 2 k s⁴
    error = np.sqrt((4 * SCALE**2 * k + 2 * k * SCALE**4) / N)
    assert made.mean_shift.value == pytest.approx(SCALE**2 * k, abs=4 * error)
    assert made.mean == pytest.approx(predicted.mean(), abs=4 * predicted.std() / np.sqrt(N))
    assert_counts_fit(made.mass, masses(predicted, made.grid), N)
    exact = flow(
        law, lambda end, q: stats.ncx2.cdf(np.maximum(end, 0) / SCALE**2, k, q / SCALE**2), made.grid
    )
    assert_counts_fit(made.flow.toarray().ravel(), exact.ravel(), N)
    second = made._counted.tally.sums[3].sum() / (2 * N)
    assert second == pytest.approx(4 * SCALE**2 * k + 2 * k * SCALE**4 + (SCALE**2 * k) ** 2, rel=0.03)


def test_the_conditional_law_has_the_mean_and_the_variance_of_the_closed_form():
    """E[q' − q | q] = s²k and Var[q' | q] = 4 s² q + 2 k s⁴, bin by bin."""
    k = T * C
    kernel = Gaussian(SCALE, relative=False)
    made = pf.forecast(kernel, normal_trajectories(N), squared_norm(), settings=settings(0, 30, bins=120))
    centres = np.concatenate([[0.0], (made.edges[1:] + made.edges[:-1]) / 2, [np.nan]])
    rows = made.conditional.toarray()
    for a in range(12, 80, 8):
        mean = np.nansum(rows[a, 1:-1] * centres[1:-1]) / rows[a, 1:-1].sum()
        variance = rows[a, 1:-1] @ np.square(centres[1:-1] - mean) / rows[a, 1:-1].sum()
        wanted = 4 * SCALE**2 * centres[a] + 2 * k * SCALE**4
        count = made.expected[a] * N
        assert mean - centres[a] == pytest.approx(SCALE**2 * k, abs=5 * np.sqrt(wanted / count) + 0.01)
        assert variance == pytest.approx(wanted, rel=5 * np.sqrt(2 / count) + 0.03)


def test_flow_and_masses_belong_together():
    made = pf.forecast(Gaussian(0.3), normal_trajectories(3000), squared_norm(), repeats=3)
    moved = made.flow.toarray()
    np.testing.assert_allclose(moved.sum(axis=1), made.expected, atol=1e-14)
    np.testing.assert_allclose(moved.sum(axis=0), made.mass, atol=1e-14)
    rows = made.conditional.toarray().sum(axis=1)
    np.testing.assert_allclose(rows[made.expected > 0], 1)
    assert made.mass.sum() == pytest.approx(1)


@pytest.mark.parametrize("intended", [None, "normal(0, 3)"])
def test_scale_zero_forecasts_no_drift_at_all(intended):
    made = pf.forecast(Gaussian(0.0), normal_trajectories(2000), linear(A), repeats=3, intended=intended)
    assert np.array_equal(made.mass, made.expected)
    assert (made.mean_shift.value, made.w1.value, made.tv.value) == (0, 0, 0)
    assert (made.mean_shift.low, made.mean_shift.high, made.w1.high, made.tv.high) == (0, 0, 0, 0)
    assert not made.gain.any()
    assert made.gains == made.losses == ()


def test_a_stated_law_is_pushed_forward_instead_of_the_datas():
    """Data of variance 1.5² stand for an intended N(0.5, 1): p̃ is N(0.5, 1 + τ²), though no such data was given."""
    rng = np.random.default_rng(1)
    data = pf.Trajectories(rng.normal(0, 1.5, (N, 1, 1)).astype(np.float32))
    identity = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="value")
    made = pf.forecast(
        Gaussian(0.5, relative=False),
        data,
        identity,
        intended="normal(0.5, 1)",
        settings=settings(-4, 5, bins=90),
    )
    np.testing.assert_allclose(made.expected, masses(stats.norm(0.5, 1), made.grid), atol=1e-12)
    wanted = masses(stats.norm(0.5, np.hypot(1, 0.5)), made.grid)
    assert np.abs(made.mass - wanted).max() < 0.0015
    assert made.mean_expected == 0.5
    assert made.mean_shift.low < 0 < made.mean_shift.high


def test_distances_are_those_of_the_closed_form():
    """W1 between N(0, 1) and N(0, 1 + τ²) is (√(1 + τ²) − 1)·√(2/π); TV over fine bins is theirs too."""
    data = pf.Trajectories(np.random.default_rng(2).normal(size=(N, 1, 1)).astype(np.float32))
    identity = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="value")
    made = pf.forecast(
        Gaussian(1.0, relative=False), data, identity, repeats=4, settings=settings(-6, 6, bins=120)
    )
    wanted = (np.sqrt(2) - 1) * np.sqrt(2 / np.pi)
    assert made.w1.value == pytest.approx(wanted, rel=0.02)
    assert made.w1.low < wanted < made.w1.high
    tv = (
        0.5 * np.abs(masses(stats.norm(0, np.sqrt(2)), made.grid) - masses(stats.norm(0, 1), made.grid)).sum()
    )
    assert made.tv.value == pytest.approx(tv, rel=0.03)


def test_gains_and_losses_are_where_the_closed_form_has_them():
    data = pf.Trajectories(np.random.default_rng(2).normal(size=(N, 1, 1)).astype(np.float32))
    identity = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="value")
    made = pf.forecast(Gaussian(0.5, relative=False), data, identity, settings=settings(-4, 4, bins=20))
    exact = masses(stats.norm(0, np.hypot(1, 0.5)), made.grid) - masses(stats.norm(0, 1), made.grid)
    clear = np.abs(exact) > 0.002
    assert np.array_equal(made.gain[clear], np.sign(exact[clear]))
    assert not np.any(made.gain * np.sign(exact) < 0)
    assert len(made.losses) == 1
    assert made.losses[0].low < 0 < made.losses[0].high
    assert made.gains[0].low == -np.inf
    assert sum(change.mass for change in made.gains) == pytest.approx(-made.losses[0].mass, abs=0.002)
