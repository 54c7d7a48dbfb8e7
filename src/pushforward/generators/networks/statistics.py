"""What a step-by-step network knows of its data in numbers: how far a step goes, how far values reach."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

__all__ = ["Statistics"]

# A rollout may leave the data's range by half of it on each side and is held there: finite, plainly implausible.
_MARGIN = 0.5


class Statistics(nn.Module):
    """Numbers taken from the training data, kept and saved with the weights, not trained.

    Attributes:
        increment: (C,) root mean square of x_{t+1} − x_t, 1 where a channel never moves.
        low: (C,) the smallest value.
        high: (C,) the largest; above `low` also where a channel is constant.
    """

    def __init__(self, n_channels: int) -> None:
        super().__init__()
        for name in ("increment", "low", "high"):
            self.register_parameter(name, nn.Parameter(torch.empty(n_channels), requires_grad=False))

    increment: Tensor
    low: Tensor
    high: Tensor

    def initialize(self, rng: np.random.Generator) -> None:
        """Numbers that fit normalised data, until `set` is called."""
        self.increment.data.fill_(1)
        self.low.data.fill_(-3)
        self.high.data.fill_(3)

    def set(
        self, increment: NDArray[np.float64], low: NDArray[np.float64], high: NDArray[np.float64]
    ) -> None:
        """Take the statistics (C,) of normalised training data."""
        moved = np.where(increment > 0, increment, 1.0)
        top = np.where(high > low, high, low + 1)
        for kept, given in ((self.increment, moved), (self.low, low), (self.high, top)):
            kept.data.copy_(torch.from_numpy(np.asarray(given, dtype=np.float32)))

    @property
    def reach(self) -> tuple[Tensor, Tensor]:
        """(C,) the lowest and the highest value that a rollout may take."""
        margin = _MARGIN * (self.high - self.low)
        return self.low - margin, self.high + margin

    def held(self, x: Tensor) -> Tensor:
        """`x` (..., C), kept within reach of the data, so that no rollout runs off to infinity."""
        low, high = self.reach
        return torch.minimum(torch.maximum(x, low), high)
