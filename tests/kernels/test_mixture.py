"""Mixture and Chain: drifts add in proportion to shares, errors add one on the other."""

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.kernels import Chain, Gaussian, LocalScore, Mixture, Residual, Shrinkage
from pushforward.trajectories import Trajectories


@pytest.fixture
def tracks():
    return Trajectories(np.random.default_rng(0).normal(0, 1, (8000, 4, 1)).astype(np.float32))


def shift(size):
    """A kernel that moves every value by `size`."""
    x = Trajectories(np.zeros((2, 4, 1), np.float32))
    return Residual.from_pairs(x, x.with_values(np.full((2, 4, 1), size)))


def moves(kernel, tracks, seed=1):
    return (kernel.fitted(tracks).deviate(tracks, np.random.default_rng(seed)).values - tracks.values)[
        :, 0, 0
    ]


@pytest.mark.parametrize("scale", [0.25, 1.0])
def test_each_trajectory_goes_one_way_and_shares_are_kept(tracks, scale):
    kernel = Mixture(scale, kernels=(shift(1.0), shift(-2.0)), weights=(3, 1))
    moved = moves(kernel, tracks).round(3)
    expected = {1.0: 0.75 * scale, -2.0: 0.25 * scale, 0.0: 1 - scale}
    assert set(np.unique(moved)) <= set(expected)
    for size, share in expected.items():
        error = 5 * np.sqrt(share * (1 - share) / len(tracks))
        assert np.mean(moved == size) == pytest.approx(share, abs=max(error, 1e-12))


def test_drift_is_linear_in_the_share(tracks):
    kernel = Mixture(kernels=(Shrinkage(0.6, strength=1.0, blur=0.0),))
    spread = [
        float(np.var(kernel.with_scale(s).fitted(tracks).deviate(tracks, np.random.default_rng(2)).values))
        for s in (0.0, 0.5, 1.0)
    ]
    assert spread[1] == pytest.approx((spread[0] + spread[2]) / 2, rel=0.03)


def test_a_chain_adds_errors(tracks):
    """Variances of independent errors add: 0.3² + 0.4² = 0.5²."""
    chain = Chain(kernels=(Gaussian(0.3), Gaussian(0.4)))
    spread = float(tracks.values.std())
    assert moves(chain, tracks).std() == pytest.approx(0.5 * spread, rel=0.04)
    assert moves(chain.with_scale(0.5), tracks).std() == pytest.approx(0.25 * spread, rel=0.04)


def test_a_chain_of_one_is_that_kernel(tracks):
    np.testing.assert_array_equal(
        moves(Chain(kernels=(Gaussian(0.3),)), tracks), moves(Gaussian(0.3), tracks)
    )


@pytest.mark.parametrize("kind", [Mixture, Chain])
def test_scale_zero_deviates_nothing_and_seeds_repeat(tracks, kind):
    kernel = kind(kernels=(Gaussian(0.3), Shrinkage(0.2)))
    assert not moves(kernel.with_scale(0.0), tracks).any()
    np.testing.assert_array_equal(moves(kernel, tracks), moves(kernel, tracks))
    assert not np.array_equal(moves(kernel, tracks), moves(kernel, tracks, seed=2))


def test_what_its_parts_need_the_whole_needs():
    kernel = Mixture(kernels=(Gaussian(0.1), LocalScore(0.1)))
    assert kernel.repeats == LocalScore.repeats < Gaussian.repeats
    assert kernel.block_values == Gaussian.block_values
    assert kernel.with_scale(0.5).repeats == kernel.repeats


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"kernels": ()}, "one or more kernels"),
        ({"kernels": (1,)}, "one or more kernels"),
        ({"kernels": (Gaussian(0.1),), "weights": (1, 2)}, "weights"),
        ({"kernels": (Gaussian(0.1),), "weights": (0,)}, "weights"),
        ({"kernels": (Gaussian(0.1),), "scale": 1.5}, "0 to 1"),
    ],
)
def test_mixtures_that_cannot_be_are_refused(settings, said):
    with pytest.raises(InputError, match=said):
        Mixture(**settings)


def test_a_part_without_a_scale_is_refused(tracks):
    with pytest.raises(InputError, match="has no scale"):
        Chain(kernels=(Gaussian(),)).deviate(tracks, np.random.default_rng(0))
