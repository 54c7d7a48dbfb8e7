"""Progress of long work: a bar with an ETA on a terminal, plain lines elsewhere, nothing when quiet."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Protocol

__all__ = ["Progress", "part_of", "progress", "silent"]

_PLAIN_LINE_SECONDS = 10.0


class Progress(Protocol):
    """Called by long work with how much is done; `note` is a short text such as `loss 0.123`."""

    def __call__(self, done: int, total: int | None = None, note: str = "") -> None:
        """Tell how much is done; `total` None where it is unknown."""


def silent(done: int, total: int | None = None, note: str = "") -> None:
    """Report nothing."""


def part_of(progress: Progress, start: float, share: float) -> Progress:
    """A reporter of one part of the work, in hundredths of the whole: from `start` on, `share` of them."""
    if progress is silent:
        return silent

    def report(done: int, total: int | None = None, note: str = "") -> None:
        progress(int(start + (share * done / total if total else 0)), 100, note)

    return report


@contextmanager
def progress(label: str, stream: IO[str] | None = None, quiet: bool = False) -> Iterator[Progress]:
    """A reporter for the body of the `with`, on `stream` (default: standard error)."""
    import sys

    stream = sys.stderr if stream is None else stream
    if quiet:
        yield silent
    elif stream.isatty():
        yield from _bar(label, stream)
    else:
        yield _plain(label, stream)


def _bar(label: str, stream: IO[str]) -> Iterator[Progress]:
    from rich.console import Console
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )
    from rich.progress import Progress as Bar

    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[note]}", markup=False),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    with Bar(*columns, console=Console(file=stream)) as bar:
        task = bar.add_task(label, total=None, note="")

        def report(done: int, total: int | None = None, note: str = "") -> None:
            bar.update(task, completed=done, total=total, note=note)

        yield report


def _plain(label: str, stream: IO[str]) -> Progress:
    started = last = time.monotonic()

    def report(done: int, total: int | None = None, note: str = "") -> None:
        nonlocal last
        now = time.monotonic()
        finished = total is not None and done >= total
        if now - last < _PLAIN_LINE_SECONDS and not finished:
            return
        last = now
        elapsed = now - started
        share = f"{done}/{total}" if total else f"{done}"
        left = f", {elapsed * (total - done) / done:.0f} s left" if total and done and not finished else ""
        stream.write(f"{label}: {share}{' ' + note if note else ''} ({elapsed:.0f} s{left})\n")
        stream.flush()

    return report
