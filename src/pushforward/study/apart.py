"""Runs on machines that do not share the study's folder: worked on there, and what came of them kept here."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any, final

from pushforward.errors import InputError
from pushforward.progress import Progress, silent
from pushforward.study.digests import sha256
from pushforward.study.execution import MODEL, execute
from pushforward.study.ledger import Ledger, write_artefacts
from pushforward.study.locks import Claim
from pushforward.study.records import Record
from pushforward.study.runs import Run
from pushforward.study.work import BUSY, DONE, FAILED, body_of, told

__all__ = ["Desk", "run_apart"]


def run_apart(task: Mapping[str, Any], progress: Progress = silent) -> dict[str, Any]:
    """Execute the run of a task {"ledger", "run"} without its ledger, which may be on another machine.

    Returns {"state", "body": of its record, "artefacts": name -> bytes, "model": name -> bytes}. An interrupted
    training leaves its checkpoint in a folder of this machine, where the next attempt here finds it.
    """
    run, started = Run.from_json(task["run"]), time.time()
    with _scratch(sha256(task["ledger"])[:12] + run.id) as folder:
        try:
            executed = execute(run, folder, progress)
            executed.compact()
        except Exception as error:
            return {"state": FAILED, "body": body_of(run, started, error=told(error))}
        body = body_of(run, started, executed.metrics, executed.about, executed.timings)
        model = folder / MODEL
        files = [file for file in sorted(model.rglob("*")) if file.is_file()]
        return {
            "state": DONE,
            "body": body,
            "artefacts": executed.artefacts,
            "model": {f"{MODEL}/{file.relative_to(model).as_posix()}": file.read_bytes() for file in files},
        }


@contextmanager
def _scratch(name: str) -> Iterator[Path]:
    """A folder for the body, found again under its name by whoever comes after one that was killed."""
    with ExitStack() as stack:
        folder = _own_folder() / name
        claim = Claim.take(folder.with_suffix(".lock"))
        if claim is None:
            # Another attempt, given up by the cluster, still works there.
            yield Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="pushforward-")))
            return
        stack.enter_context(claim)
        folder.mkdir(exist_ok=True)
        yield folder
        shutil.rmtree(folder, ignore_errors=True)


def _own_folder() -> Path:
    """A folder among this machine's temporary files that only this user can write to."""
    user = os.getuid() if hasattr(os, "getuid") else 0
    folder = Path(tempfile.gettempdir()) / f"pushforward-{user}"
    folder.mkdir(mode=0o700, exist_ok=True)
    status = folder.lstat()
    if hasattr(os, "getuid") and (folder.is_symlink() or status.st_uid != user or status.st_mode & 0o022):
        raise InputError(
            f"{folder}: belongs to someone else; expected a folder that only this user writes to"
        )
    return folder


@final
class Desk:
    """Claims a run here for as long as it is worked on elsewhere, and writes down what came of it."""

    def __init__(self, task: Mapping[str, Any]) -> None:
        self._ledger, self._run = Ledger(task["ledger"]), Run.from_json(task["run"])
        self._stack = ExitStack()

    def open(self) -> dict[str, Any] | None:
        """Claim the run. Gives an answer as `work.run_in_ledger` where there is nothing to do, else None."""
        claim = self._stack.enter_context(self._ledger.claimed(self._run.id))
        if claim is None:
            return {"state": BUSY, "worked": False, "error": ""}
        if self._ledger.is_done(self._run.id):
            return {"state": DONE, "worked": False, "error": ""}
        claim.progress(0, None, "on the cluster")
        return None

    def keep(self, answer: Mapping[str, Any]) -> dict[str, Any]:
        """Write the files and then the record of `run_apart`'s answer; gives what `work.run_in_ledger` gives.

        Raises:
            InputError: the ledger cannot be written.
        """
        body = dict(answer["body"])
        if answer["state"] == DONE:
            folder = self._ledger.run_folder(self._run.id)
            write_artefacts(folder, answer["model"])
            body["artefacts"] = write_artefacts(folder, answer["artefacts"])
        self._ledger.write(Record.of(self._run.id, answer["state"], body))
        return {"state": answer["state"], "worked": True, "error": body["error"]}

    def close(self) -> None:
        """Give the claim back."""
        self._stack.close()
