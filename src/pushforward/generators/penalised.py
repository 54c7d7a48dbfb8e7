"""Generators of any learned class that are trained with further terms in the loss, and are ordinary ones after that."""

from __future__ import annotations

import copy
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, ClassVar, Self, cast

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from pushforward.errors import InputError, printable
from pushforward.generators.base import AbstractGenerator
from pushforward.generators.batches import Batch, Batches
from pushforward.generators.description import Description
from pushforward.generators.edm import Denoiser
from pushforward.generators.learned import AbstractLearned
from pushforward.generators.velocity import FlowDenoiser, VelocityField

__all__ = ["AbstractPenalty", "Noisy", "Penalised", "Seen", "noisy", "penalised"]

_LARGEST_LEVEL = 1e4


@dataclass(frozen=True)
class Seen:
    """What a penalty is told.

    Attributes:
        model: the generator that is trained.
        network: in training.
        batch: of this step, as the model's own loss sees it.
        about: the training data.
        probe: (B, T, C) standard normal numbers of this step.
    """

    model: AbstractLearned[Any, Any, Any]
    network: nn.Module
    batch: Batch
    about: Description
    probe: Tensor


class AbstractPenalty(ABC):
    """A term of the loss."""

    name: ClassVar[str] = ""

    @abstractmethod
    def __call__(self, seen: Seen) -> Tensor:
        """The term, one number, its weight included. It must not need second derivatives: fast layers have none."""

    def of_codes(self, decoding: Callable[[Any, str], Any]) -> Self:
        """The same where the network is trained on codes; `decoding(φ, name)` is φ of what codes decode to."""
        return self


class Penalised(AbstractLearned[Any, Any, Any]):
    """What is put before a learned class: its loss, and the penalties'.

    Attributes:
        penalties: terms of the loss.
        origin: the generator without them, which gets what is learned.
    """

    penalties: tuple[AbstractPenalty, ...] = ()
    origin: AbstractLearned[Any, Any, Any]
    _about: Description | None = None

    def fit(self, *arguments: Any, **settings: Any) -> Self:
        """As the class's; the network is then `origin`'s too."""
        try:
            return super().fit(*arguments, **settings)
        finally:
            self.origin._fitted = self._fitted

    def begin(self, network: Any, batches: Batches) -> None:
        """Remembers what the data is like."""
        self._about = batches.description
        super().begin(network, batches)

    def draw(
        self, clean: NDArray[np.float32], lengths: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], ...]:
        """The class's own numbers, then the penalties'."""
        own = super().draw(clean, lengths, rng)
        return (*own, rng.standard_normal(clean.shape, dtype=np.float32))

    def loss(self, network: Any, batch: Batch) -> Tensor:
        """The class's loss and the penalties."""
        plain = batch._replace(draws=batch.draws[:-1])
        own = super().loss(network, plain)  # type: ignore[safe-super]
        total: Tensor = own + self._penalty(network, plain, batch.draws[-1])
        return total

    # A penalty differs from step to step in shape, which compiling would do again and again.
    @torch.compiler.disable  # type: ignore[untyped-decorator]
    def _penalty(self, network: nn.Module, batch: Batch, probe: Tensor) -> Tensor:
        assert self._about is not None
        seen = Seen(self, network, batch, self._about, probe)
        return torch.stack([penalty(seen) for penalty in self.penalties]).sum()


def penalised(generator: AbstractGenerator, penalty: AbstractPenalty) -> Penalised:
    """A copy of the generator that is trained with the penalty, in place of one of the same name.

    Raises:
        InputError: a generator that is not trained by gradient steps here.
    """
    if not isinstance(generator, AbstractLearned):
        raise InputError(
            f"{penalty.name}: {printable(generator.name)} is not trained here; expected a generator of this library"
        )
    made: Any = copy.copy(generator)
    if not isinstance(made, Penalised):
        made.__class__ = _penalised_class(type(made))
        made.origin = generator
    kept = [one for one in made.penalties if one.name != penalty.name]
    made.penalties = (*kept, penalty)
    return cast(Penalised, made)


def _penalised_class(kind: type[AbstractLearned[Any, Any, Any]]) -> type[Any]:
    return type(f"Penalised{kind.__name__}", (Penalised, kind), {"__doc__": kind.__doc__})


@dataclass(frozen=True)
class Noisy:
    """A batch with noise, y = clean + σ noise, and the network as a denoiser.

    Attributes:
        y: (B, T, C).
        sigma: (B,) in units where the data's standard deviation is `spread`.
        spread: of the normalised data.
        denoise: D(y; σ).
    """

    y: Tensor
    sigma: Tensor
    spread: float
    denoise: Callable[[Tensor], Tensor]


def noisy(seen: Seen, rows: Callable[[Tensor], Tensor] | None = None) -> Noisy:
    """The batch as a denoiser sees it; with `rows` only those that it picks from σ / spread (B,).

    Raises:
        InputError: a network without a denoiser.
    """
    batch, network, spread = seen.batch, seen.network, seen.model.scale
    if isinstance(network, VelocityField):
        noise, t = batch.draws
        sigma = (1 / t.clamp_min(1e-12) - 1).clamp_max(_LARGEST_LEVEL)
        denoiser: nn.Module = FlowDenoiser(network)
    elif isinstance(network, Denoiser):
        noise, sigma = batch.draws
        denoiser = network
    else:
        raise InputError(f"{seen.model.name}: has no denoiser; expected a diffusion, flow or MLP denoiser")
    y, told, lengths = batch.clean + sigma[:, None, None] * noise, batch.condition, batch.lengths
    if rows is not None:
        kept = rows(sigma / spread)
        y, sigma = y[kept], sigma[kept]
        told, lengths = (None if part is None else part[kept] for part in (told, lengths))
    return Noisy(y, sigma, spread, lambda y: denoiser(y, sigma, lengths, told))
