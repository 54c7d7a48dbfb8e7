"""The tables of docs/repair.md, from the ledgers alone: `python -m benchmarks.repair --table`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.repair import (
    REPRESENTATIONS,
    SYSTEMS,
    forecasts,
    labels,
    large_selections,
    recommendation,
    refused,
    texts,
    trained,
)
from pushforward import systems
from pushforward.recommend.results import NOTABLE

__all__ = [
    "arms",
    "chosen",
    "claims",
    "conditioned",
    "for_selection",
    "halved",
    "ranking",
    "selections",
    "tables",
]

Rows = list[dict[str, Any]]
_HEAD = ("system", "trained", "seeds", "W1 (floor)", "total variation (floor)", "shift of the mean", "valid")
_FURTHER = ("diversity", "forecast", "if selected: total variation (floor)", "draws for each kept")


def grid(head: Sequence[str], lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table."""
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *lines])


def mean(rows: Rows, key: str) -> float:
    """Over the seeds that have it."""
    return float(np.mean([row[key] for row in rows if key in row]))


def by_arm(name: str) -> dict[str, Rows]:
    """The trainings of each arm of a system: as it is first, then by total variation."""
    found = {arm: rows for arm in texts(systems.create(name), name) if (rows := trained(name, arm))}
    return dict(sorted(found.items(), key=lambda one: (one[0] != "none", mean(one[1], "tv"))))


def arms(kernel: str) -> str:
    """Every arm: means over training seeds, ± their standard deviation, the noise floor in brackets."""
    lines = []
    for name in SYSTEMS:
        ahead = forecasts(name, kernel)
        lines += [_arm(name, arm, rows, ahead.get(arm)) for arm, rows in by_arm(name).items()]
        refusals = [f"{name}: `{arm}` is refused: {why}" for arm, why in refused(name).items()]
        lines += [[one, *[""] * (len(_HEAD) + len(_FURTHER) - 1)] for one in refusals]
    return grid((*_HEAD, *_FURTHER), lines)


def _arm(name: str, arm: str, rows: Rows, ahead: float | None) -> list[str]:
    chosen = [row for row in rows if "draws_per_kept" in row]
    return [
        name,
        "as it is" if arm == "none" else f"`{arm}`",
        str(len(rows)),
        f"{_spread(rows, 'w1', '.3g', '.2g')} {rows[0]['unit']}".rstrip(),
        _spread(rows, "tv", ".3f", ".3f"),
        f"{mean(rows, 'mean_shift'):+.3g}".replace("-", "−"),
        f"{100 * mean(rows, 'valid'):.1f} %",
        f"{mean(rows, 'diversity'):.2f}",
        "" if ahead is None else f"{ahead:.3f}",
        f"{mean(chosen, 'selected_tv'):.3f} ({mean(chosen, 'selected_tv_null_95'):.3f})" if chosen else "",
        _draws(rows, chosen),
    ]


def _draws(rows: Rows, chosen: Rows) -> str:
    refused = sum("selected_refused" in row for row in rows)
    told = [f"{mean(chosen, 'draws_per_kept'):.1f}"] if chosen else []
    return ", ".join([*told, *([f"out of reach in {refused} of {len(rows)}"] if refused else [])])


def _spread(rows: Rows, key: str, form: str, floor_form: str) -> str:
    values = [row[key] for row in rows]
    beside = f" ± {np.std(values, ddof=1):{floor_form}}" if len(rows) > 1 else ""
    return f"{np.mean(values):{form}}{beside} ({mean(rows, f'{key}_null_95'):{floor_form}})"


def ranking(kernel: str) -> str:
    """Spearman's ρ of forecast and trained drift: all that has a forecast, and representations alone.

    Behind it what one seed of the trainings says of another: no forecast can be asked for more.
    """
    lines = [
        [f"{scope}, {label}", *(_agreement(name, kernel, drift, alone) for name in SYSTEMS)]
        for drift, label in (("w1", "W1"), ("tv", "total variation"))
        for scope, alone in (("all candidates", False), ("representations alone", True))
    ]
    return grid(("forecast for trained (one seed for another)", *SYSTEMS), lines)


def _agreement(name: str, kernel: str, drift: str, alone: bool) -> str:
    ahead, found = forecasts(name, kernel, drift), by_arm(name)
    kept = {"none", *REPRESENTATIONS[name]} if alone else set(found)
    both = [arm for arm in found if arm in ahead and arm in kept]
    if len(both) < 3:
        return ""
    rho = _spearman([ahead[arm] for arm in both], [mean(found[arm], drift) for arm in both])
    ceiling = _between_seeds([found[arm] for arm in both], drift)
    beside = "" if np.isnan(ceiling) else f" ({ceiling:.2f})"
    return f"{rho:.2f} of {len(both)}{beside}"


def _between_seeds(trainings: Sequence[Rows], drift: str) -> float:
    """Mean over pairs of seeds, each over the arms that have both."""
    by_seed = [{row["seed"]: row[drift] for row in rows} for rows in trainings]
    seeds = sorted({seed for one in by_seed for seed in one})
    found = []
    for a, b in ((a, b) for a in seeds for b in seeds if a < b):
        both = [one for one in by_seed if a in one and b in one]
        found.append(_spearman([one[a] for one in both], [one[b] for one in both]))
    return float(np.mean(found)) if found and not np.isnan(found).any() else float("nan")


def _spearman(first: Sequence[float], second: Sequence[float]) -> float:
    return float(stats.spearmanr(first, second).statistic) if len(first) > 2 else float("nan")


def halved() -> str:
    """What is left of W1 and of total variation above their floors, in shares of training as it is; what is valid."""
    lines = [["as it is", *(_told(name, "none", named=False) for name in SYSTEMS)]]
    for label, of in _WAYS.items():
        arms_of = [of(name) for name in SYSTEMS]
        cells = ["" if arm is None else _told(name, arm) for name, arm in zip(SYSTEMS, arms_of, strict=True)]
        lines.append([label, *cells])
    lines.append(["`condition`", *(_told(name, "condition", named=False) for name in SYSTEMS)])
    return grid(("left of W1, of total variation; valid", *SYSTEMS), lines)


def _told(name: str, arm: str, named: bool = True) -> str:
    found = by_arm(name)
    if not {arm, "none"} <= set(found):
        return ""
    left = ", ".join(f"{_left(found, arm, key):.0%}" for key in ("w1", "tv"))
    return f"`{arm}`: " * named + f"{left}; {mean(found[arm], 'valid'):.0%}"


def _recommended(name: str) -> str | None:
    told = recommendation(name)
    return None if told is None else _arm_of(name, told.best.name)


def chosen(name: str) -> str | None:
    """The lowest forecast of the representations; those not told apart from it by validity, as `recommend` does."""
    told = recommendation(name)
    if told is None:
        return None
    kept = [one for one in told.candidates if one.kind == "representation" and one.name != "identity"]
    alike = [one for one in kept if one.tv.value <= kept[0].tv.high]
    most = max(one.validity or 0.0 for one in alike)
    return _arm_of(name, next(one.name for one in alike if (one.validity or 0.0) >= most - NOTABLE))


def for_selection(name: str) -> str | None:
    """The representation in which `recommend` says that a selection draws least."""
    told = recommendation(name)
    return None if told is None else _arm_of(name, told.for_selection.name)


def _arm_of(name: str, label: str) -> str | None:
    return next((arm for arm, one in labels(name).items() if one == label), None)


def conditioned(name: str) -> str | None:
    """Conditioned in the codes of the lowest forecast."""
    ahead = {arm: tv for arm, tv in forecasts(name, "recommend").items() if arm.endswith(" + condition")}
    return min(ahead, key=lambda arm: ahead[arm]) if ahead else None


_WAYS: dict[str, Callable[[str], str | None]] = {
    "what `recommend` recommends": _recommended,
    "its best representation": chosen,
    "conditioned in the codes of the lowest forecast": conditioned,
}


def _left(found: dict[str, Rows], arm: str, key: str) -> float:
    def above(rows: Rows) -> float:
        return max(mean(rows, key) - mean(rows, f"{key}_null_95"), 0.0)

    before = above(found["none"])
    return above(found[arm]) / before if before > 0 else float("nan")


def claims() -> str:
    """The paper's claims as rows: total variation with and without, means over seeds, by system."""
    return grid(
        ("claim", *SYSTEMS),
        [
            ["reweighting does not stop the drift", *(_beside(name, "reweight") for name in SYSTEMS)],
            ["conditioning helps in simple cases", *(_beside(name, "condition") for name in SYSTEMS)],
            [
                "a kernel-informed representation reduces it",
                *(_beside(name, chosen(name) or "") for name in SYSTEMS),
            ],
        ],
    )


def _beside(name: str, arm: str) -> str:
    """Total variation with it and without, and the seeds in which it is the smaller, of W1 too."""
    found = by_arm(name)
    if arm not in found:
        return ""
    without = {row["seed"]: row for row in found["none"]}
    lower = [sum(row[key] < without[row["seed"]][key] for row in found[arm]) for key in ("tv", "w1")]
    pair = f"{mean(found[arm], 'tv'):.3f} for {mean(found['none'], 'tv'):.3f}"
    return f"{pair}; lower in {lower[0]} of {len(found[arm])} seeds (W1: {lower[1]})"


def selections() -> str:
    """Draws for each one kept of a large selection: as it is, in the best representation, and conditioned too."""
    rows = {(row["system"], row["arm"]): row for row in large_selections()}
    ways: dict[str, Callable[[str], str | None]] = {"as it is": lambda name: "none"}
    ways["where `recommend` says that it draws least"] = for_selection
    ways |= {label: of for label, of in _WAYS.items() if of is not _recommended}
    made = [name for name in SYSTEMS if (name, "none") in rows]
    lines = []
    for label, of in ways.items():
        found = [rows.get((name, of(name) or "")) for name in made]
        lines.append([label, *("" if row is None else _cost(row) for row in found)])
    return grid(("draws for each kept (tolerated); total variation (floor)", *made), lines)


def _cost(row: dict[str, Any]) -> str:
    if "selected_refused" in row:
        return "out of reach"
    named = "" if row["arm"] == "none" else f"`{row['arm']}`: "
    drawn = f"{row['draws_per_kept']:.2f} ({row['draws_tolerated']:.2f})"
    return f"{named}{drawn}; {row['selected_tv']:.3f} ({row['selected_tv_null_95']:.3f})"


def tables(kernel: str) -> str:
    """All of them."""
    return "\n\n".join((arms(kernel), ranking(kernel), halved(), claims(), selections()))
