"""Encoder and decoder: any T, padding that changes nothing, a latent that reaches every step."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pushforward.generators.networks.layers import initialize
from pushforward.generators.networks.vae import Decoder1d, Encoder1d, levels_for

SIZE = {"n_latent": 6, "width": 8, "widest": 16, "blocks": 1, "kernel": 3}


def alive(network: nn.Module, seed: int = 0) -> nn.Module:
    """Random weights also where training would start from zero, so that the output means something."""
    for layer in network.modules():
        if getattr(layer, "starts_at_zero", False):
            layer.starts_at_zero = False  # type: ignore[assignment]
    initialize(network, np.random.default_rng(seed))
    return network.eval()


def drawn(*shape: int, seed: int = 0) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).standard_normal(shape).astype(np.float32))


@pytest.mark.parametrize(("T", "levels"), [(2, 0), (8, 0), (9, 1), (32, 2), (64, 3), (1000, 7)])
def test_five_to_eight_coarse_steps_are_left(T: int, levels: int) -> None:
    assert levels_for(T) == levels


@pytest.mark.parametrize("T", [2, 7, 8, 12, 33])
def test_any_number_of_steps(T: int) -> None:
    mean, log_scale = alive(Encoder1d(T, 2, **SIZE))(drawn(3, T, 2))
    assert mean.shape == log_scale.shape == (3, 6)
    made = alive(Decoder1d(T, 2, **SIZE))(drawn(3, 6))
    assert made.shape == (3, T, 2)
    assert bool(torch.isfinite(made).all())


@pytest.mark.parametrize("length", [1, 4, 11])
def test_padding_never_changes_the_code_nor_what_is_decoded(length: int) -> None:
    encoder, decoder = alive(Encoder1d(12, 2, **SIZE)), alive(Decoder1d(12, 2, **SIZE))
    x, lengths = drawn(2, 12, 2), torch.tensor([length, 12])
    spoiled = x.clone()
    spoiled[0, length:] = 1e3
    assert torch.equal(encoder(x, lengths)[0], encoder(spoiled, lengths)[0])
    alone = encoder(x[:1, :length], lengths[:1])[0]
    assert torch.allclose(encoder(x, lengths)[0][:1], alone, atol=1e-5)
    z = drawn(2, 6)
    assert torch.allclose(decoder(z, lengths)[0, :length], decoder(z[:1], lengths[:1])[0, :length], atol=1e-5)


def test_every_step_reaches_the_code_and_the_code_every_step() -> None:
    x = drawn(1, 33, 2).requires_grad_()
    alive(Encoder1d(33, 2, **SIZE))(x)[0].sum().backward()
    assert bool((x.grad.abs().sum(dim=2) > 0).all())  # type: ignore[union-attr]
    decoder = alive(Decoder1d(33, 2, **SIZE))
    z = drawn(1, 6)
    for i in range(6):
        moved = z.clone()
        moved[0, i] += 1
        assert bool(((decoder(moved) - decoder(z)).abs().sum(dim=2) > 0).all())


def test_the_condition_reaches_both() -> None:
    encoder, decoder = (
        alive(Encoder1d(12, 2, **SIZE, n_condition=2)),
        alive(Decoder1d(12, 2, **SIZE, n_condition=2)),
    )
    x, z = drawn(2, 12, 2), drawn(2, 6)
    assert not torch.allclose(encoder(x, None, drawn(2, 2))[0], encoder(x, None, drawn(2, 2, seed=1))[0])
    assert not torch.allclose(decoder(z, None, drawn(2, 2)), decoder(z, None, drawn(2, 2, seed=1)))
