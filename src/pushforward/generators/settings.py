"""The settings that every learned generator has, and how settings are checked."""

from __future__ import annotations

from dataclasses import dataclass

from pushforward.errors import require

__all__ = ["SamplingSettings", "TrainingSettings", "require_among", "require_between"]

_DEVICES = ("auto", "cpu", "cuda")
_PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class TrainingSettings:
    """How to train. A model class adds the fields of its network and its loss.

    Attributes:
        steps: training steps.
        batch_size: trajectories per step.
        learning_rate: the highest of the one-cycle schedule.
        warmup: share of the steps over which the learning rate rises.
        weight_decay: of AdamW.
        gradient_clip: largest norm of the gradient.
        ema_decay: decay of the running average of the weights, which makes the samples.
        holdout: share of the trajectories (of the groups, where there are groups) kept out of training for a
            held-out loss; 0 trains on all.
        patience: held-out losses in a row without a new lowest one after which training stops and the weights of
            the lowest are kept; 0 never stops. Training has fifty held-out losses.
        condition_dropout: share of training in which a conditional model does not see its condition.
        inpaint: time steps whose values may be given when sampling, such as 0 -1 for start and goal.
        device: "auto" (CUDA where there is one), "cpu" or "cuda".
        precision: "auto" (bfloat16 on CUDA, float32 on CPU), "float32" or "bfloat16".
        compile: use torch.compile: "auto" (on CUDA with a compiler, in long trainings), "on" or "off".
        checkpoint_every: steps between checkpoints, where `fit` is given a directory.
    """

    steps: int = 3000
    batch_size: int = 128
    learning_rate: float = 3e-3
    warmup: float = 0.05
    weight_decay: float = 1e-3
    gradient_clip: float = 1.0
    ema_decay: float = 0.999
    holdout: float = 0.0
    patience: int = 0
    condition_dropout: float = 0.1
    inpaint: tuple[int, ...] = ()
    device: str = "auto"
    precision: str = "auto"
    compile: str = "auto"
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        """Refuse settings that cannot work. A subclass calls this first, then checks its own.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        require_between("steps", self.steps, 1, 10**9)
        require_between("batch_size", self.batch_size, 1, 2**20)
        require_between("learning_rate", self.learning_rate, 0, 1e6)
        require_between("warmup", self.warmup, 0, 1)
        require_between("weight_decay", self.weight_decay, 0, 1e6)
        require_between("gradient_clip", self.gradient_clip, 1e-9, 1e9)
        require_between("ema_decay", self.ema_decay, 0, 1)
        require_between("holdout", self.holdout, 0, 0.9)
        require_between("patience", self.patience, 0, 10**6)
        require(
            self.patience == 0 or self.holdout > 0,
            f"patience: got {self.patience} with holdout 0; expected a holdout, such as 0.1, to stop by",
        )
        require_between("condition_dropout", self.condition_dropout, 0, 0.99)
        require_between("number of inpaint steps", len(self.inpaint), 0, 64)
        for step in self.inpaint:
            require_between("inpaint", step, -(10**6), 10**6)
        require_among("device", self.device, _DEVICES)
        require_among("precision", self.precision, _PRECISIONS)
        require_among("compile", self.compile, ("auto", "on", "off"))
        require_between("checkpoint_every", self.checkpoint_every, 1, 10**9)


@dataclass(frozen=True)
class SamplingSettings:
    """How to sample. A model class adds the fields of its sampler.

    Attributes:
        batch_size: trajectories that go through the network at a time; no result depends on it.
    """

    batch_size: int = 1024

    def __post_init__(self) -> None:
        """Refuse settings that cannot work. A subclass calls this first, then checks its own.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        require(1 <= self.batch_size <= 2**24, f"batch_size: got {self.batch_size}; expected 1 to 2^24")


def require_between(name: str, value: float, low: float, high: float) -> None:
    """Refuse a number outside [low, high], and NaN.

    Raises:
        InputError: names the setting, what it got and what was expected.
    """
    # Written so that NaN is refused too.
    require(low <= value <= high, f"{name}: got {value}; expected {low:g} to {high:g}")


def require_among(name: str, value: str, valid: tuple[str, ...]) -> None:
    """Refuse a word that is not among the valid ones.

    Raises:
        InputError: names the setting, what it got and what was expected.
    """
    require(value in valid, f"{name}: got {value!r}; expected one of {', '.join(valid)}")
