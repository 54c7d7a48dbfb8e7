"""Push a kernel through a quantity: from batches of trajectories to pairs (q, q')."""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable
from pushforward.forecast.folds import fold_of
from pushforward.kernels.base import AbstractDeviationKernel
from pushforward.progress import Progress, silent
from pushforward.quantities.base import AbstractQuantity, Quantity
from pushforward.trajectories import Trajectories

__all__ = ["Push", "Pushed", "Source", "first_batch", "learned_from"]

Source = Trajectories | Callable[[], Iterator[Trajectories]]
_SAMPLE = 1 << 16
_SAMPLE_VALUES = 1 << 26


@final
@dataclass(frozen=True, eq=False)
class Pushed:
    """Values of one block of n trajectories.

    Attributes:
        q: (n,) φ(x), NaN where not defined.
        deviated: (R, n) φ(x') of R deviations of each.
        fold: (n,) which fold of the jackknife each belongs to; a group is never split.
        n_dropped: invalid trajectories that the reader had left out.
    """

    q: NDArray[np.float64]
    deviated: NDArray[np.float64]
    fold: NDArray[np.int64]
    n_dropped: int = 0


@final
@dataclass(frozen=True, eq=False)
class Push:
    """A kernel, a quantity and how to run them over a source, the same way each time.

    Every block has a stream of random numbers of its own, so that threads do not change the result.

    Attributes:
        kernel: already `fitted`.
        quantity: φ.
        repeats: R, deviations of each trajectory.
        seed: of the deviations and of the folds.
        threads: how many blocks are worked on at once.
        group: what makes trajectories dependent, as in an audit.
    """

    kernel: AbstractDeviationKernel
    quantity: AbstractQuantity
    repeats: int
    seed: int
    threads: int | None = None
    group: str | None = None

    def over(self, source: Source, progress: Progress = silent) -> Iterator[Pushed]:
        """The values of every block, in order."""
        done, total = 0, None if callable(source) else len(source)
        for pushed in self._in_order(source):
            done += len(pushed.q)
            progress(done, total)
            yield pushed

    def _in_order(self, source: Source) -> Iterator[Pushed]:
        workers = self._workers()
        if workers == 1:
            yield from (self._block(block, i) for i, block in enumerate(self._blocks(source)))
            return
        waiting: deque[Future[Pushed]] = deque()
        with ThreadPoolExecutor(workers) as pool:
            try:
                for i, block in enumerate(self._blocks(source)):
                    waiting.append(pool.submit(self._block, block, i))
                    if len(waiting) > 4 * workers:
                        yield waiting.popleft().result()
                while waiting:
                    yield waiting.popleft().result()
            finally:
                for future in waiting:
                    future.cancel()

    def _workers(self) -> int:
        # A user's own function may not be made for threads.
        if not self.kernel.parallel or isinstance(self.quantity, Quantity):
            return 1
        if self.threads is not None:
            return self.threads
        return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1

    def _blocks(self, source: Source) -> Iterator[Trajectories]:
        for batch in source() if callable(source) else (source,):
            yield from batch.batches(max(self.kernel.block_values // (batch.T * batch.C), 1))

    def _block(self, block: Trajectories, number: int) -> Pushed:
        # SFC64 is the fastest of NumPy's generators: the normal numbers are most of the work.
        deviations, folds = (
            np.random.Generator(np.random.SFC64(np.random.SeedSequence([self.seed, number, purpose])))
            for purpose in (0, 1)
        )
        deviated = [self.quantity(self.kernel.deviate(block, deviations)) for _ in range(self.repeats)]
        fold = fold_of(cluster_ids(block, self.group), len(block), folds)
        return Pushed(self.quantity(block), np.stack(deviated), fold, block.n_dropped)


def cluster_ids(batch: Trajectories, group: str | None) -> NDArray[Any] | None:
    """(N,) cluster ids: None takes the data's groups, "none" ignores them, another name is a condition's.

    Raises:
        InputError: no such groups.
    """
    if group is None or (group == batch.group_name and batch.groups is not None):
        return batch.groups
    if group == "none":
        return None
    if group not in batch.conditions or batch.conditions[group].ndim != 1:
        valid = ", ".join(["none", *map(printable, batch.conditions)])
        raise InputError(f"group: got {printable(group, 40)!r}; expected one of: {valid}")
    return batch.conditions[group].astype(np.int64)


def first_batch(source: Source) -> Trajectories:
    """Any batch of the source, to see its channels.

    Raises:
        InputError: there are no trajectories.
    """
    batch = next(source(), None) if callable(source) else source
    if batch is None or len(batch) == 0:
        raise InputError("forecast: got no trajectories; expected at least 2")
    return batch


def learned_from(kernel: AbstractDeviationKernel, source: Source) -> AbstractDeviationKernel:
    """The kernel fitted to the data; where data is streamed to every k-th trajectory, in bounded memory."""
    if type(kernel).fitted is AbstractDeviationKernel.fitted:
        return kernel
    return kernel.fitted(_sample(source) if callable(source) else source)


def _sample(source: Callable[[], Iterator[Trajectories]]) -> Trajectories:
    kept: list[Trajectories] = []
    seen, stride = 0, 1
    for batch in source():
        first = -seen % stride
        seen += len(batch)
        if first < len(batch):
            kept.append(batch.select(slice(first, None, stride)))
        longest = max(part.T * part.C for part in kept)
        if sum(map(len, kept)) > 2 * min(_SAMPLE, max(_SAMPLE_VALUES // longest, 1)):
            joined = Trajectories.concat(kept)
            kept, stride = [joined.select(slice(None, None, 2))], 2 * stride
    return Trajectories.concat(kept)
