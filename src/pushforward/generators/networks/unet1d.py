"""A 1-D U-Net over time, conditioned on the noise level."""

from __future__ import annotations

import math
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pushforward.errors import require
from pushforward.generators.features import Layout
from pushforward.generators.networks.layers import (
    Convolution,
    GroupNorm,
    ResidualBlock,
    doubled,
    joined,
    time_mask,
)
from pushforward.generators.settings import require_between

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
        layout: features of a condition, which join the noise level; told values of fixed steps also enter as
            channels, at their place in time.
    """

    @staticmethod
    def require_settings(widths: tuple[int, ...], blocks: int, kernel: int) -> None:
        """Refuse sizes that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        require_between("number of widths", len(widths), 1, 8)
        for width in widths:
            require_between("widths", width, 4, 1024)
        require_between("blocks", blocks, 1, 8)
        require_between("kernel", kernel, 1, 63)
        require(kernel % 2 == 1, f"kernel: got {kernel}; expected an odd number")

    def __init__(
        self,
        n_channels: int,
        widths: tuple[int, ...],
        blocks: int,
        kernel: int,
        layout: Layout | None = None,
    ) -> None:
        super().__init__()
        self.layout = layout or Layout()
        painted = 1 + n_channels if self.layout.inpaint else 0
        self.multiple = 2 ** (len(widths) - 1)
        embedding = 4 * _N_FREQUENCIES
        self.embed = nn.Linear(2 * _N_FREQUENCIES, embedding)
        self.told: nn.Module | None = None
        if self.layout.n_features:
            hidden = nn.Linear(self.layout.n_features, embedding)
            self.told = nn.Sequential(hidden, nn.SiLU(), nn.Linear(embedding, embedding))
        self.entry = Convolution(n_channels + 2 + painted, widths[0], kernel, padding=kernel // 2)
        self.down, self.shrink = nn.ModuleList(), nn.ModuleList()
        self.up, self.grow = nn.ModuleList(), nn.ModuleList()
        for i, width in enumerate(widths):
            self.down.extend(ResidualBlock(width, width, kernel) for _ in range(blocks))
            if i + 1 < len(widths):
                self.shrink.append(Convolution(width, widths[i + 1], 4, stride=2, padding=1))
        for i in range(len(widths) - 2, -1, -1):
            self.grow.append(Convolution(widths[i + 1], widths[i], 3, padding=1))
            self.up.extend(
                ResidualBlock(widths[i] * (2 if j == 0 else 1), widths[i], kernel) for j in range(blocks)
            )
        self.blocks = blocks
        self.norm = GroupNorm(widths[0])
        self.exit = Convolution(widths[0], n_channels, kernel, padding=kernel // 2)
        self.exit.starts_at_zero = True  # type: ignore[assignment]
        self.film_sizes = [block.n_film for block in (*self.down, *self.up)]
        # One matrix product makes γ and β of all blocks.
        self.film = nn.Linear(embedding, sum(self.film_sizes))
        self.film.starts_at_zero = True  # type: ignore[assignment]

    def forward(
        self, x: Tensor, c_noise: Tensor, lengths: Tensor | None = None, condition: Tensor | None = None
    ) -> Tensor:
        """F(x, c_noise, condition).

        Args:
            x: (B, T, C).
            c_noise: (B,), ln σ / 4.
            lengths: (B,) valid steps, or None when all T are valid.
            condition: (B, K) features, where there is a layout.
        """
        T = x.shape[1]
        padded = -(-T // self.multiple) * self.multiple
        steps = torch.full((len(x),), T, device=x.device) if lengths is None else lengths
        mask = time_mask(steps, padded)
        films = iter(self._films(c_noise, condition))
        masks: list[Tensor | None] = [mask if lengths is not None or padded != T else None]
        h = _valid(self._entry(x, steps, mask, condition), masks[0])
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
            h = _valid(grow(doubled(h)), masks[-1])
            h = joined(h, skips.pop())
            for block in self.up[i * self.blocks : (i + 1) * self.blocks]:
                h = block(h, next(films), masks[-1])
        h = self.norm.silu(h, masks[-1])
        made: Tensor = self.exit(h)
        return made[:, :, :T].transpose(1, 2)

    def _entry(self, x: Tensor, steps: Tensor, mask: Tensor, condition: Tensor | None) -> Tensor:
        """The first convolution: of the channels, the mask, the place along the trajectory, told values."""
        padded = mask.shape[2]
        time = torch.arange(padded, device=x.device)[None, None, :]
        place = (2 * time / (steps[:, None, None] - 1).clamp_min(1) - 1) * mask
        values = F.pad(x.transpose(1, 2), (0, padded - x.shape[1])) * mask
        inputs = [values, mask, place]
        if condition is not None and self.layout.inpaint:
            inputs.append(self.layout.painted(condition, steps, padded).transpose(1, 2))
        entered: Tensor = self.entry(joined(*inputs))
        return entered

    def _films(self, c_noise: Tensor, condition: Tensor | None) -> tuple[Tensor, ...]:
        angles = c_noise[:, None] * _frequencies(c_noise.device)
        embedded = self.embed(torch.cat([angles.cos(), angles.sin()], dim=1))
        if condition is not None and self.told is not None:
            embedded = embedded + self.told(condition)
        films: Tensor = self.film(F.silu(embedded))
        return torch.split(films, self.film_sizes, dim=1)


def _frequencies(device: torch.device) -> Tensor:
    """Angular frequencies of the Fourier features of c_noise, π/4 to 16 π, equally spaced in logarithm."""
    return torch.logspace(math.log10(math.pi / 4), math.log10(16 * math.pi), _N_FREQUENCIES, device=device)


def _valid(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x * mask.to(x.dtype)


def _halved(mask: Tensor | None) -> Tensor | None:
    """The mask at half the time resolution: a step is valid where the first of its two is."""
    return None if mask is None else mask[:, :, ::2]
