"""The last layer of the Transformer: one small network per channel, each seeing the channels before its own."""

from __future__ import annotations

from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["ChannelHead"]


@final
class ChannelHead(nn.Module):
    """Parameters of p(y_c | h, y_0 … y_{c−1}) for every channel c at once (Uria et al. 2016; Germain et al. 2015).

    a_c = A_c h + Σ_{j<c} B_{cj} features(y_j); u_c = SiLU(a_c); out_c = D_c (u_c + SiLU(E_c u_c)). The chain rule over
    channels makes no assumption on how they depend on each other: (sin θ, cos θ) can stay on their circle, which
    no mixture of few Gaussians over both can follow.

    Args:
        n_channels: C.
        width: W, of h.
        hidden: H, of each channel's network.
        n_features: numbers that describe one channel's value.
        n_out: parameters of one channel's law.
    """

    def __init__(self, n_channels: int, width: int, hidden: int, n_features: int, n_out: int) -> None:
        super().__init__()
        self.n_channels, self.hidden, self.n_features = n_channels, hidden, n_features
        self.context = nn.Linear(width, n_channels * hidden)
        self.before = nn.Linear(n_channels * n_features, n_channels * hidden, bias=False)
        # One matrix per channel: a convolution in groups has exactly their shape.
        self.middle = nn.Conv1d(n_channels * hidden, n_channels * hidden, 1, groups=n_channels)
        self.exit = nn.Conv1d(n_channels * hidden, n_channels * n_out, 1, groups=n_channels)
        self.exit.starts_at_zero = True  # type: ignore[assignment]
        self.n_out = n_out

    def forward(self, h: Tensor, features: Tensor) -> Tensor:
        """(B, T, C, n_out) from h (B, T, W) and the features (B, T, C, n_features) of the values themselves."""
        seen = F.linear(features.flatten(2), self._causal(features.device))
        hidden = F.silu(self.context(h) + seen).view(-1, self.n_channels, self.hidden).transpose(0, 1)
        made = self._per_channel(hidden, slice(0, self.n_channels))
        return made.transpose(0, 1).reshape(*h.shape[:2], self.n_channels, self.n_out)

    def channel(self, h: Tensor, features: Tensor, channel: int) -> Tensor:
        """(B, n_out) of one channel, from h (B, W) and the features (B, channel, n_features) of those before it."""
        rows = slice(channel * self.hidden, (channel + 1) * self.hidden)
        hidden = F.linear(h, self.context.weight[rows], self.context.bias[rows])
        if channel > 0:
            weight = self.before.weight[rows, : channel * self.n_features]
            hidden = hidden + F.linear(features.flatten(1), weight)
        return self._per_channel(F.silu(hidden)[None], slice(channel, channel + 1))[0]

    def _per_channel(self, hidden: Tensor, which: slice) -> Tensor:
        """(channels, M, H) -> (channels, M, n_out)."""
        deeper = F.silu(_grouped(self.middle, hidden, self.n_channels, which))
        return _grouped(self.exit, hidden + deeper, self.n_channels, which)

    def _causal(self, device: torch.device) -> Tensor:
        """The weights of `before` with those of a channel itself and of later ones removed."""
        channel = torch.arange(self.n_channels, device=device)
        earlier = (channel[None, :] < channel[:, None]).to(self.before.weight.dtype)
        return self.before.weight * earlier.repeat_interleave(self.hidden, 0).repeat_interleave(
            self.n_features, 1
        )


def _grouped(layer: nn.Conv1d, hidden: Tensor, groups: int, which: slice) -> Tensor:
    """The convolution of width 1 in groups as one batched product, which is several times faster on a CPU."""
    assert layer.bias is not None
    weight = layer.weight.view(groups, -1, layer.in_channels // groups)[which].transpose(1, 2)
    bias = layer.bias.view(groups, 1, -1)[which]
    return torch.baddbmm(bias, hidden, weight)
