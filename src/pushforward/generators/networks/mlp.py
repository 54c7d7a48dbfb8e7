"""Multilayer perceptrons: a residual one, a denoiser over flattened trajectories, a predictor of the next step."""

from __future__ import annotations

import math
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["MLPDenoiser", "OneStepMLP", "ResidualMLP", "gaussian_draw", "gaussian_log_density"]

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
        self.condition = nn.Linear(n_condition, embedding) if n_condition else None
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


@final
class OneStepMLP(nn.Module):
    """The law of the next increment, N(μ, L diag(s²) Lᵀ) with L of unit diagonal, from the last k states.

    The covariance is full and may depend on the state: L and ln s are outputs like μ. Where fewer than k states
    are known yet, zeros and a flag stand for the missing ones.

    Args:
        n_channels: C.
        history: k.
        width: units of each layer.
        blocks: residual blocks of two layers.
        n_condition: K, numbers of the condition; 0 for none.
    """

    def __init__(self, n_channels: int, history: int, width: int, blocks: int, n_condition: int = 0) -> None:
        super().__init__()
        self.n_channels, self.history = n_channels, history
        n_out = 2 * n_channels + n_channels * (n_channels - 1) // 2
        self.body = ResidualMLP(history * (n_channels + 1) + n_condition, n_out, width, blocks)

    def forward(
        self, states: Tensor, known: Tensor, condition: Tensor | None = None
    ) -> tuple[Tensor, Tensor, Tensor]:
        """μ (..., C), ln s (..., C) and the strictly lower part of L (..., C, C).

        Args:
            states: (..., k, C), the oldest first, zeros where not known.
            known: (..., k), 1 where a state is known, else 0.
            condition: (..., K).
        """
        given = [states.flatten(-2), known] if condition is None else [states.flatten(-2), known, condition]
        out = self.body(torch.cat(given, dim=-1)).float()
        C = self.n_channels
        mean, log_scale, below = out.split([C, C, C * (C - 1) // 2], dim=-1)
        lower = out.new_zeros(*out.shape[:-1], C, C)
        row, column = torch.tril_indices(C, C, -1, device=out.device)
        lower[..., row, column] = below
        return mean, log_scale, lower


def gaussian_log_density(value: Tensor, mean: Tensor, log_scale: Tensor, lower: Tensor) -> Tensor:
    """ln N(value; μ, L diag(s²) Lᵀ) (...), with L = (I − lower)⁻¹: each channel regresses on those before it."""
    error = value - mean
    z = (error - (lower @ error[..., None])[..., 0]) * torch.exp(-log_scale)
    return (-0.5 * z.square() - log_scale - 0.5 * math.log(2 * math.pi)).sum(dim=-1)


def gaussian_draw(normal: Tensor, mean: Tensor, log_scale: Tensor, lower: Tensor) -> Tensor:
    """(..., C) draws from that law with standard `normal` (..., C): ε_c = Σ_{j<c} lower_cj ε_j + s_c normal_c."""
    scaled = log_scale.exp() * normal
    identity = torch.eye(mean.shape[-1], device=mean.device)
    error: Tensor = torch.linalg.solve_triangular(identity - lower, scaled[..., None], upper=False)
    return mean + error[..., 0]


def _frequencies(device: torch.device) -> Tensor:
    """Angular frequencies of the Fourier features of c_noise, π/4 to 16 π, equally spaced in logarithm."""
    return torch.logspace(math.log10(math.pi / 4), math.log10(16 * math.pi), _N_FREQUENCIES, device=device)
