"""The local score machine: its denoiser is the posterior mean, in closed form where the data is normal or few."""

import tracemalloc

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.kernels import LocalScore
from pushforward.kernels.local_score import LocalScoreMachine, falling_levels, probability_flow
from pushforward.kernels.patches import PatchBank
from pushforward.trajectories import Trajectories


def autoregressive(n, T, rng, persistence=0.8):
    """(n, T, 1) stationary AR(1) of unit variance, with its covariance."""
    values = np.empty((n, T))
    values[:, 0] = rng.standard_normal(n)
    for t in range(1, T):
        values[:, t] = persistence * values[:, t - 1] + np.sqrt(1 - persistence**2) * rng.standard_normal(n)
    apart = np.abs(np.arange(T)[:, None] - np.arange(T)[None, :])
    return Trajectories(values[:, :, None].astype(np.float32)), persistence**apart


def machine_of(data, radius, patches=20_000, pooled=False, neighbours=128):
    return LocalScoreMachine.of(data, radius, patches, pooled, neighbours, seed=0)


def normal_denoiser(covariance, radius, sigma):
    """(T, T) matrix of E[x_t | y_{t−R}, …, y_{t+R}] = Σ_{tW} (Σ_{WW} + σ²)⁻¹ y_W."""
    T = len(covariance)
    matrix = np.zeros((T, T))
    for t in range(T):
        window = np.arange(max(0, t - radius), min(T, t + radius + 1))
        inner = covariance[np.ix_(window, window)] + sigma**2 * np.eye(len(window))
        matrix[t, window] = np.linalg.solve(inner, covariance[window, t])
    return matrix


@pytest.mark.parametrize("radius", [0, 1])
@pytest.mark.parametrize("pooled", [False, True])
@pytest.mark.parametrize("sigma", [0.3, 1.0, 4.0])
def test_normal_data_has_the_closed_form(radius, pooled, sigma):
    data, covariance = autoregressive(20_000, 5, np.random.default_rng(0))
    machine = machine_of(data, radius, pooled=pooled, neighbours=2048)
    fresh, _ = autoregressive(400, 5, np.random.default_rng(1))
    x = machine.normalised(fresh)
    y = x + np.float32(sigma) * np.random.default_rng(2).standard_normal(x.shape, dtype=np.float32)
    expected = y[:, :, 0] @ normal_denoiser(covariance, radius, sigma).T
    error = machine.denoiser()(y, sigma)[:, :, 0] - expected
    posterior = np.sqrt(sigma**2 / (1 + sigma**2))
    assert np.sqrt(np.mean(error**2)) < 0.15 * posterior


@pytest.mark.parametrize("sigma", [0.05, 0.5, 5.0])
def test_a_radius_beyond_the_trajectory_is_the_ideal_denoiser_of_the_data(sigma):
    """D(y) = Σ_i x_i exp(−‖y − x_i‖² / 2σ²) / Σ_i exp(−‖y − x_i‖² / 2σ²), whatever is left out for speed."""
    rng = np.random.default_rng(3)
    data = Trajectories(rng.normal(0, 1, (200, 4, 2)).astype(np.float32))
    machine = machine_of(data, radius=4, neighbours=200)
    x = machine.normalised(data).astype(np.float64)
    y = x[:50] + sigma * rng.standard_normal((50, 4, 2))
    square = np.square(y[:, None] - x[None]).sum(axis=(2, 3))
    weight = np.exp(-(square - square.min(axis=1, keepdims=True)) / (2 * sigma**2))
    expected = np.einsum("nm,mtc->ntc", weight / weight.sum(axis=1, keepdims=True), x)
    np.testing.assert_allclose(machine.denoiser()(y.astype(np.float32), sigma), expected, atol=2e-3)


def test_nearest_patches_and_thinned_banks_agree_with_the_whole_sum():
    data, _ = autoregressive(3000, 4, np.random.default_rng(4))
    fast, whole = machine_of(data, 1), machine_of(data, 1, neighbours=3000)
    y = fast.normalised(data)[:100] + 0.1 * np.random.default_rng(5).standard_normal(
        (100, 4, 1), dtype=np.float32
    )
    for sigma in (0.02, 0.1, 0.4, 2.0):
        apart = fast.denoiser()(y, sigma) - whole.denoiser()(y, sigma)
        assert np.sqrt(np.mean(apart**2)) < 0.3 * sigma / np.sqrt(1 + sigma**2)


def test_windows_at_the_ends_are_cut_and_have_their_own_patches():
    """Values that tell their place: no bank mixes places, but the pooled one of whole windows."""
    x = np.broadcast_to(np.arange(7, dtype=np.float32)[None, :, None], (30, 7, 1))
    steps = np.full(30, 7)
    for pooled in (False, True):
        bank = PatchBank.of(x, steps, 2, 1000, pooled, np.random.default_rng(0))
        assert sorted(t for part in bank for t in part.positions) == list(range(7))
        for part in bank:
            assert set(np.unique(part.centres)) == set(part.positions.astype(np.float32))
            offsets = part.windows - part.centres
            np.testing.assert_array_equal(
                np.unique(offsets, axis=0)[0], np.arange(-part.left, part.right + 1)
            )
        assert len(bank.parts) == (5 if pooled else 7)


def test_locality_loses_what_is_far_away():
    """Constant trajectories: the ideal denoiser averages all steps, a local one only its window's."""
    rng = np.random.default_rng(6)
    data = Trajectories(np.repeat(rng.normal(0, 1, (4000, 1, 1)), 9, axis=1).astype(np.float32))
    y = data.values[:500] + rng.normal(0, 0.5, (500, 9, 1)).astype(np.float32)
    errors = []
    for radius in (0, 1, 4, 9):
        machine = machine_of(data, radius)
        clean = machine.denoiser()(machine.normalised(Trajectories(y)), 0.5)
        errors.append(float(np.mean((clean[:, 4] - machine.normalised(data)[:500, 4]) ** 2)))
    assert errors == sorted(errors, reverse=True)


def test_the_probability_flow_of_normal_data_is_exact_in_the_limit():
    """For N(0, s²) the flow from level σ ends at y s / √(s² + σ²)."""
    s, sigma = 0.7, 2.0
    y = np.random.default_rng(7).normal(0, 2, (50, 3, 1)).astype(np.float32)

    def denoise(x, level):
        return x * np.float32(s**2 / (s**2 + level**2))

    exact = y * s / np.sqrt(s**2 + sigma**2)
    errors = [
        np.abs(probability_flow(denoise, y, falling_levels(sigma, n)) - exact).max() for n in (4, 8, 40)
    ]
    assert errors[0] > errors[1] > errors[2]
    assert errors[2] < 0.01


def test_levels_fall_from_sigma_to_zero():
    levels = falling_levels(0.5, 6)
    assert (len(levels), levels[0], levels[-1]) == (7, pytest.approx(0.5), 0.0)
    assert levels == sorted(levels, reverse=True)


def test_normal_trajectories_keep_their_law_where_nothing_is_hidden():
    """Radius T and a large bank: noising and the ideal way back leave the distribution as it is."""
    data, covariance = autoregressive(12_000, 3, np.random.default_rng(8))
    moved = (
        LocalScore(1.0, radius=3, steps=12)
        .fitted(data)
        .deviate(data.select(slice(0, 3000)), np.random.default_rng(9))
    )
    np.testing.assert_allclose(np.cov(moved.values[:, :, 0].T), covariance, atol=0.12)
    assert np.square(moved.values - data.values[:3000]).mean() > 0.1


def test_amplitude_scales_the_deviation():
    data, _ = autoregressive(500, 6, np.random.default_rng(10))
    moves = [
        LocalScore(0.3, amplitude=a).fitted(data).deviate(data, np.random.default_rng(11)).values
        - data.values
        for a in (1.0, 0.5, 0.0)
    ]
    np.testing.assert_allclose(moves[1], 0.5 * moves[0], atol=1e-6)
    assert not moves[2].any()


def test_constant_channels_and_padding_stay():
    rng = np.random.default_rng(12)
    values = rng.normal(0, 1, (80, 6, 2)).astype(np.float32)
    values[:, :, 1] = 3.0
    data = Trajectories(values, lengths=rng.integers(2, 7, 80))
    moved = LocalScore(0.3).fitted(data).deviate(data, np.random.default_rng(0))
    np.testing.assert_allclose(moved.values[:, :, 1], 3.0, atol=0.05)
    np.testing.assert_array_equal(moved.values[0, moved.steps[0] - 1 :, 0], moved.values[0, -1, 0])


def test_memory_does_not_hold_all_distances():
    """4,000 trajectories against 10,000 patches would be 160 MB for one position's distances."""
    data, _ = autoregressive(10_000, 4, np.random.default_rng(13))
    kernel = LocalScore(1.0, patches=10_000, steps=2).fitted(data)
    part = data.select(slice(0, 4000))
    tracemalloc.start()
    kernel.deviate(part, np.random.default_rng(0))
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 40e6


def test_another_shape_is_refused():
    data, _ = autoregressive(50, 4, np.random.default_rng(14))
    with pytest.raises(InputError, match="expected the same"):
        LocalScore(0.1).fitted(data).deviate(
            Trajectories(np.zeros((3, 5, 1), np.float32)), np.random.default_rng(0)
        )


@pytest.mark.parametrize(
    "settings", [{"radius": -1}, {"patches": 0}, {"neighbours": 0}, {"steps": 0}, {"amplitude": -1}]
)
def test_settings_that_cannot_be_are_refused(settings):
    with pytest.raises(InputError, match="local-score"):
        LocalScore(0.1, **settings)
