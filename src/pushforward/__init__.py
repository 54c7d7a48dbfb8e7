"""pushforward: know what your generative model does to distance, energy and speed, before you train it."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Public name -> the module that holds it. Loaded on first use, so that `import pushforward` stays light.
_LAZY = {
    "Audit": "pushforward.measure",
    "DriftMonitor": "pushforward.monitor",
    "Explanation": "pushforward.explain",
    "Forecast": "pushforward.forecast",
    "Grid": "pushforward.measure",
    "InputError": "pushforward.errors",
    "Intended": "pushforward.measure",
    "Quantity": "pushforward.quantities",
    "Report": "pushforward.report",
    "Study": "pushforward.study",
    "Tally": "pushforward.measure",
    "Trajectories": "pushforward.trajectories",
    "audit": "pushforward.measure",
    "batches": "pushforward.formats",
    "dose_response": "pushforward.forecast",
    "explain": "pushforward.explain",
    "forecast": "pushforward.forecast",
    "mitigate": "pushforward.mitigations",
    "pilot": "pushforward.pilots",
    "read": "pushforward.formats",
    "recommend": "pushforward.recommend",
    "report": "pushforward.report",
    "write": "pushforward.formats",
}
_ROOMS = (
    "formats",
    "generators",
    "kernels",
    "measure",
    "mitigations",
    "quantities",
    "representations",
    "systems",
)

__all__ = [*sorted(_LAZY), *_ROOMS]

if TYPE_CHECKING:
    from pushforward import (
        formats,
        generators,
        kernels,
        measure,
        mitigations,
        quantities,
        representations,
        systems,
    )
    from pushforward.errors import InputError
    from pushforward.explain import Explanation, explain
    from pushforward.forecast import Forecast, dose_response, forecast
    from pushforward.formats import batches, read, write
    from pushforward.measure import Audit, Grid, Intended, Tally
    from pushforward.measure.audit import audit
    from pushforward.mitigations import mitigate
    from pushforward.monitor import DriftMonitor
    from pushforward.pilots import pilot
    from pushforward.quantities import Quantity
    from pushforward.recommend import recommend
    from pushforward.report import Report, report
    from pushforward.study import Study
    from pushforward.trajectories import Trajectories


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        value = getattr(importlib.import_module(_LAZY[name]), name)
        globals()[name] = value
        return value
    if name in _ROOMS:
        return importlib.import_module(f"pushforward.{name}")
    raise AttributeError(f"module 'pushforward' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
