"""A random sample of the data that remembers where each trajectory was."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.forecast.pushing import Source
from pushforward.trajectories import Trajectories

__all__ = ["Sampled", "sampled"]

_STREAM = 71


@final
@dataclass(frozen=True, eq=False)
class Sampled:
    """Some of the data.

    Attributes:
        trajectories: n of them, in the data's order.
        index: (n,) which of the data each is, counted from 0.
    """

    trajectories: Trajectories
    index: NDArray[np.int64]


def sampled(source: Source, size: int, seed: int) -> Sampled:
    """At most `size` trajectories, each set of that size as likely as any other; one pass over streamed data.

    Source: reservoir sampling by random keys; Efraimidis & Spirakis 2006, Information Processing Letters 97, 181–185.
    """
    rng = np.random.default_rng([seed, _STREAM])
    kept: Trajectories | None = None
    keys, index, seen = np.zeros(0), np.zeros(0, dtype=np.int64), 0
    for batch in _batches(source):
        new = rng.random(len(batch))
        both = np.concatenate([keys, new])
        lowest = np.sort(np.argsort(both, kind="stable")[:size])
        index = np.concatenate([index, seen + np.arange(len(batch))])[lowest]
        fresh = batch.select(lowest[lowest >= len(keys)] - len(keys))
        old = [] if kept is None else [kept.select(lowest[lowest < len(keys)])]
        kept = Trajectories.concat([*old, fresh])
        keys, seen = both[lowest], seen + len(batch)
    assert kept is not None
    return Sampled(kept, index)


def _batches(source: Source) -> Iterator[Trajectories]:
    if callable(source):
        yield from source()
    else:
        yield source
