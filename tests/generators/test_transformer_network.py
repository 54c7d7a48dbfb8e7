"""The causal Transformer and its head: what each output may see, and that sampling with a cache changes nothing."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pushforward.generators.networks.layers import initialize
from pushforward.generators.networks.transformer import CausalTransformer
from pushforward.generators.networks.transformer_head import ChannelHead


def alive(network: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights also where training would start from zero, so that the output means something."""
    for layer in network.modules():
        if getattr(layer, "starts_at_zero", False):
            layer.starts_at_zero = False  # type: ignore[assignment]
    initialize(network, np.random.default_rng(seed))
    return network.eval()


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


@pytest.fixture(scope="module")
def trunk() -> CausalTransformer:
    made = alive(CausalTransformer(3, 16, 2, 2, n_condition=2))
    assert isinstance(made, CausalTransformer)
    return made


@pytest.fixture(scope="module")
def head() -> ChannelHead:
    made = alive(ChannelHead(4, 16, 8, 2, 5))
    assert isinstance(made, ChannelHead)
    return made


class TestTrunk:
    def test_no_step_sees_a_later_one(self, trunk: CausalTransformer) -> None:
        features = drawn(1, 9, 3).requires_grad_()
        trunk(features, drawn(1, 2))[0, 4].square().sum().backward()
        seen = features.grad.abs().sum(dim=(0, 2))  # type: ignore[union-attr]
        assert bool((seen[:5] > 0).all())
        assert bool((seen[5:] == 0).all())

    @pytest.mark.parametrize("T", [1, 2, 31, 100])
    def test_any_number_of_steps(self, trunk: CausalTransformer, T: int) -> None:
        made = trunk(drawn(2, T, 3), drawn(2, 2))
        assert made.shape == (2, T, 16)
        assert bool(torch.isfinite(made).all())

    def test_the_cache_changes_nothing(self, trunk: CausalTransformer) -> None:
        features, condition = drawn(3, 12, 3), drawn(3, 2, seed=1)
        whole = trunk(features, condition)
        cache = trunk.start(3, 12, features)
        steps = torch.stack([trunk.step(features[:, t], cache, condition) for t in range(12)], dim=1)
        assert torch.allclose(steps, whole, atol=1e-5)

    def test_attention_depends_on_the_distance_alone(self) -> None:
        """Without the sinusoids of t the same stretch of motion means the same everywhere (rotary positions)."""
        network = CausalTransformer(3, 16, 1, 2)
        alive(network)
        with torch.no_grad():
            network.place.weight.zero_()
        stretch = drawn(1, 5, 3)
        constant = drawn(1, 1, 3, seed=2)
        early = network(torch.cat([constant, stretch], dim=1))
        late = network(torch.cat([constant.expand(1, 1, 3), stretch, constant, stretch], dim=1))
        assert torch.allclose(early[:, 1], late[:, 1], atol=1e-5)
        assert not torch.allclose(early[:, -1], late[:, -1], atol=1e-3)  # it has seen more

    def test_the_order_of_steps_matters(self, trunk: CausalTransformer) -> None:
        features = drawn(1, 6, 3)
        swapped = features[:, [1, 0, 2, 3, 4, 5]]
        assert not torch.allclose(trunk(features)[:, -1], trunk(swapped)[:, -1], atol=1e-4)

    def test_the_condition_reaches_every_step(self, trunk: CausalTransformer) -> None:
        features = drawn(1, 6, 3)
        first, second = trunk(features, drawn(1, 2, seed=1)), trunk(features, drawn(1, 2, seed=2))
        assert bool((abs(first - second).sum(dim=2) > 1e-4).all())

    def test_training_starts_from_the_embedding_alone(self) -> None:
        network = CausalTransformer(3, 16, 2, 2)
        initialize(network, np.random.default_rng(0))
        features = drawn(2, 7, 3)
        changed = features.clone()
        changed[:, :6] = 5.0
        assert torch.equal(network(features)[:, -1], network(changed)[:, -1])


class TestHead:
    def test_a_channel_sees_only_those_before_it(self, head: ChannelHead) -> None:
        h, features = drawn(1, 1, 16), drawn(1, 1, 4, 2)
        for channel in range(4):
            given = features.clone().requires_grad_()
            head(h, given)[0, 0, channel].square().sum().backward()
            seen = given.grad.abs().sum(dim=(0, 1, 3))  # type: ignore[union-attr]
            assert bool((seen[:channel] > 0).all())
            assert bool((seen[channel:] == 0).all())

    def test_one_channel_after_the_other_gives_the_same_as_all_at_once(self, head: ChannelHead) -> None:
        h, features = drawn(6, 1, 16), drawn(6, 1, 4, 2)
        whole = head(h, features)[:, 0]
        for channel in range(4):
            one = head.channel(h[:, 0], features[:, 0, :channel], channel)
            assert torch.allclose(one, whole[:, channel], atol=1e-6)

    def test_a_first_output_of_zero_is_the_same_law_for_all(self) -> None:
        head = ChannelHead(4, 16, 8, 2, 5)
        initialize(head, np.random.default_rng(0))
        assert torch.equal(head(drawn(2, 3, 16), drawn(2, 3, 4, 2)), torch.zeros(2, 3, 4, 5))
