"""CSV and other delimited text: long tables with a header line (read)."""

from __future__ import annotations

import csv
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.formats._block import Block
from pushforward.formats._guard import head_of
from pushforward.formats._long_table import Stretch, roles_of, split_unit, table_blocks
from pushforward.formats.base import AbstractFormat, ReadSettings

__all__ = ["Csv", "Dialect", "dialect_of", "numeric_columns", "single_or_more", "text_batches"]

_DELIMITERS = ",\t;|"
_LONGEST_HEADER = 1 << 18
_MOST_COLUMNS = 4096
_BLOCK = 1 << 20
_MISSING = ("", "NaN", "nan", "NA", "N/A", "null", "NULL", "None")
_LONGEST_NAME = 1024


@final
class Csv(AbstractFormat):
    """Delimited text with a header line, an id column, a time column and numeric channels.

    The delimiter (comma, tab, semicolon or bar) is that of the header. A header such as `x [m]` is channel x in m.
    Rows of one trajectory stand together, in the order of time.
    """

    name: ClassVar[str] = "csv"
    suffixes: ClassVar[tuple[str, ...]] = (".csv", ".tsv")

    def recognises(self, path: Path, head: bytes) -> bool:
        """Text whose first line has two or more columns that are not all numbers."""
        try:
            dialect_of(head.split(b"\n", 1)[0] if b"\n" in head else head, complete=len(head) < 4096)
        except InputError:
            return False
        return True

    def blocks(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Block]:
        """Blocks of trajectories from the table."""
        dialect = dialect_of(head_of(path, _LONGEST_HEADER).split(b"\n", 1)[0])
        numeric = numeric_columns(path, dialect)
        roles = roles_of(dialect.columns, numeric, settings)
        names, units = zip(*map(split_unit, roles.channels), strict=True)
        text = [roles.id, *([roles.group] if roles.group else [])]
        clock = roles.time not in numeric
        found = text_batches(path, dialect, [roles.time, *roles.channels], text, clock)
        like = Block(
            np.empty((0, 1, len(names))),
            channels=names,
            units=units,
            time_unit="s" if clock else split_unit(roles.time)[1] or "s",
        )

        def stretches() -> Iterator[Stretch]:
            for columns in found:
                ids = columns[roles.id]
                yield Stretch(
                    ids=ids,
                    times=columns[roles.time],
                    values=np.column_stack([columns[name] for name in roles.channels]),
                    group=columns[roles.group] if roles.group else None,
                )

        yield from table_blocks(stretches(), like, size, settings, path.stat().st_size)


@final
class Dialect:
    """The delimiter and the column names of a header line."""

    def __init__(self, delimiter: str, columns: Sequence[str]) -> None:
        self.delimiter, self.columns = delimiter, tuple(columns)


def single_or_more(path: Path) -> Dialect:
    """The dialect of a file of measurements, which may have a single column.

    Raises:
        InputError: not text, or no header.
    """
    return dialect_of(head_of(path, _LONGEST_HEADER).split(b"\n", 1)[0], fewest=1)


def dialect_of(line: bytes, complete: bool = True, fewest: int = 2) -> Dialect:
    """The dialect of a file's first line.

    Raises:
        InputError: not UTF-8 text, one column, or nothing but numbers (no header).
    """
    try:
        text = line.decode("utf-8-sig").rstrip("\r\n")
    except UnicodeDecodeError:
        # A header longer than the head may be cut within a character.
        require(not complete, "line 1: not UTF-8 text")
        text = line.decode("utf-8-sig", "ignore")
    plain = all(c.isprintable() or c == "\t" for c in text)
    require(plain and bool(text.strip()), "line 1: not a header of text")
    delimiter = max(_DELIMITERS, key=text.count)
    try:
        (cells,) = csv.reader([text], delimiter=delimiter)
    except (csv.Error, ValueError):
        raise InputError("line 1: not a header of delimited text") from None
    columns = [cell.strip() for cell in cells]
    require(
        fewest <= len(columns) <= _MOST_COLUMNS,
        f"line 1: got {len(columns)} columns; expected {fewest} to {_MOST_COLUMNS}, between commas, tabs, ; or |",
    )
    require(
        not all(map(_is_number, columns)), "line 1: got only numbers; expected a header with column names"
    )
    return Dialect(delimiter, columns)


def text_batches(
    path: Path, dialect: Dialect, numeric: Sequence[str], text: Sequence[str], clock: bool = False
) -> Iterator[dict[str, NDArray[Any]]]:
    """Columns of consecutive rows, about 1 MiB of text at a time: numbers as float64 (missing: NaN), text as objects.

    With `clock` the first numeric column holds dates and times, read as seconds since 1970.

    Raises:
        InputError: a cell that is not a number, or a row with too few or too many cells; names line and column.
    """
    import pyarrow as pa

    types = {name: pa.float64() for name in numeric} | {name: pa.string() for name in text}
    if clock:
        types[numeric[0]] = pa.timestamp("us")
    try:
        for batch in _reader(path, dialect, types):
            yield {name: _array(batch.column(name), name) for name in types}
    except (pa.ArrowInvalid, pa.ArrowTypeError) as error:
        # Arrow names neither the line nor the column of a file; a second look, only now, finds them.
        fault = _fault(path, dialect, numeric[1:] if clock else numeric)
        raise InputError(fault or str(error).splitlines()[0]) from error


def _reader(path: Path, dialect: Dialect, types: dict[str, Any]) -> Any:
    from pyarrow import csv as arrow

    return arrow.open_csv(
        path,
        read_options=arrow.ReadOptions(
            use_threads=False, block_size=_BLOCK, column_names=list(dialect.columns), skip_rows=1
        ),
        parse_options=arrow.ParseOptions(delimiter=dialect.delimiter),
        convert_options=arrow.ConvertOptions(
            column_types=types,
            include_columns=list(types),
            null_values=list(_MISSING),
            strings_can_be_null=False,
        ),
    )


def numeric_columns(path: Path, dialect: Dialect) -> list[str]:
    """Columns whose cells in the first rows are numbers, or missing but for a number."""
    with path.open(encoding="utf-8-sig", errors="replace", newline="") as stream:
        sample = stream.read(_BLOCK // 4)
    lines = sample.splitlines()[1:1001]
    rows = _parsed(lines[:-1] if len(lines) > 1 and len(sample) == _BLOCK // 4 else lines, dialect)
    require(len(rows) > 0, "holds no trajectories: a header and no rows; expected at least one")
    numeric = []
    for index, name in enumerate(dialect.columns):
        cells = [row[index].strip() for row in rows if index < len(row)]
        given = [cell for cell in cells if cell not in _MISSING]
        if given and _is_number(given[0]):
            numeric.append(name)
    return numeric


def _parsed(lines: Sequence[str], dialect: Dialect) -> list[list[str]]:
    try:
        return [row for row in csv.reader(lines, delimiter=dialect.delimiter) if row]
    except csv.Error as error:
        raise InputError(f"not delimited text: {printable(error)}") from None


def _array(column: Any, name: str) -> NDArray[Any]:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_timestamp(column.type):
        require(
            column.null_count == 0, f"column {printable(name)}: a time is missing; expected one in each row"
        )
        return np.asarray(column.cast(pa.int64())).astype(np.float64) / 1e6
    if pa.types.is_string(column.type):
        longest = pc.max(pc.binary_length(column)).as_py() or 0
        require(
            longest <= _LONGEST_NAME,
            f"column {printable(name)}: text of {longest} bytes; expected short names",
        )
        return np.array(column.to_pylist(), dtype=object)
    return np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)


def _fault(path: Path, dialect: Dialect, numeric: Sequence[str]) -> str | None:
    """Where the file first breaks the rules."""
    width = len(dialect.columns)
    index = [dialect.columns.index(name) for name in numeric]
    with path.open(encoding="utf-8-sig", errors="strict", newline="") as stream:
        reader = csv.reader(stream, delimiter=dialect.delimiter)
        try:
            for row in reader:
                line = reader.line_num
                if line > 1 and row and len(row) != width:
                    return f"line {line}: got {len(row)} columns; expected {width}"
                for i in index if line > 1 and row else ():
                    if row[i].strip() not in _MISSING and not _is_number(row[i]):
                        cell, name = printable(row[i], longest=40), printable(dialect.columns[i], longest=60)
                        return f"line {line}, column {name!r}: got {cell!r}; expected a number"
        except UnicodeDecodeError:
            return f"line {reader.line_num + 1}: not UTF-8 text"
        except csv.Error as error:
            return f"line {reader.line_num}: {printable(error)}"
    return None


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return "_" not in text
