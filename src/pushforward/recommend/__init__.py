"""Which repair, before training: `recommend(data, quantity)` ranks them by the drift that is forecast for each."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pushforward.recommend.making import recommend
    from pushforward.recommend.results import Candidate, Recommendation

__all__ = ["Candidate", "Recommendation", "recommend"]

_PLACES = {"Candidate": "results", "Recommendation": "results", "recommend": "making"}


class _Room(ModuleType):
    """Callable, because importing the package first hides the function of the same name."""

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        from pushforward.recommend.making import recommend

        return recommend(*arguments, **settings)


sys.modules[__name__].__class__ = _Room


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"pushforward.recommend.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'pushforward.recommend' has no attribute {name!r}")
