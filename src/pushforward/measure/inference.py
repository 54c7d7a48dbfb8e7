"""Inference on counts: p-values, intervals of signed shifts, multiplicity, power.

Nothing here knows where the counts came from. A *side* is one sample. The statistics themselves live in
distances.py, the resampling in resampling.py.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pushforward.measure.tally import Tally

__all__ = [
    "Mean",
    "benjamini_hochberg",
    "bin_interval",
    "clustered_error",
    "design_effect",
    "mean_of",
    "p_values",
    "proportion_interval",
    "shift_of_means",
    "shift_of_proportions",
    "shift_of_quantiles",
    "sidak",
    "upper_limit",
    "welch",
]

Array = NDArray[np.float64]
Interval = tuple[float, float, float]


def p_values(observed: float, null: Array) -> float:
    """(k + 1) / (R + 1), k the resamples without drift that reach the observed distance: never 0.

    Source: Phipson & Smyth 2010, Statistical Applications in Genetics and Molecular Biology 9, 39.
    """
    # Equal statistics may differ in the last bits; a tie must count as reached.
    reached = null >= observed * (1 - 1e-12) - 1e-300
    return float((reached.sum() + 1) / (len(null) + 1))


def benjamini_hochberg(p: Array) -> Array:
    """Adjusted p-values: p₍ᵢ₎·m/i made monotone. Controls the false discovery rate under independence or
    positive dependence.

    Source: Benjamini & Hochberg 1995, Journal of the Royal Statistical Society B 57, 289–300.
    """
    order = np.argsort(p)[::-1]
    scaled = p[order] * len(p) / np.arange(len(p), 0, -1)
    adjusted = np.empty_like(p)
    adjusted[order] = np.minimum(np.minimum.accumulate(scaled), 1.0)
    return adjusted


@final
@dataclass(frozen=True)
class Mean:
    """A mean with its standard error and degrees of freedom (infinite for a known law)."""

    value: float
    standard_error: float
    degrees: float


def mean_of(side: Tally) -> Mean:
    """Mean of a sample; with groups the ratio estimator Σ y_g / Σ m_g with its cluster-robust standard error."""
    if side.groups is None:
        return Mean(side.mean, math.sqrt(side.variance / side.n), side.n - 1.0)
    return Mean(side.mean, *clustered_error(side, side.grid.positions))


def clustered_error(side: Tally, score: Array) -> tuple[float, float]:
    """Standard error of the mean of `score[cell]`, and degrees of freedom, from the spread between clusters.

    The jackknife over clusters: var = (G − 1)/G · Σ (r_g / (1 − m_g/n))² / n² with r_g = y_g − μ·m_g, and as many
    degrees of freedom as the largest clusters leave, ν = (Σ m_g²)² / Σ m_g⁴ − 1 (G − 1 when all are of one size).
    Assumes independent clusters, none holding most of the values.
    Source: Bell & McCaffrey 2002, Survey Methodology 28, 169–181 (CR3); Cochran 1977, Sampling Techniques, section 6.4.
    """
    matrix, sizes = side.clusters
    n_groups, weight = len(sizes), sizes.astype(np.float64)
    total = matrix @ score
    residual = (total - total.sum() / side.n * weight) / (1 - weight / side.n)
    variance = (n_groups - 1) / n_groups * float(residual @ residual) / side.n**2
    squares = weight**2
    degrees = max(float(squares.sum() ** 2 / (squares**2).sum()) - 1, 1.0)
    return math.sqrt(variance), degrees


def shift_of_means(made: Mean, expected: Mean, level: float) -> tuple[Interval, float]:
    """(difference, low, high) by Welch's t, and the standard error. Assumes finite variance."""
    difference = made.value - expected.value
    error, degrees = welch(made, expected)
    half = float(special.stdtrit(degrees, 1 - level / 2)) * error
    return (difference, difference - half, difference + half), error


def welch(made: Mean, expected: Mean) -> tuple[float, float]:
    """Standard error of a difference of means and its degrees of freedom (Welch–Satterthwaite).

    Source: Welch 1947, Biometrika 34, 28–35.
    """
    error = math.hypot(made.standard_error, expected.standard_error)
    if error == 0:
        return 0.0, min(made.degrees, expected.degrees)
    return error, 1 / sum((m.standard_error / error) ** 4 / m.degrees for m in (made, expected))


def design_effect(side: Tally, below: Array) -> float:
    """Variance of a share with clusters over its variance without: n / effect is the effective sample size.

    `below`: (size,) weights in [0, 1], how much of each cell counts.
    """
    if side.groups is None:
        return 1.0
    share = float(side.mass @ below)
    independent = share * (1 - share) / side.n
    if independent <= 0:
        return 1.0
    error, degrees = clustered_error(side, below)
    # Student's quantile in place of the normal one, as the spread between few clusters is itself uncertain.
    widening = float(special.stdtrit(degrees, 0.975)) / float(special.ndtri(0.975))
    # Never below 1: few values in a small share say too little about clusters to claim more than independence.
    return max(error**2 / independent * widening**2, 1.0)


def proportion_interval(share: Array, n: Array | float, level: float) -> tuple[Array, Array]:
    """Wilson's score interval of proportions.

    Source: Wilson 1927, Journal of the American Statistical Association 22, 209–212.
    """
    z = float(special.ndtri(1 - level / 2))
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * np.sqrt(share * (1 - share) / n + z**2 / (4 * n**2))
    return np.maximum(centre - half, 0.0), np.minimum(centre + half, 1.0)


def bin_interval(share: Array, n: Array | float, level: float) -> tuple[Array, Array]:
    """Jeffreys' interval of proportions: quantiles of Beta(k + ½, n − k + ½), with 0 and 1 as limits of none and all.

    Where counts are small and many bins must hold together, Wilson's interval covers far too rarely (70 % for a
    normal law, 1,000 values and 34 bins) and the exact one too often; this one covers as it says.
    Source: Brown, Cai & DasGupta 2001, Statistical Science 16, 101–133.
    """
    k = share * n
    low = special.betaincinv(k + 0.5, n - k + 0.5, level / 2)
    high = special.betaincinv(k + 0.5, n - k + 0.5, 1 - level / 2)
    return np.where(share <= 0, 0.0, low), np.where(share >= 1, 1.0, high)


def upper_limit(null: Array, level: float) -> Array:
    """What 1 − level of comparisons without drift do not exceed, along the first axis.

    The ⌈(R + 1)(1 − level)⌉-th smallest of R, so that passing it and a p-value of at most `level` are one event.
    """
    rank = math.ceil((len(null) + 1) * (1 - level) - 1e-9)
    return np.asarray(np.sort(null, axis=0)[min(rank, len(null)) - 1])


def sidak(level: float, m: int) -> float:
    """Level of each of m intervals that hold together with 1 − level: 1 − (1 − level)^(1/m)."""
    return -math.expm1(math.log1p(-level) / m)


def _moved(
    value: float, low: float, high: float, other: float, other_low: float, other_high: float
) -> Interval:
    """Interval of a difference from two separate intervals (MOVER).

    Source: Zou & Donner 2008, Statistics in Medicine 27, 1693–1702.
    """
    difference = value - other
    return (
        difference,
        difference - math.hypot(value - low, other_high - other),
        difference + math.hypot(high - value, other - other_low),
    )


def shift_of_proportions(
    share: float, n: float, expected: float, expected_n: float | None, level: float
) -> Interval:
    """Difference of two proportions with Newcombe's interval; `expected_n` None for a known law.

    Source: Newcombe 1998, Statistics in Medicine 17, 873–890, method 10.
    """
    low, high = (float(end) for end in proportion_interval(np.asarray(share), n, level))
    if expected_n is None:
        return share - expected, low - expected, high - expected
    other_low, other_high = (
        float(end) for end in proportion_interval(np.asarray(expected), expected_n, level)
    )
    return _moved(share, low, high, expected, other_low, other_high)


def shift_of_quantiles(
    at: Callable[[float], float], n: float, expected_at: Callable[[float], float], expected_n: float | None,
    tau: float, level: float,
) -> Interval:  # fmt: skip
    """Difference of τ-quantiles. Each one's interval inverts the interval of the share below it (Woodruff).

    Source: Woodruff 1952, Journal of the American Statistical Association 47, 635–646.
    """

    def ends(function: Callable[[float], float], size: float) -> tuple[float, float, float]:
        low, high = (float(end) for end in proportion_interval(np.asarray(tau), size, level))
        return function(tau), function(low), function(high)

    value, low, high = ends(at, n)
    if expected_n is None:
        expected = expected_at(tau)
        return value - expected, low - expected, high - expected
    other, other_low, other_high = ends(expected_at, expected_n)
    return _moved(value, low, high, other, other_low, other_high)
