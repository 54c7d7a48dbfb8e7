"""What training leaves behind, and what a trained model tells of itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Generic, TypeVar

from torch import nn

from pushforward.errors import InputError
from pushforward.generators.base import AbstractGenerator
from pushforward.generators.conditions import ConditionLaw
from pushforward.generators.description import Description
from pushforward.generators.saved import Knowledge, Saved
from pushforward.generators.training import LogEntry

__all__ = ["AbstractFitted", "Fitted"]

_Network = TypeVar("_Network", bound=nn.Module)


@dataclass(frozen=True)
class Fitted(Generic[_Network]):
    """What training leaves behind.

    Attributes:
        saved: settings, seed, steps, and what is known of the training data.
        law: of the conditions in training, of a conditional model.
        network: with the weights that make samples.
        history: the training log.
    """

    saved: Saved
    law: ConditionLaw | None
    network: _Network
    history: tuple[LogEntry, ...]


class AbstractFitted(AbstractGenerator, Generic[_Network]):
    """A generator that is trained, or not yet: what it then tells of itself."""

    _fitted: Fitted[_Network] | None = None

    @property
    def history(self) -> tuple[LogEntry, ...]:
        """The training log."""
        return self._trained().history

    @property
    def trained_steps(self) -> int:
        """Steps trained; fewer than `settings.steps` after an interrupt or an early stop."""
        return self._trained().saved.step

    @property
    def stopped_early(self) -> bool:
        """Whether the held-out loss ended the training."""
        return self._trained().saved.stopped

    @property
    def best_step(self) -> int:
        """The step of the lowest held-out loss, whose weights the model has if `patience` > 0; 0 without one."""
        return self._trained().saved.best_step

    @property
    def description(self) -> Description:
        """What the model remembers of its training data."""
        return self._trained().saved.knowledge.data

    @property
    def knowledge(self) -> Knowledge:
        """What the model remembers of its training data, conditions and fixed steps."""
        return self._trained().saved.knowledge

    @property
    def network(self) -> _Network:
        """The network with the weights that make samples, over values normalised to the class's `scale`."""
        return self._trained().network

    @property
    def n_parameters(self) -> int:
        """Weights of the network."""
        return sum(parameter.numel() for parameter in self.network.parameters())

    def _trained(self) -> Fitted[_Network]:
        if self._fitted is None:
            raise InputError(
                f"{self.name}: the model is not trained yet; call fit(trajectories) or load(directory) first"
            )
        return self._fitted
