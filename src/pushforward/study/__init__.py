"""Studies: many runs that survive anything, on one machine or many."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__all__ = [
    "FileData",
    "GeneratorArm",
    "KernelForecast",
    "Plan",
    "Results",
    "Study",
    "SystemData",
    "read_plan",
]

_LAZY = {
    "FileData": "pushforward.study.plan",
    "GeneratorArm": "pushforward.study.plan",
    "KernelForecast": "pushforward.study.plan",
    "Plan": "pushforward.study.plan",
    "Results": "pushforward.study.results",
    "Study": "pushforward.study.study",
    "SystemData": "pushforward.study.plan",
    "read_plan": "pushforward.study.reading",
}

if TYPE_CHECKING:
    from pushforward.study.plan import FileData, GeneratorArm, KernelForecast, Plan, SystemData
    from pushforward.study.reading import read_plan
    from pushforward.study.results import Results
    from pushforward.study.study import Study


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'pushforward.study' has no attribute {name!r}")
