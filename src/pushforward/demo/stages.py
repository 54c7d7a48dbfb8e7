"""The work of the demo, stage by stage. A stage is done when its record is there, which it writes last."""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

import numpy as np

from pushforward.demo.budgets import Budget
from pushforward.demo.chapters import Chapter
from pushforward.demo.files import made_folder, now, read_record, write_record
from pushforward.errors import InputError
from pushforward.progress import Progress, part_of
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.generators.base import AbstractGenerator
    from pushforward.measure.results import Audit

__all__ = ["DEVIATED", "EXPLAINING_NOISE", "Task", "perform"]

EXPLAINING_NOISE = 2.0
"""Noise level of the trained model's own errors, in standard deviations of each channel."""
DEVIATED = "deviated.npz"
_PILOT, _SAMPLES, _DEVIATIONS = 10, 1, 2
_BLOCK = 500
_WIDER = 0.15


@final
@dataclass(frozen=True)
class Task:
    """One stage of one chapter.

    Attributes:
        stage: `foretell`, `rank` or `train`.
        chapter: of the story.
        budget: what it may spend.
        folder: of the chapter; it holds data.npz.
        seed: of the story.
        arm: of a training: `plain` or `repaired`.
        mitigations: around the repaired model.
    """

    stage: str
    chapter: Chapter
    budget: Budget
    folder: Path
    seed: int
    arm: str = ""
    mitigations: tuple[str, ...] = ()

    @property
    def room(self) -> Path:
        """Where the stage keeps its files."""
        return self.folder / (self.arm or self.stage)

    @property
    def record(self) -> dict[str, Any] | None:
        """What the stage wrote last; None where it is not done."""
        return read_record(self.room / "done.json", self.stage)

    def to_json(self) -> dict[str, Any]:
        """As a worker gets it."""
        return {
            "stage": self.stage,
            "chapter": self.chapter.to_json(),
            "budget": asdict(self.budget),
            "folder": str(self.folder),
            "seed": self.seed,
            "arm": self.arm,
            "mitigations": list(self.mitigations),
        }

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """What `to_json` wrote."""
        return cls(
            record["stage"],
            Chapter.from_json(record["chapter"]),
            Budget(**record["budget"]),
            Path(record["folder"]),
            record["seed"],
            record["arm"],
            tuple(record["mitigations"]),
        )


def perform(task: Mapping[str, Any], progress: Progress) -> None:
    """Do one stage and write its record.

    Raises:
        InputError: what its work refuses.
    """
    from pushforward.formats import read

    given = Task.from_json(task)
    work = {"foretell": _foretell, "rank": _rank, "train": _train}[given.stage]
    made_folder(given.room)
    began, used = now(), time.process_time()
    found = work(given, read(given.folder / "data.npz"), progress)
    cost = {"written": now(), "cpu_seconds": round(time.process_time() - used, 1)}
    write_record(given.room / "done.json", given.stage, {"began": began, **found, **cost})


def _foretell(task: Task, data: Trajectories, progress: Progress) -> dict[str, Any]:
    """Train a pilot and keep what it makes of the data."""
    from pushforward.formats import write
    from pushforward.pilots import pilot

    kernel = pilot(
        data, _generator(task), task.chapter.phi, share=task.budget.share, seed=task.seed + _PILOT,
        progress=part_of(progress, 0, 50),
    )  # fmt: skip
    assert kernel.mixture is not None
    assert kernel.account is not None
    shown = data.select(slice(0, task.budget.n_forecast))
    moved = _deviated(kernel.mixture.kernels[0].deviate, shown, task.seed, part_of(progress, 50, 50))
    write(task.room / DEVIATED, moved)
    return {"account": asdict(kernel.account)}


def _rank(task: Task, data: Trajectories, progress: Progress) -> dict[str, Any]:
    """Rank the repairs by the drift that is forecast for each."""
    from pushforward.recommend.making import recommend

    system = task.chapter.made_by
    found = recommend(
        data,
        task.chapter.phi,
        kernel=task.budget.ranking_kernel,
        representations=task.chapter.representations,
        valid=None if system is None else system.valid,
        repeats=2,
        seed=task.seed,
        data=f"{task.chapter.key}/data.npz",
        progress=progress,
    )
    return {"recommendation": found.to_json()}


def _train(task: Task, data: Trajectories, progress: Progress) -> dict[str, Any]:
    """Train, sample and audit; of the plain model also keep its own errors."""
    from pushforward.formats import write
    from pushforward.generators.checkpoint import exists

    began = read_record(task.room / "began.json", "began")
    if began is None:
        began = {"began": now()}
        write_record(task.room / "began.json", "began", began)
    try:
        run = task.room / "run"
        model: Any = _generator(task)
        model.fit(data, seed=task.seed, checkpoint=run, resume=exists(run), progress=part_of(progress, 0, 70))
        made = model.sample(task.budget.n_made, seed=task.seed + _SAMPLES, progress=part_of(progress, 70, 20))
        found = _audited(task, made, data)
    except InputError as error:
        if task.arm == "plain":
            raise
        return {"began": began["began"], "refused": str(error)}
    write(task.room / "made.npz", made)
    if task.arm == "plain":
        _keep_errors(task, model, data, part_of(progress, 90, 10))
    return {
        "began": began["began"],
        "audit": json.loads(found.to_text()),
        "valid": _valid(task, made),
        "loss": model.history[-1].loss,
    }


def _generator(task: Task) -> AbstractGenerator:
    from pushforward.generators.diffusion import Diffusion
    from pushforward.mitigations import mitigate

    budget = task.budget
    model = Diffusion(
        steps=budget.steps, batch_size=budget.batch_size, checkpoint_every=budget.checkpoint_every
    )
    return mitigate(model, task.mitigations) if task.mitigations else model


def _audited(task: Task, made: Trajectories, data: Trajectories) -> Audit:
    """Both models of a chapter on the same bins: the data's range, widened at both ends."""
    from pushforward.measure import AuditSettings
    from pushforward.measure.audit import audit

    phi = task.chapter.phi
    values = phi(data)
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    margin = _WIDER * (high - low)
    settings = AuditSettings(resamples=task.budget.resamples, range=(low - margin, high + margin))
    made_by = "the repaired model" if task.mitigations else "the model"
    inputs = {
        "made": f"{len(made):,} samples of {made_by}",
        "against": f"the {len(data):,} it was trained on",
    }
    return audit(made, data, quantities=[phi], seed=task.seed, settings=settings, inputs=inputs)


def _valid(task: Task, made: Trajectories) -> float | None:
    system = task.chapter.made_by
    return None if system is None else float(np.mean(system.valid(made)))


def _keep_errors(task: Task, model: Any, data: Trajectories, progress: Progress) -> None:
    from pushforward.formats import write
    from pushforward.kernels import Denoise

    shown = data.select(slice(0, task.budget.n_explained))
    kernel = Denoise(scale=EXPLAINING_NOISE, generator=model).fitted(data)
    write(task.room / DEVIATED, _deviated(kernel.deviate, shown, task.seed + 1, progress))


def _deviated(
    deviate: Callable[[Trajectories, np.random.Generator], Trajectories],
    data: Trajectories,
    seed: int,
    progress: Progress,
) -> Trajectories:
    rng = np.random.default_rng([seed, _DEVIATIONS])
    parts = []
    for block in data.batches(_BLOCK):
        parts.append(deviate(block, rng))
        progress(min(len(parts) * _BLOCK, len(data)), len(data))
    return data.with_values(np.concatenate([part.values for part in parts]))
