"""What a model needs to make some trajectories: random streams that depend on the seed alone, lengths, conditions."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pushforward.generators.conditions import ConditionLaw
from pushforward.generators.description import Description
from pushforward.generators.features import Layout, place
from pushforward.generators.fixed import FixedSteps, Known
from pushforward.generators.hardware import Hardware
from pushforward.generators.steering import Steer, Steering

__all__ = ["BLOCK", "Block", "Order", "blocks", "in_units"]

BLOCK = 256
"""Trajectories that share one random stream, (seed, block index): so no result depends on the batch size."""

_SAMPLING_STREAM = 3
_SMALLEST_CHUNK = 64


@dataclass(frozen=True)
class Block:
    """Some trajectories to be made together.

    Attributes:
        n: how many.
        T: steps of the longest that the model can make.
        C: channels.
        lengths: (n,) valid steps on the device, or None when all have T.
        condition: (n, K) features of the condition, or None for a model without.
        known: fixed steps, or None.
        layout: of the features.
        hardware: device and precision.
        size: trajectories to put through a network at a time.
        streams: a random stream for each 256 of them.
        steer: towards values of a quantity, or None.
    """

    n: int
    T: int
    C: int
    lengths: Tensor | None
    condition: Tensor | None
    known: Known | None
    layout: Layout
    hardware: Hardware
    size: int
    streams: tuple[np.random.Generator, ...]
    steer: Steer | None = None

    def normal(self, *shape: int) -> Tensor:
        """(n, *shape) standard normal numbers on the device."""
        return self._drawn(lambda rng: rng.standard_normal((BLOCK, *shape), dtype=np.float32))

    def uniform(self, *shape: int) -> Tensor:
        """(n, *shape) uniform numbers in [0, 1) on the device."""
        return self._drawn(lambda rng: rng.random((BLOCK, *shape), dtype=np.float32))

    def _drawn(self, draw: Callable[[np.random.Generator], NDArray[np.float32]]) -> Tensor:
        drawn = np.concatenate([draw(rng) for rng in self.streams])
        return torch.from_numpy(drawn[: self.n]).to(self.hardware.device)

    def chunks(self) -> Iterator[tuple[Tensor | slice, int, Tensor | None]]:
        """Rows to put through a network together, the longest of their lengths, and the lengths (or None).

        Ragged trajectories come sorted by length, so that little padding is computed.
        """
        if self.lengths is None:
            for start in range(0, self.n, self.size):
                yield slice(start, min(start + self.size, self.n)), self.T, None
            return
        order = torch.argsort(self.lengths, stable=True)
        size = min(self.size, max(_SMALLEST_CHUNK, self.n // 8))
        longest = self.lengths[order].tolist()
        for start in range(0, self.n, size):
            rows = order[start : start + size]
            yield rows, longest[min(start + size, self.n) - 1], self.lengths[rows]

    def through(self, network: Callable[..., Tensor], x: Tensor, *others: Tensor | None) -> Tensor:
        """`network(x, *others, lengths)` for (n, T, C) `x` and (n, …) `others`, chunk by chunk; padding is 0."""
        result = torch.zeros_like(x)
        for rows, longest, lengths in self.chunks():
            parts = [None if other is None else other[rows] for other in others]
            with self.hardware.precision_context():
                result[rows, :longest] = network(x[rows, :longest], *parts, lengths)
        return result

    def guided(self, call: Callable[[Tensor | None], Tensor], weight: float) -> Tensor:
        """Classifier-free guidance (Ho and Salimans 2022): null + w (conditional − null).

        `call` is the prediction of the network given features; w = 1 is the conditional law, w = 0 the
        unconditional one. Fixed steps stay told in both.
        """
        if self.condition is None or self.layout.n_columns == 0 or weight == 1:
            return call(self.condition)
        null = call(self.layout.without_condition(self.condition))
        return null if weight == 0 else torch.lerp(null, call(self.condition), weight)


@dataclass(frozen=True)
class Order:
    """What `sample` was asked for.

    Attributes:
        n: trajectories.
        seed: of everything random.
        asked: (n, K) conditions in their units, or None to draw them from `law`.
        law: of conditions and lengths in training; None for a model without conditions.
        fixed: fixed steps in the data's units.
        steering: towards values of a quantity, or None.
    """

    n: int
    seed: int
    asked: NDArray[np.float64] | None
    law: ConditionLaw | None
    fixed: FixedSteps
    steering: Steering | None = None


@dataclass(frozen=True)
class Part:
    """A block with what its trajectories are labelled by."""

    block: Block
    lengths: NDArray[np.int64] | None
    conditions: NDArray[np.float64] | None
    fixed: dict[int, NDArray[np.float32]]


def blocks(
    order: Order, about: Description, layout: Layout, scale: float, batch_size: int, hardware: Hardware
) -> Iterator[Part]:
    """The order cut into blocks of bounded memory."""
    per_batch = max(1, batch_size // BLOCK) * BLOCK
    for start in range(0, order.n, per_batch):
        count = min(per_batch, order.n - start)
        streams = tuple(
            np.random.default_rng([order.seed, _SAMPLING_STREAM, block])
            for block in range(start // BLOCK, -(-(start + count) // BLOCK))
        )
        conditions, lengths = _asked(order, about, streams, start, count)
        fixed = order.fixed.part(start, count)
        normal = {step: _normalised(values, about, scale) for step, values in fixed.items()}
        columns = (
            None if order.law is None or conditions is None else order.law.about.standardised(conditions)
        )
        features = layout.sampling(columns, normal, count)
        every = np.full(count, about.T) if lengths is None else lengths
        steps = None if lengths is None else torch.from_numpy(lengths).to(hardware.device)
        known = _known(normal, every, about, hardware)
        block = Block(
            n=count,
            T=about.T,
            C=len(about.channels),
            lengths=steps,
            condition=None if features is None else torch.from_numpy(features).to(hardware.device),
            known=known,
            layout=layout,
            hardware=hardware,
            size=batch_size,
            streams=streams,
            steer=_steer(order, slice(start, start + count), about, scale, steps, known, hardware),
        )
        yield Part(block, lengths, conditions, fixed)


def in_units(made: Tensor, part: Part, about: Description, scale: float) -> NDArray[np.float32]:
    """Undo the normalisation; constant channels are exactly constant, fixed steps exactly as given."""
    values = np.asarray(
        made.cpu().numpy() * (np.asarray(about.std) / scale) + np.asarray(about.mean), dtype=np.float32
    )
    every = np.full(len(values), about.T) if part.lengths is None else part.lengths
    for step, given in part.fixed.items():
        values[np.arange(len(values)), place(step, every)] = given
    return values


def _asked(
    order: Order, about: Description, streams: tuple[np.random.Generator, ...], start: int, count: int
) -> tuple[NDArray[np.float64] | None, NDArray[np.int64] | None]:
    """(count, K) conditions and (count,) lengths: as asked, else as in training."""
    if order.law is None:
        drawn = [about.draw_lengths(BLOCK, rng) for rng in streams] if about.lengths else []
        lengths = np.concatenate([part for part in drawn if part is not None])[:count] if drawn else None
        return None, lengths
    if order.asked is None:
        pairs = [order.law.draw(BLOCK, rng) for rng in streams]
        conditions = np.concatenate([values for values, _ in pairs])[:count]
        lengths = np.concatenate([steps for _, steps in pairs])[:count]
        return conditions, lengths if about.lengths else None
    asked = order.asked[start : start + count]
    if not about.lengths:
        return asked, None
    padded = np.concatenate([asked, np.repeat(asked[-1:], -count % BLOCK, axis=0)])
    near = [order.law.lengths_near(padded[i * BLOCK : (i + 1) * BLOCK], rng) for i, rng in enumerate(streams)]
    return asked, np.concatenate(near)[:count]


def _normalised(values: NDArray[np.float32], about: Description, scale: float) -> NDArray[np.float32]:
    return np.asarray((values - np.asarray(about.mean)) * (scale / about.scale), dtype=np.float32)


def _known(
    fixed: dict[int, NDArray[np.float32]], lengths: NDArray[np.int64], about: Description, hardware: Hardware
) -> Known | None:
    if not fixed:
        return None
    n, row = len(lengths), np.arange(len(lengths))
    mask = np.zeros((n, about.T, 1), dtype=np.bool_)
    values = np.zeros((n, about.T, len(about.channels)), dtype=np.float32)
    for step, given in fixed.items():
        where = place(step, lengths)
        mask[row, where] = True
        values[row, where] = given
    return Known(torch.from_numpy(mask).to(hardware.device), torch.from_numpy(values).to(hardware.device))


def _steer(
    order: Order,
    rows: slice,
    about: Description,
    scale: float,
    lengths: Tensor | None,
    known: Known | None,
    hardware: Hardware,
) -> Steer | None:
    if order.steering is None:
        return None
    scaling = (about.mean, np.asarray(about.std) / scale)
    return order.steering.part(rows, scaling, scale, hardware.device, lengths, known)
