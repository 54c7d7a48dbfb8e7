"""What every adapter is: a generator that was trained elsewhere."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, NoReturn, Self

import numpy as np

from pushforward.errors import InputError, named, require
from pushforward.generators.adapters.labels import Labels
from pushforward.generators.base import AbstractGenerator
from pushforward.progress import Progress, silent
from pushforward.progress import progress as reporter
from pushforward.trajectories import Trajectories

__all__ = ["AbstractAdapter", "check_request"]


class AbstractAdapter(AbstractGenerator):
    """A model trained elsewhere, behind the interface of a generator.

    Attributes:
        feeds: the kernels that can take their deviations from this model, of "denoise" (it has a denoiser),
            "rollout" (it has a one-step predictor), "residual" (it makes pairs of a clean trajectory and its own
            version of it) and "reconstruction" (it has an encoder and a decoder).
        labels: names, units and shape of what it makes.
    """

    feeds: ClassVar[tuple[str, ...]] = ()
    labels: Labels

    def fit(self, *arguments: object, **settings: object) -> NoReturn:  # type: ignore[override]
        """Refused: an adapter's model was trained elsewhere.

        Raises:
            InputError: always.
        """
        raise InputError(f"{self.name}: this model was trained elsewhere; train it there and adapt it again")

    def sample(
        self, n: int, seed: int = 0, *, progress: Progress | bool = False, **settings: Any
    ) -> Trajectories:
        """`n` trajectories; the same seed and settings give the same ones.

        Raises:
            InputError: fewer than one asked for, a bad seed or setting, or a model that returns no such array.
        """
        check_request(n, seed)
        parts: list[Trajectories] = []
        done = 0
        with _reporting(progress) as report:
            for part in self.sample_batches(n, seed, **settings):
                parts.append(part)
                done += len(part)
                report(done, n)
        return parts[0] if len(parts) == 1 else Trajectories.concat(parts)

    @abstractmethod
    def sample_batches(self, n: int, seed: int = 0, **settings: Any) -> Iterator[Trajectories]:
        """The trajectories of `sample(n, seed)` in batches, in memory that does not grow with n."""

    def save(self, directory: str | Path) -> None:
        """Refused: the model belongs to another program.

        Raises:
            InputError: always.
        """
        raise InputError(f"{self.name}: an adapter is not saved; save the model by its own program's means")

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """Refused: files of other programs are not loaded, only objects are adapted.

        Raises:
            InputError: always.
        """
        raise InputError(
            f"{cls.name}: an adapter is not loaded; load the model by its own program and adapt it"
        )

    def refuse(self, settings: dict[str, Any], valid: tuple[str, ...]) -> None:
        """Raise the error for a sampling setting that this adapter does not have."""
        for name in settings:
            if name not in valid:
                raise named(f"sampling setting of {self.name}", name, valid)


def check_request(n: int, seed: int) -> None:
    """Refuse a number of trajectories below one, and seeds that are no whole number from 0.

    Raises:
        InputError: names the argument.
    """
    whole = isinstance(n, int | np.integer) and not isinstance(n, bool)
    require(whole and n >= 1, f"sample: got n = {n!r}; expected a whole number, at least 1")
    whole = isinstance(seed, int | np.integer) and not isinstance(seed, bool)
    require(whole and seed >= 0, f"seed: got {seed!r}; expected a whole number, 0 or more")


@contextlib.contextmanager
def _reporting(progress: Progress | bool) -> Iterator[Progress]:
    if isinstance(progress, bool):
        with reporter("sampling") if progress else contextlib.nullcontext(silent) as report:
            yield report
    else:
        yield progress
