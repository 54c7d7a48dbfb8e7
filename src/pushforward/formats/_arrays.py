"""The plain layout that npz, HDF5 and Zarr share: `values` (N, T, C) and optional arrays and facts beside it."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.formats._block import Block, rows_per_block
from pushforward.trajectories import Trajectories

__all__ = ["CONDITION", "FACTS", "SIDES", "Facts", "Rows", "agreeing", "array_blocks", "as_text", "beside"]

FACTS = ("dt", "channels", "units", "quantity_name", "time_unit", "group_name")
SIDES = ("lengths", "groups", "quantity")
CONDITION = "condition/"
_LONGEST_TEXT = 1024


class Rows(Protocol):
    """An array that gives consecutive rows; `rows` is called with consecutive ranges only."""

    shape: tuple[int, ...]

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start to stop."""


@dataclass(frozen=True)
class Facts:
    """What a file says about all its trajectories."""

    dt: float = 1.0
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    quantity_name: str | None = None
    time_unit: str = "s"
    group_name: str = "group"

    @classmethod
    def of(cls, found: Mapping[str, Any]) -> Facts:
        """Facts from scalars and arrays as they stand in a file.

        Raises:
            InputError: a fact of the wrong shape or type.
        """
        name = "".join(_texts("quantity_name", found)) or None
        return cls(
            dt=_number("dt", found["dt"]) if "dt" in found else 1.0,
            channels=_texts("channels", found),
            units=_texts("units", found),
            quantity_name=name,
            time_unit="".join(_texts("time_unit", found)) or "s",
            group_name="".join(_texts("group_name", found)) or "group",
        )


def array_blocks(values: Rows, sides: Mapping[str, Rows], facts: Facts, size: int) -> Iterator[Block]:
    """Blocks of consecutive rows of `values` and of what stands beside it.

    Raises:
        InputError: shapes that do not belong together.
    """
    require(
        len(values.shape) == 3 and min(values.shape[1:]) >= 1,
        f"values: got shape {values.shape}; expected (N, T, C): trajectories, time steps, channels",
    )
    n, steps, width = values.shape
    for name, given in (("channels", facts.channels), ("units", facts.units)):
        require(len(given) in (0, width), f"{name}: got {len(given)} for {width} channels of values")
    for name, side in sides.items():
        good = side.shape[:1] == (n,) and (name not in SIDES or len(side.shape) == 1)
        require(good, f"{name}: got shape {side.shape}; expected ({n},{'' if name in SIDES else ' ...'})")
    per_row = steps * width + sum(math.prod(side.shape[1:]) for side in sides.values())
    chunk = rows_per_block(size, per_row)
    for start in range(0, n, chunk):
        stop = min(start + chunk, n)
        found = {name: side.rows(start, stop) for name, side in sides.items()}
        groups = found.get("groups")
        yield Block(
            values=values.rows(start, stop),
            dt=facts.dt,
            channels=facts.channels,
            units=facts.units,
            lengths=found.get("lengths"),
            groups=as_text(groups) if groups is not None and groups.dtype.kind in "SO" else groups,
            conditions={k.removeprefix(CONDITION): v for k, v in found.items() if k.startswith(CONDITION)},
            quantity=found.get("quantity"),
            quantity_name=facts.quantity_name,
            time_unit=facts.time_unit,
            group_name=facts.group_name,
        )


def as_text(array: NDArray[Any]) -> NDArray[np.str_]:
    """Bytes (UTF-8) or objects as an array of strings.

    Raises:
        InputError: bytes that are not UTF-8, or objects that are not text.
    """
    texts = []
    for item in array.ravel().tolist():
        require(isinstance(item, str | bytes), f"got {type(item).__name__}; expected text")
        texts.append(item.decode("utf-8") if isinstance(item, bytes) else item)
        # NumPy gives every entry the room of the longest.
        require(
            len(item) <= _LONGEST_TEXT, f"text of {len(item)} characters; expected at most {_LONGEST_TEXT}"
        )
    return np.array(texts, dtype=np.str_).reshape(array.shape)


def beside(part: Trajectories, ragged: bool) -> dict[str, NDArray[Any]]:
    """The arrays that go beside `values`, by their names in a file."""
    found: dict[str, NDArray[Any] | None] = {
        "lengths": part.steps if ragged else None,
        "groups": part.groups,
        "quantity": part.quantity,
        **{CONDITION + name: array for name, array in part.conditions.items()},
    }
    return {name: array for name, array in found.items() if array is not None}


def agreeing(parts: Iterable[Trajectories]) -> Iterator[Trajectories]:
    """The same parts, each checked against the first: one file has one dt, one set of channels and of arrays.

    Raises:
        InputError: nothing to write, parts that disagree, or names that no file can hold.
    """
    first: Trajectories | None = None
    count = 0
    for part in parts:
        require(isinstance(part, Trajectories), f"got {type(part).__name__}; expected Trajectories to write")
        if first is None:
            first = part
            _require_storable(first)
        for name in FACTS:
            got, wanted = getattr(part, name), getattr(first, name)
            require(
                got == wanted,
                f"parts to write differ in {name}: got {printable(got)}; expected {printable(wanted)}",
            )
        require(
            _signature(part) == _signature(first), "parts to write differ in groups, quantity or conditions"
        )
        count += len(part)
        if len(part):
            yield part
    require(count > 0, "no trajectories to write; expected at least one")


def _signature(part: Trajectories) -> object:
    groups = None if part.groups is None else part.groups.dtype.kind in "U"
    return groups, part.quantity is None, {name: array.shape[1:] for name, array in part.conditions.items()}


def _require_storable(part: Trajectories) -> None:
    texts = [
        *part.channels,
        *part.units,
        part.time_unit,
        part.group_name,
        part.quantity_name or "",
        *part.conditions,
    ]
    for text in texts:
        try:
            plain = "\0" not in text and bool(text.encode("utf-8") or True)
        except UnicodeEncodeError:
            plain = False
        require(plain, f"name {printable(text)!r}: expected text without NUL and surrogates")


def _number(name: str, value: Any) -> float:
    array = np.asarray(value)
    require(
        array.size == 1 and array.dtype.kind in "fiu",
        f"{name}: got {array.dtype} of shape {array.shape}; expected one number",
    )
    return float(array.reshape(()))


def _texts(name: str, found: Mapping[str, Any]) -> tuple[str, ...]:
    if name not in found:
        return ()
    value = found[name]
    if isinstance(value, list | tuple):
        value = np.array(value, dtype=object)
    array = np.atleast_1d(np.asarray(value))
    require(array.ndim == 1 and array.dtype.kind in "UOS", f"{name}: got {array.dtype}, expected text")
    try:
        return tuple(as_text(array).tolist()) if array.dtype.kind in "SO" else tuple(array.tolist())
    except (InputError, UnicodeDecodeError):
        raise InputError(f"{name}: expected UTF-8 text") from None
