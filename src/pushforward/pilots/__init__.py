"""Pilots: a small part of a training, spent on a thin network, that forecasts the whole. `pilot(data, generator)`."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pushforward.pilots.kernel import Account, Pilot
    from pushforward.pilots.making import pilot

__all__ = ["Account", "Pilot", "pilot"]

# Loaded on first use: `pushforward.pilots` is imported with the registry of kernels, which must stay light.
_PLACES = {"Account": "kernel", "Pilot": "kernel", "pilot": "making"}


def __getattr__(name: str) -> Any:
    if name in _PLACES:
        return getattr(importlib.import_module(f"pushforward.pilots.{_PLACES[name]}"), name)
    raise AttributeError(f"module 'pushforward.pilots' has no attribute {name!r}")
