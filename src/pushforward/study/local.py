"""Work spread over processes of this machine; one that dies is replaced, and its task given out again."""

from __future__ import annotations

import contextlib
import os
import queue
import subprocess
import sys
import tempfile
import threading
from collections import deque
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, final

import pushforward
from pushforward.errors import InputError, printable, require
from pushforward.study.frames import read_frame, write_frame

__all__ = ["LOST", "Finished", "LocalPool", "Told", "cores"]

_THREAD_SETTINGS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMEXPR_NUM_THREADS")
_PATIENCE = 10.0

LOST = "lost"
"""The kind of error of a task whose processes died."""


def cores() -> int:
    """Cores that this process may use."""
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1


@final
@dataclass(frozen=True)
class Finished:
    """The answer to task number `index`: a value, or the error that it ended with."""

    index: int
    value: Any = None
    error: str = ""
    kind: str = ""


@final
@dataclass(frozen=True)
class Told:
    """What a worker tells of task number `index` while it works."""

    index: int
    done: int
    total: int | None
    note: str


@dataclass(eq=False)
class _Worker:
    process: subprocess.Popen[bytes]
    log: IO[bytes]
    task: _Task | None = None


@dataclass
class _Task:
    index: int
    content: Mapping[str, Any]
    losses: int = 0


@final
@dataclass
class LocalPool:
    """Worker processes on this machine.

    Attributes:
        workers: how many; default: the cores divided by `threads`.
        threads: threads of each, so that workers × threads never exceeds the cores unless asked for.
        retries: how often a task is given out again when the process that worked on it died.
    """

    workers: int | None = None
    threads: int = 1
    retries: int = 2
    _living: list[_Worker] = field(default_factory=list, repr=False)
    _events: queue.SimpleQueue[tuple[_Worker, Any]] = field(default_factory=queue.SimpleQueue, repr=False)

    def __post_init__(self) -> None:
        """Refuse numbers that cannot work."""
        require(self.threads >= 1, f"threads: got {self.threads}; expected at least 1")
        require(
            self.workers is None or self.workers >= 1, f"workers: got {self.workers}; expected at least 1"
        )

    @property
    def size(self) -> int:
        """Processes at most."""
        return self.workers if self.workers is not None else max(cores() // self.threads, 1)

    def run(self, work: str, tasks: Iterable[Mapping[str, Any]]) -> Iterator[Finished | Told]:
        """Do all tasks and give their answers as they come, in any order, with what workers tell in between."""
        waiting = deque(_Task(i, task) for i, task in enumerate(tasks))
        try:
            while waiting or any(worker.task for worker in self._living):
                self._give_out(work, waiting)
                yield from self._next(waiting)
        except KeyboardInterrupt:
            # Workers were interrupted too and are writing their checkpoints.
            self._wait()
            raise
        finally:
            self._stop()

    def _give_out(self, work: str, waiting: deque[_Task]) -> None:
        while waiting:
            idle = [worker for worker in self._living if worker.task is None]
            if not idle and len(self._living) >= self.size:
                return
            worker = idle[0] if idle else self._start()
            worker.task = waiting.popleft()
            try:
                write_frame(_pipe(worker.process.stdin), {"work": work, "task": worker.task.content})
            except OSError:
                return  # It has died; its reader will say so.

    def _next(self, waiting: deque[_Task]) -> Iterator[Finished | Told]:
        worker, message = self._events.get()
        task = worker.task
        if message is None:
            self._living.remove(worker)
            if task is None:
                return
            task.losses += 1
            if task.losses <= self.retries:
                waiting.appendleft(task)
                return
            yield Finished(task.index, error=_obituary(worker, task.losses), kind=LOST)
        elif task is not None and "progress" in message:
            done, total, note = message["progress"]
            yield Told(task.index, done, total, note)
        elif task is not None:
            worker.task = None
            yield Finished(
                task.index, message.get("value"), message.get("error", ""), message.get("kind", "")
            )

    def _start(self) -> _Worker:
        environment = dict(os.environ) | dict.fromkeys(_THREAD_SETTINGS, str(self.threads))
        package = str(Path(pushforward.__file__).parents[1])
        environment["PYTHONPATH"] = os.pathsep.join([package, *filter(None, [environment.get("PYTHONPATH")])])
        log = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the process that writes to it
        try:
            process = subprocess.Popen(
                # Without the current folder on the path, where a random.py of the user would hide Python's.
                [sys.executable, "-P", "-m", "pushforward.study.worker"],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment,
            )
        except OSError as error:
            raise InputError(f"a worker process cannot be started: {error.strerror or error}") from error
        worker = _Worker(process, log)
        self._living.append(worker)
        threading.Thread(target=_listen, args=(worker, self._events), daemon=True).start()
        return worker

    def _wait(self) -> None:
        for worker in self._living:
            try:
                worker.process.wait(_PATIENCE)
            except subprocess.TimeoutExpired:
                worker.process.kill()

    def _stop(self) -> None:
        for worker in self._living:
            with contextlib.suppress(OSError):
                _pipe(worker.process.stdin).close()
        self._wait()
        self._living.clear()
        self._events = queue.SimpleQueue()


def _listen(worker: _Worker, events: queue.SimpleQueue[tuple[_Worker, Any]]) -> None:
    """Pass on all that a worker says, and last that it has died."""
    stream = _pipe(worker.process.stdout)
    while (message := read_frame(stream)) is not None:
        events.put((worker, message))
    worker.process.wait()
    events.put((worker, None))


def _pipe(stream: IO[bytes] | None) -> IO[bytes]:
    if stream is None:
        raise InputError("a worker process has no pipe")
    return stream


def _obituary(worker: _Worker, losses: int) -> str:
    """How a worker ended, with the last line that it wrote."""
    code = worker.process.returncode
    worker.log.seek(max(worker.log.seek(0, os.SEEK_END) - 4096, 0))
    lines = [line for line in worker.log.read().decode(errors="replace").splitlines() if line.strip()]
    how = f"by signal {-code}" if code is not None and code < 0 else f"with code {code}"
    said = f": {printable(lines[-1])}" if lines else ""
    return f"its process ended {how} {losses} times (out of memory?){said}"
