"""Parquet: LeRobot v3 folders (read), long tables (read), and this library's own long tables (read and written)."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np

from pushforward.errors import named, require
from pushforward.formats._arrays import agreeing
from pushforward.formats._block import Block
from pushforward.formats._lerobot import INFO, lerobot_blocks
from pushforward.formats._long_table import Roles, Stretch, roles_of, split_unit, table_blocks
from pushforward.formats._parquet_access import (
    array_of,
    column_batches,
    is_clock,
    is_list,
    is_number,
    is_text,
    opened,
)
from pushforward.formats._parquet_layout import Layout, tables
from pushforward.formats._parquet_pages import check_pages
from pushforward.formats.base import AbstractFormat, ReadSettings
from pushforward.trajectories import Trajectories
from pushforward.writing import atomic

__all__ = ["Parquet"]

_MAGIC = b"PAR1"


@final
class Parquet(AbstractFormat):
    """A long table (id, time, channels), a folder of such files in the order of their names, or a LeRobot v3 folder.

    In a long table `key` chooses one column of lists; by default every numeric column beside id and time is a
    channel. Tables that this library writes also say dt, units, groups, quantity and conditions.
    """

    name: ClassVar[str] = "parquet"
    suffixes: ClassVar[tuple[str, ...]] = (".parquet",)
    writes: ClassVar[bool] = True

    def recognises(self, path: Path, head: bytes) -> bool:
        """Parquet's magic bytes; a folder with LeRobot's `meta/info.json` or with Parquet files."""
        if not path.is_dir():
            return head.startswith(_MAGIC)
        return (path / INFO).is_file() or any(True for _ in path.glob("*.parquet"))

    def blocks(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Block]:
        """Blocks of the layout that the file or folder has."""
        if path.is_dir() and (path / INFO).is_file():
            return lerobot_blocks(path, settings, size)
        files = sorted(path.glob("*.parquet")) if path.is_dir() else [path]
        require(len(files) > 0, "holds no Parquet files; expected at least one")
        return _tables(files, settings, size)

    def write(self, path: Path, parts: Iterable[Trajectories]) -> None:
        """Write one row per step: id, time, channels (float32), and what belongs to each trajectory."""
        import pyarrow.parquet as pq

        with atomic(path) as target:
            found = tables(agreeing(parts))
            first, layout = next(found)
            with pq.ParquetWriter(
                target, first.schema, compression="zstd", use_dictionary=layout.repeated
            ) as writer:
                writer.write_table(first)
                for table, _ in found:
                    writer.write_table(table)


def _tables(files: list[Path], settings: ReadSettings, size: int) -> Iterator[Block]:
    with opened(files[0]) as file:
        schema = file.schema_arrow
    for part in files[1:]:
        with opened(part) as file:
            require(
                file.schema_arrow.equals(schema),
                f"{part.name}: has other columns than {files[0].name}; expected the same",
            )
    stored = sum(part.stat().st_size for part in files)
    layout = Layout.of(schema)
    if (
        layout is not None
        and settings.key is None
        and settings.id_column is None
        and settings.time_column is None
    ):
        found = (columns for part in _numbered(files, layout) for columns in part)
        stretches = (layout.stretch(columns) for columns in found)
        return table_blocks(stretches, layout.like, size, settings, stored, spacing=layout.dt, dt=layout.dt)
    return _foreign(files, schema, settings, size, stored)


def _numbered(files: list[Path], layout: Layout) -> Iterator[Iterator[dict[str, Any]]]:
    """Own tables count their trajectories from 0 in each file; in a folder the count goes on."""
    offset = 0

    def numbered(part: Path) -> Iterator[dict[str, Any]]:
        nonlocal offset
        last = -1
        start = offset
        for columns in column_batches(part, layout.columns):
            columns[layout.id] = columns[layout.id] + start
            last = max(last, int(columns[layout.id].max(initial=last)))
            yield columns
        offset = max(offset, last + 1)

    for part in files:
        yield numbered(part)


def _foreign(
    files: list[Path], schema: Any, settings: ReadSettings, size: int, stored: int
) -> Iterator[Block]:
    numeric = [field.name for field in schema if is_number(field.type) or is_list(field.type)]
    if settings.key is not None and settings.key not in numeric:
        raise named("key", settings.key, numeric)
    roles = roles_of(schema.names, [settings.key] if settings.key else numeric, settings)
    clock = is_clock(schema.field(roles.time).type)
    require(
        clock or is_number(schema.field(roles.time).type),
        f"column {roles.time}: expected numbers or dates for the time",
    )
    kind = schema.field(roles.id).type
    require(is_number(kind) or is_text(kind), f"column {roles.id}: expected integers or text for the id")
    wanted = [roles.id, roles.time, *roles.channels, *([roles.group] if roles.group else [])]
    channels, units = _named_channels(files[0], roles)
    like = Block(
        np.empty((0, 1, len(channels))),
        channels=channels,
        units=units,
        time_unit="s" if clock else split_unit(roles.time)[1] or "s",
    )

    def stretches() -> Iterator[Stretch]:
        for part in files:
            for columns in column_batches(part, wanted):
                values = [columns[name].reshape(len(columns[roles.id]), -1) for name in roles.channels]
                group = columns[roles.group] if roles.group else None
                yield Stretch(columns[roles.id], columns[roles.time], np.concatenate(values, axis=1), group)

    return table_blocks(stretches(), like, size, settings, stored)


def _named_channels(path: Path, roles: Roles) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Names and units of the channels; a column of lists gives one channel per number."""
    names: list[str] = []
    units: list[str] = []
    check_pages(path)
    with opened(path) as file:
        first = next(file.iter_batches(batch_size=1, columns=list(roles.channels), use_threads=False), None)
    for column in roles.channels:
        name, unit = split_unit(column)
        array = None if first is None else array_of(first.column(first.schema.names.index(column)), column)
        width = 1 if array is None or array.ndim == 1 else array.shape[1]
        names += [name] if width == 1 else [f"{name}[{i}]" for i in range(width)]
        units += [unit] * width
    return tuple(names), tuple(units)
