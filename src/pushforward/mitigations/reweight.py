"""Resample the demonstrations to the intended law."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.mitigations.law_bins import LawBins
from pushforward.mitigations.measuring import MOST_BINS, AbstractMeasuring
from pushforward.mitigations.weighting import systematic
from pushforward.trajectories import Trajectories

__all__ = ["Reweight"]

_STREAM = 0x3E16


@final
@dataclass(frozen=True)
class Reweight(AbstractMeasuring):
    """Train on demonstrations resampled with weights π/π_data: their quantity then follows π.

    The baseline that it is: local errors move mass after generation, whatever the law of the demonstrations.

    Attributes:
        quantity: φ.
        intended: π. None gives every demonstration the same weight, which changes nothing.
        bins: of about equal mass under π.
    """

    name: ClassVar[str] = "reweight"
    level: ClassVar[str] = "data"
    formula: ClassVar[str] = "train on x resampled with weights π/π_data"
    source: ClassVar[str] = (
        "arXiv 2605.20299 (baseline); Douc, Cappé and Moulines 2005 (systematic resampling)"
    )
    cost: ClassVar[str] = "a training"

    bins: int = 64

    def __post_init__(self) -> None:
        """Check the bins.

        Raises:
            InputError: fewer than two.
        """
        super().__post_init__()
        require(2 <= self.bins <= MOST_BINS, f"reweight: got bins = {self.bins}; expected 2 to {MOST_BINS}")

    def weights(self, data: Trajectories) -> NDArray[np.float64]:
        """(N,) π/π_data for each demonstration; 0 where the quantity is not defined or π has no mass.

        Raises:
            InputError: π where there are no demonstrations.
        """
        return LawBins.of(self.wanted(data), self.bins).importance(self.phi(data))

    def training(self, data: Trajectories, seed: int) -> tuple[Trajectories, dict[str, Any]]:
        """As many demonstrations as before, some of them several times, some not at all."""
        rows = systematic(self.weights(data), len(data), np.random.default_rng([seed, _STREAM]))
        return data.select(rows), {}
