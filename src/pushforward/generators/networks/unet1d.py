"""A 1-D U-Net over time, conditioned on the noise level."""

from __future__ import annotations

import math
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pushforward.generators.networks.layers import GroupNorm, ResidualBlock, time_mask

__all__ = ["UNet1d"]

_N_FREQUENCIES = 32


@final
class UNet1d(nn.Module):
    """F(x, c_noise): (B, T, C) -> (B, T, C), for any T ≥ 1 and any valid lengths.

    Ronneberger et al. 2015 in one dimension: at each level `blocks` residual blocks, then half the time
    resolution; the way back joins each level's output. Every convolution sees, besides the C channels, where the
    trajectory is valid (0 or 1) and how far through it a step is (−1 to 1). T is padded to a multiple of
    2^(levels − 1); padding never changes a trajectory's result.

    Args:
        n_channels: C.
        widths: channels of each level, from the finest to the coarsest.
        blocks: residual blocks of each level, on the way down and on the way up.
        kernel: odd width of the convolutions, in steps.
    """

    def __init__(self, n_channels: int, widths: tuple[int, ...], blocks: int, kernel: int) -> None:
        super().__init__()
        self.multiple = 2 ** (len(widths) - 1)
        embedding = 4 * _N_FREQUENCIES
        self.embed = nn.Linear(2 * _N_FREQUENCIES, embedding)
        self.entry = nn.Conv1d(n_channels + 2, widths[0], kernel, padding=kernel // 2)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for i, width in enumerate(widths):
            self.down.extend(ResidualBlock(width, width, kernel) for _ in range(blocks))
            if i + 1 < len(widths):
                self.shrink.append(nn.Conv1d(width, widths[i + 1], 4, stride=2, padding=1))
        for i in range(len(widths) - 2, -1, -1):
            self.grow.append(nn.Conv1d(widths[i + 1], widths[i], 3, padding=1))
            self.up.extend(
                ResidualBlock(widths[i] * (2 if j == 0 else 1), widths[i], kernel) for j in range(blocks)
            )
        self.blocks = blocks
        self.norm = GroupNorm(widths[0])
        self.exit = nn.Conv1d(widths[0], n_channels, kernel, padding=kernel // 2)
        self.exit.starts_at_zero = True  # type: ignore[assignment]
        self.film_sizes = [block.n_film for block in (*self.down, *self.up)]
        # One matrix product makes γ and β of all blocks.
        self.film = nn.Linear(embedding, sum(self.film_sizes))
        self.film.starts_at_zero = True  # type: ignore[assignment]

    def forward(self, x: Tensor, c_noise: Tensor, lengths: Tensor | None = None) -> Tensor:
        """F(x, c_noise).

        Args:
            x: (B, T, C).
            c_noise: (B,), ln σ / 4.
            lengths: (B,) valid steps, or None when all T are valid.
        """
        T = x.shape[1]
        padded = -(-T // self.multiple) * self.multiple
        steps = torch.full((len(x),), T, device=x.device) if lengths is None else lengths
        mask = time_mask(steps, padded)
        h = self._entry(x, steps, mask)
        films = iter(self._films(c_noise))
        masks: list[Tensor | None] = [mask if lengths is not None or padded != T else None]
        skips: list[Tensor] = []
        for i in range(0, len(self.down), self.blocks):
            for block in self.down[i : i + self.blocks]:
                h = block(h, next(films), masks[-1])
            if len(skips) < len(self.shrink):
                skips.append(h)
                masks.append(_halved(masks[-1]))
                h = _valid(self.shrink[len(skips) - 1](h), masks[-1])
        for i, grow in enumerate(self.grow):
            masks.pop()
            h = _valid(grow(F.interpolate(h, scale_factor=2.0)), masks[-1])
            h = torch.cat([h, skips.pop()], dim=1)
            for block in self.up[i * self.blocks : (i + 1) * self.blocks]:
                h = block(h, next(films), masks[-1])
        h = _valid(F.silu(self.norm(h, masks[-1])), masks[-1])
        made: Tensor = self.exit(h)
        return made[:, :, :T].transpose(1, 2)

    def _entry(self, x: Tensor, steps: Tensor, mask: Tensor) -> Tensor:
        """The first convolution, of the channels with the mask and the place along the trajectory."""
        padded = mask.shape[2]
        time = torch.arange(padded, device=x.device)[None, None, :]
        place = (2 * time / (steps[:, None, None] - 1).clamp_min(1) - 1) * mask
        values = F.pad(x.transpose(1, 2), (0, padded - x.shape[1])) * mask
        entered: Tensor = self.entry(torch.cat([values, mask, place], dim=1))
        return entered * mask

    def _films(self, c_noise: Tensor) -> tuple[Tensor, ...]:
        angles = c_noise[:, None] * _frequencies(c_noise.device)
        features = torch.cat([angles.cos(), angles.sin()], dim=1)
        films: Tensor = self.film(F.silu(self.embed(features)))
        return torch.split(films, self.film_sizes, dim=1)


def _frequencies(device: torch.device) -> Tensor:
    """Angular frequencies of the Fourier features of c_noise, π/4 to 16 π, equally spaced in logarithm."""
    return torch.logspace(math.log10(math.pi / 4), math.log10(16 * math.pi), _N_FREQUENCIES, device=device)


def _valid(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x * mask.to(x.dtype)


def _halved(mask: Tensor | None) -> Tensor | None:
    """The mask at half the time resolution: a step is valid where the first of its two is."""
    return None if mask is None else mask[:, :, ::2]
