"""Multilayer perceptrons: a residual one, and a denoiser over flattened trajectories."""

from __future__ import annotations

import math
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["MLPDenoiser", "ResidualMLP"]

_N_FREQUENCIES = 32


@final
class ResidualMLP(nn.Module):
    """h = A x + a; per block h ← h + D SiLU((1 + γ) (B SiLU(h)) + β); y = E SiLU(h) + e; every D starts at zero.

    γ and β (FiLM, Perez et al. 2018) come from `film`, of `n_film` numbers, where there is one.
    """

    def __init__(self, n_in: int, n_out: int, width: int, blocks: int, n_film: int = 0) -> None:
        super().__init__()
        self.blocks = blocks
        self.entry = nn.Linear(n_in, width)
        self.first = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.second = nn.ModuleList(nn.Linear(width, width) for _ in range(blocks))
        self.exit = nn.Linear(width, n_out)
        for layer in self.second:
            layer.starts_at_zero = True  # type: ignore[assignment]
        self.exit.starts_at_zero = True  # type: ignore[assignment]
        self.film = nn.Linear(n_film, 2 * width * blocks) if n_film else None
        if self.film is not None:
            self.film.starts_at_zero = True  # type: ignore[assignment]

    def forward(self, x: Tensor, film: Tensor | None = None) -> Tensor:
        """(..., n_out) from x (..., n_in); film (..., n_film)."""
        h = self.entry(x)
        films = None
        if self.film is not None and film is not None:
            films = self.film(film).chunk(2 * self.blocks, dim=-1)
        for i in range(self.blocks):
            u = self.first[i](F.silu(h))
            if films is not None:
                u = torch.addcmul(films[2 * i], u, 1 + films[2 * i + 1])
            h = h + self.second[i](F.silu(u))
        made: Tensor = self.exit(F.silu(h))
        return made


@final
class MLPDenoiser(nn.Module):
    """F(x, c_noise): (B, T, C) -> (B, T, C) for one fixed T: all T C values go in and come out at once.

    Nothing in it knows of time or of neighbours: it is the class without an inductive bias. Padding enters as
    zeros, with a mask of the valid steps where trajectories are ragged.

    Args:
        T: steps.
        n_channels: C.
        width: units of each layer.
        blocks: residual blocks of two layers.
        n_condition: K, numbers of the condition; 0 for none.
        ragged: whether lengths are given.
    """

    def __init__(
        self, T: int, n_channels: int, width: int, blocks: int, n_condition: int = 0, ragged: bool = False
    ) -> None:
        super().__init__()
        self.T, self.n_channels, self.ragged = T, n_channels, ragged
        embedding = 4 * _N_FREQUENCIES
        self.embed = nn.Linear(2 * _N_FREQUENCIES, embedding)
        self.condition: nn.Module | None = None
        if n_condition:
            hidden = nn.Linear(n_condition, embedding)
            self.condition = nn.Sequential(hidden, nn.SiLU(), nn.Linear(embedding, embedding))
        n_in = T * n_channels + (T if ragged else 0)
        self.body = ResidualMLP(n_in, T * n_channels, width, blocks, embedding)

    def forward(
        self, x: Tensor, c_noise: Tensor, lengths: Tensor | None = None, condition: Tensor | None = None
    ) -> Tensor:
        """F(x, c_noise).

        Args:
            x: (B, t, C), t ≤ T: steps that are missing up to T are padding.
            c_noise: (B,), ln σ / 4.
            lengths: (B,) valid steps, or None when all are valid.
            condition: (B, K).
        """
        batch, given = x.shape[:2]
        x = F.pad(x, (0, 0, 0, self.T - given))
        if self.ragged:
            steps = torch.full((batch,), given, device=x.device) if lengths is None else lengths
            mask = (torch.arange(self.T, device=x.device) < steps[:, None]).to(x.dtype)
            entered = torch.cat([(x * mask[:, :, None]).flatten(1), mask], dim=1)
        else:
            entered = x.flatten(1)
        made: Tensor = self.body(entered, self._embedded(c_noise, condition))
        return made.view(batch, self.T, self.n_channels)[:, :given]

    def _embedded(self, c_noise: Tensor, condition: Tensor | None) -> Tensor:
        angles = c_noise[:, None] * _frequencies(c_noise.device)
        embedded: Tensor = self.embed(torch.cat([angles.cos(), angles.sin()], dim=1))
        if self.condition is not None and condition is not None:
            embedded = embedded + self.condition(condition)
        return F.silu(embedded)


def _frequencies(device: torch.device) -> Tensor:
    """Angular frequencies of the Fourier features of c_noise, π/4 to 16 π, equally spaced in logarithm."""
    return torch.logspace(math.log10(math.pi / 4), math.log10(16 * math.pi), _N_FREQUENCIES, device=device)
