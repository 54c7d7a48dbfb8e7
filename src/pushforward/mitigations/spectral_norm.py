"""Train with a penalty on the largest singular value of every layer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from pushforward.errors import require
from pushforward.generators.base import AbstractGenerator
from pushforward.mitigations.base import AbstractMitigation

__all__ = ["SpectralNorm"]


@final
@dataclass(frozen=True)
class SpectralNorm(AbstractMitigation):
    """loss + w Σ_l max(s_l − limit, 0)², s_l the spectral norm of layer l.

    It bounds how far the network can stretch errors. A penalty, not a hard limit: the network stays an ordinary one of
    its class.

    Attributes:
        limit: spectral norm above which a layer is penalised.
        strength: w.
    """

    name: ClassVar[str] = "spectral-norm"
    level: ClassVar[str] = "training"
    formula: ClassVar[str] = "loss + w Σ_l max(s_l − limit, 0)²"
    source: ClassVar[str] = (
        "Yoshida and Miyato, arXiv 1705.10941 (penalty); Miyato et al., arXiv 1802.05957 (convolutions)"
    )
    cost: ClassVar[str] = (
        "a training of up to twice the time: products with each layer's weights at every step"
    )

    limit: float = 1.0
    strength: float = 0.1

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InputError: a limit or strength that is not positive.
        """
        super().__post_init__()
        for name in ("limit", "strength"):
            value = getattr(self, name)
            require(
                0 < value < float("inf"), f"spectral-norm: got {name} = {value:g}; expected a positive number"
            )

    def learner(self, generator: AbstractGenerator) -> AbstractGenerator:
        """The generator with the penalty in its loss.

        Raises:
            InputError: one that is not trained here.
        """
        from pushforward.generators.penalised import penalised
        from pushforward.generators.penalties import SpectralPenalty

        return penalised(generator, SpectralPenalty(self.limit, self.strength))
