"""Files on the command line: what they are, how to stream them, how to name them so that a run can be repeated."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from pushforward.errors import InputError, printable
from pushforward.formats import batches
from pushforward.formats.base import ReadSettings
from pushforward.progress import Progress
from pushforward.trajectories import Trajectories
from pushforward.writing import require_place

__all__ = ["FileOptions", "counted", "described", "distinct", "existing", "stream"]

_BATCH = 8192
_HASHED = 1 << 31


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """Files are known by their content. The same settings hold for generated and real trajectories."""

    format: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """A name from `pushforward list formats`, where the content does not tell it."""
    reading: ReadSettings = ReadSettings()


def existing(path: Path) -> Path:
    """The path, if there is something.

    Raises:
        InputError: there is nothing by that name.
    """
    if not path.exists():
        raise InputError(f"{printable(path)}: no such file or folder")
    return path


def distinct(outputs: Sequence[Path | None], inputs: Sequence[Path | None]) -> None:
    """Refuse to write a result over what it is made from, two results into one file, or where there is no folder."""
    taken = {path.resolve(): "would overwrite an input" for path in inputs if path is not None}
    for path in outputs:
        if path is None:
            continue
        if path.resolve() in taken:
            raise InputError(
                f"{printable(path)}: {taken[path.resolve()]}; expected another name for the result"
            )
        require_place(path)
        taken[path.resolve()] = "was named for two results"


def stream(path: Path, inputs: FileOptions, report: Progress) -> Callable[[], Iterator[Trajectories]]:
    """A function that reads the file anew at each call, batch by batch, telling how far it is."""

    def source() -> Iterator[Trajectories]:
        done = 0
        for batch in batches(path, _BATCH, inputs.format, inputs.reading):
            done += len(batch)
            report(done, None, printable(path.name, 40))
            yield batch

    return source


def described(path: Path) -> str:
    """A file by name, size and the start of its SHA-256; a folder, or a file too large to hash, without it."""
    if not path.is_file():
        return printable(path)
    size = path.stat().st_size
    if size > _HASHED:
        return f"{printable(path)} ({size:,} bytes)"
    with path.open("rb") as handle:
        digest = hashlib.file_digest(handle, "sha256").hexdigest()
    return f"{printable(path)} ({size:,} bytes, sha256 {digest[:16]}…)"


def counted(parts: Iterator[Trajectories], n: int, report: Progress) -> Iterator[Trajectories]:
    """The same batches, telling after each how many of `n` trajectories are done."""
    done = 0
    for part in parts:
        yield part
        done += len(part)
        report(done, n)
