"""Drift of storms' path length and cyclone energy, before and after a repair: `python -m benchmarks.storms_repair`.

A short training on the 560 tracks of `../shared/data` (HURDAT2, at least 20 records each), as it is, on increments and
on speeds and headings, three seeds; 3,000 made by each are audited against the real ones. What `recommend` says before
is printed first. Cells of `results/storms_repair.jsonl` that are there are not made again; `--table` prints them.
"""

from __future__ import annotations

import argparse
import json
import time
from pathlib import Path
from typing import Any

import numpy as np

import pushforward as pf
from benchmarks.table import Row, table
from pushforward import generators, mitigations

DATA = Path(__file__).parents[2] / "shared" / "data" / "hurdat2-nepac-1949-2013.txt"
RESULTS = Path(__file__).parent / "results" / "storms_repair.jsonl"
QUANTITIES = ("path-length", "accumulated-cyclone-energy")
ARMS = ("none", "increments", "speed-heading")
SEEDS, N_MADE = (0, 1, 2), 3000
BUDGET: dict[str, Any] = {"steps": 600, "batch_size": 64}


def storms() -> pf.Trajectories:
    """The tracks with at least 20 records in an unbroken sequence."""
    return pf.read(DATA, min_length=20)


def cell(data: pf.Trajectories, arm: str, seed: int) -> dict[str, Any]:
    """Train, sample, audit."""
    used = time.process_time()
    model: Any = generators.create("diffusion", **BUDGET)
    if arm != "none":
        model = mitigations.mitigate(model, [f"represent({arm})"])
    model.fit(data, seed=seed)
    made = model.sample(N_MADE, seed=seed + 1)
    found = pf.audit(made, against=data, quantities=list(QUANTITIES))
    row: dict[str, Any] = {"arm": arm, "seed": seed, "cpu_seconds": round(time.process_time() - used, 1)}
    for one in found.quantities:
        shift = one.mean_shift
        row[one.name] = {
            "unit": one.unit,
            "mean_shift": [shift.value, shift.low, shift.high],
            "w1": one.w1.value,
            "w1_null_95": one.w1.null_95,
            "tv": one.tv.value,
            "tv_null_95": one.tv.null_95,
            "p_adjusted": one.p_adjusted,
            "verdict": one.verdict,
            "mean_real": one.mean_expected,
        }
    return row


def known() -> dict[tuple[str, int], dict[str, Any]]:
    """The cells made so far."""
    if not RESULTS.exists():
        return {}
    found = [json.loads(line) for line in RESULTS.read_text().splitlines() if line]
    return {(row["arm"], row["seed"]): row for row in found}


def rows() -> list[Row]:
    """Of each quantity and arm: the shift of the mean by seed, W1 beside its floor."""
    cells, made = known(), []
    for name in QUANTITIES:
        for arm in ARMS:
            found = [cells[arm, seed][name] for seed in SEEDS if (arm, seed) in cells]
            if not found:
                continue
            shifts = ", ".join("{:+.4g} [{:.4g}, {:.4g}]".format(*one["mean_shift"]) for one in found)
            w1 = ", ".join(f"{one['w1']:.4g} ({one['w1_null_95']:.3g})" for one in found)
            tv = np.mean([one["tv"] for one in found]), np.mean([one["tv_null_95"] for one in found])
            made.append(
                {
                    "what": f"{name} [{found[0]['unit']}], {arm}",
                    "ours": shifts,
                    "peer": w1,
                    "ratio": f"TV {tv[0]:.3f} ({tv[1]:.3f})",
                }
            )
    return made


def main() -> None:
    """Make what is missing, then print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.storms_repair", description=__doc__)
    parser.add_argument("--table", action="store_true", help="only print what there is")
    if not parser.parse_args().table:
        data = storms()
        for name in QUANTITIES:
            print(pf.recommend(data, name, representations=ARMS[1:]), flush=True)
        for seed in SEEDS:
            for arm in ARMS:
                if (arm, seed) not in known():
                    RESULTS.parent.mkdir(exist_ok=True)
                    with RESULTS.open("a") as ledger:
                        ledger.write(json.dumps(cell(data, arm, seed)) + "\n")
    print(table(rows()))


if __name__ == "__main__":
    main()
