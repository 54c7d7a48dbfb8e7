"""Group normalisation, FiLM and SiLU in one step: the same numbers and gradients as one after the other."""

from __future__ import annotations

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from pushforward.generators.networks import fused
from pushforward.generators.networks.layers import GroupNorm, initialize, time_mask
from pushforward.generators.networks.unet1d import UNet1d

B, C, T, GROUPS = 3, 8, 6, 2

ragged = pytest.mark.parametrize("lengths", [None, (6, 1, 4)], ids=["full", "ragged"])
filmed = pytest.mark.parametrize("has_film", [False, True], ids=["plain", "film"])


def inputs(
    lengths: tuple[int, ...] | None, has_film: bool
) -> tuple[Tensor, Tensor, Tensor, Tensor, Tensor | None, Tensor | None]:
    """x, w, b, the groups, γ and β, the mask: float64, far from zero mean and unit variance."""
    rng = np.random.default_rng(0)
    draw = lambda *shape: torch.from_numpy(rng.normal(0.7, 1.5, shape)).requires_grad_()  # noqa: E731
    mask = None if lengths is None else time_mask(torch.tensor(lengths), T).double()
    x = draw(B, C, T)
    if mask is not None:
        x = (x.detach() * mask).requires_grad_()
    same = fused.same_group(C, GROUPS).double()
    return x, draw(C), draw(C), same, draw(B, 2 * C) if has_film else None, mask


def separate(
    x: Tensor, weight: Tensor, bias: Tensor, same: Tensor, film: Tensor | None, mask: Tensor | None
) -> Tensor:
    """The definition, by torch's own operations, one trajectory after the other on its valid steps."""
    rows = []
    for i in range(len(x)):
        steps = T if mask is None else int(mask[i].sum())
        h = F.group_norm(x[i : i + 1, :, :steps], GROUPS, weight, bias, fused.EPSILON)
        if film is not None:
            h = (1 + film[i, :C, None]) * h + film[i, C:, None]
        rows.append(F.pad(F.silu(h), (0, T - steps)))
    return torch.cat(rows)


@ragged
@filmed
def test_values_and_gradients_are_those_of_the_separate_operations(
    lengths: tuple[int, ...] | None, has_film: bool
) -> None:
    given = inputs(lengths, has_film)
    wanted = [part for part in given if part is not None and part.requires_grad]
    weights = torch.from_numpy(np.random.default_rng(1).normal(size=(B, C, T)))
    found, expected = fused.normalised_silu(*given), separate(*given)
    assert torch.allclose(found, expected, rtol=1e-9, atol=1e-11)
    mine, theirs = (torch.autograd.grad((made * weights).sum(), wanted) for made in (found, expected))
    mask = torch.ones(B, 1, T) if given[5] is None else given[5]
    for i, (one, other) in enumerate(zip(mine, theirs, strict=True)):
        # Padding of x is zero by contract, so its gradient means nothing: here it is zero.
        assert torch.allclose(one, other * mask if i == 0 else other, rtol=1e-8, atol=1e-10)


@filmed
def test_gradients_are_those_of_finite_differences(has_film: bool) -> None:
    x, weight, bias, same, film, _ = inputs(None, has_film)
    assert torch.autograd.gradcheck(
        lambda x, weight, bias: fused.normalised_silu(x, weight, bias, same, film, None), (x, weight, bias)
    )


def test_a_second_derivative_is_refused_rather_than_wrong() -> None:
    given = inputs(None, True)
    (first,) = torch.autograd.grad(fused.normalised_silu(*given).square().sum(), given[0], create_graph=True)
    with pytest.raises(RuntimeError, match="once_differentiable"):
        first.square().sum().backward()


@pytest.mark.parametrize("lengths", [None, (13, 1, 8)], ids=["full", "ragged"])
def test_the_whole_network_has_the_same_gradients_either_way(
    lengths: tuple[int, ...] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    network = UNet1d(2, (8, 16), blocks=1, kernel=3)
    network.exit.starts_at_zero = network.film.starts_at_zero = False
    initialize(network, np.random.default_rng(0))
    rng = torch.Generator().manual_seed(0)
    x, c_noise = torch.randn(3, 13, 2, generator=rng), torch.randn(3, generator=rng)
    steps = None if lengths is None else torch.tensor(lengths)
    valid = torch.ones(3, 13, 1) if steps is None else time_mask(steps, 13).transpose(1, 2)
    gradients = []
    for fits in (fused.fits, lambda x: False):
        monkeypatch.setattr(fused, "fits", fits)
        network.zero_grad()
        (network(x, c_noise, steps) * valid).square().sum().backward()
        gradients.append({name: parameter.grad for name, parameter in network.named_parameters()})
    for name, gradient in gradients[0].items():
        assert gradient is not None
        largest = float(gradient.abs().max())
        assert torch.allclose(gradient, gradients[1][name], rtol=1e-4, atol=1e-5 * largest), name


def test_it_is_used_for_float32_on_a_cpu_alone() -> None:
    x = torch.zeros(1, 8, 2)
    assert fused.fits(x)
    assert not fused.fits(x.double())
    with torch.autocast("cpu", torch.bfloat16):
        assert not fused.fits(x)


def test_what_it_needs_is_not_part_of_a_saved_model() -> None:
    assert sorted(GroupNorm(8).state_dict()) == ["bias", "weight"]
