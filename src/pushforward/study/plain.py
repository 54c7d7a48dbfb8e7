"""Lists and tuples: TOML and JSON have only the first, settings are the second."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

__all__ = ["lists", "tuples"]


def tuples(settings: Mapping[str, Any]) -> dict[str, Any]:
    """Settings as a generator takes them: lists, which is what TOML and JSON have, become tuples."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in settings.items()}


def lists(value: Any) -> Any:
    """Tuples as lists, so that what was read from JSON equals what was written."""
    if isinstance(value, Mapping):
        return {str(key): lists(item) for key, item in value.items()}
    return [lists(item) for item in value] if isinstance(value, list | tuple) else value
