"""Training batches: everything random in the batch of step s comes from (seed, s)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pushforward.generators.description import Description
from pushforward.generators.features import Layout
from pushforward.generators.settings import TrainingSettings
from pushforward.trajectories import Trajectories

__all__ = ["Batch", "Batches", "Draw", "held_out_rows"]

Draw = Callable[
    [NDArray[np.float32], NDArray[np.int64], np.random.Generator], tuple[NDArray[np.float32], ...]
]
"""What a batch holds beyond clean values (B, T, C) with their lengths (B,): the class's own random arrays."""

_BUCKET = 8
_HELD_OUT_BATCHES = 8
_TRAINING_STREAM, _BUCKET_STREAM, _SPLIT_STREAM, _HELD_OUT_STREAM, _ORDER_STREAM = 1, 2, 6, 7, 8


class Batch(NamedTuple):
    """What a loss sees.

    Attributes:
        clean: (B, T, C) normalised values; T is the longest length in the batch.
        lengths: (B,) valid steps, or None when all T are valid.
        condition: (B, K) features of the condition (see `Layout`), or None for a model without.
        draws: what the class's `draw` drew.
        done: () share of the training that is done, 0 to 1, for schedules.
    """

    clean: Tensor
    lengths: Tensor | None
    condition: Tensor | None
    draws: tuple[Tensor, ...]
    done: Tensor

    def to(self, device: torch.device) -> Batch:
        """The same batch on a device."""
        return Batch(
            self.clean.to(device),
            None if self.lengths is None else self.lengths.to(device),
            None if self.condition is None else self.condition.to(device),
            tuple(part.to(device) for part in self.draws),
            self.done.to(device),
        )


def _nothing(
    clean: NDArray[np.float32], lengths: NDArray[np.int64], rng: np.random.Generator
) -> tuple[NDArray[np.float32], ...]:
    return ()


@dataclass(frozen=True)
class Batches:
    """Training batches of normalised trajectories; step s always gives the same batch.

    Ragged trajectories are drawn for eight steps together and dealt out by length, which cuts the padding to
    compute; each trajectory is still drawn uniformly.

    Attributes:
        trajectories: the data, in its units.
        description: its moments and lengths.
        settings: batch size, steps, dropout of conditions.
        seed: of every draw.
        draw: the class's own draws.
        scale: standard deviation of the normalised values.
        layout: of the condition's features.
        columns: (N, K) standardised conditions, or None.
        rows: (M,) trajectories to train on, or None for all.
        held_out: (N − M,) the others.
    """

    trajectories: Trajectories
    description: Description
    settings: TrainingSettings
    seed: int
    draw: Draw = _nothing
    scale: float = 1.0
    layout: Layout = field(default_factory=Layout)
    columns: NDArray[np.float32] | None = None
    rows: NDArray[np.int64] | None = None
    held_out: NDArray[np.int64] | None = None

    def __call__(self, step: int) -> Batch:
        """The batch of a training step, on the CPU."""
        rng = np.random.default_rng([self.seed, _TRAINING_STREAM, step])
        index = self._index(step, rng)
        return self._batch(index if self.rows is None else self.rows[index], rng, step / self.settings.steps)

    def held_out_batches(self) -> Iterator[Batch]:
        """At most eight batches of held-out trajectories, always the same; their draws are as in training.

        Few trajectories appear several times, with different draws.
        """
        assert self.held_out is not None
        size = self.settings.batch_size
        rng = np.random.default_rng([self.seed, _HELD_OUT_STREAM])
        rows = np.resize(rng.permutation(self.held_out), _HELD_OUT_BATCHES * size)
        rows = rows[np.argsort(self.trajectories.steps[rows], kind="stable")]
        for start in range(0, len(rows), size):
            yield self._batch(rows[start : start + size], rng, 1.0)

    def in_order(self, most: int) -> Iterator[Batch]:
        """Batches of at most `most` different training trajectories, chosen by the seed, sorted by length."""
        rows = np.arange(len(self.trajectories)) if self.rows is None else self.rows
        rng = np.random.default_rng([self.seed, _ORDER_STREAM])
        chosen = rng.permutation(rows)[:most]
        chosen = chosen[np.argsort(self.trajectories.steps[chosen], kind="stable")]
        for start in range(0, len(chosen), self.settings.batch_size):
            yield self._batch(chosen[start : start + self.settings.batch_size], rng, 1.0)

    def _batch(self, index: NDArray[np.int64], rng: np.random.Generator, done: float) -> Batch:
        about = self.description
        steps = self.trajectories.steps[index] if about.lengths else np.full(len(index), about.T)
        T = int(steps.max())
        scaled = (self.trajectories.values[index, :T] - np.asarray(about.mean)) * (self.scale / about.scale)
        clean = scaled.astype(np.float32)
        draws = self.draw(clean, steps, rng)
        columns = None if self.columns is None else self.columns[index]
        features = self.layout.training(columns, clean, steps, self.settings.condition_dropout, rng)
        return Batch(
            torch.from_numpy(clean),
            torch.from_numpy(steps) if about.lengths else None,
            None if features is None else torch.from_numpy(features),
            tuple(torch.from_numpy(part) for part in draws),
            torch.tensor(done),
        )

    def _index(self, step: int, rng: np.random.Generator) -> NDArray[np.int64]:
        n = len(self.trajectories) if self.rows is None else len(self.rows)
        size = self.settings.batch_size
        if not self.description.lengths:
            return rng.integers(n, size=size)
        steps = self.trajectories.steps if self.rows is None else self.trajectories.steps[self.rows]
        shared = np.random.default_rng([self.seed, _BUCKET_STREAM, step // _BUCKET])
        index = shared.integers(n, size=size * _BUCKET)
        index = index[np.argsort(steps[index], kind="stable")]
        turn = int(shared.permutation(_BUCKET)[step % _BUCKET])
        return index[turn * size : (turn + 1) * size]


def held_out_rows(
    trajectories: Trajectories, share: float, seed: int
) -> tuple[NDArray[np.int64] | None, NDArray[np.int64] | None]:
    """(rows to train on, held-out rows), by group where there are groups; (None, None) when nothing is held out.

    Raises:
        InputError: fewer than two groups (or trajectories).
    """
    if share == 0:
        return None, None
    numbered = np.arange(len(trajectories))
    marker = Trajectories(
        np.zeros((len(trajectories), 1, 1), dtype=np.float32),
        groups=trajectories.groups,
        quantity=numbered.astype(np.float64),
    )
    mixed = int(np.random.default_rng([seed, _SPLIT_STREAM]).integers(2**63))
    out, kept = (part.quantity for part in marker.split(share, mixed))
    assert out is not None
    assert kept is not None
    return kept.astype(np.int64), out.astype(np.int64)
