"""Systems: known laws of motion that make trajectories whose quantity has a wanted distribution."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

from pushforward.errors import named
from pushforward.quantities.dysts_catalogue import dysts_systems
from pushforward.systems.base import AbstractSystem
from pushforward.systems.bouncing_ball import BouncingBall
from pushforward.systems.colliding_disks import CollidingDisks
from pushforward.systems.cone import Cone
from pushforward.systems.double_pendulum import DoublePendulum
from pushforward.systems.dysts import Dysts
from pushforward.systems.henon_heiles import HenonHeiles
from pushforward.systems.kepler import Kepler
from pushforward.systems.logistic_map import LogisticMap
from pushforward.systems.lorenz63 import Lorenz63
from pushforward.systems.lotka_volterra import LotkaVolterra
from pushforward.systems.maze import Maze
from pushforward.systems.n_link_pendulum import NLinkPendulum
from pushforward.systems.point_maze import PointMaze
from pushforward.systems.sinusoid import Sinusoid
from pushforward.systems.spring_chain import SpringChain

__all__ = [
    "SYSTEMS",
    "AbstractSystem",
    "BouncingBall",
    "CollidingDisks",
    "Cone",
    "DoublePendulum",
    "Dysts",
    "HenonHeiles",
    "Kepler",
    "LogisticMap",
    "Lorenz63",
    "LotkaVolterra",
    "Maze",
    "NLinkPendulum",
    "PointMaze",
    "Sinusoid",
    "SpringChain",
    "create",
    "dysts_systems",
]

SYSTEMS: dict[str, type[AbstractSystem]] = {
    system.name: system
    for system in (
        LogisticMap,
        Sinusoid,
        Cone,
        Maze,
        PointMaze,
        DoublePendulum,
        NLinkPendulum,
        HenonHeiles,
        Kepler,
        SpringChain,
        LotkaVolterra,
        Lorenz63,
        BouncingBall,
        CollidingDisks,
        Dysts,
    )
}


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
