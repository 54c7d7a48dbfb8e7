"""Representations one after another."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.representations.base import AbstractRepresentation, Channels, Space
from pushforward.trajectories import Trajectories

__all__ = ["Composed"]


@final
@dataclass(frozen=True)
class Composed(AbstractRepresentation):
    """ψ_k ∘ … ∘ ψ_1: the codes of the first are what the next is fitted on.

    Attributes:
        parts: the representations, the first applied to the data.
    """

    parts: tuple[AbstractRepresentation, ...] = ()

    name: ClassVar[str] = "composed"
    formula: ClassVar[str] = "ψ = ψ_k ∘ … ∘ ψ_1"

    @property
    def label(self) -> str:
        """The parts' labels, joined by +."""
        return " + ".join(part.label for part in self.parts)

    def fitted(self, trajectories: Trajectories) -> Self:
        """Every part fitted in turn."""
        require(len(self.parts) > 0, f"{self._owner}: got no parts; expected at least one")
        parts: list[AbstractRepresentation] = []
        codes = trajectories
        for part in self.parts:
            parts.append(part.fitted_after(tuple(parts), trajectories, codes))
            codes = parts[-1].encode(codes)
        return replace(self, parts=tuple(parts), space=parts[0].space)

    def codes(self, space: Space) -> Channels:
        """Those of the last part."""
        last = self.parts[-1]
        return last.codes(last.known_space)

    def encode(self, trajectories: Trajectories) -> Trajectories:
        """Part by part."""
        for part in self.parts:
            trajectories = part.encode(trajectories)
        return trajectories

    def decode(self, codes: Trajectories) -> Trajectories:
        """Part by part, backwards."""
        for part in reversed(self.parts):
            codes = part.decode(codes)
        return codes

    def forward(self, x: NDArray[np.float64], steps: NDArray[np.int64], space: Space) -> NDArray[np.float64]:
        """Not used: the parts do the work."""
        raise NotImplementedError

    def backward(self, z: NDArray[np.float64], steps: NDArray[np.int64], space: Space) -> NDArray[np.float64]:
        """Not used: the parts do the work."""
        raise NotImplementedError
