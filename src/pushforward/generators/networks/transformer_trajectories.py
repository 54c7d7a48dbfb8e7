"""A Transformer's law of whole trajectories: each step given those before, each channel given those before it."""

from __future__ import annotations

from typing import final

import torch
from torch import Tensor, nn

from pushforward.generators.networks.statistics import Statistics
from pushforward.generators.networks.transformer import CausalTransformer
from pushforward.generators.networks.transformer_head import ChannelHead
from pushforward.generators.networks.transformer_laws import AbstractLaw

__all__ = ["TrajectoryTransformer"]


@final
class TrajectoryTransformer(nn.Module):
    """p(x | condition) = Π_t Π_c p(x_tc | x_0 … x_{t−1}, x_t0 … x_{t,c−1}, condition), over normalised values.

    Step t sees the state before it, the increment that led there, and, through attention, all earlier ones;
    flags mark the first two steps, at which these do not exist.

    Args:
        T: steps of the longest trajectory, by which lengths are told; any other number of steps works too.
        n_channels: C.
        law: of one value.
        width: W of the Transformer.
        blocks: its layers.
        heads: its attention heads.
        hidden: units of each channel's network in the last layer.
        n_condition: K; 0 for none.
    """

    def __init__(
        self,
        T: int,
        n_channels: int,
        law: AbstractLaw,
        width: int,
        blocks: int,
        heads: int,
        hidden: int,
        n_condition: int = 0,
    ) -> None:
        super().__init__()
        self.T, self.law, self.n_channels = T, law, n_channels
        self.statistics = Statistics(n_channels)
        self.trunk = CausalTransformer(2 * n_channels + 2, width, blocks, heads, n_condition)
        self.head = ChannelHead(n_channels, width, hidden, law.n_features, law.n_out)

    def forward(self, x: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, T, C) log densities of each value of x (B, T, C) given what is before it."""
        code = self.law.coded(x, self.statistics)
        raw = self.head(self.trunk(self._inputs(x), condition), self.law.features(code))
        return self.law.log_density(raw, code, self.statistics)

    def sample(
        self, uniform: Tensor, normal: Tensor, condition: Tensor | None = None, told: Tensor | None = None
    ) -> Tensor:
        """(B, T, C) trajectories from random numbers (B, T, C), as the network sees them (see `AbstractLaw.seen`).

        Args:
            uniform: in [0, 1).
            normal: standard normal.
            condition: (B, K).
            told: (B, T, C) values that are given, NaN where they are not; what follows is drawn given them.
        """
        batch, T, C = uniform.shape
        cache = self.trunk.start(batch, T, uniform)
        before = uniform.new_zeros(batch, 2, C)
        made = uniform.new_empty(batch, T, C)
        for t in range(T):
            h = self.trunk.step(self._input(before, t), cache, condition)
            y = self._drawn(h, before[:, 1] if t else None, uniform[:, t], normal[:, t])
            if told is not None:
                given = self.law.seen(told[:, t], self.statistics)
                y = torch.where(torch.isnan(told[:, t]), y, given)
            made[:, t] = y
            before = torch.stack([before[:, 1], y], dim=1)
        return made

    def follow(self, x: Tensor, uniform: Tensor, normal: Tensor, condition: Tensor | None = None) -> Tensor:
        """(B, C) the step that comes after x (B, t, C), from random numbers (B, C)."""
        seen = self.law.seen(x, self.statistics)
        inputs = self._inputs(torch.cat([seen, seen[:, -1:]], dim=1))
        return self._drawn(self.trunk(inputs, condition)[:, -1], seen[:, -1], uniform, normal)

    def _drawn(self, h: Tensor, last: Tensor | None, uniform: Tensor, normal: Tensor) -> Tensor:
        """(B, C) the next values, channel by channel."""
        codes = h.new_zeros(len(h), 0)
        for channel in range(self.n_channels):
            raw = self.head.channel(h, self.law.features(codes), channel)
            drawn = self.law.draw(raw, uniform[:, channel], normal[:, channel])
            # Held before the next channel is shown it: a runaway channel would take the others to infinity.
            codes = self.law.held(torch.cat([codes, drawn[:, None]], dim=1), last, self.statistics)
        return self.statistics.held(self.law.decoded(codes, last, self.statistics))

    def _inputs(self, x: Tensor) -> Tensor:
        """(B, T, 2 C + 2) what each step is shown: the one before it, never itself."""
        seen = self.law.seen(x, self.statistics)
        batch, T, C = x.shape
        inputs = x.new_zeros(batch, T, 2 * C + 2)
        inputs[:, 1:, :C] = seen[:, :-1]
        inputs[:, 2:, C : 2 * C] = (seen[:, 1:-1] - seen[:, :-2]) / self.statistics.increment
        inputs[:, :1, 2 * C] = 1
        inputs[:, 1:2, 2 * C + 1] = 1
        return inputs

    def _input(self, before: Tensor, t: int) -> Tensor:
        """(B, 2 C + 2) the same for one step, from the two before it (B, 2, C)."""
        flags = before.new_zeros(len(before), 2)
        if t < 2:
            flags[:, t] = 1
        moved = (before[:, 1] - before[:, 0]) / self.statistics.increment
        return torch.cat([before[:, 1], moved if t > 1 else torch.zeros_like(moved), flags], dim=1)
