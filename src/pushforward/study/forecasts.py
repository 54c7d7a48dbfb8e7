"""Which forecasts a study makes: one for each kernel and data, or kernel and trained model, once the runs are done.

A forecast has a record of its own beside those of the runs: kernels can be added to a study that is done, and no
run is repeated for it.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from typing import Any

from pushforward.study.runs import Run

__all__ = ["FORMAT", "forecasts_of"]

FORMAT = 1
"""Major version of what a forecast's record is."""

Listed = Mapping[str, Any]


def forecasts_of(
    runs: Sequence[Listed], kernels: Sequence[Listed], done: Collection[str]
) -> Iterator[tuple[Listed, Run]]:
    """(kernel, forecast) of all that can be made from the runs that are done, in the order of the plan.

    A forecast is kept as a run is. Its content names the kernel, the runs that it is scored against and, for the
    ceiling, for each of these the run of the next seed: so everything that determines it.
    """
    groups: dict[tuple[str, int, int], list[Listed]] = {}
    for run in runs:
        if run["id"] in done:
            groups.setdefault((run["data"], run["samples"], run["seed"]), []).append(run)
    seconds = _seconds(runs, done)
    for kernel in kernels:
        for found in groups.values():
            scored = [run for run in found if run["arm"] in kernel["arms"]]
            parts = [[run] for run in scored] if kernel["of_model"] else [scored]
            for part in parts:
                if part:
                    yield kernel, _forecast(kernel, part, seconds)


def _forecast(kernel: Listed, scored: Sequence[Listed], seconds: Mapping[str, str]) -> Run:
    first = scored[0]
    content = {
        "format": FORMAT,
        "forecast": dict(kernel["content"]),
        "generator": None,
        "of_model": kernel["of_model"],
        "samples": first["samples"],
        "seed": first["seed"],
        "runs": [run["id"] for run in scored],
        "seconds": {run["id"]: seconds[run["id"]] for run in scored if run["id"] in seconds},
    }
    beside = f" of {first['arm']}" if kernel["of_model"] else ""
    return Run(content, first["data"], f"forecast by {kernel['label']}{beside}")


def _seconds(runs: Sequence[Listed], done: Collection[str]) -> dict[str, str]:
    """Run -> the same arm's run of the next seed that is done; the first one follows the last."""
    arms: dict[tuple[str, str, int], list[str]] = {}
    for run in runs:
        if run["id"] in done:
            arms.setdefault((run["data"], run["arm"], run["samples"]), []).append(run["id"])
    return {
        run: found[(i + 1) % len(found)]
        for found in arms.values()
        if len(found) > 1
        for i, run in enumerate(found)
    }
