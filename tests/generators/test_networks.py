"""The U-Net: any T, and padding that never changes a trajectory's result."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pushforward.generators.diffusion import DiffusionSettings
from pushforward.generators.networks.layers import GroupNorm, initialize, time_mask
from pushforward.generators.networks.unet1d import UNet1d


def network(seed: int = 0) -> UNet1d:
    """A small network whose last layers are not zero, so that its output means something."""
    net = UNet1d(2, (8, 16, 16), blocks=1, kernel=5)
    net.exit.starts_at_zero = net.film.starts_at_zero = False
    initialize(net, np.random.default_rng(seed))
    return net.eval()


def noisy(n: int, steps: int) -> tuple[Tensor, Tensor]:
    rng = torch.Generator().manual_seed(5)
    return torch.randn(n, steps, 2, generator=rng), torch.randn(n, generator=rng)


@pytest.mark.parametrize("steps", [1, 2, 3, 7, 12, 32, 33])
def test_any_number_of_steps_goes_in_and_comes_out(steps: int) -> None:
    x, c_noise = noisy(3, steps)
    made = network()(x, c_noise)
    assert made.shape == x.shape
    assert bool(torch.isfinite(made).all())


@pytest.mark.parametrize("length", [1, 2, 5, 12, 19])
@pytest.mark.parametrize("padding", [1, 2, 4, 13])
def test_padding_never_changes_a_trajectory(length: int, padding: int) -> None:
    x, c_noise = noisy(3, length + padding)
    net = network()
    lengths = torch.tensor([length, length + padding, length])
    together = net(x, c_noise, lengths)
    alone = net(x[:1, :length], c_noise[:1], lengths[:1])
    assert torch.allclose(together[:1, :length], alone, atol=1e-5)


def test_what_stands_in_the_padding_is_not_seen() -> None:
    x, c_noise = noisy(2, 12)
    lengths = torch.tensor([7, 12])
    spoiled = x.clone()
    spoiled[0, 7:] = 1e4
    net = network()
    assert torch.equal(net(x, c_noise, lengths)[0, :7], net(spoiled, c_noise, lengths)[0, :7])


def test_lengths_that_are_all_full_change_nothing() -> None:
    x, c_noise = noisy(3, 12)
    net = network()
    assert torch.allclose(net(x, c_noise), net(x, c_noise, torch.tensor([12, 12, 12])), atol=1e-5)


def test_every_step_can_see_every_other() -> None:
    x, c_noise = noisy(1, 32)
    x.requires_grad_()
    network()(x, c_noise)[0, 0, 0].backward()
    assert x.grad is not None
    assert bool((x.grad.abs().sum(dim=2) > 0).all())


def test_the_noise_level_matters() -> None:
    x, _ = noisy(1, 12)
    net = network()
    assert not torch.allclose(net(x, torch.tensor([-1.0])), net(x, torch.tensor([0.5])))


def test_group_norm_is_torch_group_norm_on_the_valid_part() -> None:
    norm = GroupNorm(16)
    torch.nn.init.normal_(norm.weight, generator=torch.Generator().manual_seed(1))
    x = torch.randn(2, 16, 10, generator=torch.Generator().manual_seed(0)) * 3 + 1
    mask = time_mask(torch.tensor([10, 6]), 10)
    ours = norm(x * mask, mask)
    assert torch.allclose(ours[:1], F.group_norm(x[:1], 4, norm.weight, norm.bias), atol=1e-5)
    assert torch.allclose(ours[1:, :, :6], F.group_norm(x[1:, :, :6], 4, norm.weight, norm.bias), atol=1e-5)


def test_the_first_output_is_zero_so_that_training_starts_from_the_skip_alone() -> None:
    net = UNet1d(2, (8, 16), blocks=1, kernel=3)
    initialize(net, np.random.default_rng(0))
    x, c_noise = noisy(2, 12)
    assert torch.equal(net(x, c_noise), torch.zeros_like(x))


def test_the_default_network_is_small() -> None:
    settings = DiffusionSettings()
    net = UNet1d(3, settings.widths, settings.blocks, settings.kernel)
    assert 100_000 < sum(parameter.numel() for parameter in net.parameters()) < 1_000_000


def test_weights_come_from_the_seed_alone() -> None:
    torch.manual_seed(1)
    first = network(seed=4).state_dict()
    torch.manual_seed(2)
    second, other = network(seed=4).state_dict(), network(seed=5).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)
