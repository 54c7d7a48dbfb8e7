"""Any callable that samples."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any, ClassVar, Unpack, final

import numpy as np

from pushforward.errors import InputError, printable, require
from pushforward.generators.adapters.base import AbstractAdapter, check_request
from pushforward.generators.adapters.labels import LabelKeywords, Labels
from pushforward.trajectories import Trajectories

__all__ = ["SampleFunction"]

_SEEDS = 2**31
_TRIED = 2
_ROUNDING = 1e-3


@final
class SampleFunction(AbstractAdapter):
    """`sample(n, seed) -> (n, T, C)`: any program in any framework.

    It is called for `batch_size` trajectories at a time. Each call gets its own seed below 2³¹, made from the seed
    and the number of the call; no two calls of one `sample` get the same.

    Before its first use it is called three times for two trajectories: other seeds must give others, or every
    batch would repeat the first, and the same seed must give the same (up to a thousandth of the difference
    between seeds, for hardware that rounds differently each time). A sampler that cannot be seeded is refused unless
    `seeded=False` says that its samples need not be repeatable.

    Args:
        sample: returns NumPy, torch on any device, or nested lists.
        like: trajectories whose names, units, dt and shape the made ones have.
        batch_size: trajectories per call.
        seeded: False accepts a sampler that ignores its seed.
        labels: names and units in place of, or beside, `like`; see `LabelKeywords`.
    """

    name: ClassVar[str] = "sample-function"
    source: ClassVar[str] = "any callable"
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        sample: Callable[[int, int], object],
        like: Trajectories | None = None,
        *,
        batch_size: int = 1024,
        seeded: bool = True,
        **labels: Unpack[LabelKeywords],
    ) -> None:
        require(
            callable(sample), f"{self.name}: got {type(sample).__name__}; expected a callable sample(n, seed)"
        )
        require(batch_size >= 1, f"batch_size: got {batch_size}; expected at least 1")
        self.labels = Labels.of(like, labels)
        self.batch_size, self.seeded = batch_size, seeded
        self._sample = sample
        self._tried = False

    def sample_batches(self, n: int, seed: int = 0, **settings: Any) -> Iterator[Trajectories]:
        """The trajectories of `sample(n, seed)`, one call of the callable at a time.

        Raises:
            InputError: the callable fails, returns anything but finite numbers of shape (n, T, C), or does not
                use its seed.
        """
        self.refuse(settings, ())
        check_request(n, seed)
        if not self._tried:
            self._try(seed)
            self._tried = True
        first = _first_seed(seed)
        for call, start in enumerate(range(0, n, self.batch_size)):
            yield self._call(min(self.batch_size, n - start), (first + call) % _SEEDS)

    def _call(self, n: int, seed: int) -> Trajectories:
        try:
            made = self._sample(n, seed)
        except Exception as error:
            raise InputError(
                f"{self.name}: sample({n}, {seed}) raised {type(error).__name__}: {printable(error)}"
            ) from error
        return self.labels.labelled(made, n, f"{self.name}: sample({n}, {seed})")

    def _try(self, seed: int) -> None:
        first = _first_seed(seed)
        one, other = self._call(_TRIED, first).values, self._call(_TRIED, (first + 1) % _SEEDS).values
        require(
            one.shape == other.shape and not np.array_equal(one, other),
            f"{self.name}: two seeds gave the same trajectories; expected sample(n, seed) to use its seed "
            "(use SampleFolder for samples that are already there)",
        )
        if not self.seeded:
            return
        again = self._call(_TRIED, first).values
        difference = np.abs(again - one).max() if again.shape == one.shape else np.inf
        require(
            bool(difference <= _ROUNDING * np.abs(other - one).max()),
            f"{self.name}: the same seed gave other trajectories; expected sample(n, seed) to use its seed (or "
            "seeded=False, where samples need not be repeatable)",
        )


def _first_seed(seed: int) -> int:
    return int(np.random.SeedSequence(int(seed)).generate_state(1)[0]) % _SEEDS
