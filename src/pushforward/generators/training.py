"""The training loop of the denoiser: everything random at step s comes from (seed, s), so training can resume."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pushforward.errors import InputError
from pushforward.generators.description import Description
from pushforward.generators.edm import SIGMA_DATA, Denoiser
from pushforward.generators.hardware import Hardware
from pushforward.generators.settings import DiffusionSettings
from pushforward.trajectories import Trajectories

__all__ = ["Batches", "LogEntry", "TrainingState", "train"]

_BUCKET = 8
_TRAINING_STREAM, _BUCKET_STREAM = 1, 2


@dataclass(frozen=True)
class LogEntry:
    """One line of the training log: the mean loss since the last line, the learning rate, seconds since the start."""

    step: int
    loss: float
    learning_rate: float
    seconds: float


@dataclass
class TrainingState:
    """Everything that training changes. `updating` is True while it is half-way through a step."""

    denoiser: Denoiser
    average: Denoiser
    optimizer: torch.optim.AdamW
    step: int = 0
    updating: bool = False
    history: list[LogEntry] = field(default_factory=list)

    def is_whole(self) -> bool:
        """True between steps and while every weight is finite: only then is the state worth keeping."""
        return not self.updating and all(bool(torch.isfinite(p).all()) for p in self.average.parameters())

    @classmethod
    def start(cls, denoiser: Denoiser, settings: DiffusionSettings) -> TrainingState:
        """The state before the first step."""
        average = copy.deepcopy(denoiser).requires_grad_(False)
        optimizer = torch.optim.AdamW(
            denoiser.parameters(), lr=0.0, betas=(0.9, 0.99), weight_decay=settings.weight_decay, fused=True
        )
        return cls(denoiser.train(), average.eval(), optimizer)


@dataclass(frozen=True)
class Batches:
    """Training batches of normalised trajectories with their noise; step s always gives the same batch.

    Ragged trajectories are drawn for eight steps together and dealt out by length, which cuts the padding to
    compute; each trajectory is still drawn uniformly.
    """

    trajectories: Trajectories
    description: Description
    settings: DiffusionSettings
    seed: int

    def __call__(self, step: int) -> tuple[Tensor, Tensor, Tensor, Tensor | None]:
        """Clean values (B, T, C), noise (B, T, C), σ (B,), lengths (B,) or None."""
        rng = np.random.default_rng([self.seed, _TRAINING_STREAM, step])
        index = self._index(step, rng)
        about = self.description
        steps = self.trajectories.steps[index]
        T = int(steps.max()) if about.lengths else about.T
        scaled = (self.trajectories.values[index, :T] - np.asarray(about.mean)) * (SIGMA_DATA / about.scale)
        clean = scaled.astype(np.float32)
        noise = rng.standard_normal(clean.shape, dtype=np.float32)
        sigma = np.exp(
            self.settings.P_mean + self.settings.P_std * rng.standard_normal(len(index), dtype=np.float32)
        )
        lengths = torch.from_numpy(steps) if about.lengths else None
        return torch.from_numpy(clean), torch.from_numpy(noise), torch.from_numpy(sigma), lengths

    def _index(self, step: int, rng: np.random.Generator) -> NDArray[np.int64]:
        n, size = len(self.trajectories), self.settings.batch_size
        if not self.description.lengths:
            return rng.integers(n, size=size)
        shared = np.random.default_rng([self.seed, _BUCKET_STREAM, step // _BUCKET])
        index = shared.integers(n, size=size * _BUCKET)
        index = index[np.argsort(self.trajectories.steps[index], kind="stable")]
        turn = int(shared.permutation(_BUCKET)[step % _BUCKET])
        return index[turn * size : (turn + 1) * size]


def learning_rate(step: int, settings: DiffusionSettings) -> float:
    """One cycle: a linear rise over the share `warmup` of all steps, then half a cosine down to zero."""
    rise = max(1.0, settings.warmup * settings.steps)
    if step < rise:
        return settings.learning_rate * (step + 1) / (rise + 1)
    done = (step - rise) / max(1.0, settings.steps - rise)
    return settings.learning_rate * (1 + math.cos(math.pi * done)) / 2


def train(
    state: TrainingState,
    batches: Batches,
    hardware: Hardware,
    after_step: Callable[[TrainingState, float], None],
) -> None:
    """Train up to `settings.steps`; `after_step(state, loss)` runs between steps, when the state is whole.

    Raises:
        InputError: the loss or its gradient stopped being finite; the state is that of the last good step.
    """
    settings = batches.settings
    started = time.monotonic() - (state.history[-1].seconds if state.history else 0.0)
    log_every = max(1, settings.steps // 200)
    losses: list[float] = []
    loss_of = hardware.compiled(state.denoiser.loss)
    while state.step < settings.steps:
        rate = learning_rate(state.step, settings)
        loss = _gradient(state, batches, hardware, loss_of)
        losses.append(loss)
        state.updating = True
        _update(state, settings, rate)
        state.step += 1
        if state.step % log_every == 0 or state.step == settings.steps:
            seconds = time.monotonic() - started
            state.history.append(LogEntry(state.step, sum(losses) / len(losses), rate, round(seconds, 3)))
            losses.clear()
        state.updating = False
        after_step(state, loss)


def _gradient(
    state: TrainingState, batches: Batches, hardware: Hardware, loss_of: Callable[..., Tensor]
) -> float:
    """Loss of the next batch; leaves its clipped gradient in the parameters."""
    clean, noise, sigma, lengths = (
        None if part is None else part.to(hardware.device) for part in batches(state.step)
    )
    state.optimizer.zero_grad(set_to_none=True)
    with hardware.precision_context():
        loss = loss_of(clean, noise, sigma, lengths)
    torch.autograd.backward(loss)
    norm = torch.nn.utils.clip_grad_norm_(state.denoiser.parameters(), batches.settings.gradient_clip)
    value = float(loss.detach())
    if not (math.isfinite(value) and math.isfinite(float(norm))):
        raise InputError(
            f"training stopped at step {state.step + 1} of {batches.settings.steps}: the loss is {value}, its "
            f"gradient {float(norm)}; the model keeps step {state.step} (try a smaller learning_rate, now "
            f"{batches.settings.learning_rate:g})"
        )
    return value


def _update(state: TrainingState, settings: DiffusionSettings, rate: float) -> None:
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.optimizer.step()
    # The warm-up of the average forgets the random start also in short trainings.
    decay = min(settings.ema_decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        for kept, current in zip(state.average.parameters(), state.denoiser.parameters(), strict=True):
            kept.lerp_(current, 1 - decay)
