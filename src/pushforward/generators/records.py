"""Frozen dataclasses to JSON and back, where the JSON may come from anyone."""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from typing import Any, TypeVar, get_args, get_origin, get_type_hints

from pushforward.errors import InputError, named, printable

__all__ = ["from_json", "to_json"]

_T = TypeVar("_T")


def to_json(record: Any) -> dict[str, Any]:
    """The fields of a dataclass as JSON types; tuples become lists."""
    return {
        key: list(value) if isinstance(value, tuple) else value
        for key, value in dataclasses.asdict(record).items()
    }


def from_json(record: type[_T], fields: object, where: str) -> _T:
    """The dataclass `record` from parsed JSON; missing fields keep their defaults.

    Raises:
        InputError: not an object, an unknown or missing field, a value of another type, or whatever the
            dataclass itself refuses. `where` names the file in the message.
    """
    if not isinstance(fields, Mapping):
        raise InputError(f"{where}: got {type(fields).__name__}; expected an object of {record.__name__}")
    hints = get_type_hints(record)
    known = {field.name: field for field in dataclasses.fields(record)}  # type: ignore[arg-type]
    for name in fields:
        if name not in known:
            raise InputError(f"{where}: {named('field', str(name), known)}")
    for name, field in known.items():
        if field.default is dataclasses.MISSING and name not in fields:
            raise InputError(f"{where}: the field {name!r} of {record.__name__} is missing")
    values = {name: _decoded(value, hints[name], f"{where}: {name}") for name, value in fields.items()}
    try:
        return record(**values)
    except InputError as error:
        raise InputError(f"{where}: {error}") from None


def _decoded(value: object, wanted: Any, where: str) -> object:
    if get_origin(wanted) is tuple:
        if isinstance(value, list):
            return tuple(_decoded(item, get_args(wanted)[0], where) for item in value)
    elif wanted is float:
        if isinstance(value, int | float) and not isinstance(value, bool) and _finite(value):
            return float(value)
    elif wanted is bool or type(value) is not bool:
        options = get_args(wanted) or (wanted,)
        if isinstance(value, options):
            return value
    raise InputError(f"{where}: got {printable(repr(value), 60)}; expected {_described(wanted)}")


def _finite(value: int | float) -> bool:
    try:
        return math.isfinite(float(value))
    except OverflowError:
        return False


def _described(wanted: Any) -> str:
    return str(wanted) if get_args(wanted) else str(getattr(wanted, "__name__", wanted))
