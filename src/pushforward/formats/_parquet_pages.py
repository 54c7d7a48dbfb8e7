"""The sizes that a Parquet file's page headers declare, before the library allocates what they ask for.

Source: Apache Parquet format (`parquet.thrift`) and the Thrift compact protocol. Only the few fields that are needed
here are looked at.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from pushforward.errors import InputError, require
from pushforward.formats._guard import check_size

__all__ = ["check_pages"]

_MAGIC = b"PAR1"
_HEADER = 1 << 16
_DEEPEST = 32
# Field numbers of parquet.thrift.
_ROW_GROUPS, _COLUMNS, _ELSEWHERE, _CHUNK = 4, 1, 1, 3
_COMPRESSED, _DATA_OFFSET, _DICTIONARY_OFFSET = 7, 9, 11
_PAGE_UNCOMPRESSED, _PAGE_COMPRESSED, _PAGE_KINDS, _PAGE_VALUES = 2, 3, (5, 7, 8), 1


def check_pages(path: Path) -> None:
    """Hold every page's declared bytes and values against the file's real size.

    Raises:
        InputError: a damaged footer or page header, data in another file, or a page out of proportion.
    """
    stored = path.stat().st_size
    with path.open("rb") as stream:
        for start, size in _chunks(_footer(stream, stored)):
            at = start
            while at < start + size:
                at += _check_page(stream, at, stored)


def _check_page(stream: BinaryIO, at: int, stored: int) -> int:
    """Check one page; returns its bytes in the file."""
    require(0 <= at < stored, f"a page starts at byte {at} of {stored}; truncated or damaged")
    stream.seek(at)
    reader = _Compact(stream.read(_HEADER))
    header = reader.struct()
    uncompressed, compressed = _whole(header, _PAGE_UNCOMPRESSED), _whole(header, _PAGE_COMPRESSED)
    check_size("a page", (uncompressed,), 1, stored)
    require(0 <= compressed <= stored, f"a page declares {compressed} bytes in a file of {stored}")
    for kind in _PAGE_KINDS:
        if isinstance(header.get(kind), dict):
            check_size("the values of a page", (_whole(header[kind], _PAGE_VALUES),), 8, stored)
    return reader.at + compressed


def _footer(stream: BinaryIO, stored: int) -> dict[int, Any]:
    stream.seek(max(stored - 8, 0))
    tail = stream.read(8)
    require(tail[4:] == _MAGIC, "does not end as a Parquet file does; truncated or damaged")
    size = int.from_bytes(tail[:4], "little")
    require(
        size <= stored - 12, f"declares a footer of {size} bytes in a file of {stored}; truncated or damaged"
    )
    stream.seek(stored - 8 - size)
    return _Compact(stream.read(size)).struct()


def _chunks(footer: dict[int, Any]) -> Iterator[tuple[int, int]]:
    """Start and size of each column's pages."""
    for group in _list(footer, _ROW_GROUPS):
        for column in _list(group, _COLUMNS):
            require(isinstance(column, dict) and _ELSEWHERE not in column, "a column lies in another file")
            chunk = column.get(_CHUNK)
            require(isinstance(chunk, dict), "a column without metadata; damaged")
            starts = [chunk[field] for field in (_DATA_OFFSET, _DICTIONARY_OFFSET) if chunk.get(field)]
            require(all(isinstance(start, int) for start in starts), "a column without a place; damaged")
            if starts:
                yield min(starts), _whole(chunk, _COMPRESSED)


def _list(struct: Any, field: int) -> list[Any]:
    found = struct.get(field, []) if isinstance(struct, dict) else None
    if not isinstance(found, list):
        raise InputError("a damaged Parquet footer")
    return found


def _whole(struct: dict[int, Any], field: int) -> int:
    found = struct.get(field)
    if not isinstance(found, int):
        raise InputError("a damaged Parquet footer or page header")
    return found


class _Compact:
    """Structs of Thrift's compact protocol, as dictionaries from field number to value."""

    def __init__(self, data: bytes) -> None:
        self._data, self.at = data, 0

    def struct(self, depth: int = 0) -> dict[int, Any]:
        """The struct at the present place."""
        require(depth < _DEEPEST, "a Parquet footer nested too deeply")
        fields: dict[int, Any] = {}
        number = 0
        while (byte := self._byte()) != 0:
            number = number + (byte >> 4) if byte >> 4 else self._signed()
            kind = byte & 15
            fields[number] = kind == 1 if kind in (1, 2) else self._value(kind, depth)
        return fields

    def _value(self, kind: int, depth: int) -> Any:
        if kind in (1, 2, 3):
            return self._byte()
        if kind in (4, 5, 6):
            return self._signed()
        if kind in (7, 8):
            return self._skip(8 if kind == 7 else self._varint())
        if kind in (9, 10):
            byte = self._byte()
            count = byte >> 4 if byte >> 4 < 15 else self._varint()
            return [self._value(byte & 15, depth + 1) for _ in range(self._counted(count))]
        if kind == 11:
            count = self._counted(self._varint())
            kinds = self._byte() if count else 0
            return [
                (self._value(kinds >> 4, depth + 1), self._value(kinds & 15, depth + 1)) for _ in range(count)
            ]
        if kind == 12:
            return self.struct(depth + 1)
        raise InputError("a damaged Parquet footer or page header")

    def _counted(self, count: int) -> int:
        require(count <= len(self._data) - self.at, "a damaged Parquet footer or page header")
        return count

    def _skip(self, size: int) -> None:
        self.at += self._counted(size)

    def _byte(self) -> int:
        require(
            self.at < len(self._data), "a Parquet footer or page header that ends early; truncated or damaged"
        )
        self.at += 1
        return self._data[self.at - 1]

    def _varint(self) -> int:
        value = shift = 0
        while True:
            byte = self._byte()
            value |= (byte & 127) << shift
            shift += 7
            if byte < 128:
                return value
            require(shift < 70, "a damaged Parquet footer or page header")

    def _signed(self) -> int:
        value = self._varint()
        return (value >> 1) ^ -(value & 1)
