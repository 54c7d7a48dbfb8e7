"""Velocity fields of flow matching, and the denoiser that each one is."""

from __future__ import annotations

from typing import ClassVar

import numpy as np
import torch
from torch import Tensor, nn

from pushforward.generators.edm import mean_over_valid
from pushforward.generators.ode import SOLVERS, equal_times, solve

__all__ = ["FlowDenoiser", "VelocityField"]


class VelocityField(nn.Module):
    """v(x, t) = network(x, 2 t − 1): x (B, T, C), t (B,), lengths (B,) or None; and how straight its flow is.

    Attributes:
        steps: numbers of equal steps.
        step_error: (5,) error of the midpoint method with each of them, root mean square over values; kept with the
            weights.
    """

    steps: ClassVar[tuple[int, ...]] = (4, 8, 16, 32, 64)

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network
        self.step_error = nn.Parameter(torch.zeros(len(self.steps)), requires_grad=False)

    def initialize(self, rng: np.random.Generator) -> None:
        """Nothing is known of the flow before `measure`."""
        self.step_error.data.fill_(1.0)

    def forward(
        self, x: Tensor, t: Tensor, lengths: Tensor | None = None, condition: Tensor | None = None
    ) -> Tensor:
        """The velocity (B, T, C)."""
        told = () if condition is None else (condition,)
        raw: Tensor = self.network(x, 2 * t - 1, lengths, *told)
        return raw.float()

    def measure(self, noise: Tensor, lengths: Tensor | None, condition: Tensor | None) -> None:
        """Set `step_error` from the flow of some noise (B, T, C): each number of steps against the most."""

        def velocity(x: Tensor, t: float) -> Tensor:
            made: Tensor = self(x, torch.full((len(x),), t, device=x.device), lengths, condition)
            return made

        ends = [solve(velocity, noise, equal_times(n), SOLVERS["midpoint"]) for n in self.steps]
        # A second-order method: from the finest to the limit it is a third of the way from the one before.
        most = self.steps[-1]
        errors = [
            float(mean_over_valid((end - ends[-1]).square(), lengths).sqrt()) / (1 - (n / most) ** 2)
            for n, end in zip(self.steps[:-1], ends, strict=False)
        ]
        self.step_error.data.copy_(torch.tensor([*errors, errors[-1] / 4]))

    def steps_within(self, tolerance: float) -> int:
        """The fewest of `steps` whose error is at most `tolerance`; the most where none is."""
        pairs = zip(self.steps, self.step_error.tolist(), strict=True)
        return next((n for n, error in pairs if error <= tolerance), self.steps[-1])


class FlowDenoiser(nn.Module):
    """D(x; σ) = E[clean | x = clean + σ noise] = y + (1 − t) v(y, t) with t = 1 / (1 + σ), y = t x.

    For a flow trained with independent noise this is the denoiser of any diffusion model. With optimal-transport
    couplings the expectation is over that coupling: noise drawn afresh follows another law than in training.
    """

    def __init__(self, field: VelocityField) -> None:
        super().__init__()
        self.field = field

    def forward(
        self, x: Tensor, sigma: Tensor, lengths: Tensor | None = None, condition: Tensor | None = None
    ) -> Tensor:
        """(B, T, C) the expected clean trajectory; σ (B,)."""
        t = 1 / (1 + sigma)
        y = t[:, None, None] * x
        velocity: Tensor = self.field(y, t, lengths, condition)
        return y + (1 - t)[:, None, None] * velocity
