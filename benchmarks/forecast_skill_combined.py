"""A pilot's drift together with kernels from data alone: its shape where they can make it, itself where they cannot."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import reduce

import numpy as np
from scipy.optimize import nnls

from benchmarks.forecast_skill_ledger import Ledger, Pair
from benchmarks.forecast_skill_plan import CHOSEN, FAMILY, HELD_OUT, PAPER
from benchmarks.forecast_skill_scores import Drift, Scores
from benchmarks.forecast_skill_table import FACTOR, grid, mean_scores, shown

__all__ = ["combined", "mixed", "towards"]

_WORST = -1.0
_BARS = (0.8, 0.5, 0.9)


def mixed(ahead: Drift, family: Sequence[Drift]) -> tuple[Drift, float]:
    """v = Σ w_k Δ_k with w ≥ 0 nearest to Δ̃, and R², the share of ‖Δ̃‖², freed of noise, that it explains.

    A mixture of kernels has the mixture of their drifts, so that v is the drift of a kernel from data alone.
    """
    weights, residual = nnls(np.stack([one.values for one in family], axis=1), ahead.values)
    v = reduce(Drift.plus, [one.times(float(w)) for one, w in zip(family, weights, strict=True)])
    signal = float(ahead.values @ ahead.values) - ahead.variance
    left = residual**2 - ahead.variance
    return v, float(np.clip(1 - left / signal, 0, 1)) if signal > 0 else 0.0


def towards(ledger: Ledger, pair: Pair, ahead: Drift | None, blend: float | None = None) -> Drift | None:
    """R² v + (1 − R²) Δ̃; with `blend` its own weight in the place of R²."""
    family = [ledger.ahead(pair[0], kernel) for kernel in dict.fromkeys((*FAMILY, *CHOSEN))]
    known = [one for one in family if one is not None]
    if ahead is None or not known:
        return ahead
    v, share = mixed(ahead, known)
    weight = share if blend is None else blend
    return v.times(weight).plus(ahead.times(1 - weight))


_WAYS: dict[str, Callable[[Ledger, Pair], Drift | None]] = {
    "pilot": lambda ledger, pair: ledger.pilot(pair),
    "family alone": lambda ledger, pair: towards(ledger, pair, ledger.pilot(pair), 1.0),
    "towards the family": lambda ledger, pair: towards(ledger, pair, ledger.pilot(pair)),
    "by level": lambda ledger, pair: _level(ledger, pair),
    "by level, towards the family": lambda ledger, pair: towards(ledger, pair, _level(ledger, pair)),
}


def _level(ledger: Ledger, pair: Pair) -> Drift | None:
    return ledger.pilot_by_level(pair) or ledger.pilot(pair)


def combined(ledger: Ledger) -> str:
    """Each pair by each way, then the mean over pairs: corr, skill (at least −1) and how many pass all bars."""
    lines, found = [], {}
    for pair in ledger.pairs:
        if ledger.pilot(pair) is None:
            continue
        for name, way in _WAYS.items():
            ahead = way(ledger, pair)
            found[pair, name] = mean_scores(ledger, pair, None if ahead is None else ahead.times(FACTOR))
        lines.append([*pair, *(shown(found[pair, name]) for name in _WAYS)])
    for label, systems in (("paper", PAPER), ("held out", HELD_OUT)):
        cells = [
            _mean([one for (pair, way), one in found.items() if way == name and pair[0] in systems and one])
            for name in _WAYS
        ]
        lines.append([f"mean, {label}", "", *cells])
    return grid(["system", "class", *_WAYS], lines)


def _mean(found: Sequence[Scores]) -> str:
    if not found:
        return ""
    corr, skill = np.mean([one.corr for one in found]), np.mean([max(one.skill, _WORST) for one in found])
    passed = sum(
        all(x >= bar for x, bar in zip((one.corr, one.skill, one.sign_accuracy), _BARS, strict=True))
        for one in found
    )
    return f"{corr:.2f} / {skill:.2f}; {passed} of {len(found)}"
