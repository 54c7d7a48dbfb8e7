"""Quantities that are parameters of a known law of motion, estimated from the trajectory alone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.blocks import by_block
from pushforward.trajectories import Trajectories

__all__ = ["LogisticMapR"]

_Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True)
class LogisticMapR(AbstractQuantity):
    """Least-squares growth rate of the logistic map x_{t+1} = r x_t (1 − x_t).

    r̂ = Σ_t x_{t+1} g_t / Σ_t g_t² with g_t = x_t (1 − x_t). NaN with fewer than two valid steps, or where
    every g_t is 0 (the population died out). Noise in x biases it (errors in variables): that is part of φ.

    Attributes:
        channel: the population's channel (default: the only one).
    """

    channel: str = ""

    name: ClassVar[str] = "logistic-map-r"
    formula: ClassVar[str] = "r̂ = Σ_t x_{t+1} x_t(1 − x_t) / Σ_t (x_t(1 − x_t))²"
    source: ClassVar[str] = "May, Nature 261 (1976), by ordinary least squares"

    def measure(self, trajectories: Trajectories) -> _Array:
        """(N,) growth rates."""
        return by_block(trajectories, (self.index(trajectories),), least_squares_r)

    def unit_of(self, trajectories: Trajectories) -> str:
        """A pure number."""
        return ""

    def index(self, trajectories: Trajectories) -> int:
        """The population's place among the channels.

        Raises:
            InputError: several channels and none named.
        """
        if self.channel:
            return trajectories.channel_index(self.channel)
        if trajectories.C != 1:
            raise InputError(
                f"quantity {self.name!r}: got {trajectories.C} channels; expected one, or channel=NAME"
            )
        return 0


def least_squares_r(points: _Array, steps: NDArray[np.int64]) -> _Array:
    """(m,) least-squares r of populations (m, T, 1) with `steps` (m,) valid steps; NaN where not defined."""
    x = points[:, :, 0]
    kept = np.arange(x.shape[1] - 1)[None, :] < (steps - 1)[:, None]
    g = np.where(kept, x[:, :-1] * (1 - x[:, :-1]), 0.0)
    square = np.sum(g * g, axis=1)
    r: _Array = np.sum(g * x[:, 1:], axis=1) / np.where(square > 0, square, np.nan)
    return r
