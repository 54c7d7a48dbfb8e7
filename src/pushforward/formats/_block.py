"""Block: trajectories as a file holds them, before anything about them is promised."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require

__all__ = ["Block", "Episode", "gathered", "rows_per_block"]

# float32 elements that one block may hold: bounds memory where a file's trajectories are very long.
_ELEMENTS = 1 << 24


@dataclass(frozen=True)
class Block:
    """Up to `size` trajectories (n, T, C) of any real dtype; the fields are those of `Trajectories`."""

    values: NDArray[Any]
    dt: float = 1.0
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    lengths: NDArray[Any] | None = None
    groups: NDArray[Any] | None = None
    conditions: Mapping[str, NDArray[Any]] = field(default_factory=dict)
    quantity: NDArray[Any] | None = None
    quantity_name: str | None = None
    time_unit: str = "s"
    group_name: str = "group"


@dataclass(frozen=True)
class Episode:
    """One trajectory (t, C) with what belongs to it alone."""

    values: NDArray[Any]
    group: int | str | None = None
    quantity: float | None = None
    conditions: Mapping[str, Any] = field(default_factory=dict)


def rows_per_block(size: int, elements: int) -> int:
    """How many trajectories of `elements` numbers each one block holds, at most `size`, at least one."""
    return max(1, min(size, _ELEMENTS // max(elements, 1)))


def gathered(episodes: Iterator[Episode], size: int, like: Block, cut: int | None = None) -> Iterator[Block]:
    """Blocks of up to `size` episodes, padded to the longest; names, units and dt are those of `like`.

    A block ends early where padding would make it large, so that one very long episode among short ones
    does not multiply memory. `cut` shortens episodes first.
    """
    width = len(like.channels)
    waiting: list[Episode] = []
    longest = 0
    for count, episode in enumerate(episodes):
        if episode.values.ndim != 2 or episode.values.shape[1] != width:
            raise InputError(
                f"trajectory {count}: got shape {episode.values.shape}; expected (steps, {width}), "
                f"for the channels {printable(', '.join(like.channels))}"
            )
        require(len(episode.values) >= 1, f"trajectory {count} has no steps; expected at least one")
        steps = len(episode.values) if cut is None else min(len(episode.values), cut)
        larger = max(longest, steps)
        if waiting and len(waiting) >= rows_per_block(size, larger * width):
            yield _joined(waiting, longest, like)
            waiting, larger = [], steps
        waiting.append(episode)
        longest = larger
        if len(waiting) == size:
            yield _joined(waiting, longest, like)
            waiting, longest = [], 0
    if waiting:
        yield _joined(waiting, longest, like)


def _joined(episodes: list[Episode], longest: int, like: Block) -> Block:
    lengths = np.array([min(len(episode.values), longest) for episode in episodes], dtype=np.int64)
    values = np.zeros((len(episodes), longest, len(like.channels)), dtype=np.float32)
    with np.errstate(over="ignore", invalid="ignore"):
        for row, episode in enumerate(episodes):
            values[row, : lengths[row]] = episode.values[: lengths[row]]
    groups, quantities = [e.group for e in episodes], [e.quantity for e in episodes]
    names = [name for name in episodes[0].conditions if all(name in e.conditions for e in episodes)]
    return Block(
        values=values,
        dt=like.dt,
        channels=like.channels,
        units=like.units,
        lengths=lengths,
        groups=None if any(group is None for group in groups) else np.array(groups),
        conditions={
            name: np.array([e.conditions[name] for e in episodes], dtype=np.float64) for name in names
        },
        quantity=None if any(q is None for q in quantities) else np.array(quantities, dtype=np.float64),
        quantity_name=like.quantity_name,
        time_unit=like.time_unit,
        group_name=like.group_name,
    )
