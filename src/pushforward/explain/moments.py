"""Bias and spread of the deviations of a quantity, bin by bin: b(q) = E[δq | q], D(q) = ½ Var[δq | q]."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pushforward.forecast.tally import FlowTally

__all__ = ["Profile", "bias_and_spread"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Profile:
    """A number for each bin of q, with pointwise confidence limits.

    Attributes:
        value, low, high: (W,) below the range, the bins, above it; not a number where fewer than two independent
            trajectories are.
    """

    value: Array
    low: Array
    high: Array


def bias_and_spread(tally: FlowTally, level: float) -> tuple[Profile, Profile]:
    """b(q) = E[δq | q] in the quantity's unit, and D(q) = ½ Var[δq | q] in its square, from the counts of a forecast.

    Limits come from the spread between the folds that reach a bin, so that deviations of one trajectory, and
    trajectories of one group, count together (the sandwich estimator of clustered data, Student's quantile; for D on
    its logarithm, since it is positive).
    """
    n, first, second = tally.joint.sum(axis=-1).astype(np.float64), tally.sums[2], tally.sums[3]
    total = n.sum(axis=0)
    folds = (n > 0).sum(axis=0)
    with np.errstate(divide="ignore", invalid="ignore"):
        known = folds >= 2
        # Folds of unlike size are worth fewer of the same size.
        degrees = np.where(known, np.maximum(total**2 / np.square(n).sum(axis=0) - 1, 1.0), np.nan)
        times = special.stdtrit(degrees, 1 - level / 2)
        widening = np.sqrt(folds / (folds - 1.0)) / total
        b = first.sum(axis=0) / total
        error = widening * np.sqrt(np.square(first - b * n).sum(axis=0))
        plain = second.sum(axis=0) / total - b**2
        around = second - 2 * b * first + b**2 * n - plain * n
        error_of_variance = widening * np.sqrt(np.square(around).sum(axis=0))
        # The mean that is taken off was fitted to the same deviations.
        variance = np.maximum(plain + error**2, 0.0)
        factor = np.exp(times * np.where(variance > 0, error_of_variance / variance, 0.0))
    b, variance = np.where(known, b, np.nan), np.where(known, variance, np.nan)
    bias = Profile(b, b - times * error, b + times * error)
    return bias, Profile(variance / 2, variance / 2 / factor, variance / 2 * factor)
