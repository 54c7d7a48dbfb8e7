"""Layers over (B, C, T) that ignore padding: what they return for a trajectory never depends on how it is padded.

On a CPU they are fastest where the channels of a step lie side by side in memory, as in the transpose of (B, T, C).
"""

from __future__ import annotations

import math

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pushforward.generators.networks import fused

__all__ = ["Convolution", "GroupNorm", "ResidualBlock", "doubled", "initialize", "joined", "time_mask"]


def time_mask(lengths: Tensor, T: int) -> Tensor:
    """(B, 1, T) float32, 1 at the first `lengths` steps and 0 at padding."""
    return (torch.arange(T, device=lengths.device)[None, None, :] < lengths[:, None, None]).float()


def doubled(x: Tensor) -> Tensor:
    """Every step twice, (B, C, T) -> (B, C, 2 T), in the memory order of x."""
    if x.device.type != "cpu":
        return F.interpolate(x, scale_factor=2.0)
    return x.transpose(1, 2).repeat_interleave(2, dim=1).transpose(1, 2)


def joined(*parts: Tensor) -> Tensor:
    """The channels of all parts, (B, C, T) each, in the memory order that is fastest."""
    if parts[0].device.type != "cpu":
        return torch.cat(parts, dim=1)
    return torch.cat([part.transpose(1, 2) for part in parts], dim=2).transpose(1, 2)


class Convolution(nn.Conv1d):
    """A 1-D convolution that keeps the memory order of its input: torch has that for 2-D ones only."""

    def forward(self, x: Tensor) -> Tensor:
        """(B, C_out, T / stride)."""
        made = F.conv2d(
            x.unsqueeze(2),
            self.weight.unsqueeze(2),
            self.bias,
            (1, self.stride[0]),
            (0, int(self.padding[0])),
        )
        return made.squeeze(2)


class GroupNorm(nn.Module):
    """Group normalisation (Wu and He 2018) whose mean and variance are taken over valid steps only.

    y = w (x − μ_g) / √(v_g + ε) + b, with μ_g and v_g over the channels of group g and the steps where
    `mask` is 1. Shapes: x (B, C, T), mask (B, 1, T) or None where every step is valid; padding of x must be 0.
    """

    same: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        self.groups = math.gcd(channels, max(1, min(8, channels // 4)))
        self.weight = nn.Parameter(torch.ones(channels))
        self.bias = nn.Parameter(torch.zeros(channels))
        self.register_buffer("same", fused.same_group(channels, self.groups), persistent=False)

    def silu(self, x: Tensor, mask: Tensor | None, film: Tensor | None = None) -> Tensor:
        """SiLU((1 + γ) norm(x) + β), zero at padding; `film` (B, 2 C) holds γ and β, None means zeros."""
        if fused.fits(x):
            return fused.normalised_silu(x, self.weight, self.bias, self.same, film, mask)
        h = self(x, mask)
        if film is not None:
            gain, shift = film[:, :, None].chunk(2, dim=1)
            h = torch.addcmul(shift, h, gain + 1)
        return _valid(F.silu(h), mask)

    def forward(self, x: Tensor, mask: Tensor | None) -> Tensor:
        """Normalised x; its padding is not zero any more."""
        if mask is None:
            return F.group_norm(x, self.groups, self.weight, self.bias, fused.EPSILON)
        batch, channels, _ = x.shape
        grouped = x.float().reshape(batch, self.groups, -1)
        count = mask.sum(dim=2) * (channels // self.groups)
        mean = grouped.sum(dim=2) / count
        variance = (grouped.square().sum(dim=2) / count - mean.square()).clamp_min(0)
        scale = (variance + fused.EPSILON).rsqrt()
        per_channel = self.weight * scale.repeat_interleave(channels // self.groups, dim=1)
        shift = self.bias - per_channel * mean.repeat_interleave(channels // self.groups, dim=1)
        return torch.addcmul(shift[:, :, None], x, per_channel[:, :, None])


class ResidualBlock(nn.Module):
    """h = conv(SiLU(norm(x))); h = conv(SiLU((1 + γ) norm(h) + β)); returns skip(x) + h.

    γ and β come from the noise level (FiLM, Perez et al. 2018). Shapes: x (B, C_in, T), film (B, 2 C_out).
    """

    def __init__(self, n_in: int, n_out: int, kernel: int) -> None:
        super().__init__()
        self.n_film = 2 * n_out
        self.norm_in = GroupNorm(n_in)
        self.conv_in = Convolution(n_in, n_out, kernel, padding=kernel // 2)
        self.norm_out = GroupNorm(n_out)
        self.conv_out = Convolution(n_out, n_out, kernel, padding=kernel // 2)
        self.skip = nn.Identity() if n_in == n_out else Convolution(n_in, n_out, 1)

    def forward(self, x: Tensor, film: Tensor, mask: Tensor | None) -> Tensor:
        """(B, C_out, T), zero at padding."""
        h = _valid(self.conv_in(self.norm_in.silu(x, mask)), mask)
        h = self.conv_out(self.norm_out.silu(h, mask, film))
        return _valid(self.skip(x) + h, mask)


def _valid(x: Tensor, mask: Tensor | None) -> Tensor:
    return x if mask is None else x * mask.to(x.dtype)


def initialize(network: nn.Module, rng: np.random.Generator) -> None:
    """Fill every parameter from `rng` alone.

    Convolutions and linear layers get U(−a, a), a = 1/√fan_in, and biases 0; embeddings N(0, 0.02²);
    normalisations 1 and 0. Layers marked by `starts_at_zero` are zero, so that the network first returns nothing.
    A module with parameters of its own sets them in a method `initialize(rng)`.

    Raises:
        TypeError: a parameter that none of these rules fills.
    """
    filled: set[int] = set()
    with torch.no_grad():
        for layer in network.modules():
            own = getattr(layer, "initialize", None)
            if callable(own):
                own(rng)
            elif isinstance(layer, GroupNorm | nn.LayerNorm | nn.RMSNorm):
                _fill(layer.weight, 1.0)
                _fill(getattr(layer, "bias", None), 0.0)
            elif isinstance(layer, nn.Embedding):
                layer.weight.copy_(torch.from_numpy(rng.normal(0, 0.02, tuple(layer.weight.shape))))
            elif isinstance(layer, nn.Conv1d | nn.ConvTranspose1d | nn.Linear):
                zero = getattr(layer, "starts_at_zero", False)
                bound = 0.0 if zero else 1 / math.sqrt(layer.weight[0].numel())
                drawn = rng.uniform(-bound, bound, size=tuple(layer.weight.shape)).astype(np.float32)
                layer.weight.copy_(torch.from_numpy(drawn))
                _fill(layer.bias, 0.0)
            else:
                continue
            filled.update(id(parameter) for parameter in layer.parameters(recurse=False))
    for name, parameter in network.named_parameters():
        if id(parameter) not in filled:
            raise TypeError(f"no rule fills {name}; give its module a method initialize(rng)")


def _fill(parameter: Tensor | None, value: float) -> None:
    if parameter is not None:
        parameter.fill_(value)
