"""How many trajectories of every generator pass each system's own plausibility check, with the training it took.

Sample quality must not be the bottleneck of a study of drift. Every cell is trained once on 20,000 trajectories and
sampled 4,000 times; it is kept in `results/validity.jsonl`, and a cell that is there is not made again. Run alone:
`python -m benchmarks.validity` (some hours at most; it can be stopped and goes on). `--table` prints what there is.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch

import pushforward as pf
from pushforward import generators, systems

RESULTS = Path(__file__).parent / "results" / "validity.jsonl"
N_DATA, N_MADE = 20_000, 4_000
SYSTEMS = ("sinusoid", "cone", "logistic-map", "double-pendulum", "maze")
GENERATORS: dict[str, tuple[str, dict[str, Any]]] = {
    "diffusion": ("diffusion", {}),
    "flow": ("flow", {}),
    "flow, optimal transport": ("flow", {"coupling": "optimal-transport"}),
    "transformer, mixture": ("transformer", {"head": "mixture"}),
    "transformer, tokens": ("transformer", {"head": "tokens"}),
    "vae": ("vae", {}),
    # Its steps cost a third of the U-Net's, so that within the same minutes it takes more of them.
    "mlp, denoiser": ("mlp", {"kind": "denoiser", "steps": 10_000, "learning_rate": 1e-3}),
    "mlp, one step": ("mlp", {"kind": "one-step"}),
}


def cell(system_name: str, label: str) -> dict[str, Any]:
    """Train, sample, check and audit one generator on one system."""
    system = systems.create(system_name)
    law = pf.Intended.parse(system.default_intended)
    data = system.sample(N_DATA, law, seed=0)
    name, settings = GENERATORS[label]
    started, used = time.perf_counter(), time.process_time()
    model = generators.create(name, **settings).fit(data, seed=0)
    trained, trained_cpu = time.perf_counter() - started, time.process_time() - used
    started = time.perf_counter()
    made = model.sample(N_MADE, seed=1)
    sampled = time.perf_counter() - started
    found = pf.audit(made, against=data, quantities=[system.quantity])
    result = found.quantities[0]
    return {
        "system": system_name,
        "generator": label,
        "valid": float(np.mean(system.valid(made))),
        "w1": result.w1.value,
        "w1_null_95": result.w1.null_95,
        "mean_shift": result.mean_shift.value,
        "unit": result.unit,
        "verdict": result.verdict,
        "n_parameters": sum(p.numel() for p in model.network.parameters()),
        "steps": model.trained_steps,
        "train_seconds": round(trained, 1),
        "train_cpu_seconds": round(trained_cpu, 1),
        "sample_seconds": round(sampled, 1),
        "threads": torch.get_num_threads(),
        "version": pf.__version__,
        "commit": subprocess.run(
            ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
        ).stdout.strip(),
    }


def known() -> dict[tuple[str, str], dict[str, Any]]:
    """The cells made so far."""
    if not RESULTS.exists():
        return {}
    rows = [json.loads(line) for line in RESULTS.read_text().splitlines() if line]
    return {(row["system"], row["generator"]): row for row in rows}


def table(cells: dict[tuple[str, str], dict[str, Any]]) -> str:
    """Markdown: the share of valid trajectories, W1 over its noise floor, seconds of one core that training took."""
    lines = ["| generator | " + " | ".join(SYSTEMS) + " |", "|---" * (len(SYSTEMS) + 1) + "|"]
    for label in GENERATORS:
        found = [cells.get((name, label)) for name in SYSTEMS]
        shown = [
            ""
            if c is None
            else f"{c['valid']:.1%}, {c['w1'] / c['w1_null_95']:.1f}, {c['train_cpu_seconds']:.0f} s"
            for c in found
        ]
        lines.append(f"| {label} | " + " | ".join(shown) + " |")
    return "\n".join(lines)


def main() -> None:
    """Make what is missing, then print the table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.validity", description=__doc__)
    parser.add_argument("--table", action="store_true", help="only print what there is")
    parser.add_argument("--generator", nargs="*", default=list(GENERATORS), choices=list(GENERATORS))
    parser.add_argument("--system", nargs="*", default=list(SYSTEMS), choices=list(SYSTEMS))
    wanted = parser.parse_args()
    RESULTS.parent.mkdir(exist_ok=True)
    for name in () if wanted.table else wanted.system:
        for label in wanted.generator:
            if (name, label) not in known():
                row = cell(name, label)
                with RESULTS.open("a") as ledger:
                    ledger.write(json.dumps(row) + "\n")
                print(json.dumps(row), flush=True)
    print(table(known()))


if __name__ == "__main__":
    main()
