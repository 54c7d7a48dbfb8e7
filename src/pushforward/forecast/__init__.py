"""Forecast which values of a quantity a model class over- and under-produces: `forecast(kernel, data, quantity)`."""

from __future__ import annotations

import importlib
import sys
from types import ModuleType
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pushforward.forecast.dose import DoseResponse, dose_response
    from pushforward.forecast.making import forecast
    from pushforward.forecast.results import Forecast
    from pushforward.forecast.settings import ForecastSettings
    from pushforward.forecast.skill import Skill, skill

__all__ = ["DoseResponse", "Forecast", "ForecastSettings", "Skill", "dose_response", "forecast", "skill"]

_PLACES = {
    "DoseResponse": "dose",
    "Forecast": "results",
    "ForecastSettings": "settings",
    "Skill": "skill",
    "dose_response": "dose",
    "forecast": "making",
    "skill": "skill",
}


class _Room(ModuleType):
    """This package is callable, because importing it first hides the function of the same name.

    `import pushforward.forecast` binds the module as `pushforward.forecast`; `pushforward.forecast(kernel, ...)` must
    still forecast afterwards.
    """

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        from pushforward.forecast.making import forecast

        return forecast(*arguments, **settings)


sys.modules[__name__].__class__ = _Room


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"pushforward.forecast.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'pushforward.forecast' has no attribute {name!r}")
