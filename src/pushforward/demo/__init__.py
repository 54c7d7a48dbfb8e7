"""The demo: one story in chapters, from data to a repaired model, on embedded systems or on the user's own data."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pushforward.demo.budgets import FULL, QUICK, Budget
    from pushforward.demo.chapters import CHAPTERS, Chapter
    from pushforward.demo.story import Story

__all__ = ["CHAPTERS", "FULL", "QUICK", "Budget", "Chapter", "Story"]

_PLACES = {
    "CHAPTERS": "chapters",
    "FULL": "budgets",
    "QUICK": "budgets",
    "Budget": "budgets",
    "Chapter": "chapters",
    "Story": "story",
}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"pushforward.demo.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'pushforward.demo' has no attribute {name!r}")
