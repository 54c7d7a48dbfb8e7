"""Train with a penalty on the Jacobian of the denoiser, or of the step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

from pushforward.errors import require
from pushforward.generators.base import AbstractGenerator
from pushforward.mitigations.base import AbstractMitigation

__all__ = ["Jacobian"]


@final
@dataclass(frozen=True)
class Jacobian(AbstractMitigation):
    """loss + w E‖∂D/∂x‖_F² / (T C): local errors are then damped rather than enlarged, at the price of the fit.

    Of denoisers (D at the noise levels of training) and of one-step models (the mean of the next step, where it bounds
    how an error grows along a rollout). Near σ = 0 a true denoiser has ∂D/∂x = I along the data, so a strong penalty
    biases it: a mitigation to be measured, not to be trusted.

    Attributes:
        strength: w.
    """

    name: ClassVar[str] = "jacobian"
    level: ClassVar[str] = "training"
    formula: ClassVar[str] = "loss + w E‖∂D/∂x‖_F² / (T C)"
    source: ClassVar[str] = "arXiv 2501.00195; Hutchinson, Commun. Stat. Simul. Comput. 18 (1989), 1059–1076"
    cost: ClassVar[str] = "a training of 2 to 3 times the time"

    strength: float = 0.01

    def __post_init__(self) -> None:
        """Check the strength.

        Raises:
            InputError: not a positive number.
        """
        super().__post_init__()
        require(
            0 < self.strength < float("inf"),
            f"jacobian: got strength = {self.strength:g}; expected a positive number",
        )

    def learner(self, generator: AbstractGenerator) -> AbstractGenerator:
        """The generator with the penalty in its loss.

        Raises:
            InputError: a class that is neither a denoiser nor a one-step model.
        """
        from pushforward.generators.mlp import MLP
        from pushforward.generators.penalised import penalised
        from pushforward.generators.penalties import JacobianPenalty

        require(
            "denoise" in generator.feeds or isinstance(generator, MLP),
            f"jacobian: {generator.name} has no denoiser and no step; expected diffusion, flow or mlp",
        )
        return penalised(generator, JacobianPenalty(self.strength))
