"""skill: how well a forecast met the drift that was observed, beside the noise floor and the ceiling."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pushforward.errors import InputError, printable, require
from pushforward.forecast.observed import Observed, grid_of, observed_by, quantity_of
from pushforward.forecast.results import Estimate, Forecast, finite
from pushforward.measure.results import Audit, QuantityAudit

__all__ = ["Scores", "Skill", "skill"]

Array = NDArray[np.float64]
_DRAWS = 999
# What two samples of one law differ by this rarely is taken for two laws.
_SURE = 1e-6
_SAME = 0.01


@dataclass(frozen=True)
class Scores:
    """How well one predicted drift Δ̃ meets the observed drift Δ; sums run over all W bins.

    Attributes:
        corr: ΣΔ̃Δ / √(ΣΔ̃² ΣΔ²), which is Pearson's, as both sum to 0.
        corr_corrected: the same with the noise's share in each of the three sums subtracted (unbiased estimates from
            counts): what endless samples would give.
        skill: 1 − (‖Δ − Δ̃‖² − noise) / (‖Δ‖² − noise), each noise likewise: 1 is perfect, 0 is "no drift predicted".
        sign_accuracy: over bins whose drift is significant (Benjamini–Hochberg over bins), the share whose gain or loss
            is predicted.
    """

    corr: Estimate
    corr_corrected: Estimate
    skill: Estimate
    sign_accuracy: Estimate


@final
@dataclass(frozen=True)
class Skill:
    """A forecast's scores, beside what noise and what a second run reach. `print(skill)` shows a table.

    Attributes:
        scores: of the forecast.
        floor: of a fresh sample of the data in the forecast's place: what predicting nothing but noise scores.
        ceiling: of the drift of a second run of the same model in the forecast's place, where one was given.
        drift: total variation between what was made and what was intended.
        drift_floor: what 95 % of comparisons without drift stay below.
        n_significant: bins whose drift is significant.
        n_bins: W, with those below and above the range.
        level: error level of the intervals.
    """

    scores: Scores
    floor: Scores
    ceiling: Scores | None
    drift: float
    drift_floor: float
    n_significant: int
    n_bins: int
    level: float

    @property
    def corr(self) -> Estimate:
        """Correlation of predicted and observed drift over bins."""
        return self.scores.corr

    @property
    def corr_corrected(self) -> Estimate:
        """The correlation corrected for noise."""
        return self.scores.corr_corrected

    @property
    def skill(self) -> Estimate:
        """1 is perfect, 0 is no better than predicting no drift."""
        return self.scores.skill

    @property
    def sign_accuracy(self) -> Estimate:
        """Share of significant bins whose gain or loss was predicted."""
        return self.scores.sign_accuracy

    @property
    def drift_over_floor(self) -> float:
        """The observed drift in units of its noise floor."""
        return self.drift / self.drift_floor if self.drift_floor > 0 else float("nan")

    def to_json(self) -> dict[str, Any]:
        """Plain numbers; null where a score is not defined."""
        record: dict[str, Any] = finite(asdict(self))
        return record

    def __str__(self) -> str:
        """A table."""
        from pushforward.forecast.table import skill_table

        return skill_table(self)


def skill(
    forecast: Forecast, audit: Audit | QuantityAudit, second: Audit | QuantityAudit | None = None
) -> Skill:
    """How well did a forecast meet the drift that an audit found?

    The forecast is counted anew on the audit's bins. Its drift Δ̃ = p̃ − π is compared with Δ = p̂ − π. Noise: the
    counts of what was made and of the reference, and the forecast's own sampling and Monte Carlo (not the uncertainty
    of its scale: it is scored at the scale that it has). Where both stand on the same data, what they share is taken
    into account. Intervals are bootstraps of all counts, around a truth of the noise-corrected size.

    Args:
        forecast: of the quantity that was audited.
        audit: of what the model made; of several quantities the one of the forecast's name.
        second: an audit of another run of the same model (another training seed), in the same bins: the ceiling.

    Raises:
        InputError: an audit of another quantity, bins that cannot be matched, different intended laws.
    """
    found = quantity_of(audit, forecast.name)
    other = None if second is None else quantity_of(second, forecast.name)
    seen = observed_by(found, _level(audit))
    ahead = forecast.on(grid_of(audit, forecast.name))
    shared = _same_law(ahead, seen)
    rng = np.random.default_rng([forecast.seed, _DRAWS, 1])
    comparison = _Comparison(seen, rng, forecast.level)
    scores = comparison.of_forecast(ahead, shared)
    return Skill(
        scores,
        comparison.of_fresh_sample(ahead.n),
        None if other is None else comparison.of_second(observed_by(other, _level(second))),
        drift=0.5 * float(np.abs(seen.drift).sum()),
        drift_floor=found.tv.null_95,
        n_significant=int(comparison.significant.sum()),
        n_bins=len(seen.made),
        level=forecast.level,
    )


def _level(audit: Audit | QuantityAudit | None) -> float:
    return audit.level if isinstance(audit, Audit) else 0.05


def _same_law(ahead: Forecast, seen: Observed) -> bool:
    """Whether both stand on the very same data.

    Raises:
        InputError: they start from laws that differ by more than sampling.
    """
    difference = ahead.expected - seen.expected
    if float(np.abs(difference).max()) < 1e-12:
        return seen.n_reference is not None and ahead.intended == "data"
    sizes = [ahead.n if ahead.intended == "data" else None, seen.n_reference]
    inverse = sum(1 / n for n in sizes if n is not None)
    pooled = np.maximum((ahead.expected + seen.expected) / 2, 1e-12)
    degrees = max(int((pooled > 1e-12).sum()) - 1, 1)
    size = float((difference**2 / pooled).sum())
    differ = size / inverse > stats.chi2.isf(_SURE, degrees) if inverse > 0 else size > _SURE
    tv = 0.5 * float(np.abs(difference).sum())
    if differ and tv > _SAME:
        raise InputError(
            f"skill of {printable(ahead.name, 60)}: the forecast starts from {printable(ahead.intended, 40)} and the "
            f"audit from {printable(seen.intended, 40)}, which differ (TV {tv:.3f}); expected the same: forecast with "
            "intended=, or audit against the same data"
        )
    return False


@final
class _Comparison:
    """One observed drift, and the scores of whatever is put in a forecast's place."""

    def __init__(self, seen: Observed, rng: np.random.Generator, level: float) -> None:
        self.seen, self.rng, self.level = seen, rng, level
        self.significant = seen.significant(level)
        self.noise_made, self.noise_expected = seen.variance_made, seen.variance_expected

    def of_forecast(self, ahead: Forecast, shared: bool) -> Scores:
        noise = ahead._noise.sampling()
        drift, expected = noise.drift, noise.expected
        errors_mass, errors_expected = noise.draws(_DRAWS, self.rng)
        made, reference = self.seen.draws(_DRAWS, self.rng)
        common = errors_expected if shared else reference
        cross = -float((drift * expected).sum()) if shared else 0.0
        return self._scores(
            ahead.drift, float(np.square(drift).sum()), cross, errors_mass - errors_expected, made, common
        )

    def of_second(self, other: Observed) -> Scores:
        """The drift of another run of the model as the forecast."""
        require(
            np.array_equal(other.edges, self.seen.edges),
            "skill: the second audit was counted in other bins than the first; expected the same range and bins",
        )
        shared = np.array_equal(other.expected, self.seen.expected) and self.seen.n_reference is not None
        variance = float((other.variance_made + other.variance_expected).sum())
        cross = float(self.noise_expected.sum()) if shared else 0.0
        made, reference = self.seen.draws(_DRAWS, self.rng)
        other_made, other_reference = other.draws(_DRAWS, self.rng)
        errors = other_made - (reference if shared else other_reference)
        return self._scores(other.drift, variance, cross, errors, made, reference)

    def of_fresh_sample(self, n: int) -> Scores:
        """Drift that is sampling noise alone as the forecast: where its scores lie, around their middle."""
        expected = self.seen.expected / self.seen.expected.sum()
        drifts = self.rng.multinomial(n, expected, size=_DRAWS) / n - expected
        variance = float((expected * (1 - expected)).sum()) / n
        truth = self._observed_moment()
        observed = np.broadcast_to(self.seen.drift, drifts.shape)
        moments = _moments(observed, drifts)
        corr = _corr(*moments)
        reached = _skill(truth, moments[1], moments[2] - variance)
        sign = _sign_accuracy(observed, drifts, self.significant)
        spread = [
            self._spread(float(np.nanmean(x)) if np.isfinite(x).any() else np.nan, x)
            for x in (corr, reached, sign)
        ]
        return Scores(spread[0], Estimate(np.nan, np.nan, np.nan), spread[1], spread[2])

    def _observed_moment(self) -> float:
        """ΣΔ² without its noise."""
        return float(np.square(self.seen.drift).sum() - (self.noise_made + self.noise_expected).sum())

    def _scores(
        self, predicted: Array, variance: float, cross: float, errors: Array, made: Array, reference: Array
    ) -> Scores:
        """Scores of a predicted drift (W,) with its noise, and draws (R, W) of all errors."""
        observed = self.seen.drift
        noise = np.array([float((self.noise_made + self.noise_expected).sum()), cross, variance])
        raw = np.array(_moments(observed, predicted))
        corrected = raw - noise
        truth = _of_moments(np.stack([observed, predicted]), raw, corrected)
        seen, ahead = truth[0] + made - reference, truth[1] + errors
        drawn = np.stack(_moments(seen, ahead))
        clean = drawn - noise[:, None]
        significant = self.seen.significant_draws(seen, reference, self.level)
        return Scores(
            self._spread(float(_corr(*raw)), _corr(*drawn)),
            self._spread(float(_corr(*corrected)), _corr(*clean)),
            self._spread(float(_skill(*corrected)), _skill(*clean)),
            self._spread(
                float(_sign_accuracy(observed, predicted, self.significant)),
                _sign_accuracy(seen, ahead, significant),
            ),
        )

    def _spread(self, value: float, drawn: Array) -> Estimate:
        """A value with the limits of its draws; not a number where most draws are none."""
        known = drawn[np.isfinite(drawn)]
        if not np.isfinite(value) or len(known) < len(drawn) / 2:
            return Estimate(value, np.nan, np.nan)
        low, high = np.quantile(known, [self.level / 2, 1 - self.level / 2])
        return Estimate(value, min(float(low), value), max(float(high), value))


def _moments(observed: Array, predicted: Array) -> tuple[Array, Array, Array]:
    """ΣΔ², ΣΔΔ̃, ΣΔ̃² over the last axis."""
    pairs = ((observed, observed), (observed, predicted), (predicted, predicted))
    first, second, third = (np.asarray((a * b).sum(axis=-1)) for a, b in pairs)
    return first, second, third


def _corr(observed: Any, cross: Any, predicted: Any) -> Array:
    """Correlation from the three sums; not defined where a sum is not positive."""
    product = np.where((observed > 0) & (predicted > 0), observed * predicted, np.nan)
    return np.asarray(np.clip(cross / np.sqrt(product), -1.0, 1.0))


def _skill(observed: Any, cross: Any, predicted: Any) -> Array:
    """1 − ‖Δ − Δ̃‖² / ‖Δ‖² from the three sums; not defined without a drift that exceeds its noise."""
    return np.asarray(1 - (observed - 2 * cross + predicted) / np.where(observed > 0, observed, np.nan))


def _sign_accuracy(observed: Array, predicted: Array, significant: NDArray[np.bool_]) -> Array:
    met = (np.sign(observed) == np.sign(predicted)) & significant
    count = np.asarray(significant.sum(axis=-1), dtype=np.float64)
    return np.asarray(met.sum(axis=-1) / np.where(count > 0, count, np.nan))


def _of_moments(pair: Array, raw: Array, corrected: Array) -> Array:
    """The two drifts (2, W) mixed so that their sums of squares and products are the corrected ones.

    A bootstrap around drifts that still hold their noise would add it a second time.
    """

    def root(moments: Array, inverse: bool) -> Array:
        values, vectors = np.linalg.eigh(np.array([[moments[0], moments[1]], [moments[1], moments[2]]]))
        largest = max(float(values.max()), 1e-300)
        values = np.clip(values, 1e-12 * largest if inverse else 0.0, None)
        return np.asarray((vectors * values ** (-0.5 if inverse else 0.5)) @ vectors.T)

    return np.asarray(root(corrected, inverse=False) @ root(raw, inverse=True) @ pair)
