"""Run a claim's study and its probes in a folder that survives crashes, and reach the verdict."""

from __future__ import annotations

import json
import os
import platform
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pushforward import __version__
from pushforward.errors import InputError, printable
from pushforward.progress import Progress, silent
from pushforward.reproduce.adoption import adopted
from pushforward.reproduce.budget import Budget
from pushforward.reproduce.claim import Claim
from pushforward.reproduce.evidence import Evidence
from pushforward.reproduce.probes import probes_of
from pushforward.reproduce.record import Reproduced
from pushforward.study import Study
from pushforward.study.ledger import Ledger
from pushforward.study.local import Finished
from pushforward.study.pools import AbstractPool, create_pool
from pushforward.study.runs import Run, expand
from pushforward.study.work import DONE
from pushforward.writing import write_text

__all__ = ["reproduce"]

_COSTS, _VERDICT = "costs.json", "verdict.json"


def reproduce(
    claim: Claim,
    folder: Path,
    budget: Budget | None = None,
    *,
    pool: AbstractPool | None = None,
    workers: int | None = None,
    resume: bool = False,
    progress: Progress = silent,
) -> Reproduced:
    """Run the claim's study in `folder`/NAME, where `pushforward status` and `pushforward report` understand it.

    What another claim's study below `folder` has done already is taken over. The result is also written to verdict.json
    there.

    Args:
        claim: which one.
        folder: of all claims.
        budget: default: that of the committed verdict.
        pool: where work is done; default: processes of this machine.
        workers: of these, at most; default: as many as there are cores.
        resume: go on in a folder that holds the claim's study already.
        progress: told how many runs are done.

    Raises:
        InputError: the folder holds the study and `resume` is False, or cannot be written; runs that failed.
    """
    budget = budget or claim.budget
    started = _processor_seconds()
    study = _opened(claim, folder, budget, resume)
    pool = pool or create_pool("local", workers=workers, threads=study.plan.threads)
    ended = study.run(pool, resume=True, progress=progress)
    failed = {**ended.failed, **_probe(study, claim, pool, progress)}
    cost = _spent(study.folder, _processor_seconds() - started)
    if failed:
        first = printable(next(iter(failed.values())), 300)
        raise InputError(
            f"claim {claim.name!r}: {len(failed)} runs failed (go on with --resume); the first: {first}"
        )
    found = _judged(claim, study, budget, cost)
    write_text(study.folder / _VERDICT, json.dumps(found.to_json(), indent=1, allow_nan=False) + "\n")
    return found


def _opened(claim: Claim, folder: Path, budget: Budget, resume: bool) -> Study:
    """The claim's study in its folder, with what other claims have done of it."""
    plans = claim.plans(budget)
    study = Study(plans[0], folder / claim.name, tuple(run for plan in plans for run in expand(plan)))
    if Ledger.exists(study.folder) and not resume:
        raise InputError(
            f"{printable(study.folder)}: holds this claim already; go on with it (--resume), or name another folder"
        )
    Ledger.make(study.folder, study.plan.title, study.plan.control, study.runs)
    adopted(study.ledger, study.runs, folder)
    return study


def _judged(claim: Claim, study: Study, budget: Budget, cost: float) -> Reproduced:
    evidence = _evidence(study, claim)
    return Reproduced(
        claim=claim.name,
        statement=claim.statement,
        rule=claim.rule,
        checks=claim.judge(evidence),
        budget=budget,
        data=evidence.data,
        arms=evidence.arms,
        kernels=evidence.kernels,
        runs=tuple(run.id for run in study.runs),
        versions=_versions(),
        cpu_seconds=cost,
        date=time.strftime("%Y-%m-%d"),
    )


def _probe(study: Study, claim: Claim, pool: AbstractPool, progress: Progress) -> dict[str, str]:
    """Make all probes that are not made; gives id -> error of those that failed."""
    asked = [pair for pair in probes_of(study.runs, claim.probes) if not study.ledger.is_done(pair[0].id)]
    folder = str(study.folder.resolve())
    tasks = [{"ledger": folder, "run": probe.to_json(), "of": of.to_json()} for probe, of in asked]
    failed: dict[str, str] = {}
    done = 0
    for answer in pool.run("probe", tasks):
        if not isinstance(answer, Finished):
            continue
        done += 1
        probe = asked[answer.index][0]
        value = answer.value or {"state": "failed", "error": answer.error}
        if value["state"] != DONE:
            failed[probe.id] = f"{probe.described}: {value['error'] or value['state']}"
        progress(done, len(tasks), "probes")
    return failed


def _evidence(study: Study, claim: Claim) -> Evidence:
    results = study.results()
    labels: dict[str, Mapping[str, None]] = {
        name: dict.fromkeys(getattr(run, name) for run in study.runs) for name in ("data", "arm")
    }
    return Evidence(
        audits=[*results.rows, *_probe_rows(study, claim)],
        forecasts=results.forecasts,
        data=tuple(labels["data"]),
        arms=tuple(labels["arm"]),
        kernels=tuple(dict.fromkeys(row["kernel"] for row in results.forecasts)),
        seeds=study.plan.seeds,
    )


def _probe_rows(study: Study, claim: Claim) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    for probe, of in probes_of(study.runs, claim.probes):
        record = study.ledger.record(probe.id)
        if record is None:
            continue
        rows += [
            {"data": of.data, "samples": of.samples, "seed": of.seed, **row, "arm": _set(of, row["set"])}
            for row in record.body["metrics"]
        ]
    return rows


def _set(of: Run, label: str) -> str:
    return f"{of.arm}, {label}"


def _versions() -> dict[str, str]:
    import numpy as np
    import torch

    return {
        "pushforward": __version__,
        "python": platform.python_version(),
        "torch": str(torch.__version__),
        "numpy": np.__version__,
    }


def _processor_seconds() -> float:
    """Of this process and of those that it started and that have ended."""
    times = os.times()
    return times.user + times.system + times.children_user + times.children_system


def _spent(folder: Path, seconds: float) -> float:
    """Add to what was spent in a folder before; gives the sum."""
    path = folder / _COSTS
    try:
        before = float(json.loads(path.read_text(encoding="utf-8"))["cpu_seconds"])
    except (OSError, ValueError, KeyError, TypeError):
        before = 0.0
    write_text(path, json.dumps({"cpu_seconds": round(before + seconds, 3)}) + "\n")
    return before + seconds
