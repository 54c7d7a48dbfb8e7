"""The settings of the Transformer generator."""

from __future__ import annotations

from dataclasses import dataclass

from pushforward.errors import require
from pushforward.generators.settings import (
    SamplingSettings,
    TrainingSettings,
    require_among,
    require_between,
)

__all__ = ["TransformerSampling", "TransformerSettings"]

_HEADS = ("mixture", "tokens")


@dataclass(frozen=True)
class TransformerSettings(TrainingSettings):
    """How to train the Transformer generator.

    Attributes:
        head: "mixture" (continuous values, a mixture of Gaussians) or "tokens" (values rounded to bins).
        width: units of each layer, a multiple of 2 × attention_heads.
        blocks: layers of attention and feed-forward network.
        attention_heads: heads of each attention.
        hidden: units of each channel's network in the last layer.
        components: Gaussians of the mixture.
        log_floor: smallest ln of a Gaussian's standard deviation, relative to a step's.
        bins: of each channel's range, for tokens.
    """

    head: str = "mixture"
    width: int = 64
    blocks: int = 4
    attention_heads: int = 4
    hidden: int = 64
    components: int = 8
    log_floor: float = -7.0
    bins: int = 256

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        super().__post_init__()
        require_among("head", self.head, _HEADS)
        require_between("width", self.width, 4, 4096)
        require_between("blocks", self.blocks, 1, 64)
        require_between("attention_heads", self.attention_heads, 1, 64)
        multiple = 2 * self.attention_heads
        require(self.width % multiple == 0, f"width: got {self.width}; expected a multiple of {multiple}")
        require_between("hidden", self.hidden, 4, 1024)
        require_between("components", self.components, 1, 256)
        require_between("log_floor", self.log_floor, -20, 0)
        require_between("bins", self.bins, 2, 4096)


@dataclass(frozen=True)
class TransformerSampling(SamplingSettings):
    """How to sample from a Transformer; it has no choices but the batch size."""
