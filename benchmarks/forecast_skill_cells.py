"""The cells of the study of forecast skill: simulate, train, sample, check, deviate; each gives rows of the ledger."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import numpy as np

import pushforward as pf
from benchmarks.forecast_skill_plan import (
    CHOSEN,
    DT,
    FAMILY,
    GENERATORS,
    HELD_OUT,
    PAPER,
    SHARE,
    SMALL_SHARE,
    Budget,
    Job,
    levels_of,
    own_kernels,
)
from benchmarks.forecast_skill_scores import pushed
from pushforward import generators, kernels, systems
from pushforward.explain import solver_share
from pushforward.kernels.base import AbstractDeviationKernel
from pushforward.kernels.residual import Residual
from pushforward.kernels.spectral import Spectral
from pushforward.measure import AuditSettings
from pushforward.trajectories import Trajectories

__all__ = ["edges_of", "more_made", "rows"]

Row = dict[str, Any]
_BINS, _MARGIN = 32, 0.05
_PILOT_SEED, _CONVERGED = 10, 3


def rows(job: Job, budget: Budget, models: Path | None = None) -> list[Row]:
    """All rows of one cell; what was trained is saved under `models`, where given."""
    if not job.generator:
        made = list(_from_data(job, budget))
    else:
        made = list(_pilots(job, budget) if job.pilots else _trained(job, budget, models))
    facts = {"version": pf.__version__, "commit": _commit()}
    return [
        {"system": job.system, "generator": job.generator, "seed": job.seed} | row | facts for row in made
    ]


def more_made(job: Job, budget: Budget, models: Path, known: Row) -> list[Row]:
    """The row of a training whose sample was smaller than the budget's, of a full sample of the saved model."""
    saved = models / _name(job)
    if known["n"] >= budget.n_made or not saved.exists():
        return []
    row = _model_row(job, budget, generators.load(saved), known["settings"])
    return [known | row | {"version": pf.__version__, "commit": _commit()}]


def _name(job: Job) -> str:
    return f"{job.system}-{job.generator}-{job.seed}"


@cache
def _commit() -> str:
    found = subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()


@lru_cache(maxsize=8)
def _data(name: str, budget: Budget) -> tuple[Trajectories, np.ndarray]:
    """The demonstrations and their quantity."""
    system = systems.create(name)
    law = pf.Intended.parse(system.default_intended)
    data = system.sample(budget.n_data, law, T=budget.T, dt=DT.get(name), seed=0)
    return data, system.quantity(data)


def edges_of(name: str, budget: Budget) -> np.ndarray:
    """(bins + 1,) one grid for everything about a system: the data's range widened by 5 % a side."""
    _, q = _data(name, budget)
    margin = _MARGIN * (q.max() - q.min())
    return pf.Grid(float(q.min() - margin), float(q.max() + margin), _BINS).edges


def _from_data(job: Job, budget: Budget) -> Iterator[Row]:
    """The demonstrations counted, and every kernel that needs nothing else."""
    start = time.process_time()
    data, q = _data(job.system, budget)
    used = time.process_time() - start
    edges = edges_of(job.system, budget)
    counts = np.bincount(np.searchsorted(edges, q, side="right"), minlength=len(edges) + 1)
    yield {
        "what": "data",
        "n": len(data),
        "T": data.T,
        "dt": data.dt,
        "C": data.C,
        "quantity": data.quantity_name,
        "low": edges[0],
        "high": edges[-1],
        "bins": _BINS,
        "counts": counts.tolist(),
        "cpu": round(used, 2),
    }
    for label in dict.fromkeys((*CHOSEN, *FAMILY)):
        kernel = kernels.parse(label)
        n = budget.n_local if kernel.name == "local-score" else budget.n_data
        yield _forecast(job, budget, kernel, n, label=label)[0]


def _forecast(
    job: Job, budget: Budget, kernel: AbstractDeviationKernel, n: int, label: str = ""
) -> tuple[Row, Trajectories, Trajectories]:
    """One kernel's forecast of n trajectories, one deviation of each; with these and what became of them."""
    data, q = _data(job.system, budget)
    part = data.select(slice(0, n))
    start = time.process_time()
    deviated = kernel.fitted(data).deviate(part, np.random.default_rng([7, job.seed]))
    after = systems.create(job.system).quantity(deviated)
    used = time.process_time() - start
    ahead, mass, expected = pushed(q[:n], after, edges_of(job.system, budget), budget.n_data)
    row = {
        "what": "kernel",
        "kernel": label or kernel.label,
        "n": len(part),
        "mass": [round(float(m), 7) for m in mass],
        "expected": [round(float(m), 7) for m in expected],
        "variance": ahead.variance,
        "cross": ahead.cross,
        "lost": float(1 - np.isfinite(after).mean()),
        "cpu": round(used, 3),
    }
    return row, part, deviated


def _settings(job: Job, budget: Budget) -> dict[str, Any]:
    settings = GENERATORS[job.generator]
    return settings | {"steps": max(round(settings["steps"] * budget.training), 20), "device": "cpu"}


def _trained(job: Job, budget: Budget, models: Path | None) -> Iterator[Row]:
    data, _ = _data(job.system, budget)
    settings = _settings(job, budget)
    start = time.process_time()
    model = generators.create(job.generator, **settings).fit(data, seed=job.seed)
    used = time.process_time() - start
    if models is not None:
        model.save(models / _name(job))
    yield _model_row(job, budget, model, settings) | {"cpu": round(used, 1)}
    if job.seed == 0:
        yield from _own(job, budget, model)
        if "denoise" in model.feeds:
            yield _solver(job, budget, model)


def _model_row(job: Job, budget: Budget, model: Any, settings: dict[str, Any]) -> Row:
    """What it makes: counts, validity, drift with its noise floors."""
    data, _ = _data(job.system, budget)
    system = systems.create(job.system)
    start = time.process_time()
    made = model.sample(budget.n_made, seed=100 + job.seed)
    used = time.process_time() - start
    edges = edges_of(job.system, budget)
    found = pf.audit(
        made,
        against=data,
        quantities=[system.quantity],
        settings=AuditSettings(range=(float(edges[0]), float(edges[-1])), bins=_BINS),
    ).quantities[0]
    q = system.quantity(made)
    places = np.searchsorted(edges, q[np.isfinite(q)], side="right")
    return {
        "what": "model",
        "settings": settings,
        "parameters": sum(p.numel() for p in model.network.parameters()),
        "n": len(made),
        "counts": np.bincount(places, minlength=len(edges) + 1).tolist(),
        "undefined": float(1 - np.isfinite(q).mean()),
        "valid": float(np.mean(system.valid(made))),
        "tv": [found.tv.value, found.tv.null_95],
        "w1": [found.w1.value, found.w1.null_95],
        "mean_shift": [found.mean_shift.value, found.mean_shift.low, found.mean_shift.high],
        "unit": found.unit,
        "sample_cpu": round(used, 1),
    }


def _own(job: Job, budget: Budget, model: Any) -> Iterator[Row]:
    """The trained model's own errors; the finest tried on other systems, the coarsest shuffled between trajectories."""
    for i, (name, chosen) in enumerate(own_kernels(model.feeds)):
        kernel = replace(kernels.create(name, **chosen), generator=model)
        row, part, deviated = _forecast(job, budget, kernel, budget.n_kernel)
        yield row | {"kernel": kernels.create(name, **chosen).label}
        if i == 0:
            yield from _elsewhere(job, budget, part, deviated)
    shuffled = Residual.from_pairs(part, deviated)
    yield _forecast(job, budget, shuffled, budget.n_kernel, label="shuffled")[0]


def _elsewhere(job: Job, budget: Budget, part: Trajectories, deviated: Trajectories) -> Iterator[Row]:
    """Size and spectrum of these errors, relative to the data's spread, on this system and those with its channels."""
    kernel = Spectral.fit(part.with_values(deviated.values - part.values), part)
    for system in (*PAPER, *HELD_OUT):
        if _data(system, budget)[0].C == part.C:
            there = replace(job, system=system)
            row = _forecast(there, budget, kernel, budget.n_kernel, label=f"errors of {job.system}")[0]
            yield row | {"system": system}


def _pilots(job: Job, budget: Budget) -> Iterator[Row]:
    """The errors of a pilot and of a smaller one, level by level (factors are applied by the table)."""
    data, _ = _data(job.system, budget)
    intended = generators.create(job.generator, **_settings(job, budget))
    for name, share in (("pilot", SHARE), ("small pilot", SMALL_SHARE)):
        start = time.process_time()
        kernel = pf.pilot(data, intended, share=share, seed=_PILOT_SEED)
        facts = {"train_cpu": round(time.process_time() - start, 2), "share": kernel.account.share}
        model = kernel.mixture.kernels[0].generator
        for level, (kind, chosen) in enumerate(levels_of(model.feeds)):
            errors = replace(kernels.create(kind, **chosen), generator=model)
            yield _forecast(job, budget, errors, budget.n_kernel, label=f"{name}, level {level}")[0] | facts


def _solver(job: Job, budget: Budget, model: Any) -> Row:
    """The solver's share of the drift: the sampler's own steps against three times as many, from the same noise."""
    data, _ = _data(job.system, budget)
    edges = edges_of(job.system, budget)
    start = time.process_time()
    within = getattr(model.network, "steps_within", None)
    steps = within(model.Sampling().tolerance) if within else model.Sampling().sampler_steps
    found = solver_share(
        model,
        systems.create(job.system).quantity,
        budget.n_pairs,
        steps,
        _CONVERGED * steps,
        seed=100 + job.seed,
        data=data,
        grid=pf.Grid(float(edges[0]), float(edges[-1]), _BINS),
    )
    share = None if found.share is None else [found.share.value, found.share.low, found.share.high]
    return {
        "what": "solver",
        "steps": found.steps,
        "converged_steps": found.converged_steps,
        "n": found.n,
        "shift": [found.shift.value, found.shift.low, found.shift.high],
        "tv": found.tv,
        "share": share,
        "cpu": round(time.process_time() - start, 1),
    }
