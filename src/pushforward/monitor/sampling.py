"""What a monitor needs around its samples: data measured once, samples as trajectories, randomness left as it was."""

from __future__ import annotations

import random
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import ArrayLike

from pushforward.errors import require
from pushforward.measure.audit import measured_stream
from pushforward.measure.streams import Chunk, Stream
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.quantities.base import AbstractQuantity

__all__ = ["MeasuredData", "Sampler", "as_trajectories", "drawn", "unchanged_randomness"]

Sampler = Callable[[int, int], "Trajectories | ArrayLike"]
"""sample(n, seed): n trajectories of the model as it is now, or an array (n, T, C) in the data's own channels."""


@final
class MeasuredData:
    """The data, whose quantities are measured once for all checks."""

    def __init__(self, data: Trajectories) -> None:
        self.data = data
        self._chunks: dict[str, list[Chunk]] = {}

    def __call__(self) -> Iterator[Trajectories]:
        """The data as one batch."""
        return iter([self.data])

    def measured(
        self, quantities: Sequence[AbstractQuantity], group: str | None, dropped: Callable[[int], None]
    ) -> Stream:
        """The stream of these quantities."""
        dropped(self.data.n_dropped)
        key = repr([quantity.label for quantity in quantities])
        if key not in self._chunks:
            self._chunks[key] = list(measured_stream(self.data, quantities, group)())
        return lambda: iter(self._chunks[key])


def drawn(sample: Sampler, n: int, seed: int) -> Any:
    """What `sample(n, seed)` gives.

    Raises:
        InputError: another number of trajectories.
    """
    with unchanged_randomness():
        made: Any = sample(n, seed)
    require(len(made) == n, f"sample({n}, {seed}): gave {len(made)} trajectories; expected {n}")
    return made


def as_trajectories(made: Any, like: Trajectories) -> Trajectories:
    """Samples as trajectories; an array or tensor takes names, units and dt from `like`.

    Raises:
        InputError: values that are no trajectories, such as NaN.
    """
    if isinstance(made, Trajectories):
        return made
    return Trajectories(
        made.detach().cpu().numpy() if hasattr(made, "detach") else np.asarray(made),
        dt=like.dt,
        channels=like.channels,
        units=like.units,
        time_unit=like.time_unit,
        quantity_name=like.quantity_name,
    )


@contextmanager
def unchanged_randomness() -> Iterator[None]:
    """Put the global random states of Python, NumPy and (where it is loaded) torch back after the body."""
    torch = sys.modules.get("torch")
    python, numpy = random.getstate(), np.random.get_state()  # noqa: NPY002 - the state of others is what is kept
    cpu = None if torch is None else torch.get_rng_state()
    cuda = torch.cuda.get_rng_state_all() if torch is not None and torch.cuda.is_initialized() else None
    try:
        yield
    finally:
        random.setstate(python)
        np.random.set_state(numpy)  # noqa: NPY002
        if torch is not None and cpu is not None:
            torch.set_rng_state(cpu)
            if cuda is not None:
                torch.cuda.set_rng_state_all(cuda)
