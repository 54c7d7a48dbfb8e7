"""What was intended, read off the grid by one rule, whether it came as samples or as a stated law."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.measure import distances, inference
from pushforward.measure.grid import Grid
from pushforward.measure.inference import Mean
from pushforward.measure.intended import Intended
from pushforward.measure.tally import Tally

__all__ = ["Expected"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Expected:
    """The intended law on a grid.

    Attributes:
        grid: where both sides are counted.
        mass: (size,) its mass in each cell.
        mean: its mean with the standard error that samples leave (0 for a stated law).
        std: its standard deviation.
        sample: the tally that it was taken from; None for a stated law.
    """

    grid: Grid
    mass: Array
    mean: Mean
    std: float
    sample: Tally | None

    @classmethod
    def of(cls, against: Tally | Intended, grid: Grid) -> Expected:
        """The law of a reference sample, or a stated one."""
        if isinstance(against, Tally):
            spread = math.sqrt(against.variance)
            return cls(grid, against.mass, inference.mean_of(against), spread, against)
        return cls(grid, against.mass(grid), Mean(against.mean, 0.0, math.inf), against.std, None)

    def quantile(self, level: float) -> float:
        """The value below which `level` of the mass lies, also for a stated law as the grid has it."""
        return distances.quantile(self.mass, self.grid, level)

    def pooled(self, made: Tally) -> Array:
        """(size,) mass of the made and the reference sample together; of a stated law its own."""
        if self.sample is None:
            return self.mass
        return (made.counts + self.sample.counts) / (made.n + self.sample.n)

    def effective_n(self, below: Array) -> float | None:
        """Independent values behind a share of the expected mass; None for a stated law."""
        return None if self.sample is None else self.sample.n / inference.design_effect(self.sample, below)
