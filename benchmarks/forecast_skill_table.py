"""The tables of the study of forecast skill, as Markdown, from the ledger alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from benchmarks.forecast_skill_ledger import Ledger, Pair
from benchmarks.forecast_skill_plan import CHOSEN, DENOISERS, GENERATORS, HELD_OUT, PAPER, own_kernels
from benchmarks.forecast_skill_scores import Drift, Scores, floor, scores, second_run
from pushforward import kernels

__all__ = ["FACTOR", "grid", "mean_scores", "shown", "tables"]

# Of the pilot's drift, the share that the training in full is expected to have: the library's own.
FACTOR = 0.5
# Of its fine errors' drift and of its whole drift: chosen on diffusion models of the first three systems.
_HALF_FINE = 0.35
_DRIFTS = 3.0
_ELSEWHERE = "from data, fitted to the class elsewhere"


def grid(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    rows = [head, ["---"] * len(head), *lines]
    return "\n".join("| " + " | ".join(row) + " |" for row in rows)


def shown(found: Scores | None) -> str:
    """Corr, skill and sign accuracy in one cell."""
    if found is None:
        return ""
    return " / ".join(
        "–" if np.isnan(x) else f"{x:.2f}" for x in (found.corr, found.skill, found.sign_accuracy)
    )


def mean_scores(ledger: Ledger, pair: Pair, ahead: Drift | None) -> Scores | None:
    """Scores of one forecast, averaged over the seeds of the training."""
    if ahead is None:
        return None
    found = [scores(ledger.seen(pair, seed), ahead) for seed in ledger.seeds(pair)]
    names = ("corr", "corr_corrected", "skill", "sign_accuracy")
    return Scores(*(float(np.mean([getattr(one, name) for one in found])) for name in names))


def _pilot(ledger: Ledger, pair: Pair, factor: float = FACTOR) -> Drift | None:
    ahead = ledger.pilot(pair)
    return None if ahead is None else ahead.times(factor)


def _by_level(ledger: Ledger, pair: Pair) -> Drift | None:
    ahead = ledger.pilot_by_level(pair)
    return None if ahead is None else ahead.times(FACTOR)


def _half_fine(ledger: Ledger, pair: Pair) -> Drift | None:
    fine, whole = (ledger.ahead(pair[0], f"pilot, level {level}", pair[1]) for level in (0, 2))
    if fine is None or whole is None or pair[1] not in DENOISERS:
        return None
    return fine.times(_HALF_FINE).plus(whole.times(_HALF_FINE))


def _ceiling(ledger: Ledger, pair: Pair) -> Scores | None:
    seeds = ledger.seeds(pair)
    if len(seeds) < 2:
        return None
    first, second = (ledger.seen(pair, seed) for seed in seeds[:2])
    return scores(first, second_run(second))


def _over_floor(ledger: Ledger, pair: Pair) -> float:
    value, null = np.mean([ledger.models[(*pair, seed)]["tv"] for seed in ledger.seeds(pair)], axis=0)
    return float(value / null)


def _pairs(ledger: Ledger, systems: Sequence[str]) -> list[Pair]:
    return [pair for pair in ledger.pairs if pair[0] in systems]


def _scored(ledger: Ledger, systems: Sequence[str]) -> str:
    """Every pair with the kernels chosen in advance, its pilot and the ceiling."""
    names = [kernels.parse(label).name for label in CHOSEN]
    head = [
        "system",
        "class",
        "TV / floor",
        *names,
        "pilot",
        "pilot, half fine",
        "pilot by level",
        "another seed",
        "95 % of floor: corr, skill",
    ]
    lines = []
    for pair in _pairs(ledger, systems):
        found = [mean_scores(ledger, pair, ledger.ahead(pair[0], label)) for label in CHOSEN]
        low = floor(ledger.seen(pair, 0), int(ledger.data[pair[0]]["n"]))
        lines.append(
            [
                *pair,
                f"{_over_floor(ledger, pair):.1f}",
                *map(shown, found),
                shown(mean_scores(ledger, pair, _pilot(ledger, pair))),
                shown(mean_scores(ledger, pair, _half_fine(ledger, pair))),
                shown(mean_scores(ledger, pair, _by_level(ledger, pair))),
                shown(_ceiling(ledger, pair)),
                f"{low[0]:.2f}, {low[1]:.2f}",
            ]
        )
    return grid(head, lines)


def _reached(ledger: Ledger) -> str:
    """Of the pairs that drift, how many a forecast brings to the bars."""
    head = ["kernel", "systems", "pairs that drift", "corr ≥ 0.8", "skill ≥ 0.5", "sign ≥ 0.9", "all three"]
    lines = []
    for label in (*CHOSEN, _ELSEWHERE, "pilot", "pilot, half fine", "pilot by level"):
        for what, systems in (("paper", PAPER), ("held out", HELD_OUT)):
            drifting = [p for p in _pairs(ledger, systems) if _over_floor(ledger, p) > _DRIFTS]
            found = [mean_scores(ledger, p, _any(ledger, p, label)) for p in drifting]
            known = [one for one in found if one is not None]
            met = [(one.corr >= 0.8, one.skill >= 0.5, one.sign_accuracy >= 0.9) for one in known]
            counts = [sum(one[i] for one in met) for i in range(3)] + [sum(all(one) for one in met)]
            lines.append([label, what, str(len(known)), *map(str, counts)])
    return grid(head, lines)


def _any(ledger: Ledger, pair: Pair, label: str) -> Drift | None:
    from benchmarks.forecast_skill_transfer import elsewhere

    made = {
        "pilot": _pilot,
        "pilot, half fine": _half_fine,
        "pilot by level": _by_level,
        _ELSEWHERE: elsewhere,
    }
    return made[label](ledger, pair) if label in made else ledger.ahead(pair[0], label)


def _curves(ledger: Ledger) -> str:
    """From the trained model's own errors: corr and skill from fine to coarse, and shuffled."""
    parts = []
    for feeds in ("denoise", "rollout", "reconstruction"):
        labels = [kernels.create(name, **chosen).label for name, chosen in own_kernels((feeds,))]
        head = ["system", "class", *labels, "the last, shuffled", "solver's share [95 % CI]"]
        lines = []
        for pair in ledger.pairs:
            found = [ledger.ahead(pair[0], label, pair[1]) for label in (*labels, "shuffled")]
            if found[0] is None:
                continue
            # The model's own errors are those of the training that they were taken from.
            cells = ["" if one is None else _two(scores(ledger.seen(pair, 0), one)) for one in found]
            lines.append([*pair, *cells, _solver(ledger, pair)])
        parts.append(grid(head, lines))
    return "\n\n".join(parts)


def _two(found: Scores) -> str:
    return f"{found.corr:.2f} ({found.corr_corrected:.2f}) / {found.skill:.2f}"


def _solver(ledger: Ledger, pair: Pair) -> str:
    row = ledger.solvers.get(pair)
    if row is None or row["share"] is None or not np.isfinite(row["share"]).all():
        return ""
    return "{:.0%} [{:.0%}, {:.0%}]".format(*row["share"])


def _cost(ledger: Ledger) -> str:
    """Processor seconds of a forecast beside those of the training that it replaces."""
    head = ["class", "training", "sampling", *(kernels.parse(label).name for label in CHOSEN), "pilot"]
    lines = []
    for name in GENERATORS:
        pairs = [pair for pair in ledger.pairs if pair[1] == name]
        if not pairs:
            continue
        rows = [ledger.models[(*pair, 0)] for pair in pairs]
        training = float(np.mean([row["cpu"] for row in rows]))
        cells = [f"{training:.0f} s", f"{np.mean([row['sample_cpu'] for row in rows]):.0f} s"]
        for label in CHOSEN:
            used = [
                ledger.kernels[(p[0], "", label)]["cpu"] for p in pairs if (p[0], "", label) in ledger.kernels
            ]
            cells.append(f"{np.mean(used) / training:.1%}" if used else "")
        either = [
            ledger.kernels.get((*p, "pilot, level 2"), ledger.kernels.get((*p, "pilot"))) for p in pairs
        ]
        found = [one for one in either if one is not None]
        if found:
            used = np.mean([one["train_cpu"] + one["cpu"] for one in found])
            cells.append(f"{used / training:.0%} ({np.mean([one['share'] for one in found]):.1%} of FLOPs)")
        lines.append([name, *cells])
    return grid(head, lines)


def _validity(ledger: Ledger) -> str:
    """Share of valid samples, W1 over its floor, seconds of training."""
    head = ["class", *PAPER, *HELD_OUT]
    lines = []
    for name in GENERATORS:
        cells = []
        for system in head[1:]:
            row = ledger.models.get((system, name, 0))
            cells.append(
                ""
                if row is None
                else f"{row['valid']:.1%}, {row['w1'][0] / row['w1'][1]:.1f}, {row['cpu']:.0f} s"
            )
        lines.append([name, *cells])
    return grid(head, lines)


def tables(ledger: Ledger) -> str:
    """All of them, with what each shows."""
    from benchmarks.forecast_skill_combined import combined
    from benchmarks.forecast_skill_transfer import (
        classes,
        errors_elsewhere,
        own_factor,
        pilots_of_classes,
        transfer,
    )

    parts: list[tuple[str, Callable[[Ledger], str]]] = [
        ("Before training: corr / skill / sign accuracy", lambda known: _scored(known, PAPER)),
        ("The same, systems held out", lambda known: _scored(known, HELD_OUT)),
        (f"Pairs whose TV exceeds {_DRIFTS:g} times its floor", _reached),
        ("The pilot's factor from other systems of the class", own_factor),
        ("Pilots together with kernels from data alone: corr / skill / sign accuracy", combined),
        ("From the model's own errors: corr (corrected) / skill", _curves),
        ("Kernels fitted on other systems", transfer),
        ("Fitted errors of other systems", errors_elsewhere),
        ("Drift of one class against another's", classes),
        ("Pilots of one class against another's drift", pilots_of_classes),
        ("Cost, in shares of the training's processor time", _cost),
        ("Valid, W1 over its noise floor, training", _validity),
    ]
    return "\n\n".join(f"### {title}\n\n{part(ledger)}" for title, part in parts)
