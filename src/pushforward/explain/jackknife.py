"""Uncertainty from folds: the delete-a-group jackknife, of numbers, of arrays and of ratios."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pushforward.errors import InputError
from pushforward.forecast.results import Estimate
from pushforward.forecast.tally import FlowTally

__all__ = ["Jackknife", "without_each"]

Array = NDArray[np.float64]
_UNKNOWN = math.nan


@final
@dataclass(frozen=True, eq=False)
class Jackknife:
    """Folds, and what the spread of a statistic between them says.

    With θ₍ⱼ₎ the statistic without fold j and h_j = n / n_j, θ_J = J·θ − Σ_j (1 − 1/h_j)·θ₍ⱼ₎ is free of the bias of
    order 1/n (a sum of squares is then free of its noise), the pseudo-values are h_j·θ − (h_j − 1)·θ₍ⱼ₎, and the
    variance is (1/J) Σ_j (pseudo-value_j − θ_J)² / (h_j − 1).
    Source: Busing, Meijer & van der Leeden 1999, Statistics and Computing 9, 3–8.

    Attributes:
        size: (J,) trajectories of each fold, all positive.
        level: error level of intervals.

    Raises:
        InputError: fewer than two folds.
    """

    size: Array
    level: float

    def __post_init__(self) -> None:
        """Refuse what has no spread."""
        if len(self.size) < 2:
            raise InputError(
                "explain: got one group, or too few trajectories; expected at least 2 independent ones"
            )

    @property
    def h(self) -> Array:
        """(J,) n / n_j."""
        return np.asarray(self.size.sum() / self.size, dtype=np.float64)

    def corrected(self, whole: Array | float, without: Array) -> Array:
        """(...) θ_J, from θ (...) and θ₍ⱼ₎ (J, ...)."""
        kept = (1 - 1 / self.h).reshape(-1, *[1] * (without.ndim - 1))
        return np.asarray(len(self.size) * np.asarray(whole) - (kept * without).sum(axis=0))

    def components(self, whole: Array | float, without: Array) -> Array:
        """(J, ...) independent components of the error: the variance is the sum of their squares."""
        h = self.h.reshape(-1, *[1] * (without.ndim - 1))
        pseudo = h * np.asarray(whole) - (h - 1) * without
        return np.asarray((pseudo - self.corrected(whole, without)) / np.sqrt(len(self.size) * (h - 1)))

    def interval(self, value: float, components: Array) -> Estimate:
        """`value` with Student's limits."""
        half = self._student() * math.sqrt(float(np.square(components).sum()))
        return Estimate(value, value - half, value + half)

    def estimate(self, whole: float, without: Array) -> Estimate:
        """A number as it is, with its limits."""
        return self.interval(whole, self.components(whole, without))

    def ratio(
        self, above: Array | float, above_without: Array, below: Array | float, below_without: Array
    ) -> Estimate:
        """A ratio of two sums, each freed of its bias; not a number where the lower one is not told from 0."""
        numerator, denominator = (
            float(self.corrected(one, rest)) for one, rest in ((above, above_without), (below, below_without))
        )
        error = self.components(below, below_without)
        if denominator <= self._student() * math.sqrt(float(np.square(error).sum())):
            return Estimate(_UNKNOWN, _UNKNOWN, _UNKNOWN)
        value = numerator / denominator
        return self.interval(value, (self.components(above, above_without) - value * error) / denominator)

    def _student(self) -> float:
        return float(special.stdtrit(len(self.size) - 1, 1 - self.level / 2))


def without_each(tally: FlowTally, held: NDArray[np.int64]) -> FlowTally:
    """A tally whose entries are of all folds but one: for `law_of`, which then gives a law for each fold left out.

    Its arrays are origins (1, J, W), joint (1, J, W, W) and sums (4, 1, J, W).
    """
    return replace(
        tally,
        origins=(tally.origins.sum(axis=0) - tally.origins[held])[None],
        joint=(tally.joint.sum(axis=0) - tally.joint[held])[None],
        sums=(tally.sums.sum(axis=1, keepdims=True) - tally.sums[:, held])[:, None],
    )
