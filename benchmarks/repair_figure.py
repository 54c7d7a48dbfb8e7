"""The picture of docs/repair.md: what `recommend` forecast before training, beside what training gave."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.repair import SYSTEMS, forecasts
from benchmarks.repair_table import by_arm, mean
from pushforward.report import style

__all__ = ["draw"]

_KINDS = {
    "as it is": ("s", "#000000"),
    "another representation": ("o", "#0072b2"),
    "with the quantity as condition": ("^", "#d55e00"),
    "both": ("D", "#009e73"),
    "guided": ("v", "#cc79a7"),
}


def draw(path: Path, kernel: str) -> None:
    """One panel for each system: forecast total variation (across) and trained (up), with the spread over seeds."""
    from matplotlib.figure import Figure

    with style.styled():
        figure = Figure(figsize=(13, 3.6), layout="constrained")
        panels = figure.subplots(1, len(SYSTEMS), sharex=True, sharey=True)
        ticks = (0.01, 0.03, 0.1, 0.3, 1.0)
        for axes, name in zip(panels, SYSTEMS, strict=True):
            ahead, found = forecasts(name, kernel), by_arm(name)
            for arm, rows in found.items():
                if arm in ahead:
                    marker, colour = _KINDS[_kind(arm)]
                    values = [row["tv"] for row in rows]
                    axes.errorbar(
                        ahead[arm],
                        np.mean(values),
                        yerr=np.std(values, ddof=1) if len(values) > 1 else None,
                        marker=marker,
                        color=colour,
                        markersize=5,
                        linewidth=1,
                    )
            axes.axhline(
                np.mean([mean(rows, "tv_null_95") for rows in found.values()]), color="0.6", linewidth=1
            )
            axes.set(xscale="log", yscale="log", title=name, xlabel="forecast")
            axes.set_xticks(ticks, [f"{tick:g}" for tick in ticks], minor=False)
            axes.set_yticks(ticks[1:], [f"{tick:g}" for tick in ticks[1:]], minor=False)
            axes.minorticks_off()
            axes.set(xlim=(0.008, 1.0), ylim=(0.02, 1.2))
            style.quiet(axes)
        panels[0].set_ylabel("after training")
        for kind, (marker, colour) in _KINDS.items():
            panels[0].plot([], [], marker=marker, color=colour, linestyle="none", label=kind)
        figure.legend(loc="outside lower center", ncols=len(_KINDS), frameon=False)
        figure.savefig(path, dpi=130)


def _kind(arm: str) -> str:
    if arm == "none":
        return "as it is"
    if arm == "guide":
        return "guided"
    if "condition" not in arm:
        return "another representation"
    return "both" if " + " in arm else "with the quantity as condition"
