"""The two laws of a Transformer's next value: a mixture density, or a distribution over bins."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import torch
import torch.nn.functional as F
from torch import Tensor

from pushforward.generators.networks.mixture import draw_mixture, mixture_log_density
from pushforward.generators.networks.statistics import Statistics

__all__ = ["AbstractLaw", "MixtureLaw", "TokenLaw"]

_WAVES = (1.0, 2.0, 4.0, 8.0)


class AbstractLaw(ABC):
    """How a value becomes what the network predicts, and back; everything is per channel.

    `y` are normalised values. `last` are those of the step before, or None at the first.
    """

    @property
    @abstractmethod
    def n_out(self) -> int:
        """Parameters per channel."""

    @property
    def n_features(self) -> int:
        """Numbers that describe a code."""
        return 1

    @abstractmethod
    def seen(self, y: Tensor, statistics: Statistics) -> Tensor:
        """What the network is shown of values (..., C)."""

    @abstractmethod
    def coded(self, y: Tensor, statistics: Statistics) -> Tensor:
        """What the network predicts of values (B, T, C), from the first step on."""

    @abstractmethod
    def decoded(self, code: Tensor, last: Tensor | None, statistics: Statistics) -> Tensor:
        """The values (B, C) that codes (B, C) stand for."""

    @abstractmethod
    def held(self, code: Tensor, last: Tensor | None, statistics: Statistics) -> Tensor:
        """Codes (B, c) of the first c channels, kept within reach of the data."""

    @abstractmethod
    def log_density(self, raw: Tensor, code: Tensor, statistics: Statistics) -> Tensor:
        """ln p of a normalised value (..., C), from parameters (..., C, n_out) and codes (..., C)."""

    @abstractmethod
    def draw(self, raw: Tensor, uniform: Tensor, normal: Tensor) -> Tensor:
        """Codes (B,) of one channel, from parameters (B, n_out) and random numbers (B,)."""

    @abstractmethod
    def features(self, code: Tensor) -> Tensor:
        """What later channels of the same step are shown of codes (...): (..., n_features)."""


@final
@dataclass(frozen=True)
class MixtureLaw(AbstractLaw):
    """A mixture of K Gaussians over the increment x_t − x_{t−1} in units of its root mean square (first step: x_0).

    Increments, because what such a model gets wrong is a step: its error then shrinks with dt and is carried on
    by the dynamics, whereas an error of predicted values would be relative to the range, however short the step.
    """

    components: int
    log_floor: float

    @property
    def n_out(self) -> int:
        """Weights, means, scales."""
        return 3 * self.components

    def seen(self, y: Tensor, statistics: Statistics) -> Tensor:
        """The values."""
        return y

    def coded(self, y: Tensor, statistics: Statistics) -> Tensor:
        """The first values, then increments."""
        return torch.cat([y[:, :1], (y[:, 1:] - y[:, :-1]) / statistics.increment], dim=1)

    def decoded(self, code: Tensor, last: Tensor | None, statistics: Statistics) -> Tensor:
        """The step before plus the increment."""
        return code if last is None else last + code * statistics.increment

    def held(self, code: Tensor, last: Tensor | None, statistics: Statistics) -> Tensor:
        """Increments that end within reach."""
        low, high = (end[: code.shape[1]] for end in statistics.reach)
        if last is not None:
            step = statistics.increment[: code.shape[1]]
            low, high = ((end - last[:, : code.shape[1]]) / step for end in (low, high))
        return torch.minimum(torch.maximum(code, low), high)

    def log_density(self, raw: Tensor, code: Tensor, statistics: Statistics) -> Tensor:
        """Of the code: the constant ln(increment) is left out, so that channels weigh alike."""
        return mixture_log_density(raw, code, self.log_floor)

    def draw(self, raw: Tensor, uniform: Tensor, normal: Tensor) -> Tensor:
        """A component, then a Gaussian."""
        return draw_mixture(raw, uniform, normal, self.log_floor)

    def features(self, code: Tensor) -> Tensor:
        """The increment itself."""
        return code[..., None]


@final
@dataclass(frozen=True)
class TokenLaw(AbstractLaw):
    """One of B equal bins over the channel's range (Janner et al. 2021, Trajectory Transformer, §3.1).

    Values, not increments: a rounding error of values stays one bin wide, of increments it would add up. A code
    is the bin's centre on the scale −1 to 1.
    """

    bins: int

    @property
    def n_out(self) -> int:
        """A logit per bin."""
        return self.bins

    def index(self, y: Tensor, statistics: Statistics) -> Tensor:
        """The bin (...) of values (..., C); values outside fall into the first or last."""
        place = (y - statistics.low) / (statistics.high - statistics.low) * self.bins
        return place.floor().clamp(0, self.bins - 1).long()

    def width(self, statistics: Statistics) -> Tensor:
        """(C,) of a bin."""
        return (statistics.high - statistics.low) / self.bins

    def seen(self, y: Tensor, statistics: Statistics) -> Tensor:
        """The centres of their bins."""
        return statistics.low + (self.index(y, statistics) + 0.5) * self.width(statistics)

    def coded(self, y: Tensor, statistics: Statistics) -> Tensor:
        """Bin centres, on the scale −1 to 1."""
        return (2 * self.index(y, statistics) + 1) / self.bins - 1

    def decoded(self, code: Tensor, last: Tensor | None, statistics: Statistics) -> Tensor:
        """The centres in normalised units."""
        return statistics.low + (code + 1) / 2 * (statistics.high - statistics.low)

    def held(self, code: Tensor, last: Tensor | None, statistics: Statistics) -> Tensor:
        """As they are: there are no bins elsewhere."""
        return code

    def log_density(self, raw: Tensor, code: Tensor, statistics: Statistics) -> Tensor:
        """ln of the bin's probability, over its width: the density of a value that is uniform within its bin."""
        index = ((code + 1) * self.bins / 2).long()
        log_share = F.log_softmax(raw.float(), dim=-1).gather(-1, index[..., None])[..., 0]
        return log_share - self.width(statistics).log()

    def draw(self, raw: Tensor, uniform: Tensor, normal: Tensor) -> Tensor:
        """A bin, by inverting their distribution at `uniform`."""
        reached = torch.cumsum(F.softmax(raw.float(), dim=-1), dim=-1)
        index = (uniform[:, None] >= reached[:, :-1]).sum(dim=-1)
        return (2 * index + 1) / self.bins - 1

    @property
    def n_features(self) -> int:
        """The centre and sinusoids of it."""
        return 1 + 2 * len(_WAVES)

    def features(self, code: Tensor) -> Tensor:
        """The bin's centre, and sinusoids that tell near bins apart."""
        angle = math.pi * code[..., None] * torch.tensor(_WAVES, device=code.device)
        return torch.cat([code[..., None], angle.cos(), angle.sin()], dim=-1)
