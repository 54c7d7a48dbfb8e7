"""Multilayer perceptrons: shapes, padding, and Gaussian laws against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from scipy import stats
from torch import Tensor, nn

from pushforward.generators.networks.gaussian import GaussianLaw, n_gaussian
from pushforward.generators.networks.layers import initialize
from pushforward.generators.networks.mlp import MLPDenoiser, ResidualMLP
from pushforward.generators.networks.mlp_rollout import RolloutMLP


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


class TestGaussian:
    def test_the_density_is_that_of_scipy_and_the_draws_follow_it(self) -> None:
        floor = -7.0
        regression = np.array([[0.0, 0, 0], [0.7, 0, 0], [-0.4, 0.3, 0]])
        mean, log_scale = np.array([1.0, -2, 0.5]), np.array([0.1, -1.0, 0.4])
        free = floor + np.log(np.expm1(log_scale - floor))
        raw = torch.from_numpy(np.concatenate([mean, free, [0.7, -0.4, 0.3]]).astype(np.float32))
        assert len(raw) == n_gaussian(3)
        inverse = np.linalg.inv(np.eye(3) - regression)
        covariance = inverse @ np.diag(np.exp(2 * log_scale)) @ inverse.T
        n = 20_000
        made = GaussianLaw(raw.expand(n, -1), 3, floor).draw(drawn(n, 3)).numpy()
        value = made[:200]
        expected = stats.multivariate_normal(mean, covariance).logpdf(value)
        ours = GaussianLaw(raw.expand(200, -1), 3, floor).log_density(torch.from_numpy(value)).sum(dim=1)
        assert np.allclose(ours.numpy(), expected, atol=1e-3)
        # Five standard errors: a covariance of variances a, b is uncertain by at most √(2 a b / n).
        assert np.abs(np.cov(made.T) - covariance).max() < 5 * covariance.max() * np.sqrt(2 / n)
        assert np.abs(made.mean(axis=0) - mean).max() < 5 * np.sqrt(covariance.max() / n)


def rollout(history: int = 3, n_start: int = 2, n_condition: int = 0) -> RolloutMLP:
    made = alive(RolloutMLP(10, 2, history, n_start, 16, 2, 3, -7.0, n_condition))
    assert isinstance(made, RolloutMLP)
    return made


class TestRollout:
    def test_a_step_sees_its_history_and_no_more(self) -> None:
        network = rollout(history=3)
        x = drawn(1, 10, 2)
        density = network(x)
        for t in range(10):
            for moved in range(10):
                changed = x.clone()
                changed[0, moved] += 1
                # A step's own value and the one before it are what its increment is made of.
                sees = t - 3 <= moved <= t
                assert bool((network(changed)[0, t] != density[0, t]).any()) == sees

    def test_the_law_is_the_same_at_every_step_with_a_full_history(self) -> None:
        network = rollout(history=3)
        stretch = drawn(1, 5, 2)
        early = network(torch.cat([drawn(1, 1, 2), stretch], dim=1))
        late = network(torch.cat([drawn(1, 4, 2, seed=1), stretch], dim=1))
        assert torch.allclose(early[:, -2:], late[:, -2:], atol=1e-5)

    def test_what_is_rolled_out_has_the_density_that_it_was_drawn_from(self) -> None:
        """With the noise as the density's own quantile, the two paths through the network must agree."""
        network = rollout(history=3, n_start=1)
        network.statistics.set(np.full(2, 0.3), np.full(2, -9.0), np.full(2, 9.0))  # nothing is held back
        with torch.no_grad():
            normal = drawn(4, 10, 2)
            made = network.sample(torch.zeros(4, 10, 2), normal)
            code = network.law.coded(made, network.statistics)
            h = network._features(network._windows(made), None)
            law = GaussianLaw(network.step(h[:, 1:]), 2, -7.0)
            rest = (code[:, 1:] - law.mean) - (law.regression @ (code[:, 1:] - law.mean)[..., None])[..., 0]
            assert torch.allclose(rest * torch.exp(-law.log_scale), normal[:, 1:], atol=1e-3)

    def test_told_steps_are_kept_and_followed(self) -> None:
        network = rollout()
        told = torch.full((2, 10, 2), float("nan"))
        told[:, 0] = torch.tensor([[0.3, -0.2], [1.0, 0.5]])
        uniform, normal = torch.full((2, 10, 2), 0.5), torch.zeros(2, 10, 2)
        made = network.sample(uniform, normal, None, told)
        assert torch.equal(made[:, 0], told[:, 0])
        assert not torch.allclose(made[0, 1] - made[0, 0], made[1, 1] - made[1, 0], atol=1e-3)

    def test_rollouts_stay_within_reach_of_the_data(self) -> None:
        network = rollout()
        network.statistics.set(np.array([100.0, 100.0]), np.array([-1.0, 0.0]), np.array([1.0, 2.0]))
        made = network.sample(F.sigmoid(drawn(8, 10, 2)), drawn(8, 10, 2, seed=1)).detach()
        assert float(made[..., 0].abs().max()) <= 2.0
        assert float(made[..., 1].min()) >= -1.0
        assert float(made[..., 1].max()) <= 3.0

    def test_a_law_that_is_far_too_wide_gives_finite_values_within_reach(self) -> None:
        """Channels are drawn one given another: the first one's runaway must not take the next to infinity."""
        network = RolloutMLP(10, 5, history=1, n_start=3, width=16, blocks=1, components=2, log_floor=-7.0)
        alive(network)
        for name, weight in network.named_parameters():
            if not name.startswith("statistics."):
                weight.data.mul_(40)
        network.statistics.set(np.full(5, 0.1), np.full(5, -1.0), np.full(5, 1.0))
        with torch.no_grad():
            made = network.sample(F.sigmoid(drawn(64, 10, 5)), drawn(64, 10, 5, seed=1))
        assert bool(torch.isfinite(made).all())
        assert float(made.abs().max()) <= 2.0
