"""The claims of the paper, each a named study with a rule for its verdict that was written before it was run."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pushforward.errors import named

if TYPE_CHECKING:
    from pushforward.reproduce.budget import Budget
    from pushforward.reproduce.claim import Claim
    from pushforward.reproduce.record import Reproduced, committed
    from pushforward.reproduce.running import reproduce

__all__ = ["CLAIMS", "Budget", "Claim", "Reproduced", "claim_named", "committed", "reproduce"]

# A file each, loaded only when the claim is asked for.
CLAIMS: dict[str, str] = {
    "drift-across-classes": "pushforward.reproduce.claims.drift_across_classes:CLAIM",
    "errors-cause-drift": "pushforward.reproduce.claims.errors_cause_drift:CLAIM",
    "fine-errors-cause-drift": "pushforward.reproduce.claims.fine_errors:CLAIM",
    "forecast-synthetic": "pushforward.reproduce.claims.forecasts:SYNTHETIC",
    "forecast-maze": "pushforward.reproduce.claims.forecasts:MAZE",
    "forecast-double-pendulum": "pushforward.reproduce.claims.forecasts:DOUBLE_PENDULUM",
    "reweighting-does-not-stop-it": "pushforward.reproduce.claims.reweighting:CLAIM",
    "conditioning-helps-in-simple-cases": "pushforward.reproduce.claims.conditioning:CLAIM",
    "representation-reduces-it": "pushforward.reproduce.claims.representation:CLAIM",
}

_LAZY = {
    "Budget": "pushforward.reproduce.budget",
    "Claim": "pushforward.reproduce.claim",
    "Reproduced": "pushforward.reproduce.record",
    "committed": "pushforward.reproduce.record",
    "reproduce": "pushforward.reproduce.running",
}


def claim_named(name: str) -> Claim:
    """A claim by its name.

    Raises:
        InputError: no such claim; lists them and suggests the closest.
    """
    if name not in CLAIMS:
        raise named("claim", name, CLAIMS)
    module, _, attribute = CLAIMS[name].partition(":")
    found: Claim = getattr(importlib.import_module(module), attribute)
    return found


def __getattr__(name: str) -> Any:
    if name in _LAZY:
        return getattr(importlib.import_module(_LAZY[name]), name)
    raise AttributeError(f"module 'pushforward.reproduce' has no attribute {name!r}")
