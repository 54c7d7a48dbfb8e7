"""File formats: `read`, `batches` and `write` trajectories; every format is known by its content."""

from __future__ import annotations

import importlib
import os
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from pushforward.errors import InputError, named, printable, require
from pushforward.formats.base import AbstractFormat, ReadSettings
from pushforward.progress import Progress, silent
from pushforward.progress import progress as reporter
from pushforward.trajectories import Trajectories

__all__ = [
    "FORMATS",
    "AbstractFormat",
    "ReadSettings",
    "batches",
    "format_named",
    "read",
    "recognise",
    "write",
]

# Name -> where its class is: loaded on first use, so that no format's library is imported for another's file.
# In the order in which content is compared: text formats come last, because almost anything can look like text.
FORMATS: dict[str, str] = {
    "npz": "pushforward.formats.npz:Npz",
    "npy": "pushforward.formats.npz:Npy",
    "hdf5": "pushforward.formats.hdf5:Hdf5",
    "zarr": "pushforward.formats.zarr:Zarr",
    "minari": "pushforward.formats.minari:Minari",
    "parquet": "pushforward.formats.parquet:Parquet",
    "hurdat2": "pushforward.formats.hurdat2:Hurdat2",
    "csv": "pushforward.formats.csv:Csv",
}


def format_named(name: str) -> AbstractFormat:
    """The format registered as `name`.

    Raises:
        InputError: no such format; lists the valid ones.
    """
    if name not in FORMATS:
        raise named("format", name, FORMATS)
    module, _, attribute = FORMATS[name].partition(":")
    found: AbstractFormat = getattr(importlib.import_module(module), attribute)()
    return found


def recognise(path: str | Path) -> AbstractFormat:
    """The format of a file or folder, by its content.

    Raises:
        InputError: missing, empty, not readable, or of no known format.
    """
    from pushforward.formats._guard import head_of, translated

    path = Path(path)
    minari = format_named("minari")
    if not os.path.exists(path) and minari.recognises(path, b""):
        return minari
    head = head_of(path)
    for name in FORMATS:
        candidate = format_named(name)
        try:
            if candidate.recognises(path, head):
                return candidate
        except (OSError, ValueError) as error:
            raise translated(path, name, error) from error
    kind = "folder" if path.is_dir() else "content"
    raise InputError(f"{printable(path)}: unknown {kind}; expected one of the formats {', '.join(FORMATS)}")


def batches(
    path: str | Path,
    size: int = 4096,
    format: str | None = None,
    settings: ReadSettings | None = None,
    **overrides: Any,
) -> Iterator[Trajectories]:
    """The file's trajectories, at most `size` at a time, padded to the longest of each batch, in bounded memory.

    `overrides` are fields of `ReadSettings`.

    Raises:
        InputError: when the file is opened or while it is read; see `AbstractFormat.batches`.
    """
    path = Path(path)
    settings = _settings(settings, overrides)
    found = recognise(path) if format is None else format_named(format)
    return found.batches(path, settings, size)


def read(
    path: str | Path,
    format: str | None = None,
    settings: ReadSettings | None = None,
    *,
    progress: Progress | bool = False,
    **overrides: Any,
) -> Trajectories:
    """All trajectories of a file, at once in memory. `overrides` are fields of `ReadSettings`.

    Raises:
        InputError: missing, damaged or unknown file; NaN or infinity without `drop_invalid`; nothing valid; or
            lengths so different that padding would take memory out of proportion (use `batches`).
    """
    parts = batches(path, 4096, format, settings, **overrides)
    if progress is True:
        with reporter(f"reading {printable(path, longest=60)}") as report:
            return _together(Path(path), parts, report)
    return _together(Path(path), parts, progress or silent)


def write(
    path: str | Path, trajectories: Trajectories | Iterable[Trajectories], format: str | None = None
) -> None:
    """Write trajectories, or batches of them, atomically; the suffix of `path` tells the format.

    Raises:
        InputError: a suffix or format without a writer, nothing to write, parts that disagree, no space left.
    """
    from pushforward.formats._guard import translated

    path = Path(path)
    found = _writer(path, format)
    parts = [trajectories] if isinstance(trajectories, Trajectories) else trajectories
    try:
        found.write(path, parts)
    except (InputError, OSError) as error:
        raise translated(path, found.name, error) from error


def _settings(settings: ReadSettings | None, overrides: dict[str, Any]) -> ReadSettings:
    valid = ReadSettings.__dataclass_fields__
    for name in overrides:
        if name not in valid:
            raise named("read setting", name, valid)
    return replace(settings or ReadSettings(), **overrides)


def _together(path: Path, parts: Iterator[Trajectories], report: Progress) -> Trajectories:
    from pushforward.formats._guard import allowance, real_size

    found: list[Trajectories] = []
    count = longest = stored = 0
    for part in parts:
        found.append(part)
        count, longest = count + len(part), max(longest, part.T)
        report(count)
        # One very long trajectory among many short ones: padding, not data, would fill the memory.
        stored = stored or (real_size(path) if os.path.exists(path) else 1 << 30)
        needed = count * longest * part.C * 4
        require(
            needed <= allowance(stored),
            f"{printable(path)}: {count} trajectories padded to {longest} steps take {needed} bytes, but the file "
            f"has {stored}; expected at most 200 times as many (set max_length, or use batches)",
        )
    report(count, count)
    return found[0] if len(found) == 1 else Trajectories.concat(found)


def _writer(path: Path, format: str | None) -> AbstractFormat:
    writers = [found for name in FORMATS if (found := format_named(name)).writes]
    if format is not None:
        found = format_named(format)
        listed = ", ".join(writer.name for writer in writers)
        require(found.writes, f"format {format!r} is read only; expected one of {listed}")
        return found
    for writer in writers:
        if path.suffix.lower() in writer.suffixes:
            return writer
    suffixes = ", ".join(suffix for writer in writers for suffix in writer.suffixes)
    raise InputError(
        f"{printable(path)}: no writer for {printable(path.suffix)!r}; expected one of {suffixes}"
    )
