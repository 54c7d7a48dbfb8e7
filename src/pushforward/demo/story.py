"""The story: everything is foretold, then everything is trained, then it is told."""

from __future__ import annotations

import hashlib
import shutil
from collections.abc import Callable, Iterable, Sequence
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, final

from pushforward import __version__
from pushforward.demo.budgets import Budget
from pushforward.demo.chapters import CHAPTERS, OWN, Chapter
from pushforward.demo.files import made_folder, now, read_record, write_record
from pushforward.demo.sealed import Sealed, seal
from pushforward.demo.stages import Task
from pushforward.errors import InputError, printable, require
from pushforward.formats import read, write
from pushforward.progress import Progress
from pushforward.recommend.results import Recommendation
from pushforward.study.local import Finished
from pushforward.study.pools import AbstractPool
from pushforward.trajectories import Trajectories

__all__ = ["Chaptered", "Story"]

_RECORD = "demo.json"
Reporting = Callable[[str], AbstractContextManager[Progress]]


@final
@dataclass(frozen=True, eq=False)
class Chaptered:
    """One chapter, all of it done.

    Attributes:
        chapter: what it is about.
        data: what was trained on.
        sealed: what was foretold.
        plain: the stage of the training as it is, and its record.
        repaired: likewise of the recommended repair; None where nothing is recommended.
    """

    chapter: Chapter
    data: Trajectories
    sealed: Sealed
    plain: tuple[Task, dict[str, Any]]
    repaired: tuple[Task, dict[str, Any]] | None


@final
@dataclass(frozen=True, kw_only=True)
class Story:
    """A demo in a folder.

    Attributes:
        folder: of its files; made where it is missing.
        budget: of each chapter.
        seed: of everything random.
        reporting: gives a progress bar by its label.
        pool: where stages are worked on.
        chapters: in order.
        own: the user's data, where the story is about these.
    """

    folder: Path
    budget: Budget
    seed: int
    reporting: Reporting
    pool: AbstractPool
    chapters: tuple[Chapter, ...] = CHAPTERS
    own: Trajectories | None = None

    def run(self, resume: bool) -> list[Chaptered]:
        """Do what is not done yet.

        Raises:
            InputError: an unfinished demo in the folder that would be overwritten, or one that is another than this;
                and what the stages refuse.
        """
        self._begin(resume)
        data = self._simulated()
        before = [(self._task(one, "foretell"), self._task(one, "rank")) for one in self.chapters]
        self._work("forecasting, before any training", [task for pair in before for task in pair])
        sealed = [seal(*pair, data[pair[0].chapter.key]) for pair in before]
        plain = [self._task(one, "train", "plain") for one in self.chapters]
        repaired = [
            self._repair(one, found.recommendation) for one, found in zip(self.chapters, sealed, strict=True)
        ]
        self._work("training", [*plain, *(task for task in repaired if task is not None)])
        return [
            Chaptered(
                one,
                data[one.key],
                sealed[i],
                _done(plain[i]),
                None if (task := repaired[i]) is None else _done(task),
            )
            for i, one in enumerate(self.chapters)
        ]

    def finish(self) -> None:
        """Note that nothing is left to do, so that the next demo may start anew here."""
        write_record(self.folder / _RECORD, "story", self._settings() | {"finished": now()})

    def _begin(self, resume: bool) -> None:
        path = made_folder(self.folder) / _RECORD
        where, wanted = printable(self.folder), self._settings()
        found = read_record(path, "story")
        if found is not None and resume:
            for name, value in wanted.items():
                require(
                    found.get(name) == value,
                    f"{where}: holds a demo with another {name.replace('_', ' ')}; expected the same options to "
                    "resume, or another folder (-o)",
                )
            return
        if found is not None:
            require(
                found.get("finished") is not None,
                f"{where}: holds a demo that was interrupted; go on with --resume, or name another folder with -o",
            )
            self._clear()
        write_record(path, "story", wanted)

    def _clear(self) -> None:
        """Remove a finished demo's chapters, whose names are the demo's own."""
        for key in (*(one.key for one in CHAPTERS), OWN):
            room = self.folder / key
            try:
                if room.is_dir():
                    shutil.rmtree(room)
            except OSError as error:
                raise InputError(f"{printable(room)}: cannot be removed: {error.strerror or error}") from None

    def _settings(self) -> dict[str, Any]:
        values = b"" if self.own is None else self.own.values.tobytes()
        return {
            "version": __version__,
            "seed": self.seed,
            "budget": asdict(self.budget),
            "chapters": [one.to_json() for one in self.chapters],
            "data": hashlib.sha256(values).hexdigest(),
        }

    def _simulated(self) -> dict[str, Trajectories]:
        found = {}
        with self.reporting("simulating") as report:
            for done, one in enumerate(self.chapters):
                path = made_folder(self.folder / one.key) / "data.npz"
                if not path.exists():
                    made = self.own if self.own is not None else one.simulated(self.budget.n_data, self.seed)
                    write(path, made)
                found[one.key] = read(path)
                report(done + 1, len(self.chapters), one.title)
        return found

    def _task(self, chapter: Chapter, stage: str, arm: str = "", mitigations: Sequence[str] = ()) -> Task:
        folder = self.folder / chapter.key
        return Task(stage, chapter, self.budget, folder, self.seed, arm, tuple(mitigations))

    def _repair(self, chapter: Chapter, found: Recommendation) -> Task | None:
        """The training of what is recommended; None where that is to do nothing."""
        best = found.best
        if best.name == "identity":
            return None
        text = f"represent({best.name})" if best.kind == "representation" else best.name
        return self._task(chapter, "train", "repaired", [text])

    def _work(self, label: str, tasks: Iterable[Task]) -> None:
        """Do the tasks that are not done, several at a time."""
        waiting = [task for task in tasks if task.record is None]
        if not waiting:
            return
        shares = [0.0] * len(waiting)
        with self.reporting(label) as report:
            for said in self.pool.run("demo", [task.to_json() for task in waiting]):
                task, note = waiting[said.index], ""
                if isinstance(said, Finished):
                    if said.error:
                        raise InputError(f"{task.chapter.title}: {said.error}")
                    shares[said.index] = 1.0
                else:
                    shares[said.index] = said.done / said.total if said.total else 0.0
                    note = f"{task.chapter.title}: {task.arm or task.stage}"
                report(round(100 * sum(shares)), 100 * len(waiting), note)


def _done(task: Task) -> tuple[Task, dict[str, Any]]:
    record = task.record
    if record is None:
        raise InputError(f"{printable(task.room)}: is not done; go on with --resume")
    return task, record
