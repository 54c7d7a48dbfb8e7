"""Bias and spread equal the closed form, for every kernel that applies, in every bin together."""

import numpy as np
import pytest
from tests.forecast.closed_forms import C, T, linear, normal_trajectories, squared_norm

import pushforward as pf
from pushforward.forecast import ForecastSettings
from pushforward.kernels import Gaussian, OrnsteinUhlenbeck, Shrinkage, Spectral

N = 40_000
K = T * C
A = np.random.default_rng(42).normal(size=(T, C))
A /= np.linalg.norm(A)
S = 0.4
STRENGTH, BLUR = 0.5, 0.8
LAG = np.arange(T)[:, None] - np.arange(T)[None, :]


def correlation(length):
    return np.exp(-0.5 * np.square(LAG / length))


def white():
    return np.eye(T)


def smooth_size(R):
    """aᵀRa, channels independent."""
    return float(np.einsum("tc,ts,sc->", A, R, A))


# Kernel, Var[δq | x], and E[δq | q] as a multiple of q: of q = a·x with |a| = 1.
LINEAR = {
    "gaussian": (Gaussian(S, relative=False), S**2, 0.0),
    "spectral": (Spectral(S, 3.0, relative=False), S**2 * smooth_size(correlation(3.0)), 0.0),
    "shrinkage": (
        Shrinkage(S, STRENGTH, BLUR, correlation=2.0),
        (BLUR * S) ** 2 * smooth_size(correlation(2.0)),
        -STRENGTH * S,
    ),
    "ornstein-uhlenbeck": (OrnsteinUhlenbeck(S), S**2, np.sqrt(1 - S**2) - 1),
}
# Kernel, and E[δq | q], Var[δq | q] as functions of q: of q = ‖x‖².
QUADRATIC = {
    "gaussian": (
        Gaussian(S, relative=False),
        lambda q: S**2 * K + 0 * q,
        lambda q: 4 * S**2 * q + 2 * K * S**4,
    ),
    # x' = (1 − a)x + bε: E q' = (1 − a)² q + b²K.
    "shrinkage": (
        Shrinkage(S, STRENGTH, BLUR, correlation=0.0),
        lambda q: ((1 - STRENGTH * S) ** 2 - 1) * q + (BLUR * S) ** 2 * K,
        lambda q: 4 * (BLUR * S) ** 2 * (1 - STRENGTH * S) ** 2 * q + 2 * K * (BLUR * S) ** 4,
    ),
    "ornstein-uhlenbeck": (
        OrnsteinUhlenbeck(S),
        lambda q: S**2 * (K - q),
        lambda q: 4 * S**2 * (1 - S**2) * q + 2 * K * S**4,
    ),
}


def explained(kernel, quantity, low, high, bins, level=1e-3, data=None):
    settings = ForecastSettings(range=(low, high), bins=bins, level=level)
    data = normal_trajectories(N) if data is None else data
    return pf.explain(kernel, data, quantity, by=(), settings=settings, repeats=2)


def means_of_bins(made, values):
    """(bins,) the mean of q in each bin, and how many are there."""
    edges = made.forecast.edges
    count, _ = np.histogram(values, edges)
    total, _ = np.histogram(values, edges, weights=values)
    return total / np.maximum(count, 1), count


def assert_met(profile, wanted, count, slack, size):
    """Within the limits in all well-filled bins, which at a level of 0.001 each is what chance leaves of about 20."""
    filled = np.flatnonzero(count >= 50)
    assert len(filled) >= 10
    inner = slice(1, -1)
    low, high = profile.low[inner][filled] - slack, profile.high[inner][filled] + slack
    assert np.all((low <= wanted[filled]) & (wanted[filled] <= high))
    # Limits so wide that anything would fit say nothing.
    assert np.median(high - low) < 0.25 * size


@pytest.mark.parametrize("name", LINEAR)
def test_of_a_linear_quantity(name):
    """q = a·x of independent normal values: E[x | q] = a q, so that shrinkage pulls q itself, and noise spreads it."""
    kernel, variance, pull = LINEAR[name]
    made = explained(kernel, linear(A), -4, 4, 20)
    q, count = means_of_bins(made, linear(A)(normal_trajectories(N)))
    # Within a bin of width h the pulled mean varies, by pull²·h²/12 at most.
    assert_met(made.bias, pull * q, count, slack=0.004, size=np.sqrt(variance))
    assert_met(
        made.spread, np.full(20, variance / 2), count, slack=pull**2 * 0.4**2 / 24 + 1e-6, size=variance
    )


@pytest.mark.parametrize("name", QUADRATIC)
def test_of_a_quadratic_quantity(name):
    """q = ‖x‖²: the bias has ½ tr(HΣ), the curvature's push, and the spread grows with q."""
    kernel, bias, variance = QUADRATIC[name]
    made = explained(kernel, squared_norm(), 0, 30, 30)
    q, count = means_of_bins(made, squared_norm()(normal_trajectories(N)))
    slope = bias(1.0) - bias(0.0)
    assert_met(made.bias, bias(q), count, slack=0.01, size=np.sqrt(variance(K)))
    assert_met(made.spread, variance(q) / 2, count, slack=slope**2 / 24 + 0.01, size=variance(K))


def test_jitter_lengthens_a_straight_line_by_its_curvature_term():
    """Steps of length L: E|step| = L + s²/L, so b = (T − 1)·s²/L; along the line only the ends count, so D = s²."""
    L, s, steps = 1.0, 0.02, 16
    line = np.zeros((20_000, steps, 2), dtype=np.float32)
    line[:, :, 0] = np.arange(steps) * L
    made = pf.explain(
        Gaussian(s, relative=False), pf.Trajectories(line, channels=("x", "y")), "path-length", by=()
    )
    held = np.flatnonzero(made.forecast.expected)
    assert len(held) == 1
    bias, low, high = (float(getattr(made.bias, key)[held[0]]) for key in ("value", "low", "high"))
    assert low > 0
    assert low <= (steps - 1) * s**2 / L * (1 + 3 * s**2) <= high
    assert high - low < 0.25 * bias
    assert made.spread.value[held[0]] == pytest.approx(s**2, rel=0.05)


def test_no_deviation_has_neither():
    made = pf.explain(Gaussian(0.0), normal_trajectories(500), linear(A))
    held = made.forecast.expected > 0.01
    for profile in (made.bias, made.spread):
        for limits in (profile.value, profile.low, profile.high):
            assert not np.any(limits[held])
    assert made.flows == ()
    assert all(
        np.isnan(one.value) for found in (made.expansion, made.moments) for one in found.share.values()
    )
    assert not any(one.drift.any() for one in made.attributions)


def test_bins_with_a_single_trajectory_have_no_limits():
    data = pf.Trajectories(np.array([0.0] * 50 + [9.5], dtype=np.float32)[:, None, None])
    value = pf.Quantity(lambda tracks: tracks.values[:, 0, 0], name="value")
    made = explained(Gaussian(0.1, relative=False), value, -1, 10, 11, data=data)
    alone = 1 + int(10.5)
    assert made.forecast.expected[alone] > 0
    assert np.isnan(made.bias.value[alone])
    assert np.isfinite(made.bias.value[made.forecast.expected > 0.5]).all()


def test_repeated_deviations_and_groups_count_as_one():
    """Each trajectory ten times in one group: ten times the rows, and limits as wide as without them."""
    once = normal_trajectories(600)
    tenfold = pf.Trajectories(np.repeat(once.values, 10, axis=0), groups=np.repeat(np.arange(600), 10))
    # A bias that depends on x alone, so that copies tell nothing new.
    kernel = Shrinkage(1.0, strength=0.3, blur=0.0)
    settings = ForecastSettings(range=(-4, 4), bins=4)
    single, copied = (
        pf.explain(kernel, data, squared_norm_of_first(), by=(), settings=settings, repeats=1)
        for data in (once, tenfold)
    )
    width, width_copied = (np.nanmedian(one.bias.high - one.bias.low) for one in (single, copied))
    assert width_copied == pytest.approx(width, rel=0.35)
    ignored = pf.explain(
        kernel, tenfold, squared_norm_of_first(), by=(), settings=settings, repeats=1, group="none"
    )
    assert np.nanmedian(ignored.bias.high - ignored.bias.low) < 0.6 * width_copied


def squared_norm_of_first():
    """Something that a shrinkage moves by what q does not tell."""
    return pf.Quantity(
        lambda tracks: tracks.values[:, 0, 0] + 0.3 * np.square(tracks.values[:, 1, 0]), name="mixed"
    )
