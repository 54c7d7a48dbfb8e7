"""Systems: known laws of motion that make trajectories whose quantity has a wanted distribution."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pushforward.errors import named
from pushforward.systems.base import AbstractSystem
from pushforward.systems.logistic_map import LogisticMap
from pushforward.systems.maze import Maze

__all__ = ["SYSTEMS", "AbstractSystem", "LogisticMap", "Maze", "create"]

SYSTEMS: dict[str, type[AbstractSystem]] = {system.name: system for system in (LogisticMap, Maze)}


def create(name: str, **parameters: Any) -> AbstractSystem:
    """The registered system `name` with its parameters.

    Raises:
        InputError: an unknown system or parameter (the valid ones are listed), or one that does not fit.
    """
    if name not in SYSTEMS:
        raise named("system", name, SYSTEMS)
    valid = [field.name for field in fields(SYSTEMS[name])]
    for parameter in parameters:
        if parameter not in valid:
            raise named(f"parameter of system {name!r}:", parameter, valid)
    return SYSTEMS[name](**parameters)
