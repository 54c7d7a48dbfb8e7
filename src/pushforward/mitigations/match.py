"""Train with a penalty on how far the law of the quantity is from the intended one."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import numpy as np

from pushforward.errors import InputError, require
from pushforward.generators.base import AbstractGenerator
from pushforward.measure.intended import Intended
from pushforward.mitigations.base import learned
from pushforward.mitigations.measuring import AbstractMeasuring
from pushforward.quantities.differentiable import as_differentiable, frame_of, gradient_of
from pushforward.trajectories import Trajectories

__all__ = ["Match"]

_QUANTILES = 4096


@final
@dataclass(frozen=True)
class Match(AbstractMeasuring):
    """loss + w W₂²(φ(D(x; σ)), π) / Var φ at noise levels up to `noise`: the quantity's law as a part of the goal.

    The strong baseline: it is told what will be measured. It needs a denoiser and a quantity with a gradient, and acts
    where D is nearly a trajectory; what coarser levels do to the law it does not see.

    Attributes:
        quantity: φ with a gradient, as for `guide`.
        intended: π; None: that of the batch.
        strength: w; a large one keeps a network from learning to denoise in the first place.
        noise: largest σ, in standard deviations of the data.
    """

    name: ClassVar[str] = "match"
    level: ClassVar[str] = "training"
    formula: ClassVar[str] = "loss + w W₂²(φ(D(x; σ)), π) / Var φ, σ ≤ noise"
    cost: ClassVar[str] = "a training of up to twice the time"

    strength: float = 0.1
    noise: float = 0.4
    frame: Trajectories | None = learned()

    def __post_init__(self) -> None:
        """Check the settings, and take torch functions as quantities.

        Raises:
            InputError: a strength or level that is not positive.
        """
        object.__setattr__(self, "quantity", as_differentiable(self.quantity))
        super().__post_init__()
        for name in ("strength", "noise"):
            value = getattr(self, name)
            require(0 < value < float("inf"), f"match: got {name} = {value:g}; expected a positive number")

    def fitted(self, data: Trajectories) -> Self:
        """With the names and units of the data.

        Raises:
            InputError: a quantity without a gradient, or one that is hardly ever defined.
        """
        self.values(data)
        frame = frame_of(data)
        gradient_of(self.phi, frame, "match")
        return replace(self, frame=frame)

    def learner(self, generator: AbstractGenerator) -> AbstractGenerator:
        """The generator with the penalty in its loss.

        Raises:
            InputError: a class without a denoiser.
        """
        from pushforward.generators.penalised import penalised
        from pushforward.generators.penalties import MatchPenalty

        require(
            "denoise" in generator.feeds,
            f"match: {generator.name} has no denoiser; expected a diffusion, flow or MLP denoiser",
        )
        if self.frame is None:
            raise InputError("mitigation 'match': is not fitted; call fit(data) first")
        wanted = None
        if isinstance(self.intended, Intended):
            levels = (np.arange(_QUANTILES) + 0.5) / _QUANTILES
            wanted = np.array([self.intended.quantile(float(level)) for level in levels])
        phi = gradient_of(self.phi, self.frame, "match")
        return penalised(generator, MatchPenalty(phi, self.strength, self.noise, wanted))
