"""A causal Transformer over time steps, with rotary positions and a cache of keys and values for sampling."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["Cache", "CausalTransformer"]

_N_PLACES = 16


@dataclass
class Cache:
    """Keys and values of the steps so far, (blocks, B, heads, T, W / heads), and how many steps there are."""

    keys: Tensor
    values: Tensor
    filled: int = 0


@final
class CausalTransformer(nn.Module):
    """h_t = f(features of steps 0..t, condition): (B, T, n_in) -> (B, T, width), for any T.

    Vaswani et al. 2017, decoder only, with normalisation before each layer (Xiong et al. 2020) and rotary
    positions (Su et al. 2021), so that what it learns about one stretch of time serves everywhere; where the
    law does change over time, sinusoids of t, which start with weight zero, say which step it is. Step t never
    sees a later one, so padding at the end cannot change a valid step.

    Args:
        n_in: numbers per step.
        width: W, a multiple of 2 × heads.
        blocks: layers of attention and feed-forward network.
        heads: attention heads.
        n_condition: K, numbers of the condition; 0 for none. It is embedded and added to every step.
    """

    def __init__(self, n_in: int, width: int, blocks: int, heads: int, n_condition: int = 0) -> None:
        super().__init__()
        self.width, self.heads = width, heads
        self.embed_in, self.embed_out = nn.Linear(n_in, width), nn.Linear(width, width)
        self.place = nn.Linear(2 * _N_PLACES, width, bias=False)
        self.place.starts_at_zero = True  # type: ignore[assignment]
        self.condition = (
            nn.Sequential(nn.Linear(n_condition, width), nn.SiLU(), nn.Linear(width, width))
            if n_condition
            else None
        )
        self.blocks = nn.ModuleList(_Block(width, heads) for _ in range(blocks))

    def forward(self, features: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, T, width), normalised."""
        positions = torch.arange(features.shape[1], device=features.device)
        h = self._embedded(features, positions, condition)
        turn = _rotation(positions, self.width // self.heads)
        for block in self.blocks:
            h = block(h, turn)
        return _normalized(h)

    def start(self, batch: int, T: int, like: Tensor) -> Cache:
        """An empty cache for `batch` trajectories of T steps, on the device and in the precision of `like`."""
        shape = (len(self.blocks), batch, self.heads, T, self.width // self.heads)
        return Cache(like.new_zeros(shape), like.new_zeros(shape))

    def step(self, features: Tensor, cache: Cache, condition: Tensor | None = None) -> Tensor:
        """(B, width) of the next step, as `forward` gives it; `features` (B, n_in) of that step alone.

        The cost of a step grows with the steps so far; that of running `forward` again, with their square.
        """
        positions = torch.arange(cache.filled, cache.filled + 1, device=features.device)
        h = self._embedded(features[:, None], positions, condition)
        turn = _rotation(positions, self.width // self.heads)
        cache.filled += 1
        for i, block in enumerate(self.blocks):
            h = block(h, turn, (cache.keys[i], cache.values[i]), cache.filled)
        return _normalized(h)[:, 0]

    def _embedded(self, features: Tensor, positions: Tensor, condition: Tensor | None) -> Tensor:
        h: Tensor = self.embed_out(F.silu(self.embed_in(features)))
        h = h + self.place(_sinusoids(positions))
        if self.condition is not None and condition is not None:
            h = h + self.condition(condition)[:, None]
        return h


class _Block(nn.Module):
    """h + attention(norm(h)), then h + feed-forward(norm(h)); both start at zero."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.project_in = nn.Linear(width, 3 * width, bias=False)
        self.project_out = nn.Linear(width, width, bias=False)
        self.widen, self.narrow = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)
        self.project_out.starts_at_zero = self.narrow.starts_at_zero = True  # type: ignore[assignment]

    def forward(
        self,
        h: Tensor,
        turn: tuple[Tensor, Tensor],
        cache: tuple[Tensor, Tensor] | None = None,
        filled: int = 0,
    ) -> Tensor:
        """(B, T, W) -> (B, T, W); with a cache T is 1 and the step sees the first `filled` of it, itself the last."""
        batch, T, width = h.shape
        split = self.project_in(_normalized(h)).view(batch, T, 3, self.heads, width // self.heads)
        query, key, value = split.permute(2, 0, 3, 1, 4)
        query, key = _turned(query, turn), _turned(key, turn)
        if cache is not None:
            cache[0][:, :, filled - 1 : filled], cache[1][:, :, filled - 1 : filled] = key, value
            key, value = cache[0][:, :, :filled], cache[1][:, :, :filled]
        seen = F.scaled_dot_product_attention(query, key, value, is_causal=cache is None)
        h = h + self.project_out(seen.transpose(1, 2).reshape(batch, T, width))
        fed: Tensor = self.narrow(F.silu(self.widen(_normalized(h))))
        return h + fed


def _normalized(h: Tensor) -> Tensor:
    """Layer normalisation without weights of its own: the linear layer that follows can scale what it needs."""
    return F.layer_norm(h, h.shape[-1:])


def _rotation(positions: Tensor, size: int) -> tuple[Tensor, Tensor]:
    """Cosines and sines (T, size / 2) of t θ_i with θ_i = 10000^(−2 i / size)."""
    rate = torch.exp(
        torch.arange(0, size, 2, device=positions.device, dtype=torch.float32) * (-math.log(10_000) / size)
    )
    angle = positions[:, None].float() * rate
    return angle.cos(), angle.sin()


def _turned(x: Tensor, turn: tuple[Tensor, Tensor]) -> Tensor:
    """Each pair (x_i, x_{i + size/2}) rotated by its angle: (B, heads, T, size)."""
    cosine, sine = (part.to(x.dtype) for part in turn)
    first, second = x.chunk(2, dim=-1)
    return torch.cat([first * cosine - second * sine, first * sine + second * cosine], dim=-1)


def _sinusoids(positions: Tensor) -> Tensor:
    """(T, 2 × 16) sinusoids of t, periods 4 to 4,096 steps, equally spaced in logarithm."""
    period = torch.logspace(math.log10(4), math.log10(4096), _N_PLACES, device=positions.device)
    angle = 2 * math.pi * positions[:, None].float() / period
    return torch.cat([angle.cos(), angle.sin()], dim=1)
