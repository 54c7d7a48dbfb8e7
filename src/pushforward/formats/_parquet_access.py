"""Parquet files of strangers: sizes in proportion to the file, columns as NumPy arrays, a bounded number of rows."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.formats._guard import check_size
from pushforward.formats._parquet_pages import check_pages

__all__ = ["array_of", "column_batches", "is_clock", "is_list", "is_number", "is_text", "opened", "width_of"]

_ITEMS = 1 << 20
_LONGEST_NAME = 1024
_MOST_COLUMNS = 10_000


@contextlib.contextmanager
def opened(path: Path, text: Sequence[str] = ()) -> Iterator[Any]:
    """A `pyarrow.parquet.ParquetFile` whose declared sizes agree with the file's; `text` columns stay dictionaries."""
    import pyarrow.parquet as pq

    stored = path.stat().st_size
    limit = max(1 << 20, stored)
    with pq.ParquetFile(
        path,
        memory_map=False,
        pre_buffer=False,
        buffer_size=1 << 20,
        read_dictionary=list(text),
        thrift_string_size_limit=min(limit, (1 << 31) - 1),
        thrift_container_size_limit=min(limit, (1 << 31) - 1),
    ) as file:
        metadata = file.metadata
        require(
            metadata.num_columns <= _MOST_COLUMNS,
            f"has {metadata.num_columns} columns; expected at most {_MOST_COLUMNS}",
        )
        check_size("rows", (metadata.num_rows,), 8, stored)
        # Not the sizes of single columns: `row_group.column` of pyarrow ends the process on damaged statistics.
        for group in range(metadata.num_row_groups):
            check_size(f"row group {group}", (metadata.row_group(group).total_byte_size,), 1, stored)
        yield file


def column_batches(
    path: Path, columns: Sequence[str], rows: int = 1 << 14
) -> Iterator[dict[str, NDArray[Any]]]:
    """The named columns of at most `rows` rows: numbers (R,) or (R, w), clocks in seconds, text as objects.

    Raises:
        InputError: a column that is missing or of another kind; lists whose lengths differ.
    """
    check_pages(path)
    with opened(path) as file:
        schema = file.schema_arrow
        for name in columns:
            if name not in schema.names:
                raise named("column", name, schema.names)
        text = [name for name in columns if is_text(schema.field(name).type)]
        widest = _widest(file, [name for name in columns if is_list(schema.field(name).type)])
    stored = path.stat().st_size
    with opened(path, text) as file:
        size = max(1, min(rows, _ITEMS // widest))
        for batch in file.iter_batches(batch_size=size, columns=list(columns), use_threads=False):
            check_size("a batch of rows", (batch.nbytes,), 1, stored)
            yield {name: array_of(batch.column(batch.schema.names.index(name)), name) for name in columns}


def array_of(column: Any, name: str) -> NDArray[Any]:
    """An Arrow array as NumPy: nulls in numbers become NaN; nulls elsewhere are refused."""
    import pyarrow as pa
    import pyarrow.compute as pc

    # The library trusts a file: entries of a dictionary may point outside it.
    column.validate(full=True)
    kind = column.type
    if pa.types.is_dictionary(kind):
        words = array_of(column.dictionary, name)
        _refuse_null(column, name)
        found: NDArray[Any] = words[column.indices.to_numpy(zero_copy_only=False)]
        return found
    if is_text(kind):
        _refuse_null(column, name)
        longest = pc.max(pc.binary_length(column)).as_py() or 0
        require(
            longest <= _LONGEST_NAME,
            f"column {printable(name)}: text of {longest} bytes; expected short names",
        )
        return np.array([*column.to_pylist(), None], dtype=object)[:-1]
    if is_clock(kind):
        _refuse_null(column, name)
        return np.asarray(column.cast(pa.timestamp("us"), safe=False).cast(pa.int64())) / 1e6
    if width_of(column, name) is not None:
        return _matrix(column, name)
    require(
        is_number(kind),
        f"column {printable(name)}: got {printable(kind, longest=60)}; expected numbers or text",
    )
    return np.asarray(column.to_numpy(zero_copy_only=False))


def is_number(kind: Any, flags: bool = False) -> bool:
    """Whether an Arrow type is of real numbers (with `flags`: or booleans)."""
    import pyarrow as pa

    return pa.types.is_integer(kind) or pa.types.is_floating(kind) or (flags and pa.types.is_boolean(kind))


def is_list(kind: Any) -> bool:
    """Whether an Arrow type is of lists of real numbers."""
    import pyarrow as pa

    lists = pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind)
    return bool(lists) and is_number(kind.value_type)


def is_text(kind: Any) -> bool:
    """Whether an Arrow type is text, plain or in a dictionary."""
    import pyarrow as pa

    if pa.types.is_dictionary(kind):
        kind = kind.value_type
    return bool(pa.types.is_string(kind) or pa.types.is_large_string(kind))


def is_clock(kind: Any) -> bool:
    """Whether an Arrow type is a date or a time of a date."""
    import pyarrow as pa

    return bool(pa.types.is_timestamp(kind) or pa.types.is_date(kind))


def width_of(column: Any, name: str) -> int | None:
    """Numbers per row of a column of lists, or None where it holds no lists.

    Raises:
        InputError: lists of different lengths, or missing ones.
    """
    import pyarrow.compute as pc

    if not is_list(column.type):
        return None
    _refuse_null(column, name)
    if not len(column):
        return 0
    lengths = pc.min_max(pc.list_value_length(column)).as_py()
    require(
        lengths["min"] == lengths["max"],
        f"column {printable(name)}: its lists have {lengths['min']} to {lengths['max']} numbers; expected one length",
    )
    return int(lengths["max"])


def _matrix(column: Any, name: str) -> NDArray[Any]:
    width = width_of(column, name) or 0
    flat = column.flatten().to_numpy(zero_copy_only=False)
    return np.asarray(flat).reshape(len(column), width)


def _widest(file: Any, names: Sequence[str]) -> int:
    """Numbers per row of the widest of these columns of lists, by the first row."""
    first = (
        next(file.iter_batches(batch_size=1, columns=list(names), use_threads=False), None) if names else None
    )
    columns = [] if first is None else [first.column(first.schema.names.index(name)) for name in names]
    return max((width_of(column, name) or 1 for column, name in zip(columns, names, strict=False)), default=1)


def _refuse_null(column: Any, name: str) -> None:
    if column.null_count:
        raise InputError(
            f"column {printable(name)}: {column.null_count} missing entries; expected one in each row"
        )
