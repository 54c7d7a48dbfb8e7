"""Study: a plan of runs, with a ledger that survives crashes."""

from __future__ import annotations

import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self, final

from pushforward.errors import InputError, printable
from pushforward.progress import Progress, silent
from pushforward.study.forecasts import forecasts_of
from pushforward.study.kernels import asked_kernels
from pushforward.study.ledger import Ledger
from pushforward.study.local import LOST, Finished, LocalPool, Told
from pushforward.study.plan import Plan
from pushforward.study.pools import AbstractPool, create_pool
from pushforward.study.reading import read_runs
from pushforward.study.records import Record
from pushforward.study.results import Results
from pushforward.study.runs import Run, expand
from pushforward.study.work import BUSY, DONE, FAILED, body_of

__all__ = ["Ended", "Study"]

_POLL = 1.0


@final
@dataclass(frozen=True)
class Ended:
    """How a study ended.

    Attributes:
        n_runs: runs of the plan.
        n_worked: of these, runs that were done now; the others were done before, or by another process meanwhile.
        failed: run id -> error, of runs and forecasts that have no result.
        seconds: of this call.
        n_forecasts: forecasts of the plan's kernels, from the runs that are done.
        n_forecast: of these, how many were made now.
    """

    n_runs: int
    n_worked: int
    failed: dict[str, str]
    seconds: float
    n_forecasts: int = 0
    n_forecast: int = 0


@final
@dataclass(frozen=True)
class Study:
    """A plan of runs, with a ledger that survives crashes.

    `Study.read("plan.toml", "study").run()` or `Study(Plan(...), "study").run(workers=4)`. A run that is done is
    never done again; one that was interrupted goes on from its checkpoint.

    Attributes:
        plan: what to run.
        folder: the ledger's folder.

    Raises:
        InputError: a plan that cannot run; everything is checked before the first run starts.
    """

    plan: Plan
    folder: Path
    runs: tuple[Run, ...] = ()
    text: str = field(default="", repr=False)

    def __post_init__(self) -> None:
        """Expand the plan."""
        object.__setattr__(self, "folder", Path(self.folder))
        if not self.runs:
            object.__setattr__(self, "runs", expand(self.plan))

    @classmethod
    def read(cls, path: str | Path, folder: str | Path | None = None) -> Self:
        """The study of a plan file; its folder is by default named like the file, without the suffix.

        Raises:
            InputError: names the line of the plan that is wrong.
        """
        path = Path(path)
        plan, runs = read_runs(path)
        if folder is None and not path.suffix:
            raise InputError(f"{printable(path)}: has no suffix to drop; name the study's folder")
        return cls(plan, Path(folder or path.with_suffix("")), runs, path.read_text(encoding="utf-8"))

    @property
    def ledger(self) -> Ledger:
        """The ledger, made or not."""
        return Ledger(self.folder)

    def run(
        self,
        runner: str | AbstractPool = "local",
        *,
        workers: int | None = None,
        address: str | None = None,
        resume: bool = False,
        progress: Progress = silent,
    ) -> Ended:
        """Do every run that is not done, then every forecast of the plan's kernels.

        Args:
            runner: `local` (processes of this machine), `ray`, or a pool of your own.
            workers: processes at most; default: as many as the cores (or the cluster) can hold.
            address: of an existing Ray cluster; without one a local one is started.
            resume: whether to go on in a folder that holds a study.
            progress: told how many runs are done.

        Raises:
            InputError: the folder holds a study and `resume` is False, or cannot be written; an unknown runner.
        """
        pool = self._pool(runner, workers, address) if isinstance(runner, str) else runner
        if Ledger.exists(self.folder) and not resume:
            raise InputError(
                f"{printable(self.folder)}: holds a study already; go on with it (--resume), or name another folder"
            )
        started = time.monotonic()
        kernels = [kernel.to_json() for kernel in asked_kernels(self.plan)]
        ledger = Ledger.make(self.folder, self.plan.title, self.plan.control, self.runs, self.text, kernels)
        tasks = {run.id: {"run": run.to_json()} for run in self.runs}
        tally = self._do("run", pool, tasks, _Tally(self.runs, ledger, progress))
        # Their audits and models are in the ledger, which workers elsewhere do not see.
        near = LocalPool(None, self.plan.threads) if getattr(pool, "apart", False) else pool
        made = self._do("forecast", near, *self._forecasts(ledger, tally.failed, progress))
        self.results().save()
        failed, seconds = tally.failed | made.failed, time.monotonic() - started
        return Ended(len(self.runs), tally.n_worked, failed, seconds, made.n, made.n_worked)

    def _pool(self, runner: str, workers: int | None, address: str | None) -> AbstractPool:
        threads, gpus = self.plan.threads, self.plan.gpus
        return create_pool(runner, workers=workers, address=address, threads=threads, gpus=gpus)

    def _forecasts(
        self, ledger: Ledger, failed: Collection[str], progress: Progress
    ) -> tuple[dict[str, dict[str, Any]], _Tally]:
        """The tasks of all forecasts that can be made, by id."""
        study, by_id = ledger.study(), {run.id: run for run in self.runs}
        asked = [one for _, one in forecasts_of(study["runs"], study["kernels"], by_id.keys() - set(failed))]
        tasks = {
            one.id: {"run": one.to_json(), "of": by_id[one.content["runs"][0]].to_json()} for one in asked
        }
        return tasks, _Tally(asked, ledger, progress)

    def _do(
        self, work: str, pool: AbstractPool, tasks: Mapping[str, Mapping[str, Any]], tally: _Tally
    ) -> _Tally:
        """Do all that the tally waits for."""
        folder = str(self.folder.resolve())
        while tally.waiting:
            ready = tally.ready()
            if not ready:
                if tally.waiting:
                    # Other processes work on all that is left.
                    time.sleep(_POLL)
                continue
            for answer in pool.run(work, ({"ledger": folder, **tasks[run.id]} for run in ready)):
                tally.take(ready[answer.index], answer)
        return tally

    def results(self) -> Results:
        """What the ledger holds of this study."""
        return Results.of(self.ledger)


class _Tally:
    """What is left to do, and what came of the rest."""

    def __init__(self, runs: Sequence[Run], ledger: Ledger, progress: Progress) -> None:
        self.waiting = {run.id: run for run in runs}
        self.n_worked = 0
        self.failed: dict[str, str] = {}
        self.n, self._progress, self._ledger = len(runs), progress, ledger
        self._told: dict[str, str] = {}

    def ready(self) -> list[Run]:
        """The runs that are left and that no process works on; what others have done meanwhile is not left."""
        found = []
        for run in list(self.waiting.values()):
            if self._ledger.is_held(run.id):
                continue
            if self._ledger.is_done(run.id):
                self.waiting.pop(run.id)
            else:
                found.append(run)
        self._report()
        return found

    def take(self, run: Run, answer: Finished | Told) -> None:
        """Take note of one answer."""
        if isinstance(answer, Told):
            share = f" {answer.done}/{answer.total}" if answer.total else ""
            self._told[run.id] = f"{run.arm}, seed {run.seed}: {answer.note}{share}"
        else:
            self._told.pop(run.id, None)
            value = answer.value or {"state": FAILED, "worked": False, "error": answer.error}
            if value["state"] == BUSY:
                return
            if answer.kind == LOST:
                self._bury(run, answer.error)
            self.waiting.pop(run.id)
            self.n_worked += bool(value["worked"])
            if value["state"] != DONE:
                self.failed[run.id] = f"{run.described}: {value['error']}"
        self._report()

    def _bury(self, run: Run, error: str) -> None:
        """Write down a run that no worker survived."""
        with self._ledger.claimed(run.id) as claim:
            if claim is not None:
                self._ledger.write(Record.of(run.id, FAILED, body_of(run, time.time(), error=error)))

    def _report(self) -> None:
        done = self.n - len(self.waiting)
        note = printable("; ".join(list(self._told.values())[:2]), 80)
        failed = f"{len(self.failed)} failed " if self.failed else ""
        self._progress(done, self.n, failed + note)
