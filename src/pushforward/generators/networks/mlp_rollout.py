"""A one-step predictor, p(x_{t+1} | x_t … x_{t−k+1}), as a law of whole trajectories."""

from __future__ import annotations

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from pushforward.generators.networks.gaussian import GaussianLaw, n_gaussian
from pushforward.generators.networks.mlp import ResidualMLP
from pushforward.generators.networks.statistics import Statistics
from pushforward.generators.networks.transformer_head import ChannelHead
from pushforward.generators.networks.transformer_laws import MixtureLaw

__all__ = ["RolloutMLP"]

_START_HIDDEN = 64


@final
class RolloutMLP(nn.Module):
    """x_{t+1} = x_t + r (μ + noise), both functions of the last k states; r is the size of a step in the data.

    The noise is Gaussian with a full covariance. The first steps, for which there is no history, cannot be a
    residual of anything: they are drawn from mixtures of Gaussians, channel by channel, on the same features.
    Where fewer than k states exist, zeros and flags stand for the missing ones. The law does not know which step
    it is at, only how much history there is: a dynamics model, not a model of this one length.

    Args:
        T: steps of the longest trajectory, by which lengths are told; any other number of steps works too.
        n_channels: C.
        history: k.
        n_start: first steps that are drawn from a mixture; at least 1.
        width: units of each layer.
        blocks: residual blocks of two layers.
        components: Gaussians of the mixture.
        log_floor: smallest ln of a standard deviation, relative to the step.
        n_condition: K; 0 for none.
    """

    def __init__(
        self,
        T: int,
        n_channels: int,
        history: int,
        n_start: int,
        width: int,
        blocks: int,
        components: int,
        log_floor: float,
        n_condition: int = 0,
    ) -> None:
        super().__init__()
        self.T, self.n_channels, self.history = T, n_channels, history
        self.n_start, self.log_floor = n_start, log_floor
        self.statistics = Statistics(n_channels)
        self.law = MixtureLaw(components, log_floor)
        self.body = ResidualMLP(history * (n_channels + 1) + n_condition, width, width, blocks)
        # Features of zero behind weights of zero would never move.
        self.body.exit.starts_at_zero = False  # type: ignore[assignment]
        self.step = nn.Linear(width, n_gaussian(n_channels))
        self.step.starts_at_zero = True  # type: ignore[assignment]
        self.start = ChannelHead(n_channels, width, _START_HIDDEN, 1, self.law.n_out)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, T, C) log densities of each value of x (B, T, C), of increments in units of r."""
        T = x.shape[1]
        h = self._features(self._windows(x), condition)
        code = self.law.coded(x, self.statistics)
        first = min(self.n_start, T)
        raw = self.start(h[:, :first], self.law.features(code[:, :first]))
        density = [self.law.log_density(raw, code[:, :first], self.statistics)]
        if first < T:
            density.append(
                GaussianLaw(self.step(h[:, first:]), self.n_channels, self.log_floor).log_density(
                    code[:, first:]
                )
            )
        return torch.cat(density, dim=1)

    def sample(
        self, uniform: Tensor, normal: Tensor, condition: Tensor | None = None, told: Tensor | None = None
    ) -> Tensor:
        """(B, T, C) trajectories from random numbers (B, T, C); `told` (B, T, C) as in `TrajectoryTransformer`."""
        batch, T, C = uniform.shape
        made = uniform.new_zeros(batch, T, C)
        for t in range(T):
            y = self.follow(made[:, :t], uniform[:, t], normal[:, t], condition)
            made[:, t] = y if told is None else torch.where(torch.isnan(told[:, t]), y, told[:, t])
        return made

    def follow(self, x: Tensor, uniform: Tensor, normal: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, C) the step that comes after x (B, t, C), t ≥ 0, from random numbers (B, C)."""
        t = x.shape[1]
        window = self._windows(
            torch.cat([x[:, -self.history :], x.new_zeros(len(x), 1, self.n_channels)], dim=1)
        )
        h = self._features(window[:, -1:], condition)[:, 0]
        if t < self.n_start:
            code = self._started(h, x[:, -1] if t else None, uniform, normal)
        else:
            code = GaussianLaw(self.step(h), self.n_channels, self.log_floor).draw(normal)
        return self.statistics.held(self.law.decoded(code, x[:, -1] if t else None, self.statistics))

    def predicted(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, T − n_start, C) the mean of each later step of x (B, T, C) given those before it; T > n_start."""
        h = self._features(self._windows(x), condition)[:, self.n_start :]
        mean = GaussianLaw(self.step(h), self.n_channels, self.log_floor).mean
        return self.law.decoded(mean, x[:, self.n_start - 1 : -1], self.statistics)

    def _started(self, h: Tensor, last: Tensor | None, uniform: Tensor, normal: Tensor) -> Tensor:
        codes = h.new_zeros(len(h), 0)
        for channel in range(self.n_channels):
            raw = self.start.channel(h, self.law.features(codes), channel)
            drawn = self.law.draw(raw, uniform[:, channel], normal[:, channel])
            codes = self.law.held(torch.cat([codes, drawn[:, None]], dim=1), last, self.statistics)
        return codes

    def _windows(self, x: Tensor) -> Tensor:
        """(B, T, k (C + 1)) for each step of x (B, T, C) the k states before it, each with a flag; zeros for none."""
        flagged = torch.cat([x, torch.ones_like(x[:, :, :1])], dim=2)[:, :-1]
        padded = F.pad(flagged, (0, 0, self.history, 0))
        return padded.unfold(1, self.history, 1).flatten(2)

    def _features(self, windows: Tensor, condition: Tensor | None) -> Tensor:
        if condition is not None:
            told = condition[:, None].expand(-1, windows.shape[1], -1)
            windows = torch.cat([windows, told], dim=2)
        return F.silu(self.body(windows))
