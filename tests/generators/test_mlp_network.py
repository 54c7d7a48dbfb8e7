"""Multilayer perceptrons: shapes, padding, and Gaussian laws against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import stats
from torch import Tensor, nn

from pushforward.generators.networks.layers import initialize
from pushforward.generators.networks.mlp import (
    MLPDenoiser,
    OneStepMLP,
    ResidualMLP,
    gaussian_draw,
    gaussian_log_density,
)


def alive(network: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights also where training would start from zero, so that the output means something."""
    for layer in network.modules():
        if getattr(layer, "starts_at_zero", False):
            layer.starts_at_zero = False  # type: ignore[assignment]
    initialize(network, np.random.default_rng(seed))
    return network.eval()


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


def test_training_starts_from_zero() -> None:
    network = ResidualMLP(3, 2, 16, 2, n_film=4)
    initialize(network, np.random.default_rng(0))
    assert torch.equal(network(drawn(5, 3), drawn(5, 4)), torch.zeros(5, 2))


class TestDenoiser:
    @pytest.mark.parametrize("length", [1, 5, 11])
    def test_padding_never_changes_a_trajectory(self, length: int) -> None:
        network = alive(MLPDenoiser(12, 2, 16, 2, ragged=True))
        x, c_noise = drawn(3, 12, 2), drawn(3, seed=1)
        lengths = torch.tensor([length, 12, length])
        spoiled = x.clone()
        spoiled[0, length:] = 1e3
        together, other = network(x, c_noise, lengths), network(spoiled, c_noise, lengths)
        assert torch.equal(together[0, :length], other[0, :length])
        alone = network(x[:1, :length], c_noise[:1], lengths[:1])
        assert torch.allclose(together[:1, :length], alone, atol=1e-6)

    def test_noise_level_length_and_condition_matter(self) -> None:
        network = alive(MLPDenoiser(6, 2, 16, 2, n_condition=3, ragged=True))
        x, c_noise, lengths, condition = drawn(4, 6, 2), drawn(4), torch.tensor([6] * 4), drawn(4, 3)
        made = network(x, c_noise, lengths, condition)
        for other in (
            network(x, c_noise + 1, lengths, condition),
            network(x, c_noise, lengths - 1, condition),
            network(x, c_noise, lengths, condition + 1),
        ):
            assert not torch.allclose(made[:, :5], other[:, :5], atol=1e-3)

    def test_every_value_can_see_every_other(self) -> None:
        x = drawn(1, 12, 2).requires_grad_()
        alive(MLPDenoiser(12, 2, 16, 2))(x, drawn(1))[0, 0, 0].backward()
        assert bool((x.grad.abs() > 0).all())  # type: ignore[union-attr]


class TestOneStep:
    def test_the_covariance_is_full(self) -> None:
        network = alive(OneStepMLP(3, 2, 16, 2, n_condition=1))
        mean, log_scale, lower = network(drawn(4, 5, 2, 3), torch.ones(4, 5, 2), drawn(4, 5, 1))
        assert mean.shape == log_scale.shape == (4, 5, 3)
        assert bool((lower[..., 1, 0] != 0).all())
        assert bool((lower.triu() == 0).all())

    def test_the_density_is_that_of_scipy_and_the_draws_follow_it(self) -> None:
        lower = torch.tensor([[0.0, 0, 0], [0.7, 0, 0], [-0.4, 0.3, 0]])
        mean, log_scale = torch.tensor([1.0, -2, 0.5]), torch.tensor([0.1, -1.0, 0.4])
        inverse = np.linalg.inv(np.eye(3) - lower.numpy().astype(float))
        covariance = inverse @ np.diag(np.exp(2 * log_scale.numpy().astype(float))) @ inverse.T
        value = drawn(20, 3)
        expected = stats.multivariate_normal(mean.numpy(), covariance).logpdf(value.numpy())
        assert np.allclose(gaussian_log_density(value, mean, log_scale, lower).numpy(), expected, atol=1e-4)
        n = 20_000
        made = gaussian_draw(
            drawn(n, 3), mean.expand(n, 3), log_scale.expand(n, 3), lower.expand(n, 3, 3)
        ).numpy()
        # Five standard errors of a covariance of unit size.
        assert np.abs(np.cov(made.T) - covariance).max() < 5 * 2 * covariance.max() / np.sqrt(n)
        assert np.abs(made.mean(axis=0) - mean.numpy()).max() < 5 * np.sqrt(covariance.max() / n)
