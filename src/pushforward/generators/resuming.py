"""Going on with a training from its checkpoint, or refusing to."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch
from torch import nn

from pushforward.errors import printable, require
from pushforward.generators import checkpoint as store
from pushforward.generators import snapshot
from pushforward.generators.records import to_json
from pushforward.generators.saved import Knowledge, Saved
from pushforward.generators.settings import TrainingSettings
from pushforward.generators.training import LogEntry, TrainingState

__all__ = ["first_state", "largest_file"]

# Choices of the machine, not of the model: a run may go on with others.
_MACHINE = ("device", "precision", "compile", "checkpoint_every")


def first_state(
    fresh: Callable[[], nn.Module],
    generator: str,
    settings: TrainingSettings,
    knowledge: Knowledge,
    seed: int,
    device: torch.device,
    checkpoint: str | Path | None,
    resume: bool,
) -> TrainingState:
    """The state to start from: that of the `fresh` network, or that of the checkpoint.

    Raises:
        InputError: an unfinished training that would be overwritten, or one that cannot be resumed as this.
    """
    network = fresh().to(device)
    if checkpoint is None or not store.exists(checkpoint):
        return TrainingState.start(network, settings)
    where = printable(checkpoint)
    record = store.read_settings(checkpoint)
    saved = Saved.of(record, generator, type(settings), checkpoint)
    if not resume:
        require(
            saved.finished,
            f"{where}: holds a training interrupted at step {saved.step} of {saved.settings.steps}; resume it "
            "(resume=True), or choose or empty another directory",
        )
        return TrainingState.start(network, settings)
    _require_same(saved, settings, knowledge, seed, where)
    tensors = store.read_tensors(checkpoint, record, largest_file(network, knowledge))
    state = snapshot.resume_state(network, settings, tensors, saved.step, saved.best(), where)
    state.stopped = saved.stopped
    state.history = [entry for entry in store.read_history(checkpoint, LogEntry) if entry.step <= saved.step]
    return state


def largest_file(shapes: nn.Module, knows: Knowledge) -> int:
    """The most bytes that the tensors of such a model can take."""
    n_law = knows.conditions.rows * (len(knows.conditions.names) + 1) if knows.conditions else 0
    return snapshot.largest_file(shapes, n_law)


def _require_same(saved: Saved, settings: TrainingSettings, knows: Knowledge, seed: int, where: str) -> None:
    """Refuse to resume what is another training.

    Raises:
        InputError: other settings, another seed, other data or conditions.
    """
    for name, mine in to_json(settings).items():
        theirs = to_json(saved.settings)[name]
        same = mine == theirs or name in _MACHINE
        require(same, f"{where}: was trained with {name} = {theirs}; got {mine}; expected the same to resume")
    require(
        saved.seed == seed,
        f"{where}: was trained with seed {saved.seed}; got {seed}; expected the same to resume",
    )
    require(
        saved.knowledge.data == knows.data,
        f"{where}: was trained on other data; expected the same data to resume",
    )
    require(
        saved.knowledge.conditions == knows.conditions,
        f"{where}: was trained with other conditions; expected the same to resume",
    )
