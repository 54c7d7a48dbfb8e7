"""Sections that a plan does not have, and what to write instead."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from pushforward.errors import InputError, named, printable
from pushforward.study.errors import within

__all__ = ["ROOMS", "refuse"]

# Section -> (module, its registry, what to do instead). A room that is not built yet cannot be imported.
ROOMS = {
    "representation": (
        "pushforward.representations",
        "REPRESENTATIONS",
        'it belongs to a generator, as in mitigations = ["represent(increments)"]; move it there',
    ),
    "mitigation": (
        "pushforward.mitigations",
        "MITIGATIONS",
        'it belongs to a generator, as in mitigations = ["select(path-length)"]; move it there',
    ),
}


def refuse(section: str, entries: Sequence[Mapping[str, Any]]) -> NoReturn:
    """Refuse a section: an unknown name first, so that a plan for a later version is checked as far as it can be.

    Raises:
        PlanError: always.
    """
    _, _, instead = ROOMS[section]
    registry = _registry(section)
    for i, entry in enumerate(entries):
        with within(section, i, "name"):
            name = str(entry.get("name", ""))
            if registry is not None and name not in registry:
                raise named(section, name, registry)
    with within(section, 0):
        raise InputError(f"[[{section}]] {printable(entries[0].get('name', ''), 40)!r}: {instead}")


def _registry(section: str) -> Sequence[str] | None:
    module, attribute, _ = ROOMS[section]
    try:
        return list(getattr(importlib.import_module(module), attribute))
    except (ImportError, AttributeError):
        return None
