"""Sections of a plan that name things which studies cannot run in this version."""

from __future__ import annotations

import importlib
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

from pushforward.errors import InputError, named, printable
from pushforward.study.errors import within

__all__ = ["ROOMS", "refuse"]

# Section -> (module, its registry, what its entries are called). A room that is not built yet cannot be imported.
ROOMS = {
    "kernel": ("pushforward.kernels", "KERNELS", "kernels"),
    "representation": ("pushforward.representations", "REPRESENTATIONS", "representations"),
    "mitigation": ("pushforward.mitigations", "MITIGATIONS", "mitigations"),
}


def refuse(section: str, entries: Sequence[Mapping[str, Any]]) -> NoReturn:
    """Refuse a section: an unknown name first, so that a plan for a later version is checked as far as it can be.

    Raises:
        PlanError: always.
    """
    _, _, plural = ROOMS[section]
    registry = _registry(section)
    for i, entry in enumerate(entries):
        with within(section, i, "name"):
            name = str(entry.get("name", ""))
            if registry is not None and name not in registry:
                raise named(section, name, registry)
    with within(section, 0):
        raise InputError(
            f"[[{section}]] {printable(entries[0].get('name', ''), 40)!r}: studies do not run {plural} in this "
            "version; remove the section"
        )


def _registry(section: str) -> Sequence[str] | None:
    module, attribute, _ = ROOMS[section]
    try:
        return list(getattr(importlib.import_module(module), attribute))
    except (ImportError, AttributeError):
        return None
