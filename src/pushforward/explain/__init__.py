"""Explain a drift: where mass is pushed, by which errors: `explain(kernel, data, quantity)`."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pushforward.explain.attribution import Attribution
    from pushforward.explain.making import explain
    from pushforward.explain.masked import Masked
    from pushforward.explain.parts import AbstractParts, Channels, FrequencyBands, NoiseLevels, TimeSegments
    from pushforward.explain.results import Explanation
    from pushforward.explain.shapley_values import shapley
    from pushforward.explain.solver import SolverShare, solver_share

__all__ = [
    "AbstractParts",
    "Attribution",
    "Channels",
    "Explanation",
    "FrequencyBands",
    "Masked",
    "NoiseLevels",
    "SolverShare",
    "TimeSegments",
    "explain",
    "shapley",
    "solver_share",
]

_PLACES = {
    "AbstractParts": "parts",
    "Attribution": "attribution",
    "Channels": "parts",
    "Explanation": "results",
    "FrequencyBands": "parts",
    "Masked": "masked",
    "NoiseLevels": "parts",
    "SolverShare": "solver",
    "TimeSegments": "parts",
    "explain": "making",
    "shapley": "shapley_values",
    "solver_share": "solver",
}


class _Room(ModuleType):
    """This package is callable, because importing it first hides the function of the same name."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        from pushforward.explain.making import explain

        return explain(*arguments, **settings)


sys.modules[__name__].__class__ = _Room


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"pushforward.explain.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'pushforward.explain' has no attribute {name!r}")
