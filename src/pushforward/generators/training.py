"""The training loop: everything random at step s comes from (seed, s), so training can resume."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable
from dataclasses import dataclass, field

import torch
from torch import Tensor, nn

from pushforward.errors import InputError
from pushforward.generators.batches import Batch, Batches
from pushforward.generators.hardware import Hardware
from pushforward.generators.settings import TrainingSettings

__all__ = ["Best", "LogEntry", "Loss", "TrainingState", "learning_rate", "train"]

Loss = Callable[[Batch], Tensor]
"""The loss of a batch, one number."""

_LOG_LINES = 200
_LINES_PER_CHECK = 4


@dataclass(frozen=True)
class LogEntry:
    """One line of the training log.

    Attributes:
        step: steps done.
        loss: mean loss since the last line.
        learning_rate: of the last step.
        seconds: since the start.
        held_out: loss of the averaged weights on held-out trajectories, where it was taken at this step.
    """

    step: int
    loss: float
    learning_rate: float
    seconds: float
    held_out: float | None = None


@dataclass
class Best:
    """The lowest held-out loss so far.

    Attributes:
        loss: infinite before the first.
        step: where it was.
        since: held-out losses since then.
        network: the averaged weights of that step, where they are kept (`patience` > 0).
    """

    loss: float = math.inf
    step: int = 0
    since: int = 0
    network: nn.Module | None = None


@dataclass
class TrainingState:
    """Everything that training changes. `updating` is True while it is half-way through a step."""

    network: nn.Module
    average: nn.Module
    optimizer: torch.optim.AdamW
    step: int = 0
    updating: bool = False
    stopped: bool = False
    best: Best = field(default_factory=Best)
    history: list[LogEntry] = field(default_factory=list)

    def is_whole(self) -> bool:
        """True between steps and while every weight is finite: only then is the state worth keeping."""
        return not self.updating and all(bool(torch.isfinite(p).all()) for p in self.average.parameters())

    @property
    def chosen(self) -> nn.Module:
        """The weights that make the samples: of the lowest held-out loss where they are kept, else the average."""
        return self.average if self.best.network is None else self.best.network

    @classmethod
    def start(cls, network: nn.Module, settings: TrainingSettings) -> TrainingState:
        """The state before the first step."""
        average = copy.deepcopy(network).requires_grad_(False)
        optimizer = torch.optim.AdamW(
            network.parameters(), lr=0.0, betas=(0.9, 0.99), weight_decay=settings.weight_decay, fused=True
        )
        return cls(network.train(), average.eval(), optimizer)


def learning_rate(step: int, settings: TrainingSettings) -> float:
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
    loss_of: Callable[[nn.Module, Batch], Tensor],
    after_step: Callable[[TrainingState, float], None],
) -> None:
    """Train up to `settings.steps`, or until the held-out loss has stopped falling (`settings.patience`).

    `after_step(state, loss)` runs between steps, when the state is whole.

    Raises:
        InputError: the loss or its gradient stopped being finite; the state is that of the last good step.
    """
    settings = batches.settings
    started = time.monotonic() - (state.history[-1].seconds if state.history else 0.0)
    log_every = max(1, settings.steps // _LOG_LINES)
    losses: list[float] = []
    compiled = hardware.compiled(lambda batch: loss_of(state.network, batch))
    while state.step < settings.steps and not state.stopped:
        rate = learning_rate(state.step, settings)
        loss = _gradient(state, batches, hardware, compiled)
        losses.append(loss)
        state.updating = True
        _update(state, settings, rate)
        state.step += 1
        last = state.step == settings.steps
        if state.step % log_every == 0 or last:
            checks = batches.held_out is not None and (
                state.step % (_LINES_PER_CHECK * log_every) == 0 or last
            )
            held_out = _held_out_loss(state, batches, hardware, loss_of) if checks else None
            seconds = round(time.monotonic() - started, 3)
            state.history.append(LogEntry(state.step, sum(losses) / len(losses), rate, seconds, held_out))
            losses.clear()
        state.updating = False
        after_step(state, loss)


def _gradient(state: TrainingState, batches: Batches, hardware: Hardware, loss_of: Loss) -> float:
    """Loss of the next batch; leaves its clipped gradient in the parameters."""
    batch = batches(state.step).to(hardware.device)
    state.optimizer.zero_grad(set_to_none=True)
    with hardware.precision_context():
        loss = loss_of(batch)
    torch.autograd.backward(loss)
    norm = torch.nn.utils.clip_grad_norm_(state.network.parameters(), batches.settings.gradient_clip)
    value = float(loss.detach())
    if not (math.isfinite(value) and math.isfinite(float(norm))):
        raise InputError(
            f"training stopped at step {state.step + 1} of {batches.settings.steps}: the loss is {value}, its "
            f"gradient {float(norm)}; the model keeps step {state.step} (try a smaller learning_rate, now "
            f"{batches.settings.learning_rate:g})"
        )
    return value


def _update(state: TrainingState, settings: TrainingSettings, rate: float) -> None:
    for group in state.optimizer.param_groups:
        group["lr"] = rate
    state.optimizer.step()
    # The warm-up of the average forgets the random start also in short trainings.
    decay = min(settings.ema_decay, (1 + state.step) / (10 + state.step))
    with torch.no_grad():
        kept: list[Tensor] = list(state.average.parameters())
        current: list[Tensor] = list(state.network.parameters())
        torch._foreach_lerp_(kept, current, 1 - decay)


def _held_out_loss(
    state: TrainingState,
    batches: Batches,
    hardware: Hardware,
    loss_of: Callable[[nn.Module, Batch], Tensor],
) -> float:
    """Mean loss of the averaged weights on the held-out batches; remembers the lowest, and when to stop."""
    losses = []
    with torch.inference_mode(), hardware.precision_context():
        for batch in batches.held_out_batches():
            losses.append(float(loss_of(state.average, batch.to(hardware.device))))
    loss, best, patience = sum(losses) / len(losses), state.best, batches.settings.patience
    if loss < best.loss:
        best.loss, best.step, best.since = loss, state.step, 0
        if patience > 0:
            best.network = copy.deepcopy(state.average)
    else:
        best.since += 1
        state.stopped = patience > 0 and best.since >= patience
    return loss
