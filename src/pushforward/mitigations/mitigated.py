"""A generator with mitigations, itself a generator."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Self

from pushforward.errors import require
from pushforward.generators.base import AbstractGenerator
from pushforward.generators.description import digest
from pushforward.mitigations.account import Account
from pushforward.mitigations.base import AbstractMitigation, Draw
from pushforward.mitigations.saving import read_mitigations, write_mitigations
from pushforward.progress import Progress, silent
from pushforward.progress import progress as reporter
from pushforward.trajectories import Trajectories

__all__ = ["Mitigated"]


class Mitigated(AbstractGenerator):
    """`generator` with `mitigations`, the innermost (nearest to the network) first.

    The outermost sees the data first and the samples last: `Select` outside `Represent` selects by what was decoded.

    Attributes:
        generator: without them.
        mitigations: in order.
        account: what the last sampling cost; it grows while batches are drawn.
    """

    def __init__(self, generator: AbstractGenerator, mitigations: Sequence[AbstractMitigation]) -> None:
        self.generator = generator
        self.mitigations = tuple(mitigations)
        self.account = Account()

    @classmethod
    def around(cls, generator: AbstractGenerator, mitigation: AbstractMitigation) -> Self:
        """One more mitigation around a generator, which may have some."""
        if isinstance(generator, Mitigated):
            return cls(generator.generator, (*generator.mitigations, mitigation))
        return cls(generator, (mitigation,))

    @property
    def label(self) -> str:
        """Generator and mitigations, for tables."""
        return " + ".join([self.generator.name, *(one.label for one in self.mitigations)])

    def fit(
        self,
        trajectories: Trajectories,
        *,
        seed: int = 0,
        progress: Progress | bool = False,
        checkpoint: str | Path | None = None,
        resume: bool = False,
        **settings: Any,
    ) -> Self:
        """Fit the mitigations, from the outermost inwards, then train on what they make of the data; returns self.

        Raises:
            InputError: data that a mitigation does not apply to, or as the generator's `fit`.
        """
        data, fitted, asked = trajectories, [], dict(settings)
        for mitigation in reversed(self.mitigations):
            fitted.append(mitigation.fitted(data))
            data, further = fitted[-1].training(data, seed)
            for name in further:
                require(
                    asked.get(name) is None,
                    f"mitigation {mitigation.name!r}: sets {name} itself; got another one",
                )
            asked |= further
        # A new tuple only when the training is done: a failed one leaves the old model as it was.
        chosen = tuple(reversed(fitted))
        learner = self.generator
        # The outermost first, as for the data: what it asks for an inner representation then sees decoded.
        for mitigation in fitted:
            learner = mitigation.learner(learner)
        if checkpoint is not None:
            write_mitigations(checkpoint, chosen, digest(data))
        learner.fit(data, seed=seed, progress=progress, checkpoint=checkpoint, resume=resume, **asked)
        # A learner that was made for the training leaves what it learned with the generator that it was made of.
        self.generator, self.mitigations = getattr(learner, "origin", learner), chosen
        return self

    def sample(
        self, n: int, seed: int = 0, *, progress: Progress | bool = False, **settings: Any
    ) -> Trajectories:
        """`n` new trajectories; the same seed gives the same bytes on the same machine.

        Raises:
            InputError: not trained yet, or what a mitigation or the generator refuses.
        """
        parts: list[Trajectories] = []
        bar = reporter("sampling") if progress is True else None
        report = progress if not isinstance(progress, bool) else silent
        with bar or contextlib.nullcontext(report) as told:
            done = 0
            for part in self.sample_batches(n, seed, **settings):
                parts.append(part)
                done += len(part)
                told(done, n)
        return parts[0] if len(parts) == 1 else Trajectories.concat(parts)

    def sample_batches(self, n: int, seed: int = 0, **settings: Any) -> Iterator[Trajectories]:
        """The trajectories of `sample(n, seed)` in batches, in memory that does not grow with n."""
        require(
            isinstance(n, int) and not isinstance(n, bool) and n >= 1,
            f"sample: got n = {n!r}; expected a whole number, at least 1",
        )
        for mitigation in self.mitigations:
            mitigation.require_fitted()
        self.account = account = Account()

        def innermost(count: int, start: int, asked: Mapping[str, Any]) -> Iterator[Trajectories]:
            for part in self.generator.sample_batches(count, start, **asked):
                account.drawn += len(part)
                yield part

        draw: Draw = innermost
        for mitigation in self.mitigations:
            draw = _outer(mitigation, draw, account)
        return _kept(draw(n, seed, settings), account)

    def save(self, directory: str | Path) -> None:
        """The generator's own files, and mitigations.json.

        Raises:
            InputError: not trained yet, a generator that is not saved, or a directory that cannot be written.
        """
        self.generator.save(directory)
        write_mitigations(directory, self.mitigations, _trained_on(self.generator))

    @classmethod
    def load(cls, directory: str | Path, quantities: Mapping[str, Any] | None = None) -> Self:
        """What `save` wrote. `quantities`: your own ones by their label; registered ones need not be given.

        Raises:
            InputError: a missing, damaged or foreign file, or a quantity that is not known.
        """
        from pushforward.generators import load

        generator = load(directory)
        return cls(generator, read_mitigations(directory, _trained_on(generator), quantities or {}))

    def __getattr__(self, name: str) -> Any:
        """What the generator tells of its training (`history`, `n_parameters`, ...)."""
        if name.startswith("_") or "generator" not in self.__dict__:
            raise AttributeError(name)
        found = getattr(self.__dict__["generator"], name, None)
        if found is None:
            raise AttributeError(f"{type(self).__name__} has no attribute {name!r}")
        return found


def _trained_on(generator: AbstractGenerator) -> str:
    """The digest of the data that a model was trained on, as far as it tells."""
    return str(getattr(getattr(generator, "description", None), "digest", ""))


def _outer(mitigation: AbstractMitigation, inner: Draw, account: Account) -> Draw:
    def draw(n: int, seed: int, settings: Mapping[str, Any]) -> Iterator[Trajectories]:
        return mitigation.sampled(inner, n, seed, settings, account)

    return draw


def _kept(parts: Iterator[Trajectories], account: Account) -> Iterator[Trajectories]:
    for part in parts:
        account.kept += len(part)
        yield part
