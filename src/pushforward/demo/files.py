"""What the demo keeps on disk: JSON, written atomically and read back with care."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pushforward.errors import InputError, printable, require
from pushforward.writing import write_text

__all__ = ["made_folder", "now", "read_record", "write_record"]

_LARGEST = 64 << 20


def now() -> str:
    """The time, to the second, in UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def made_folder(path: Path) -> Path:
    """The folder, made where it is missing.

    Raises:
        InputError: it cannot be made.
    """
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be made: {error.strerror or error}") from None
    return path


def write_record(path: Path, kind: str, record: Mapping[str, Any]) -> None:
    """Write a record of its kind atomically."""
    write_text(path, json.dumps({"format": f"pushforward-demo-{kind}", **record}, allow_nan=False) + "\n")


def read_record(path: Path, kind: str) -> dict[str, Any] | None:
    """What `write_record` wrote; None where there is no such file.

    Raises:
        InputError: a file that is damaged, or something else.
    """
    where = printable(path)
    try:
        if not path.exists():
            return None
        require(path.stat().st_size <= _LARGEST, f"{where}: is too large; expected a record of the demo")
        record: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror or error}") from None
    except (ValueError, RecursionError) as error:
        said = str(error) if isinstance(error, InputError) else f"{where}: is damaged; expected JSON"
        raise InputError(said) from None
    if not isinstance(record, dict) or record.get("format") != f"pushforward-demo-{kind}":
        raise InputError(f"{where}: is damaged, or not the demo's; expected its record of kind {kind!r}")
    return record
