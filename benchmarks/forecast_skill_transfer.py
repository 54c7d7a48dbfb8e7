"""What is learned on some systems, tried on others: kernels, factors, and whether a drift is typical of its class."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.forecast_skill_ledger import Ledger, Pair
from benchmarks.forecast_skill_plan import FAMILY, GENERATORS, HELD_OUT, PAPER
from benchmarks.forecast_skill_scores import Drift, Scores, best_factor, scores, second_run
from benchmarks.forecast_skill_table import FACTOR, grid, mean_scores, shown

__all__ = [
    "classes",
    "elsewhere",
    "errors_elsewhere",
    "fitted_factor",
    "fitted_kernel",
    "own_factor",
    "pilots_of_classes",
    "transfer",
]

# A forecast far worse than none counts as this much worse when settings are compared.
_WORST = -1.0


def _others(ledger: Ledger, system: str, generator: str) -> list[Pair]:
    """Trainings of a class on the paper's systems, but not on this one."""
    return [(other, generator) for other in PAPER if other != system and (other, generator) in ledger.pairs]


def _skill(ledger: Ledger, pair: Pair, kernel: str) -> float:
    found = mean_scores(ledger, pair, ledger.ahead(pair[0], kernel))
    return _WORST if found is None or np.isnan(found.skill) else max(found.skill, _WORST)


def fitted_kernel(ledger: Ledger, pairs: Sequence[Pair]) -> str:
    """The kernel of the family with the highest mean skill on these pairs."""
    return max(FAMILY, key=lambda kernel: float(np.mean([_skill(ledger, pair, kernel) for pair in pairs])))


def elsewhere(ledger: Ledger, pair: Pair) -> Drift | None:
    """The forecast of the kernel that suits the class on the other systems; None where there are no others."""
    others = _others(ledger, *pair)
    return ledger.ahead(pair[0], fitted_kernel(ledger, others)) if others else None


def transfer(ledger: Ledger) -> str:
    """For each pair: the kernel that suits its class on the other systems, those of other classes, and its own best."""
    head = [
        "system",
        "class",
        "fitted to the class elsewhere",
        "scores",
        "fitted to other classes, mean skill",
    ]
    head += ["best in hindsight", "scores"]
    lines = []
    for pair in ledger.pairs:
        others = _others(ledger, *pair)
        if not others:
            continue
        label = fitted_kernel(ledger, others)
        wrong = [_others(ledger, pair[0], name) for name in GENERATORS if name != pair[1]]
        skills = [_skill(ledger, pair, fitted_kernel(ledger, one)) for one in wrong if one]
        best = fitted_kernel(ledger, [pair])
        cells = [label, shown(mean_scores(ledger, pair, ledger.ahead(pair[0], label)))]
        cells += [f"{np.mean(skills):.2f}" if skills else ""]
        lines.append([*pair, *cells, best, shown(mean_scores(ledger, pair, ledger.ahead(pair[0], best)))])
    return grid(head, lines)


def errors_elsewhere(ledger: Ledger) -> str:
    """Size and spectrum of a model's finest errors on one system as the kernel of another with the same channels."""
    head = [
        "errors of",
        "class",
        "forecast of",
        "the class there",
        "other classes there, mean",
        "errors of there",
    ]
    lines = []
    for origin, name in ledger.pairs:
        label = f"errors of {origin}"
        there = [pair for pair in ledger.pairs if pair[1] == name and pair[0] != origin]
        for pair in there:
            ahead = ledger.ahead(pair[0], label, name)
            if ahead is None:
                continue
            wrong = [other for other in ledger.pairs if other[0] == pair[0] and other[1] != name]
            found = [mean_scores(ledger, other, ahead) for other in wrong]
            own = ledger.ahead(pair[0], f"errors of {pair[0]}", name)
            cells = [
                shown(mean_scores(ledger, pair, ahead)),
                _means([one for one in found if one]),
            ]
            lines.append([origin, name, pair[0], *cells, shown(mean_scores(ledger, pair, own))])
    return grid(head, lines)


def _means(found: Sequence[Scores]) -> str:
    """Mean corr and skill."""
    if not found:
        return ""
    return " / ".join(f"{np.mean([getattr(one, key) for one in found]):.2f}" for key in ("corr", "skill"))


def fitted_factor(ledger: Ledger, pairs: Sequence[Pair]) -> float:
    """The geometric mean of the pilots' best factors on these pairs."""
    found = []
    for pair in pairs:
        ahead = ledger.pilot(pair)
        if ahead is not None:
            found += [max(best_factor(ledger.seen(pair, seed), ahead), 0.05) for seed in ledger.seeds(pair)]
    return float(np.exp(np.mean(np.log(found)))) if found else FACTOR


def own_factor(ledger: Ledger) -> str:
    """The pilot with the factor that its class had on the other systems."""
    head = [
        "system",
        "class",
        "factor elsewhere",
        "scores",
        f"scores with {FACTOR:g}",
        "best factor in hindsight",
    ]
    lines = []
    for pair in ledger.pairs:
        ahead = ledger.pilot(pair)
        others = _others(ledger, *pair)
        if ahead is None or not others:
            continue
        factor = fitted_factor(ledger, others)
        best = best_factor(ledger.seen(pair, 0), ahead)
        cells = [shown(mean_scores(ledger, pair, ahead.times(one))) for one in (factor, FACTOR)]
        lines.append([*pair, f"{factor:.2f}", *cells, f"{best:.2f}"])
    return grid(head, lines)


def _matrix(ledger: Ledger, corr: dict[tuple[str, str], list[float]], first: str) -> str:
    known = [name for name in GENERATORS if any(name in key for key in corr)]
    lines = []
    for a in known:
        cells = [f"{np.mean(corr[a, b]):.2f}" if corr.get((a, b)) else "" for b in known]
        lines.append([a, *cells])
    return grid([first, *known], lines)


def classes(ledger: Ledger) -> str:
    """Corrected correlation between the drifts of two classes on the same system, averaged; diagonal: two seeds."""
    found: dict[tuple[str, str], list[float]] = {}
    for system in (*PAPER, *HELD_OUT):
        for a in GENERATORS:
            for b in GENERATORS:
                seeds = ledger.seeds((system, b))
                other = max(seeds, default=0) if a == b else 0
                if (system, a, 0) not in ledger.models or not seeds or (a == b and other == 0):
                    continue
                second = second_run(ledger.seen((system, b), other))
                score = scores(ledger.seen((system, a), 0), second).corr_corrected
                found.setdefault((a, b), []).extend([] if np.isnan(score) else [score])
    return _matrix(ledger, found, "drift of ╲ and of")


def pilots_of_classes(ledger: Ledger) -> str:
    """Corr of the pilots of one class (rows) with the drift of another (columns), averaged over systems."""
    found: dict[tuple[str, str], list[float]] = {}
    for system in (*PAPER, *HELD_OUT):
        for a in GENERATORS:
            ahead = ledger.pilot((system, a))
            for b in GENERATORS if ahead is not None else ():
                if (system, b) in ledger.pairs:
                    scored = mean_scores(ledger, (system, b), ahead)
                    found.setdefault((a, b), []).append(scored.corr if scored else np.nan)
    return _matrix(ledger, found, "pilot of ╲ drift of")
