"""What no file may do: end in a traceback, take memory out of proportion to its size, or be something else."""

from __future__ import annotations

import math
import os
import stat
from collections.abc import Generator, Iterable, Iterator
from pathlib import Path
from typing import TypeVar

from pushforward.errors import InputError, printable, require

__all__ = ["allowance", "check_size", "guarded", "head_of", "missing_extra", "real_size", "translated"]

Part = TypeVar("Part")

_FREE = 64 << 20
_RATIO = 200
_MOST_FILES = 1_000_000


def allowance(stored: int) -> int:
    """Bytes that content stored in `stored` bytes may expand to: 64 MiB, or 200 times where that is more.

    Motion hardly compresses; a file that declares more is damaged or built to exhaust memory.
    """
    return max(_FREE, _RATIO * stored)


def check_size(what: str, shape: Iterable[int], itemsize: int, stored: int) -> int:
    """Bytes of an array of `shape`, before anything is allocated for it.

    Raises:
        InputError: a negative dimension, or more than `allowance(stored)`.
    """
    shape = tuple(int(d) for d in shape)
    require(min(shape, default=0) >= 0, f"{what}: got shape {shape}; expected no negative dimension")
    needed = math.prod(shape) * max(itemsize, 1)
    require(
        needed <= allowance(stored),
        f"{what}: declares {needed} bytes but the file has {stored}; expected at most {_RATIO} times as many "
        "(damaged, or compressed beyond belief)",
    )
    return needed


def real_size(path: Path) -> int:
    """Bytes of a file, or of all files of a folder.

    Raises:
        InputError: something that is neither a file nor a folder (a pipe, a device, a dangling link).
    """
    total, files, pending = 0, 0, [path]
    while pending:
        current = pending.pop()
        status = current.stat()
        if stat.S_ISDIR(status.st_mode):
            # A link to a folder may lead back to its parent.
            require(
                current == path or not current.is_symlink(),
                f"{printable(current.name)} is a link to a folder; expected a plain folder",
            )
            pending.extend(Path(entry.path) for entry in os.scandir(current))
        else:
            require(stat.S_ISREG(status.st_mode), f"{printable(current.name)} is not a regular file")
            total += status.st_size
        files += 1
        require(files <= _MOST_FILES, f"holds more than {_MOST_FILES} files; expected fewer")
    return total


def head_of(path: Path, size: int = 4096) -> bytes:
    """The first bytes of a regular file; nothing for a folder.

    Raises:
        InputError: missing, not readable, empty, or neither a file nor a folder.
    """
    try:
        status = path.stat()
        if stat.S_ISDIR(status.st_mode):
            return b""
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{printable(path)}: is not a regular file or folder")
        require(status.st_size > 0, f"{printable(path)}: is empty (0 bytes)")
        with path.open("rb") as stream:
            return stream.read(size)
    except FileNotFoundError:
        raise InputError(f"{printable(path)}: no such file or folder") from None
    except (OSError, ValueError) as error:
        raise translated(path, "", error) from error


def guarded(path: Path, kind: str, parts: Iterator[Part]) -> Generator[Part, None, None]:
    """The same parts; whatever goes wrong while making them becomes one `InputError` that names the file."""
    try:
        yield from _checked(path, kind, parts)
    finally:
        if isinstance(parts, Generator):
            parts.close()


def _checked(path: Path, kind: str, parts: Iterator[Part]) -> Iterator[Part]:
    while True:
        try:
            part = next(parts)
        except StopIteration:
            return
        # The libraries below raise almost every built-in error on hostile bytes; the fuzz tests check that
        # none of them starts in this package's own code.
        except Exception as error:
            raise translated(path, kind, error) from error
        yield part


def translated(path: Path, kind: str, error: BaseException) -> InputError:
    """The `InputError` that names the file and says in one line what went wrong."""
    where = printable(path)
    if isinstance(error, InputError):
        message = str(error)
        return error if message.startswith(where) else InputError(f"{where}: {message}")
    if isinstance(error, MemoryError):
        return InputError(
            f"{where}: needs more memory than there is; the file is damaged or too large to hold"
        )
    if (
        isinstance(error, OSError)
        and error.errno is not None
        and error.strerror
        and type(error) is not OSError
    ):
        return InputError(f"{where}: cannot be read: {printable(error.strerror)}")
    text = (str(error).strip() or type(error).__name__).splitlines()[0]
    return InputError(f"{where}: damaged, or not a valid {kind or 'file'}: {printable(text)}")


def missing_extra(extra: str, what: str, error: ImportError) -> InputError:
    """The error where an optional package is not installed."""
    return InputError(f"{what} needs an extra package ({error.name}): pip install 'pushforward[{extra}]'")
