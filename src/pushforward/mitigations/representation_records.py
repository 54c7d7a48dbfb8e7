"""Fitted representations as JSON types and back, where the JSON may come from anyone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields, replace
from typing import Any

from pushforward.errors import InputError, printable, require
from pushforward.generators.records import from_json
from pushforward.representations import create
from pushforward.representations.base import AbstractRepresentation, Space
from pushforward.representations.composed import Composed

__all__ = ["from_record", "to_record"]

_DEEPEST = 8


def to_record(one: AbstractRepresentation) -> dict[str, Any]:
    """Name, settings, and what was learned."""
    if isinstance(one, Composed):
        return {"name": one.name, "parts": [to_record(part) for part in one.parts]}
    learned = [f.name for f in fields(one) if f.metadata.get("learned") and f.name != "space"]
    space = one.space
    return {
        "name": one.name,
        "settings": one.settings,
        "learned": {name: getattr(one, name) for name in learned},
        "space": None if space is None else {f.name: getattr(space, f.name) for f in fields(space)},
    }


def from_record(record: Any, where: str, deepest: int = _DEEPEST) -> AbstractRepresentation:
    """What `to_record` gave, after a way through JSON.

    Raises:
        InputError: anything else; `where` names the file.
    """
    if not isinstance(record, Mapping) or deepest <= 0:
        raise InputError(f"{where}: is damaged: expected a representation")
    name = str(record.get("name"))
    if name == Composed.name:
        parts = record.get("parts")
        require(isinstance(parts, list) and len(parts) > 0, f"{where}: is damaged: expected parts of {name}")
        made = tuple(from_record(part, where, deepest - 1) for part in parts or [])
        return Composed(parts=made, space=made[0].space)
    settings, learned = record.get("settings"), record.get("learned")
    if not isinstance(settings, Mapping) or not isinstance(learned, Mapping):
        raise InputError(f"{where}: is damaged: expected settings of {printable(name, 40)}")
    one = create(name, **{str(key): _tuples(value) for key, value in settings.items()})
    expected = {f.name: f for f in fields(one) if f.metadata.get("learned") and f.name != "space"}
    require(set(learned) == set(expected), f"{where}: is damaged: expected what {name} learned")
    found = {
        key: _alike(value, getattr(one, key), f"{where}: {name}: {key}") for key, value in learned.items()
    }
    space = record.get("space")
    return replace(one, **found, space=None if space is None else from_json(Space, space, f"{where}: {name}"))


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value


def _alike(value: Any, default: Any, where: str) -> Any:
    """A number where the default is one, else nested tuples of numbers."""
    if isinstance(default, tuple) == isinstance(value, list) and _numbers(value):
        return _tuples(value)
    raise InputError(f"{where}: is damaged: expected numbers")


def _numbers(value: Any) -> bool:
    if isinstance(value, list):
        return all(_numbers(item) for item in value)
    return isinstance(value, int | float) and not isinstance(value, bool) and value == value
