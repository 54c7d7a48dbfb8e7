"""The long table that this library writes to Parquet, and the metadata that makes a round trip exact."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.formats._block import Block
from pushforward.formats._long_table import Stretch
from pushforward.trajectories import Trajectories

__all__ = ["METADATA", "Layout", "tables"]

METADATA = b"pushforward"
_ROWS = 1 << 16
_VERSION = 1


@dataclass(frozen=True)
class Layout:
    """Which column is what, and the facts of all trajectories."""

    id: str
    time: str
    channels: Mapping[str, str]
    units: tuple[str, ...]
    dt: float
    time_unit: str
    group: str | None
    quantity: str | None
    quantity_name: str | None
    group_name: str
    conditions: Mapping[str, tuple[str, tuple[int, ...]]]

    @classmethod
    def of(cls, schema: Any) -> Layout | None:
        """The layout that a schema's metadata declares, or None.

        Raises:
            InputError: metadata of this library that is damaged or from a newer version.
        """
        text = (schema.metadata or {}).get(METADATA)
        if text is None:
            return None
        try:
            found = json.loads(text)
            require(found["version"] == _VERSION, f"layout version {found['version']}; expected {_VERSION}")
            layout = cls(
                id=str(found["id"]),
                time=str(found["time"]),
                channels={str(column): str(name) for column, name in found["channels"]},
                units=tuple(map(str, found["units"])),
                dt=float(found["dt"]),
                time_unit=str(found["time_unit"]),
                group=_optional(found["group"]),
                quantity=_optional(found["quantity"]),
                quantity_name=_optional(found["quantity_name"]),
                group_name=str(found["group_name"]),
                conditions={
                    str(name): (str(column), tuple(map(int, shape)))
                    for name, (column, shape) in found["conditions"].items()
                },
            )
        except (ValueError, TypeError, KeyError, AttributeError, RecursionError, OverflowError) as error:
            if isinstance(error, InputError):
                raise
            raise InputError("its pushforward metadata is damaged") from error
        missing = sorted(set(layout.columns) - set(schema.names))
        require(not missing, f"its pushforward metadata names columns that are not there: {missing[:5]}")
        require(0 < layout.dt < math.inf, f"dt: got {layout.dt}; expected a positive number")
        return layout

    @property
    def columns(self) -> list[str]:
        """All columns to read."""
        optional = [name for name in (self.group, self.quantity) if name is not None]
        return [
            self.id,
            self.time,
            *self.channels,
            *optional,
            *(column for column, _ in self.conditions.values()),
        ]

    @property
    def repeated(self) -> list[str]:
        """Paths of the columns that repeat from row to row: worth a dictionary, which random motion is not."""
        lists = {column for column, shape in self.conditions.values() if shape}
        columns = [name for name in self.columns if name not in self.channels]
        return [f"{name}.list.element" if name in lists else name for name in columns]

    @property
    def like(self) -> Block:
        """An empty block with the facts."""
        return Block(
            np.empty((0, 1, len(self.channels))),
            dt=self.dt,
            channels=tuple(self.channels.values()),
            units=self.units,
            quantity_name=self.quantity_name,
            time_unit=self.time_unit,
            group_name=self.group_name,
        )

    def stretch(self, columns: Mapping[str, NDArray[Any]]) -> Stretch:
        """Rows of a file as a stretch of the long table."""
        for name in (self.id, self.time, *self.channels, *([self.quantity] if self.quantity else [])):
            require(
                columns[name].ndim == 1 and columns[name].dtype.kind in "fiu",
                f"column {name!r}: expected numbers",
            )
        conditions = {}
        for name, (column, shape) in self.conditions.items():
            array = columns[column]
            require(
                array.dtype.kind in "fiu" and array[:1].size == min(len(array), 1) * math.prod(shape),
                f"column {column!r}: got shape {array.shape[1:]}; expected {shape}",
            )
            conditions[name] = array.reshape(-1, *shape)
        return Stretch(
            ids=columns[self.id],
            times=columns[self.time],
            values=np.column_stack([columns[name] for name in self.channels]),
            group=columns[self.group] if self.group else None,
            quantity=columns[self.quantity] if self.quantity else None,
            conditions=conditions,
        )


def tables(parts: Iterator[Trajectories]) -> Iterator[tuple[Any, Layout]]:
    """Arrow tables of about `_ROWS` rows, the schema of each carrying the layout."""
    start, schema, layout = 0, None, None
    for part in parts:
        layout = layout or _layout_for(part)
        rows = max(1, _ROWS // part.T)
        for piece in part.batches(rows):
            table = _table(piece, layout, start)
            schema = schema or table.schema
            yield table.cast(schema), layout
            start += len(piece)


def _layout_for(part: Trajectories) -> Layout:
    taken = set(part.channels)

    def free(name: str) -> str:
        while name in taken:
            name += "_"
        taken.add(name)
        return name

    return Layout(
        id=free("id"),
        time=free("time"),
        channels={name: name for name in part.channels},
        units=part.units,
        dt=part.dt,
        time_unit=part.time_unit,
        group=None if part.groups is None else free("group"),
        quantity=None if part.quantity is None else free("quantity"),
        quantity_name=part.quantity_name,
        group_name=part.group_name,
        conditions={
            name: (free(f"condition/{name}"), array.shape[1:]) for name, array in part.conditions.items()
        },
    )


def _metadata(layout: Layout) -> dict[bytes, bytes]:
    found = {
        "version": _VERSION,
        **{name: getattr(layout, name) for name in ("id", "time", "units", "dt", "time_unit")},
        **{
            name: getattr(layout, name)
            for name in ("group", "group_name", "quantity", "quantity_name", "conditions")
        },
        "channels": list(layout.channels.items()),
    }
    return {METADATA: json.dumps(found).encode()}


def _table(part: Trajectories, layout: Layout, start: int) -> Any:
    import pyarrow as pa

    owner = np.repeat(np.arange(len(part)), part.steps)
    step = np.concatenate([np.arange(n) for n in part.steps])
    columns: dict[str, Any] = {layout.id: pa.array(owner + start), layout.time: pa.array(step * part.dt)}
    valid = part.values[part.mask]
    for index, name in enumerate(layout.channels):
        columns[name] = pa.array(np.ascontiguousarray(valid[:, index]))
    if layout.group and part.groups is not None:
        columns[layout.group] = _groups(part.groups).take(pa.array(owner))
    if layout.quantity and part.quantity is not None:
        columns[layout.quantity] = pa.array(part.quantity[owner])
    for name, (column, shape) in layout.conditions.items():
        array = np.asarray(part.conditions[name])[owner]
        if shape == ():
            columns[column] = pa.array(array)
        else:
            flat = pa.array(array.reshape(-1))
            require(
                math.prod(shape) > 0,
                f"condition {name!r}: got shape {shape}; expected no empty axis in Parquet",
            )
            columns[column] = pa.FixedSizeListArray.from_arrays(flat, math.prod(shape))
    return pa.table(list(columns.values()), names=list(columns)).replace_schema_metadata(_metadata(layout))


def _groups(groups: NDArray[Any]) -> Any:
    import pyarrow as pa

    wide = {"i": np.int64, "u": np.uint64, "b": np.int64}
    return (
        pa.array(groups.tolist(), pa.string())
        if groups.dtype.kind == "U"
        else pa.array(groups.astype(wide[groups.dtype.kind]))
    )


def _optional(value: Any) -> str | None:
    return None if value is None else str(value)
