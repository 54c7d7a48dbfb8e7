"""What the classes that make a trajectory step by step share: statistics of steps, blocks that give the same bytes."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pushforward.errors import require
from pushforward.generators.asking import features_of, in_data_units, normalised
from pushforward.generators.batches import Batches
from pushforward.generators.blocks import BLOCK, Block
from pushforward.generators.learned import AbstractLearned
from pushforward.generators.networks.statistics import Statistics

__all__ = ["Follow", "in_equal_blocks", "next_step", "rolled_out", "take_statistics", "told_condition"]

Follow = Callable[[Tensor, Tensor, Tensor, Tensor | None], Tensor]
"""(steps so far (B, t, C), uniform (B, C), normal (B, C), condition) -> the next step (B, C), all normalised."""

_BATCH = 4_096


def take_statistics(statistics: Statistics, batches: Batches) -> None:
    """Set `statistics` from the normalised training trajectories (those held out are left out), in one pass."""
    about, chosen = batches.description, batches.trajectories
    C = len(about.channels)
    squares, count = np.zeros(C), 0
    low, high = np.full(C, np.inf), np.full(C, -np.inf)
    rows = np.arange(len(chosen)) if batches.rows is None else batches.rows
    for start in range(0, len(rows), _BATCH):
        index = rows[start : start + _BATCH]
        values = (chosen.values[index] - np.asarray(about.mean)) * (batches.scale / about.scale)
        # Padding holds the last value: it moves nothing and reaches no further.
        squares += np.square(np.diff(values, axis=1)).sum(axis=(0, 1))
        count += int((chosen.steps[index] - 1).sum())
        low, high = np.minimum(low, values.min(axis=(0, 1))), np.maximum(high, values.max(axis=(0, 1)))
    statistics.set(np.sqrt(squares / max(count, 1)), low, high)


def in_equal_blocks(block: Block, make: Callable[[Tensor], Tensor]) -> Tensor:
    """`make(rows)` for 256 rows at a time, always 256: the last ones come again where there are fewer.

    A matrix product of another number of rows rounds differently, and in a chaotic rollout the last bit decides:
    with equal blocks the samples are the same to the bit, however many are made at a time.
    """
    parts = []
    for start in range(0, block.n, BLOCK):
        rows = torch.arange(start, start + BLOCK, device=block.hardware.device).clamp_max(block.n - 1)
        with block.hardware.precision_context():
            parts.append(make(rows)[: block.n - start])
    return torch.cat(parts)


def rolled_out(sample: Callable[..., Tensor], block: Block) -> Tensor:
    """(n, T, C) of a block by `sample(uniform, normal, condition, told)`, which makes trajectories step by step.

    `told` (B, T, C) holds the fixed steps, and NaN elsewhere; it is None where there are none.
    """
    uniform, normal = block.uniform(block.T, block.C), block.normal(block.T, block.C)
    condition = told_condition(block.condition, block.lengths, block.T)
    told = None
    if block.known is not None:
        told = block.known.clamp(torch.full_like(block.known.values, float("nan")))

    def make(rows: Tensor) -> Tensor:
        return sample(
            uniform[rows],
            normal[rows],
            None if condition is None else condition[rows],
            None if told is None else told[rows],
        )

    return in_equal_blocks(block, make)


def told_condition(features: Tensor | None, lengths: Tensor | None, T: int) -> Tensor | None:
    """The features and one more, the length as a share of T: how a trajectory moves may depend on when it ends."""
    if lengths is None:
        return features
    share = (lengths.float() / T)[:, None]
    return share if features is None else torch.cat([features, share], dim=1)


def next_step(
    model: AbstractLearned[Any, Any, Any],
    follow: Follow,
    x: ArrayLike,
    rng: np.random.Generator,
    condition: ArrayLike | None,
) -> NDArray[np.float64]:
    """(B, C) draws of the step after x (B, t, C) or (B, C), in the data's units.

    Raises:
        InputError: another shape, NaN or infinity, or a condition that the model does not have.
    """
    given = normalised(model, x)
    require(
        given.ndim in (2, 3), f"{model.name}: got shape {tuple(given.shape)}; expected (B, C) or (B, t, C)"
    )
    so_far = given[:, None] if given.ndim == 2 else given
    size = (len(so_far), so_far.shape[2])
    uniform = torch.from_numpy(rng.random(size, dtype=np.float32)).to(given.device)
    normal = torch.from_numpy(rng.standard_normal(size, dtype=np.float32)).to(given.device)
    T = model.description.T
    whole = torch.full((len(so_far),), T, device=given.device) if model.description.lengths else None
    told = told_condition(features_of(model, condition, len(so_far)), whole, T)
    with torch.inference_mode():
        return in_data_units(model, follow(so_far, uniform, normal, told))
