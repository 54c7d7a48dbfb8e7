"""A worker process: takes tasks from its standard input, one at a time, until that closes.

It ends as soon as whoever started it is gone, whatever it is doing: a study that was killed leaves nothing running.
"""

from __future__ import annotations

import importlib
import os
import queue
import sys
import threading
import time
from collections.abc import Callable, Mapping
from typing import IO, Any

from pushforward.errors import InputError, printable
from pushforward.progress import Progress
from pushforward.study.frames import read_frame, write_frame

__all__ = ["WORK", "main", "perform"]

# What workers can be asked to do. Each takes a task of JSON types and a reporter, and returns JSON types.
WORK = {
    "run": "pushforward.study.work:run_in_ledger",
    "forecast": "pushforward.study.scoring:score_in_ledger",
    "probe": "pushforward.reproduce.probes:probe_in_ledger",
    "apart": "pushforward.study.apart:run_apart",
    "scan": "pushforward.study.shards:scan_shard",
    "count": "pushforward.study.shards:count_shard",
    "demo": "pushforward.demo.stages:perform",
}
_EVERY = 0.5


def perform(work: str, task: Mapping[str, Any], progress: Progress) -> dict[str, Any]:
    """The answer to one task: {"value": ...}, or {"error": one line, "kind": the exception's name}."""
    module, _, name = WORK[work].partition(":")
    try:
        function: Callable[..., Any] = getattr(importlib.import_module(module), name)
        return {"value": function(task, progress)}
    except InputError as error:
        return {"error": str(error), "kind": "InputError"}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {printable(error, 1000)}", "kind": type(error).__name__}


def main() -> int:
    """Serve until standard input closes."""
    # Whatever prints must not be taken for an answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    tasks: queue.SimpleQueue[Any] = queue.SimpleQueue()
    threading.Thread(target=_receive, args=(sys.stdin.buffer, tasks), daemon=True).start()
    try:
        while True:
            message = tasks.get()
            write_frame(answers, perform(message["work"], message["task"], _reporter(answers)))
    except KeyboardInterrupt:
        return 130
    except OSError:
        return 1


def _receive(stream: IO[bytes], tasks: queue.SimpleQueue[Any]) -> None:
    while (message := read_frame(stream)) is not None:
        tasks.put(message)
    os._exit(0)


def _reporter(answers: IO[bytes]) -> Progress:
    last = 0.0

    def report(done: int, total: int | None = None, note: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY:
            last = now
            write_frame(answers, {"progress": [done, total, note]})

    return report


if __name__ == "__main__":
    sys.exit(main())
