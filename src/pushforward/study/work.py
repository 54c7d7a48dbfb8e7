"""What a worker does with one run: claim it, execute it, write down what came of it."""

from __future__ import annotations

import platform
import socket
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Final

from pushforward import __version__
from pushforward.errors import InputError, printable
from pushforward.progress import Progress, silent
from pushforward.study.execution import Executed, execute
from pushforward.study.ledger import Ledger, write_artefacts
from pushforward.study.records import Record
from pushforward.study.runs import Run

__all__ = ["BUSY", "DONE", "FAILED", "body_of", "in_ledger", "run_in_ledger", "told"]

DONE: Final = "done"
FAILED: Final = "failed"
BUSY: Final = "busy"


def run_in_ledger(task: Mapping[str, Any], progress: Progress = silent) -> dict[str, Any]:
    """Execute the run of a task {"ledger", "run"} in its ledger, unless another process does so or has done so.

    Returns {"state": "done", "failed" or "busy", "worked": whether it was done here and now, "error"}.

    Raises:
        InputError: the ledger cannot be written.
    """
    return in_ledger(Ledger(task["ledger"]), Run.from_json(task["run"]), execute, progress)


def in_ledger(
    ledger: Ledger, run: Run, work: Callable[[Run, Path, Progress], Executed], progress: Progress = silent
) -> dict[str, Any]:
    """Claim a run, do its `work` and keep what came of it; gives what `run_in_ledger` gives.

    Raises:
        InputError: the ledger cannot be written.
    """
    with ledger.claimed(run.id) as claim:
        if claim is None:
            return {"state": BUSY, "worked": False, "error": ""}
        if ledger.is_done(run.id):
            return {"state": DONE, "worked": False, "error": ""}

        def report(done: int, total: int | None = None, note: str = "") -> None:
            claim.progress(done, total, note)
            progress(done, total, note)

        folder = ledger.run_folder(run.id)
        started = time.time()
        try:
            folder.mkdir(parents=True, exist_ok=True)
            executed = work(run, folder, report)
        except Exception as error:
            said = told(error)
            ledger.write(Record.of(run.id, FAILED, body_of(run, started, error=said)))
            return {"state": FAILED, "worked": True, "error": said}
        artefacts = write_artefacts(folder, executed.artefacts)
        body = body_of(run, started, executed.metrics, executed.about, executed.timings, artefacts)
        ledger.write(Record.of(run.id, DONE, body))
        executed.compact()
    return {"state": DONE, "worked": True, "error": ""}


def told(error: Exception) -> str:
    """An error in one line, as the record of a failed run keeps it."""
    if isinstance(error, InputError):
        return str(error)
    return f"{type(error).__name__}: {printable(error, 1000)}"


def body_of(
    run: Run,
    started: float,
    metrics: list[dict[str, Any]] | None = None,
    about: Mapping[str, Any] | None = None,
    timings: Mapping[str, float] | None = None,
    artefacts: Mapping[str, Any] | None = None,
    error: str = "",
) -> dict[str, Any]:
    """The body of a record: what determined the run, what came of it, and where and how long it ran."""
    torch = sys.modules.get("torch")
    return {
        "content": run.content,
        "labels": {"data": run.data, "arm": run.arm},
        "metrics": metrics or [],
        "about": dict(about or {}),
        "artefacts": dict(artefacts or {}),
        "error": error,
        "timings": {name: round(seconds, 4) for name, seconds in (timings or {}).items()},
        "started": round(started, 3),
        "seconds": round(time.time() - started, 4),
        "host": socket.gethostname(),
        "version": __version__,
        "python": platform.python_version(),
        "torch": "" if torch is None else str(torch.__version__),
    }
