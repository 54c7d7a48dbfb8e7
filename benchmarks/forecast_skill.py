"""How well is a drift forecast? The paper's five systems and three held out, five classes, kernels, one ledger.

Every training is made once, sampled, checked and audited; kernels from data alone, a pilot of at most 5 % of its FLOPs
and the model's own errors are pushed through the system's quantity. What comes out is counted on one grid per system
and kept in `results/forecast_skill.jsonl`; a cell that is there is not made again, so `python -m
benchmarks.forecast_skill` can be stopped and goes on. `--table` prints the tables of docs/forecast_skill.md from the
ledger alone. Run on one thread: OMP_NUM_THREADS=1.
"""

from __future__ import annotations

import argparse
import sys
import time
from pathlib import Path

from benchmarks.forecast_skill_ledger import append, read
from benchmarks.forecast_skill_plan import BUDGET, TINY, jobs
from benchmarks.forecast_skill_table import tables

__all__ = ["main"]

LEDGER = Path(__file__).parent / "results" / "forecast_skill.jsonl"


def main(arguments: list[str] | None = None) -> int:
    """Make what is missing, then print the tables."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.forecast_skill", description=__doc__)
    parser.add_argument("--table", action="store_true", help="only print what there is")
    parser.add_argument("--ledger", type=Path, default=LEDGER)
    parser.add_argument("--models", type=Path, default=None, help="a folder to keep the trained models in")
    parser.add_argument("--tiny", action="store_true", help="hardly any training: does everything run?")
    parser.add_argument("--system", nargs="*", default=None, help="only these")
    parser.add_argument("--generator", nargs="*", default=None, help='only these ("" for the data alone)')
    parser.add_argument("--seeds", type=int, default=2)
    wanted = parser.parse_args(arguments)
    chosen = [
        job
        for job in jobs()
        if (wanted.system is None or job.system in wanted.system)
        and (wanted.generator is None or job.generator in wanted.generator)
        and job.seed < wanted.seeds
    ]
    if not wanted.table:
        from benchmarks.forecast_skill_cells import more_made, rows

        budget = TINY if wanted.tiny else BUDGET
        done = read(wanted.ledger).cells
        for job in sorted(chosen, key=lambda job: job.key in done):
            known, start = read(wanted.ledger), time.process_time()
            if job.key not in known.cells:
                append(wanted.ledger, rows(job, budget, wanted.models))
            elif job.generator and not job.pilots and wanted.models is not None:
                again = more_made(job, budget, wanted.models, known.models[job.key[:3]])
                if not again:
                    continue
                append(wanted.ledger, again)
            else:
                continue
            print(
                *job.key,
                f"{time.process_time() - start:.0f} s of processor time",
                file=sys.stderr,
                flush=True,
            )
    print(tables(read(wanted.ledger)))
    return 0


if __name__ == "__main__":
    sys.exit(main())
