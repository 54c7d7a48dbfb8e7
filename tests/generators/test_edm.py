"""EDM's preconditioning keeps the network's input and target at variance one, at every noise level."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from pushforward.generators.edm import Denoiser, Preconditioning

SIGMAS = torch.tensor([1e-3, 0.02, 0.3, 0.5, 1.0, 7.0, 80.0], dtype=torch.float64)


@pytest.mark.parametrize("sigma_data", [0.5, 1.0, 3.0])
class TestPreconditioning:
    def test_the_network_input_has_variance_one(self, sigma_data: float) -> None:
        c_in = Preconditioning(sigma_data).c_in(SIGMAS)
        assert torch.allclose(c_in**2 * (sigma_data**2 + SIGMAS**2), torch.ones_like(SIGMAS))

    def test_the_network_target_has_variance_one(self, sigma_data: float) -> None:
        s = Preconditioning(sigma_data)
        skip, out = s.c_skip(SIGMAS), s.c_out(SIGMAS)
        variance = ((1 - skip) ** 2 * sigma_data**2 + skip**2 * SIGMAS**2) / out**2
        assert torch.allclose(variance, torch.ones_like(SIGMAS))

    def test_c_skip_leaves_the_smallest_target(self, sigma_data: float) -> None:
        s = Preconditioning(sigma_data)

        def size(skip: Tensor) -> Tensor:
            return (1 - skip) ** 2 * sigma_data**2 + skip**2 * SIGMAS**2

        best = s.c_skip(SIGMAS)
        assert bool((size(best) < size(best + 0.01)).all())
        assert bool((size(best) < size(best - 0.01)).all())

    def test_the_weight_makes_all_levels_equal(self, sigma_data: float) -> None:
        s = Preconditioning(sigma_data)
        assert torch.allclose(s.weight(SIGMAS) * s.c_out(SIGMAS) ** 2, torch.ones_like(SIGMAS))


class _Linear(nn.Module):
    """F(x, c) = a x + c, which makes every term of the loss matter."""

    def forward(self, x: Tensor, c_noise: Tensor, lengths: Tensor | None) -> Tensor:
        return 0.7 * x + c_noise[:, None, None]


def _example() -> tuple[Tensor, Tensor, Tensor]:
    rng = torch.Generator().manual_seed(0)
    clean, noise = torch.randn(2, 5, 9, 3, generator=rng)
    return clean, noise, torch.tensor([0.01, 0.2, 1.0, 5.0, 60.0])


def test_the_loss_is_the_weighted_squared_error_of_the_denoiser() -> None:
    clean, noise, sigma = _example()
    denoiser = Denoiser(_Linear())
    weight = denoiser.scalings.weight(sigma.double())[:, None, None]
    denoised = denoiser(clean.double() + sigma.double()[:, None, None] * noise.double(), sigma.double())
    direct = (weight * (denoised - clean) ** 2).mean()
    assert denoiser.loss(clean, noise, sigma).item() == pytest.approx(direct.item(), rel=1e-3)


def test_the_loss_does_not_see_padding() -> None:
    clean, noise, sigma = _example()
    lengths = torch.tensor([9, 3, 4, 1, 6])
    spoiled = clean.clone()
    for row, length in enumerate(lengths):
        spoiled[row, length:] = 1e6
    denoiser = Denoiser(_Linear())
    assert torch.equal(
        denoiser.loss(spoiled, noise, sigma, lengths), denoiser.loss(clean, noise, sigma, lengths)
    )


def test_every_trajectory_counts_alike_in_the_loss() -> None:
    clean, noise, sigma = _example()
    lengths = torch.tensor([9, 3, 4, 1, 6])
    denoiser = Denoiser(_Linear())
    alone = [
        denoiser.loss(clean[i : i + 1, :n], noise[i : i + 1, :n], sigma[i : i + 1]).item()
        for i, n in enumerate(lengths.tolist())
    ]
    assert denoiser.loss(clean, noise, sigma, lengths).item() == pytest.approx(sum(alone) / 5, rel=1e-5)


def test_a_silent_network_is_the_ideal_denoiser_of_white_data() -> None:
    class Silent(nn.Module):
        def forward(self, x: Tensor, c_noise: Tensor, lengths: Tensor | None) -> Tensor:
            return torch.zeros_like(x)

    x = torch.ones(3, 4, 1)
    sigma = torch.tensor([0.1, 0.5, 10.0])
    ideal = 0.25 / (0.25 + sigma**2)
    assert torch.allclose(Denoiser(Silent())(x, sigma)[:, 0, 0], ideal)
