"""The tables of docs/repair.md, from the ledgers alone: `python -m benchmarks.repair --table`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from scipy import stats

from benchmarks.repair import COMPOSED, REPRESENTATIONS, SYSTEMS, forecasts, refused, texts, trained
from pushforward import systems

__all__ = ["arms", "halved", "ranking", "tables"]

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
        f"{mean(chosen, 'draws_per_kept'):.1f}" if chosen else "",
    ]


def _spread(rows: Rows, key: str, form: str, floor_form: str) -> str:
    values = [row[key] for row in rows]
    beside = f" ± {np.std(values, ddof=1):{floor_form}}" if len(rows) > 1 else ""
    return f"{np.mean(values):{form}}{beside} ({mean(rows, f'{key}_null_95'):{floor_form}})"


def ranking(kernel: str) -> str:
    """Spearman's ρ of forecast and trained total variation: all that has a forecast, and representations alone.

    Beside it what one seed of the trainings says of another: no forecast can be asked for more.
    """
    lines: dict[str, list[str]] = {"all candidates": [], "representations alone": []}
    lines |= {f"{label}, one seed for another": [] for label in tuple(lines)}
    for name in SYSTEMS:
        ahead, found = forecasts(name, kernel), by_arm(name)
        alone = {"none", *REPRESENTATIONS[name]}
        for label, kept in (("all candidates", found), ("representations alone", alone)):
            both = [arm for arm in found if arm in ahead and arm in kept]
            rho = _spearman([ahead[arm] for arm in both], [mean(found[arm], "tv") for arm in both])
            lines[label].append(f"{rho:.2f} of {len(both)}" if len(both) > 2 else "")
            ceiling = _between_seeds([found[arm] for arm in both])
            lines[f"{label}, one seed for another"].append("" if np.isnan(ceiling) else f"{ceiling:.2f}")
    return grid(("", *SYSTEMS), [[label, *cells] for label, cells in lines.items()])


def _between_seeds(trainings: Sequence[Rows]) -> float:
    """Mean over pairs of seeds, each over the arms that have both."""
    by_seed = [{row["seed"]: row["tv"] for row in rows} for rows in trainings]
    seeds = sorted({seed for one in by_seed for seed in one})
    found = []
    for a, b in ((a, b) for a in seeds for b in seeds if a < b):
        both = [one for one in by_seed if a in one and b in one]
        found.append(_spearman([one[a] for one in both], [one[b] for one in both]))
    return float(np.mean(found)) if found and not np.isnan(found).any() else float("nan")


def _spearman(first: Sequence[float], second: Sequence[float]) -> float:
    return float(stats.spearmanr(first, second).statistic) if len(first) > 2 else float("nan")


def halved(kernel: str) -> str:
    """What is left of W1 and of total variation above their floors, in shares of training as it is."""
    ways: dict[str, Callable[[str], tuple[str, ...]]] = {
        "first of `recommend`": lambda name: (_first(name, kernel),),
        "its best representation": lambda name: COMPOSED[name][:1],
        "`condition`": lambda name: ("condition",),
        "both": lambda name: (f"{COMPOSED[name][0]} + condition",),
    }
    lines = []
    for label, of in ways.items():
        cells = []
        for name in SYSTEMS:
            found, (arm,) = by_arm(name), of(name)
            left = (
                [_left(found, arm, key) for key in ("w1", "tv")] if arm in found and "none" in found else []
            )
            named = f"`{arm}`: " if label.startswith(("first", "its")) else ""
            cells.append(named + ", ".join(f"{one:.0%}" for one in left) if left else "")
        lines.append([label, *cells])
    return grid(("left of W1, of total variation", *SYSTEMS), lines)


def _first(name: str, kernel: str) -> str:
    ahead = forecasts(name, kernel)
    return min(ahead, key=lambda arm: ahead[arm]) if ahead else ""


def _left(found: dict[str, Rows], arm: str, key: str) -> float:
    def above(rows: Rows) -> float:
        return max(mean(rows, key) - mean(rows, f"{key}_null_95"), 0.0)

    before = above(found["none"])
    return above(found[arm]) / before if before > 0 else float("nan")


def tables(kernel: str) -> str:
    """All of them."""
    return "\n\n".join((arms(kernel), ranking(kernel), halved(kernel)))
