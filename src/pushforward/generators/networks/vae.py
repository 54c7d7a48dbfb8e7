"""Convolutional encoder and decoder between trajectories and a latent vector."""

from __future__ import annotations

import itertools
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pushforward.generators.networks.layers import GroupNorm, ResidualBlock, time_mask

__all__ = ["Decoder1d", "Encoder1d", "levels_for"]

_COARSEST = 8
_LARGEST_LOG_SCALE = 8.0


def levels_for(T: int) -> int:
    """How often the time resolution is halved, so that 5 to 8 coarse steps are left (or T, where that is less)."""
    levels = 0
    while -(-T // 2**levels) > _COARSEST:
        levels += 1
    return levels


@final
class Encoder1d(nn.Module):
    """q(z | x) = N(μ, diag s²): (B, T, C) -> μ (B, d), ln s (B, d), for one fixed T.

    Residual blocks (He et al. 2016) at every resolution, the coarsest flattened into one linear layer. Beside the
    C channels the first convolution sees where the trajectory is valid and how far through it a step is.

    Args:
        T: steps.
        n_channels: C.
        n_latent: d.
        width: channels of the finest level; a coarser one has twice as many, at most `widest`.
        widest: see `width`.
        blocks: residual blocks per level.
        kernel: odd width of the convolutions, in steps.
        n_condition: K, numbers of the condition; 0 for none.
    """

    def __init__(
        self,
        T: int,
        n_channels: int,
        n_latent: int,
        width: int,
        widest: int,
        blocks: int,
        kernel: int,
        n_condition: int = 0,
    ) -> None:
        super().__init__()
        widths = _widths(T, width, widest)
        self.padded = _padded(T)
        self.entry = nn.Conv1d(n_channels + 2, width, kernel, padding=kernel // 2)
        self.blocks = nn.ModuleList(ResidualBlock(one, one, kernel) for one in widths for _ in range(blocks))
        self.per_level = blocks
        self.shrink = nn.ModuleList(
            nn.Conv1d(a, b, 4, stride=2, padding=1) for a, b in itertools.pairwise(widths)
        )
        self.norm = GroupNorm(widths[-1])
        self.exit = nn.Linear(widths[-1] * (self.padded >> (len(widths) - 1)), 2 * n_latent)
        self.film = _Films(n_condition, self.blocks)

    def forward(
        self, x: Tensor, lengths: Tensor | None = None, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """μ and ln s; x (B, T, C), lengths (B,) or None, condition (B, K)."""
        steps, masks = _masks(x, lengths, self.padded, len(self.shrink))
        place = _place(steps, masks[0])
        values = F.pad(x.transpose(1, 2), (0, 0 if x.shape[1] == self.padded else self.padded - x.shape[1]))
        h = self.entry(torch.cat([values * masks[0], masks[0], place], dim=1)) * masks[0]
        films = iter(self.film(condition, len(x), h))
        for level, mask in enumerate(masks):
            if level > 0:
                h = self.shrink[level - 1](h) * mask
            for block in self.blocks[level * self.per_level : (level + 1) * self.per_level]:
                h = block(h, next(films), mask)
        h = F.silu(self.norm(h, masks[-1])) * masks[-1]
        mean, log_scale = self.exit(h.flatten(1)).float().chunk(2, dim=1)
        return mean, log_scale.clamp(-_LARGEST_LOG_SCALE, _LARGEST_LOG_SCALE)


@final
class Decoder1d(nn.Module):
    """The mean of p(x | z): (B, d) -> (B, T, C), the encoder turned around.

    z enters at the coarsest level through a linear layer and at every block as FiLM.
    """

    def __init__(
        self,
        T: int,
        n_channels: int,
        n_latent: int,
        width: int,
        widest: int,
        blocks: int,
        kernel: int,
        n_condition: int = 0,
    ) -> None:
        super().__init__()
        widths = _widths(T, width, widest)[::-1]
        self.T, self.padded, self.coarse = T, _padded(T), _padded(T) >> (len(widths) - 1)
        self.entry = nn.Linear(n_latent + n_condition, widths[0] * self.coarse)
        self.blocks = nn.ModuleList(ResidualBlock(one, one, kernel) for one in widths for _ in range(blocks))
        self.per_level = blocks
        self.grow = nn.ModuleList(nn.Conv1d(a, b, 3, padding=1) for a, b in itertools.pairwise(widths))
        self.where = nn.Conv1d(2, width, 1)
        self.norm = GroupNorm(widths[-1])
        self.exit = nn.Conv1d(width, n_channels, kernel, padding=kernel // 2)
        self.film = _Films(n_latent + n_condition, self.blocks)

    def forward(self, z: Tensor, lengths: Tensor | None = None, condition: Tensor | None = None) -> Tensor:
        """(B, T, C) from z (B, d); lengths (B,) or None, condition (B, K)."""
        given = z if condition is None else torch.cat([z, condition], dim=1)
        steps, masks = _masks(z[:, None, :1].expand(-1, self.T, 1), lengths, self.padded, len(self.grow))
        films = iter(self.film(given, len(z), z))
        h = self.entry(given).view(len(z), -1, self.coarse) * masks[-1]
        for level, mask in enumerate(masks[::-1]):
            if level > 0:
                h = self.grow[level - 1](F.interpolate(h, scale_factor=2.0)) * mask
            if level == len(self.grow):
                h = (h + self.where(torch.cat([mask, _place(steps, mask)], dim=1))) * mask
            for block in self.blocks[level * self.per_level : (level + 1) * self.per_level]:
                h = block(h, next(films), mask)
        h = F.silu(self.norm(h, masks[0])) * masks[0]
        made: Tensor = self.exit(h)
        return made[:, :, : self.T].transpose(1, 2).float()


class _Films(nn.Module):
    """γ and β of all blocks, from one product; zero where there is nothing to condition on."""

    def __init__(self, n_in: int, blocks: nn.ModuleList) -> None:
        super().__init__()
        self.sizes = [int(block.n_film) for block in blocks]  # type: ignore[arg-type]
        self.linear = nn.Linear(n_in, sum(self.sizes)) if n_in else None
        if self.linear is not None:
            self.linear.starts_at_zero = True  # type: ignore[assignment]

    def forward(self, given: Tensor | None, batch: int, like: Tensor) -> tuple[Tensor, ...]:
        if self.linear is None or given is None:
            return tuple(like.new_zeros(batch, size) for size in self.sizes)
        return torch.split(self.linear(given), self.sizes, dim=1)


def _widths(T: int, width: int, widest: int) -> list[int]:
    return [min(width * 2**level, max(width, widest)) for level in range(levels_for(T) + 1)]


def _padded(T: int) -> int:
    """T rounded up to a multiple of the coarsest step."""
    multiple = 1 << levels_for(T)
    return -(-T // multiple) * multiple


def _masks(x: Tensor, lengths: Tensor | None, padded: int, halvings: int) -> tuple[Tensor, list[Tensor]]:
    """Valid steps (B,), and where they are at each resolution, from the finest."""
    steps = torch.full((len(x),), x.shape[1], device=x.device) if lengths is None else lengths
    masks = [time_mask(steps, padded)]
    for _ in range(halvings):
        masks.append(masks[-1][:, :, ::2])
    return steps, masks


def _place(steps: Tensor, mask: Tensor) -> Tensor:
    """(B, 1, T) how far through its trajectory a step is, −1 to 1, zero at padding."""
    time = torch.arange(mask.shape[2], device=mask.device)[None, None, :]
    return (2 * time / (steps[:, None, None] - 1).clamp_min(1) - 1) * mask
