"""Tables of values that have been measured already: one row per trajectory, in Parquet, CSV or `.npy` (N,).

Unlike trajectories these may be many (10⁸): they are only ever streamed. A header such as `speed [m/s]` or
`speed (m/s)` names the quantity `speed` with the unit `m/s`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.formats._guard import guarded, head_of, real_size, translated
from pushforward.formats._long_table import GROUP_NAME, is_long_table

__all__ = ["is_measurements", "value_batches", "value_columns", "value_units"]

_ONLY = "value"
_LONGEST_HEADER = 200
# Round brackets also hold remarks, which have spaces; a unit in them has none.
_UNIT = re.compile(r"(?P<name>.*\S)\s*(?:\[(?P<square>[^\[\]]{1,20})\]|\((?P<round>[^()\s]{1,20})\))\s*")


def is_measurements(path: str | Path) -> bool:
    """Whether a file holds one value per trajectory rather than trajectories.

    True for `.npy` of one dimension, and for Parquet and CSV with a numeric column and without an id and a time
    column. False for anything else, also where there is no such file.
    """
    path = Path(path)
    try:
        return len(_columns(path)) > 0
    except InputError:
        return False


def value_columns(path: str | Path) -> tuple[str, ...]:
    """The numeric columns that can be read as values (`.npy`: `value`), without units; `group` is not among them.

    Raises:
        InputError: not a table of measurements.
    """
    return tuple(_headers(Path(path)))


def value_units(path: str | Path) -> dict[str, str]:
    """The unit in each column's header, "" where it states none.

    Raises:
        InputError: not a table of measurements.
    """
    return {name: _split(header)[1] for name, header in _headers(Path(path)).items()}


def _headers(path: Path) -> dict[str, str]:
    """Each value column's header by its name without a unit; by the whole header where two names would be one."""
    found = _columns(path)
    require(len(found) > 0, f"{printable(path)}: holds no numeric column; expected one value per trajectory")
    names = [_split(header)[0] for header in found]
    times = Counter((*names, *found))
    return {
        name if name == header or times[name] == 1 else header: header
        for name, header in zip(names, found, strict=True)
    }


def _split(header: str) -> tuple[str, str]:
    match = _UNIT.fullmatch(header) if len(header) <= _LONGEST_HEADER else None
    return (header, "") if match is None else (match["name"], (match["square"] or match["round"]).strip())


def value_batches(
    path: str | Path, column: str | None = None, size: int = 1 << 18
) -> Iterator[tuple[NDArray[np.float64], NDArray[Any] | None]]:
    """Values (n,) float64, NaN where missing, and groups (n,) from a column `group`, at most `size` rows at a time.

    `column` is a name as `value_columns` gives it. Memory is bounded by `size`, whatever the number of rows.

    Raises:
        InputError: no such column, a damaged file, no rows.
    """
    path = Path(path)
    require(size >= 1, f"batch size: got {size}; expected at least 1")
    headers = _headers(path)
    if column is None:
        require(
            len(headers) == 1,
            f"{printable(path)}: has the columns {printable(', '.join(headers))}; expected one to be chosen",
        )
        column = next(iter(headers))
    elif column not in headers:
        raise translated(path, "", named("column", column, headers))
    return guarded(path, "table of measurements", _counted(_batches(path, headers[column], size)))


def _batches(path: Path, column: str, size: int) -> Iterator[tuple[NDArray[Any], NDArray[Any] | None]]:
    kind = _kind(path)
    if kind == "npy":
        yield from _npy(path, size)
    elif kind == "csv":
        yield from _csv(path, column, size)
    else:
        yield from _parquet(path, column, size)


def _counted(
    parts: Iterator[tuple[NDArray[Any], NDArray[Any] | None]],
) -> Iterator[tuple[NDArray[np.float64], NDArray[Any] | None]]:
    total = 0
    for values, groups in parts:
        total += len(values)
        yield np.asarray(values, dtype=np.float64), groups
    require(total > 0, "holds no rows; expected at least one value")


def _kind(path: Path) -> str:
    if path.is_dir():
        parquet = real_size(path) > 0 and any(path.glob("*.parquet")) and not (path / "meta").is_dir()
        return "parquet" if parquet else ""
    head = head_of(path)
    if head.startswith(b"PAR1"):
        return "parquet"
    if head.startswith(b"\x93NUMPY"):
        return "npy"
    from pushforward.formats.csv import single_or_more
    from pushforward.formats.hurdat2 import Hurdat2

    try:
        single_or_more(path)
    except InputError:
        return ""
    # Lines of storms have commas and numbers, but no header.
    return "" if Hurdat2().recognises(path, head) else "csv"


def _columns(path: Path) -> tuple[str, ...]:
    kind = _kind(path)
    if not kind:
        raise InputError(f"{printable(path)}: not a table of measurements; expected Parquet, CSV or npy (N,)")
    look = {"npy": _npy_columns, "csv": _csv_columns, "parquet": _parquet_columns}[kind]
    try:
        return look(path)
    except Exception as error:
        raise translated(path, kind, error) from error


def _npy_columns(path: Path) -> tuple[str, ...]:
    from pushforward.formats.npz import NpyRows

    with path.open("rb") as stream:
        found = NpyRows(stream, path.stat().st_size, _ONLY)
    return (_ONLY,) if len(found.shape) == 1 and found.dtype.kind in "fiub" else ()


def _npy(path: Path, size: int) -> Iterator[tuple[NDArray[Any], None]]:
    from pushforward.formats.npz import NpyRows

    with path.open("rb") as stream:
        found = NpyRows(stream, path.stat().st_size, _ONLY)
        for start in range(0, found.shape[0], size):
            yield found.rows(start, min(start + size, found.shape[0])), None


def _csv_columns(path: Path) -> tuple[str, ...]:
    from pushforward.formats.csv import numeric_columns, single_or_more

    dialect = single_or_more(path)
    if is_long_table(dialect.columns):
        return ()
    return tuple(name for name in numeric_columns(path, dialect) if name != GROUP_NAME)


def _csv(path: Path, column: str, size: int) -> Iterator[tuple[NDArray[Any], NDArray[Any] | None]]:
    from pushforward.formats.csv import single_or_more, text_batches

    dialect = single_or_more(path)
    text = [GROUP_NAME] if GROUP_NAME in dialect.columns else []
    for columns in text_batches(path, dialect, [column], text):
        groups = columns[GROUP_NAME].astype(np.str_) if text else None
        yield from _cut(columns[column], groups, size)


def _parquet_files(path: Path) -> list[Path]:
    return sorted(path.glob("*.parquet")) if path.is_dir() else [path]


def _parquet_columns(path: Path) -> tuple[str, ...]:
    from pushforward.formats._parquet_access import is_number, opened
    from pushforward.formats._parquet_layout import METADATA

    with opened(_parquet_files(path)[0]) as file:
        schema = file.schema_arrow
    if is_long_table(schema.names) or METADATA in (schema.metadata or {}):
        return ()
    return tuple(field.name for field in schema if is_number(field.type) and field.name != GROUP_NAME)


def _parquet(path: Path, column: str, size: int) -> Iterator[tuple[NDArray[Any], NDArray[Any] | None]]:
    from pushforward.formats._parquet_access import column_batches, opened

    for part in _parquet_files(path):
        with opened(part) as file:
            grouped = GROUP_NAME in file.schema_arrow.names
        for columns in column_batches(part, [column, *([GROUP_NAME] if grouped else [])], rows=size):
            groups = columns[GROUP_NAME] if grouped else None
            if groups is not None and groups.dtype == object:
                groups = groups.astype(np.str_)
            yield columns[column], groups


def _cut(
    values: NDArray[Any], groups: NDArray[Any] | None, size: int
) -> Iterator[tuple[NDArray[Any], NDArray[Any] | None]]:
    for start in range(0, len(values), size):
        stop = start + size
        yield values[start:stop], None if groups is None else groups[start:stop]
