"""Scores of a predicted drift against an observed one, from the counts in the ledger."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pushforward.forecast.observed import Observed

__all__ = ["Drift", "Scores", "best_factor", "floor", "pushed", "scores", "second_run", "shifted"]

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Drift:
    """A predicted drift Δ̃ (W,) and its noise.

    Attributes:
        values: Δ̃ = p̃ − π.
        variance: Σ_b Var Δ̃_b.
        cross: the noise that it shares with an observed drift Δ = p̂ − π, Σ_b Cov(Δ̃_b, Δ_b).
    """

    values: Array
    variance: float = 0.0
    cross: float = 0.0

    def times(self, factor: float) -> Drift:
        """The same shape at another size."""
        return Drift(factor * self.values, factor**2 * self.variance, factor * self.cross)

    def plus(self, other: Drift) -> Drift:
        """The sum with another; their noises count as independent."""
        return Drift(self.values + other.values, self.variance + other.variance, self.cross + other.cross)

    def less(self, other: Drift) -> Drift:
        """The difference from another, likewise."""
        return self.plus(other.times(-1))


@dataclass(frozen=True)
class Scores:
    """As `pushforward.forecast.skill.Scores`, without limits."""

    corr: float
    corr_corrected: float
    skill: float
    sign_accuracy: float


def pushed(before: Array, after: Array, edges: Array, n_reference: int) -> tuple[Drift, Array, Array]:
    """Δ̃ of pairs q -> q' (n,), one deviation of each, with the masses p̃ and π (W,) of these n.

    The n are among the n_reference trajectories that the observed drift stands against, which is the noise they share.
    """
    defined = np.isfinite(before)
    places = np.searchsorted(edges, [before[defined], after[defined]], side="right")
    kept = np.isfinite(after[defined])
    n, W = int(defined.sum()), len(edges) + 1
    start, end = np.bincount(places[0], minlength=W) / n, np.bincount(places[1][kept], minlength=W)
    mass = end / max(kept.sum(), 1)
    stayed = np.bincount(places[0][kept & (places[0] == places[1])], minlength=W) / n
    drift = mass - start
    variance = (mass + start - 2 * stayed - drift**2).sum() / (n - 1)
    shared = (stayed - start - drift * start).sum() / n_reference
    return Drift(drift, float(variance), -float(shared)), mass, start


def second_run(other: Observed) -> Drift:
    """Another run of the same model in a forecast's place: the ceiling. Both stand on the same data."""
    return Drift(
        other.drift,
        float((other.variance_made + other.variance_expected).sum()),
        float(other.variance_expected.sum()),
    )


def scores(seen: Observed, ahead: Drift, level: float = 0.05) -> Scores:
    """Correlation (raw, corrected for noise), skill and sign accuracy, as `docs/forecast.md` defines them."""
    raw = np.array([seen.drift @ seen.drift, seen.drift @ ahead.values, ahead.values @ ahead.values])
    noise = float((seen.variance_made + seen.variance_expected).sum())
    clean = raw - [noise, ahead.cross, ahead.variance]
    significant = seen.significant(level)
    agree = np.sign(seen.drift) == np.sign(ahead.values)
    return Scores(
        _corr(raw),
        _corr(clean),
        float(1 - (clean[0] - 2 * clean[1] + clean[2]) / clean[0]) if clean[0] > 0 else float("nan"),
        float(agree[significant].mean()) if significant.any() else float("nan"),
    )


def _corr(moments: Array) -> float:
    if min(moments[0], moments[2]) <= 0:
        return float("nan")
    return float(np.clip(moments[1] / np.sqrt(moments[0] * moments[2]), -1, 1))


def best_factor(seen: Observed, ahead: Drift) -> float:
    """The factor on Δ̃ of the highest skill, in hindsight."""
    square = float(ahead.values @ ahead.values) - ahead.variance
    return max((float(seen.drift @ ahead.values) - ahead.cross) / square, 0.0) if square > 0 else 0.0


def floor(seen: Observed, n: int, draws: int = 999, seed: int = 0) -> tuple[float, float]:
    """What 95 % of fresh samples of n trajectories stay below in a forecast's place: corr and skill."""
    law = seen.expected / seen.expected.sum()
    drawn = np.random.default_rng(seed).multinomial(n, law, size=draws) / n - law
    variance = float((law * (1 - law)).sum()) / n
    found = [scores(seen, Drift(values, variance)) for values in drawn]
    corr, skill = ([getattr(one, name) for one in found] for name in ("corr", "skill"))
    return float(np.quantile(corr, 0.95)), float(np.quantile(skill, 0.95))


def shifted(ahead: Drift, seed: int = 0) -> Drift:
    """The same changes of mass in other bins, by chance: a forecast that must have no skill."""
    return Drift(np.random.default_rng(seed).permutation(ahead.values), ahead.variance)
