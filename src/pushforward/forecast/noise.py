"""The forecast's law from its counts, and its uncertainty from the spread between folds."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pushforward.errors import InputError
from pushforward.forecast.tally import FlowTally
from pushforward.measure import inference

__all__ = [
    "Law",
    "Noise",
    "conditional",
    "interval_of_masses",
    "law_of",
    "noise_of",
    "significance",
    "student_interval",
]

Array = NDArray[np.float64]
_ROUNDING = 1e-13


@final
@dataclass(frozen=True, eq=False)
class Law:
    """p̃ and π by bin, and the shift of the mean; arrays may have further axes in front.

    Attributes:
        mass: (..., W) p̃.
        expected: (..., W) π.
        share: (..., W) how much of p̃ is made of the deviations of each bin.
        staying: (..., W) how much of it is stated mass in a bin without data, which stays.
        shift: (...) mean of p̃ minus mean of π, in the unit.
    """

    mass: Array
    expected: Array
    share: Array
    staying: Array
    shift: Array


def law_of(tally: FlowTally, wanted: Array | None, repeats: int) -> Law:
    """The predicted law of all data: p̃(b) = Σ_a π(a) κ(b | a), κ(b | a) the share of bin a's deviations that end in b.

    `wanted` (W,) is π where it is stated; else it is the data's. Mass of a stated π in a bin without data is taken to
    stay where it is; deviations on which the quantity is not defined are left out, as an audit leaves them out.
    """
    return _law(tally.origins.sum(axis=0), tally.joint.sum(axis=0), tally.sums.sum(axis=1), wanted, repeats)


def conditional(joint: Array | NDArray[np.int64]) -> Array:
    """Rows (..., W) of counts as shares that sum to 1, or to 0 where nothing was counted."""
    return np.asarray(joint / np.maximum(joint.sum(axis=-1, keepdims=True), 1))


def _law(origins: Array, joint: Array, sums: Array, wanted: Array | None, repeats: int) -> Law:
    """From origins (..., W), joint (..., W, W) and sums (4, ..., W)."""
    expected = conditional(origins) if wanted is None else np.broadcast_to(wanted, origins.shape)
    deviations = joint.sum(axis=-1)
    share = expected * (deviations / np.maximum(repeats * origins, 1))
    staying = np.where(origins > 0, 0.0, expected)
    # 1, to the last bit, where nothing is lost: a scale of zero must predict exactly no drift.
    lost = expected.sum(axis=-1) / np.maximum((share + staying).sum(axis=-1), 1e-300)
    share, staying = share * lost[..., None], staying * lost[..., None]
    mass = np.einsum("...a,...ab->...b", share, conditional(joint)) + staying
    of_all, of_kept, moved = sums[:3]
    means = share * moved / np.maximum(deviations, 1)
    # What is lost has a mean of its own, which the rest no longer has.
    left = share * of_kept / np.maximum(deviations, 1) - expected * of_all / np.maximum(origins, 1)
    shift = means.sum(axis=-1) + np.where(lost != 1.0, left.sum(axis=-1), 0.0)
    return Law(mass, expected, share, staying, shift)


@final
@dataclass(frozen=True, eq=False)
class Noise:
    """Independent components of the error of a `Law`: the covariance is the sum of their squares.

    Attributes:
        mass, expected: (K, W); a row of both is one component, so that they are paired.
        shift: (K,)
        degrees: degrees of freedom of the spread.
        sampled: how many of the components are sampling and Monte Carlo; those after them are the scale's.
        n: how many independent trajectories the data are worth.
    """

    mass: Array
    expected: Array
    shift: Array
    degrees: float
    sampled: int
    n: float

    @property
    def drift(self) -> Array:
        """(K, W) components of the error of p̃ − π, in which what both share cancels."""
        return self.mass - self.expected

    def with_component(self, mass: Array, shift: float) -> Noise:
        """A further source of error, which moves p̃ and not π."""
        return Noise(
            np.vstack([self.mass, mass]),
            np.vstack([self.expected, np.zeros_like(mass)]),
            np.append(self.shift, shift),
            self.degrees,
            self.sampled,
            self.n,
        )

    def sampling(self) -> Noise:
        """Only sampling and Monte Carlo: how far this forecast is from the same kernel's on endless data."""
        K = self.sampled
        return Noise(self.mass[:K], self.expected[:K], self.shift[:K], self.degrees, K, self.n)

    def half_width(self, level: float) -> float:
        """What a standard error is to be multiplied by: Student's quantile."""
        return float(special.stdtrit(self.degrees, 1 - level / 2))

    def draws(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """(count, W) errors of p̃ and of π, normal with this covariance, widened to Student's."""
        widening = np.sqrt(self.degrees / rng.chisquare(self.degrees, size=(count, 1)))
        times = rng.standard_normal((count, len(self.mass))) * widening
        return times @ self.mass, times @ self.expected


def noise_of(tally: FlowTally, law: Law, wanted: Array | None, repeats: int) -> Noise:
    """The error of `law` by the jackknife over folds: of the data's sampling and of the deviations' Monte Carlo.

    With θ₍ⱼ₎ the statistic without fold j, h_j = n / n_j and pseudo-values h_j·θ − (h_j − 1)·θ₍ⱼ₎, whose spread is
    the variance: (1/J) Σ (pseudo-value_j − their mean)² / (h_j − 1). Folds are random parts, so that groups stay whole.
    Source: Busing, Meijer & van der Leeden 1999, Statistics and Computing 9, 3–8.

    Raises:
        InputError: all data in one fold: a single group, or too few trajectories.
    """
    size = tally.origins.sum(axis=1)
    held = np.flatnonzero(size)
    if len(held) < 2:
        raise InputError(
            f"forecast: got {tally.n} trajectories of one group; expected at least 2 independent ones"
        )
    J, h = len(held), size.sum() / size[held]
    without = _law(
        tally.origins.sum(axis=0) - tally.origins[held],
        tally.joint.sum(axis=0) - tally.joint[held],
        tally.sums.sum(axis=1, keepdims=True) - tally.sums[:, held],
        wanted,
        repeats,
    )

    def components(whole: Array, rest: Array) -> Array:
        factor = h.reshape(-1, *[1] * (rest.ndim - 1))
        pseudo = factor * whole - (factor - 1) * rest
        found = (pseudo - pseudo.mean(axis=0)) / np.sqrt(J * (factor - 1))
        # What rounding leaves of differences between equal numbers is no uncertainty.
        return np.where(np.abs(found) > _ROUNDING * np.abs(whole).max(), found, 0.0)

    origins = tally.origins.sum(axis=0)
    pi = conditional(origins)
    sampling = components(pi, conditional(origins - tally.origins[held]))
    return Noise(
        components(law.mass, without.mass),
        sampling if wanted is None else np.zeros_like(sampling),
        components(law.shift, without.shift),
        J - 1.0,
        J,
        _worth(pi, sampling, tally.n),
    )


def _worth(pi: Array, sampling: Array, n: int) -> float:
    """Independent values behind the data's own law: n over the design effect of its clusters, at most n."""
    independent = float((pi * (1 - pi)).sum()) / n
    return n / max(float(np.square(sampling).sum()) / independent, 1.0) if independent > 0 else float(n)


def interval_of_masses(law: Law, noise: Noise, level: float) -> tuple[Array, Array]:
    """(W,) limits within which all of p̃ lies together: Jeffreys' at the number of independent values it is worth."""
    # As if one trajectory more were known: a bin that few have reached is not known better than that.
    p, variance = law.mass, np.square(noise.mass).sum(axis=0) + 1 / noise.n**2
    worth = (p + 1 / noise.n) * (1 - p) / variance
    # Student's quantile in place of the normal one: the spread between folds is itself uncertain.
    each = inference.sidak(level, len(p))
    normal = -float(special.ndtri(each / 2))
    worth = np.maximum(worth * (normal / noise.half_width(each)) ** 2, 1.0)
    return inference.bin_interval(p, worth, each)


def significance(law: Law, noise: Noise) -> Array:
    """(W,) p-values of p̃(b) ≠ π(b), adjusted for all bins together (Benjamini–Hochberg).

    Trajectories that start and end in the same bin cancel. One crossing is added to the variance, so that a few
    crossings in one direction are not taken for certain: 5 against none gives p = 0.04, an exact sign test 0.06.
    """
    difference = law.mass - law.expected
    error = np.sqrt(np.square(noise.drift).sum(axis=0) + 1 / noise.n**2)
    p = 2 * special.stdtr(noise.degrees, -np.abs(difference) / error)
    # Rounding of masses must not look like a drift that is certain.
    return inference.benjamini_hochberg(np.where(np.abs(difference) <= 1e-12, 1.0, np.minimum(p, 1.0)))


def student_interval(
    value: float, components: Array, noise: Noise, level: float
) -> tuple[float, float, float]:
    """(value, low, high) of a number whose error has these components."""
    half = noise.half_width(level) * math.sqrt(float(np.square(components).sum()))
    return value, value - half, value + half
