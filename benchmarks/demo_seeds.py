"""Are the demo's figures right? Five seeds of it beside studies of the same recipe with five other seeds.

The demo takes shortcuts: it forecasts and explains from a part of the trajectories, ranks among a few candidates, and
runs its stages in processes of its own. A study (`pushforward study`) does the same by another way: data and training
of seeds 100 to 104, the audit, the pilot and the trained model's own errors scored as studies do. Each figure's mean
over the demo's seeds is compared with its mean over the study's by Welch's t-interval. Both are resumable and kept in
`--folder`; about half an hour on two cores. Run: `python -m benchmarks.demo_seeds`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from scipy import stats

import pushforward as pf
from benchmarks.table import Row, table
from pushforward.demo.budgets import FULL
from pushforward.demo.chapters import CHAPTERS, Chapter
from pushforward.measure import AuditSettings
from pushforward.study import Study
from pushforward.study.plan import GeneratorArm, KernelForecast, Plan, SystemData

SEEDS, OTHERS = (0, 1, 2, 3, 4), (100, 101, 102, 103, 104)
RESULTS = Path(__file__).parent / "results" / "demo_seeds.json"
PLAIN, REPAIRED, PILOT, OWN = "plain", "repaired", "pilot", "own errors"
REPAIRS = {"logistic-map": "map-parameter", "maze": "speed-heading", "double-pendulum": "energy-phase"}
# The demo widens the data's range by this share on either side, and counts its bins over that.
_WIDER = 0.15
_Numbers = dict[str, list[float]]

# Figure -> where the demo's record has it.
FIGURES: dict[str, Callable[[Mapping[str, Any]], float | None]] = {
    "drift, W1": lambda one: one["drift"]["w1"],
    "drift, TV": lambda one: one["drift"]["tv"],
    "noise floor of TV": lambda one: one["drift"]["tv_null_95"],
    "mean shift": lambda one: one["drift"]["mean_shift"]["value"],
    "valid": lambda one: one["drift"]["valid"],
    "forecast: corr": lambda one: one["forecast"]["corr"]["value"],
    "forecast: skill": lambda one: one["forecast"]["skill"]["value"],
    "forecast: signs": lambda one: one["forecast"]["sign_accuracy"]["value"],
    "own errors: corr": lambda one: one["explanation"]["corr"]["value"],
    "own errors: corr freed of noise": lambda one: one["explanation"]["corr_corrected"]["value"],
    "own errors: skill": lambda one: one["explanation"]["skill"]["value"],
    "repaired: W1": lambda one: one["repaired"]["w1"],
    "repaired: TV": lambda one: one["repaired"]["tv"],
    "repaired: mean shift": lambda one: one["repaired"]["mean_shift"]["value"],
    "repaired: valid": lambda one: one["repaired"]["valid"],
}


def demo(folder: Path, seed: int) -> dict[str, Any]:
    """The record of one demo, run where it is missing."""
    record, room = folder / f"demo-{seed}.json", folder / f"demo-{seed}"
    if not record.exists():
        command = [sys.executable, "-m", "pushforward", "demo", "--seed", str(seed)]
        command += ["-o", str(room), "--json", str(record), *(["--resume"] if room.exists() else [])]
        subprocess.run(command, check=True)
    found: dict[str, Any] = json.loads(record.read_text())
    return found


def plan(chapter: Chapter) -> Plan:
    """The chapter as a study."""
    settings = {"steps": FULL.steps, "batch_size": FULL.batch_size}
    data = chapter.simulated(FULL.n_data, OTHERS[0])
    values = chapter.phi(data)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = _WIDER * (high - low)
    return Plan(
        title=f"The demo's chapter {chapter.key}, as a study",
        systems=(
            SystemData(
                name=chapter.system,
                intended=chapter.law,
                n=FULL.n_data,
                T=chapter.T,
                dt=chapter.dt or None,
                parameters=chapter.settings,
            ),
        ),
        generators=(
            GeneratorArm(name="diffusion", settings=settings, label=PLAIN),
            GeneratorArm(
                name="diffusion",
                settings=settings,
                mitigations=(f"represent({REPAIRS[chapter.key]})",),
                label=REPAIRED,
            ),
        ),
        kernels=(
            KernelForecast(kernel="pilot", settings={"share": FULL.share}, arms=(PLAIN,), label=PILOT),
            KernelForecast(kernel="denoise(scale=2)", arms=(PLAIN,), label=OWN),
        ),
        seeds=OTHERS,
        samples=(FULL.n_made,),
        audit=AuditSettings(resamples=FULL.resamples, range=(low - margin, high + margin)),
    )


def studied(folder: Path, chapter: Chapter) -> _Numbers:
    """Figure -> its value for each seed, by the chapter's study, run where it is missing."""
    study = Study(plan(chapter), folder / f"study-{chapter.key}")
    ended = study.run(resume=True)
    if ended.failed:
        raise RuntimeError(f"{chapter.key}: {next(iter(ended.failed.values()))}")
    results = study.results()
    audits = {(row["arm"], row["seed"]): row for row in results.rows}
    scores = {(row["kernel"], row["seed"]): row for row in results.forecasts}
    sources: dict[str, tuple[Mapping[tuple[str, int], Any], str, str]] = {
        "drift, W1": (audits, PLAIN, "w1"),
        "drift, TV": (audits, PLAIN, "tv"),
        "noise floor of TV": (audits, PLAIN, "tv_null_95"),
        "mean shift": (audits, PLAIN, "mean_shift"),
        "valid": (audits, PLAIN, "valid_share"),
        "forecast: corr": (scores, PILOT, "corr"),
        "forecast: skill": (scores, PILOT, "skill"),
        "forecast: signs": (scores, PILOT, "sign_accuracy"),
        "own errors: corr": (scores, OWN, "corr"),
        "own errors: corr freed of noise": (scores, OWN, "corr_corrected"),
        "own errors: skill": (scores, OWN, "skill"),
        "repaired: W1": (audits, REPAIRED, "w1"),
        "repaired: TV": (audits, REPAIRED, "tv"),
        "repaired: mean shift": (audits, REPAIRED, "mean_shift"),
        "repaired: valid": (audits, REPAIRED, "valid_share"),
    }
    return {
        name: [float(rows[label, seed][column]) for seed in OTHERS]
        for name, (rows, label, column) in sources.items()
    }


def told(folder: Path, position: int) -> _Numbers:
    """Figure -> its value for each seed, by the demo; NaN where it has none."""
    chapters = [demo(folder, seed)["chapters"][position] for seed in SEEDS]
    found: _Numbers = {}
    for name, value in FIGURES.items():
        numbers = [value(one) for one in chapters]
        found[name] = [float("nan") if number is None else float(number) for number in numbers]
    return found


def rows(found: Mapping[str, Mapping[str, _Numbers]]) -> list[Row]:
    """Each figure of each chapter: the two means, their difference with its 95 % interval."""
    made = []
    for key, sides in found.items():
        for name in FIGURES:
            mine, theirs = (np.array(sides[side][name]) for side in ("demo", "study"))
            gap = mine.mean() - theirs.mean()
            limits = interval(mine, theirs)
            inside = limits[0] <= 0 <= limits[1]
            made.append(
                {
                    "what": f"{key}: {name}",
                    "ours": f"{mine.mean():.4g} ± {mine.std(ddof=1):.2g}",
                    "peer": f"{theirs.mean():.4g} ± {theirs.std(ddof=1):.2g}",
                    "ratio": f"{gap:+.2g} [{limits[0]:.2g}, {limits[1]:.2g}]{'' if inside else ' differs'}",
                }
            )
    return made


def interval(mine: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> tuple[float, float]:
    """Welch's 95 % limits of the difference of means; both ends are the difference where nothing varies."""
    gap = float(mine.mean() - theirs.mean())
    if mine.std() == theirs.std() == 0:
        return gap, gap
    limits = stats.ttest_ind(mine, theirs, equal_var=False).confidence_interval(0.95)
    return float(limits.low), float(limits.high)


def main() -> None:
    """Run what is missing, keep the numbers, print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.demo_seeds", description=__doc__)
    parser.add_argument("--folder", type=Path, default=Path("demo-seeds"))
    parser.add_argument("--table", action="store_true", help="only print what there is")
    wanted = parser.parse_args()
    if not wanted.table:
        wanted.folder.mkdir(parents=True, exist_ok=True)
        found = {
            chapter.key: {"demo": told(wanted.folder, i), "study": studied(wanted.folder, chapter)}
            for i, chapter in enumerate(CHAPTERS)
        }
        record = {"version": pf.__version__, "seeds": [SEEDS, OTHERS], "chapters": found}
        RESULTS.write_text(json.dumps(record, indent=1) + "\n")
    print(table(rows(json.loads(RESULTS.read_text())["chapters"])))


if __name__ == "__main__":
    main()
