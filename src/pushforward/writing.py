"""Atomic writing: a temporary name in the same folder, then a rename; nothing is ever half-written."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pushforward.errors import InputError, printable

__all__ = ["atomic", "require_place", "write_text"]


def require_place(path: Path) -> None:
    """Refuse a file that could not be written for want of a place, before the work is done.

    Raises:
        InputError: its folder is missing, or it is a folder itself.
    """
    if not path.parent.is_dir():
        raise InputError(
            f"{printable(path)}: the folder {printable(path.parent)} does not exist; create it first"
        )
    if path.is_dir():
        raise InputError(f"{printable(path)}: is a folder; expected the name of a file to write")


@contextmanager
def atomic(path: str | Path) -> Iterator[Path]:
    """A temporary path beside `path` that replaces it when the body ends well and is removed when it does not.

    Raises:
        InputError: the folder is missing or cannot be written, or no space is left.
    """
    path = Path(path)
    require_place(path)
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name[:40]}.", suffix=path.suffix, dir=path.parent)
        os.close(handle)
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be written: {error.strerror or error}") from error
    temporary = Path(name)
    try:
        yield temporary
        with temporary.open("rb") as written:
            os.fsync(written.fileno())
        os.chmod(temporary, 0o666 & ~_umask())
        temporary.replace(path)
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be written: {error.strerror or error}") from error
    finally:
        temporary.unlink(missing_ok=True)


def write_text(path: str | Path, text: str) -> None:
    """Write `text` (UTF-8) atomically."""
    with atomic(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _umask() -> int:
    current = os.umask(0)
    os.umask(current)
    return current
