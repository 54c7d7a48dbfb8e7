"""The settings of the MLP generator."""

from __future__ import annotations

from dataclasses import dataclass

from pushforward.generators.diffusion import SamplerSettings
from pushforward.generators.settings import TrainingSettings, require_among, require_between

__all__ = ["MLPSampling", "MLPSettings"]

_KINDS = ("denoiser", "one-step")


@dataclass(frozen=True)
class MLPSettings(TrainingSettings):
    """How to train the MLP generator.

    Attributes:
        kind: "denoiser" (diffusion over all values at once) or "one-step" (a dynamics model, rolled out).
        width: units of each layer.
        blocks: residual blocks of two layers.
        P_mean: mean of ln σ in training (EDM, Table 1), of a denoiser.
        P_std: standard deviation of ln σ in training, of a denoiser.
        history: states that a one-step predictor sees.
        n_start: first steps that a one-step model draws from a mixture of Gaussians.
        components: Gaussians of that mixture.
        log_floor: smallest ln of a standard deviation, relative to a step's.
    """

    learning_rate: float = 2e-3
    kind: str = "denoiser"
    width: int = 256
    blocks: int = 3
    P_mean: float = -1.2
    P_std: float = 1.2
    history: int = 4
    n_start: int = 2
    components: int = 8
    log_floor: float = -7.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        super().__post_init__()
        require_among("kind", self.kind, _KINDS)
        require_between("width", self.width, 4, 8192)
        require_between("blocks", self.blocks, 1, 64)
        require_between("P_mean", self.P_mean, -20, 20)
        require_between("P_std", self.P_std, 0, 20)
        require_between("history", self.history, 1, 1024)
        require_between("n_start", self.n_start, 1, 1024)
        require_between("components", self.components, 1, 256)
        require_between("log_floor", self.log_floor, -20, 0)


@dataclass(frozen=True)
class MLPSampling(SamplerSettings):
    """How to sample from an MLP generator: a denoiser as `Diffusion`, a one-step model with `batch_size` alone."""
