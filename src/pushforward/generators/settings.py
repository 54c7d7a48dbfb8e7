"""The settings of the diffusion generator."""

from __future__ import annotations

from dataclasses import dataclass

from pushforward.errors import require

__all__ = ["DiffusionSettings"]

_DEVICES = ("auto", "cpu", "cuda")
_PRECISIONS = ("auto", "float32", "bfloat16")


@dataclass(frozen=True)
class DiffusionSettings:
    """How to train the diffusion generator.

    Attributes:
        steps: training steps.
        batch_size: trajectories per step.
        learning_rate: the highest of the one-cycle schedule.
        warmup: share of the steps over which the learning rate rises.
        weight_decay: of AdamW.
        gradient_clip: largest norm of the gradient.
        ema_decay: decay of the running average of the weights, which makes the samples.
        widths: channels of the U-Net's levels, from the finest to the coarsest.
        blocks: residual blocks per level, down and up.
        kernel: odd width of the convolutions, in time steps.
        P_mean: mean of ln σ in training (EDM, Table 1).
        P_std: standard deviation of ln σ in training.
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
    widths: tuple[int, ...] = (16, 32, 64)
    blocks: int = 2
    kernel: int = 5
    P_mean: float = -1.2
    P_std: float = 1.2
    device: str = "auto"
    precision: str = "auto"
    compile: str = "auto"
    checkpoint_every: int = 500

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        _between("steps", self.steps, 1, 10**9)
        _between("batch_size", self.batch_size, 1, 2**20)
        _between("learning_rate", self.learning_rate, 0, 1e6)
        _between("warmup", self.warmup, 0, 1)
        _between("weight_decay", self.weight_decay, 0, 1e6)
        _between("gradient_clip", self.gradient_clip, 1e-9, 1e9)
        _between("ema_decay", self.ema_decay, 0, 1)
        _between("number of widths", len(self.widths), 1, 8)
        for width in self.widths:
            _between("widths", width, 4, 1024)
        _between("blocks", self.blocks, 1, 8)
        _between("kernel", self.kernel, 1, 63)
        require(self.kernel % 2 == 1, f"kernel: got {self.kernel}; expected an odd number")
        _between("P_mean", self.P_mean, -20, 20)
        _between("P_std", self.P_std, 0, 20)
        _among("device", self.device, _DEVICES)
        _among("precision", self.precision, _PRECISIONS)
        _among("compile", self.compile, ("auto", "on", "off"))
        _between("checkpoint_every", self.checkpoint_every, 1, 10**9)


def _between(name: str, value: float, low: float, high: float) -> None:
    # Written so that NaN is refused too.
    require(low <= value <= high, f"{name}: got {value}; expected {low:g} to {high:g}")


def _among(name: str, value: str, valid: tuple[str, ...]) -> None:
    require(value in valid, f"{name}: got {value!r}; expected one of {', '.join(valid)}")
