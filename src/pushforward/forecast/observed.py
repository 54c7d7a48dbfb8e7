"""What a forecast is compared with: the masses of an audit with their sampling noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pushforward.errors import named
from pushforward.measure import inference
from pushforward.measure.grid import Grid
from pushforward.measure.results import Audit, QuantityAudit

__all__ = ["Observed", "grid_of", "observed_by", "quantity_of"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Observed:
    """Masses by bin, W = bins + 2, and the number of independent values behind them.

    Attributes:
        edges: (bins + 1,) edges of the bins.
        made, expected: (W,) p̂ and π.
        n_made: independent values behind p̂.
        n_reference: behind π; None for a stated law.
        intended: how π was given.
    """

    edges: Array
    made: Array
    expected: Array
    n_made: float
    n_reference: float | None
    intended: str

    @property
    def drift(self) -> Array:
        """(W,) Δ = p̂ − π."""
        return self.made - self.expected

    @property
    def variance_made(self) -> Array:
        """(W,) unbiased variance of p̂, from its counts."""
        return np.asarray(self.made * (1 - self.made) / max(self.n_made - 1, 1.0))

    @property
    def variance_expected(self) -> Array:
        """(W,) unbiased variance of π; 0 for a stated law."""
        if self.n_reference is None:
            return np.zeros_like(self.expected)
        return np.asarray(self.expected * (1 - self.expected) / max(self.n_reference - 1, 1.0))

    def draws(self, count: int, rng: np.random.Generator) -> tuple[Array, Array]:
        """(count, W) errors of p̂ and of π, from counts drawn anew."""
        first = _errors(self.made, self.n_made, count, rng)
        if self.n_reference is None:
            return first, np.zeros_like(first)
        return first, _errors(self.expected, self.n_reference, count, rng)

    def significant(self, level: float) -> NDArray[np.bool_]:
        """(W,) bins whose masses differ at `level`, Benjamini–Hochberg over the bins.

        Exact: given the sum of both counts, the first is binomial without drift; against a stated law it is anyway.
        """
        n, m = round(self.n_made), None if self.n_reference is None else round(self.n_reference)
        k = np.rint(self.made * n)
        if m is None:
            size, share = np.full_like(k, n), self.expected
        else:
            size, share = k + np.rint(self.expected * m), np.full_like(k, n / (n + m))
        p = np.minimum(2 * np.minimum(_below(k, size, share), 1 - _below(k - 1, size, share)), 1.0)
        return np.asarray(inference.benjamini_hochberg(p) <= level)

    def significant_draws(self, drifts: Array, errors: Array, level: float) -> NDArray[np.bool_]:
        """(R, W) the same for many drifts (R, W) whose π erred by `errors` (R, W), by the normal approximation."""
        expected = np.clip(self.expected + errors, 0.0, 1.0)
        made = np.clip(expected + drifts, 0.0, 1.0)
        n, m = self.n_made, np.inf if self.n_reference is None else self.n_reference
        pooled = expected if np.isinf(m) else (n * made + m * expected) / (n + m)
        variance = np.maximum(pooled * (1 - pooled) * (1 / n + 1 / m), 1e-300)
        p = special.erfc(np.abs(made - expected) / np.sqrt(2 * variance))
        # Benjamini–Hochberg's step: the largest p-value that is small enough for its rank decides for all below it.
        ordered, rank = np.sort(p, axis=1), np.arange(1, p.shape[1] + 1)
        passed = np.where(ordered <= level * rank / p.shape[1], ordered, -1.0).max(axis=1)
        return np.asarray(p <= passed[:, None])


def quantity_of(audit: Audit | QuantityAudit, name: str) -> QuantityAudit:
    """The audit of one quantity.

    Raises:
        InputError: it was not audited; lists what was.
    """
    if isinstance(audit, QuantityAudit):
        return audit
    for quantity in audit.quantities:
        if quantity.name == name:
            return quantity
    raise named("quantity of the audit", name, [quantity.name for quantity in audit.quantities])


def grid_of(audit: Audit | QuantityAudit, name: str) -> Grid:
    """The bins in which an audit counted a quantity."""
    edges = quantity_of(audit, name).bins.edges
    subdivisions = int(audit.grid.get("subdivisions", 32)) if isinstance(audit, Audit) else 32
    return Grid(float(edges[0]), float(edges[-1]), len(edges) - 1, subdivisions)


def observed_by(audit: QuantityAudit, level: float = 0.05) -> Observed:
    """What an audit counted. Clusters reduce the counts to what they are worth, as the audit's own band (of `level`)
    tells."""
    bins = audit.bins
    effect = 1.0 if audit.n_groups_made is None else _design_effect(audit, level)
    reference_effect = effect if audit.n_groups_reference is not None else 1.0
    return Observed(
        bins.edges,
        bins.made,
        bins.expected,
        audit.n_made / effect,
        None if audit.n_reference is None else audit.n_reference / reference_effect,
        audit.intended,
    )


def _design_effect(audit: QuantityAudit, level: float) -> float:
    """How many values count as one, from the width of the simultaneous band around the masses."""
    p, width = audit.bins.made, audit.bins.high - audit.bins.low
    usual = (p * audit.n_made >= 20) & (width > 0)
    if not usual.any():
        return max(audit.n_made / max(audit.n_groups_made or 1, 1), 1.0)
    z = -float(special.ndtri(inference.sidak(level, len(p)) / 2))
    independent = 2 * z * np.sqrt(p[usual] * (1 - p[usual]) / audit.n_made)
    return max(float(np.median(np.square(width[usual] / independent))), 1.0)


def _errors(mass: Array, n: float, count: int, rng: np.random.Generator) -> Array:
    law, size = mass / mass.sum(), max(round(n), 1)
    return np.asarray(rng.multinomial(size, law, size=count) / size - law)


def _below(k: Array, n: Array, share: Array) -> Array:
    """P(X ≤ k) of a binomial."""
    inside = special.bdtr(np.clip(k, 0, n), n, np.clip(share, 0.0, 1.0))
    return np.asarray(np.where(k < 0, 0.0, np.where(k >= n, 1.0, inside)))
