"""What quantities of motion share: which channels are the position, and the unit that the user wants."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.blocks import by_block, euclidean_path_lengths
from pushforward.quantities.positions import Positions, positions_of
from pushforward.quantities.units import factor
from pushforward.trajectories import Trajectories

__all__ = ["AbstractInUnit", "AbstractMotion", "first_to_last", "path_lengths"]


@dataclass(frozen=True, kw_only=True)
class AbstractInUnit(AbstractQuantity):
    """A quantity that is measured in a unit of the data, and given in `unit` where the user names one."""

    unit: str = ""

    @abstractmethod
    def natural(self, trajectories: Trajectories) -> NDArray[np.floating[Any]]:
        """(N,) values in `natural_unit`."""

    @abstractmethod
    def natural_unit(self, trajectories: Trajectories) -> str:
        """The unit that follows from the data's units, "" where they are unknown."""

    def measure(self, trajectories: Trajectories) -> NDArray[np.floating[Any]]:
        """(N,) values in `unit_of(trajectories)`."""
        if not self.unit:
            return self.natural(trajectories)
        return self.natural(trajectories) * factor(self.natural_unit(trajectories), self.unit)

    def unit_of(self, trajectories: Trajectories) -> str:
        """The wanted unit, or else the one that follows from the data."""
        return self.unit or self.natural_unit(trajectories)


@dataclass(frozen=True, kw_only=True)
class AbstractMotion(AbstractInUnit):
    """A quantity of positions. `channels` names them; by default see `positions_of`."""

    channels: tuple[str, ...] = ()

    def positions(self, trajectories: Trajectories) -> Positions:
        """The channels that form the position."""
        return positions_of(trajectories, self.channels)

    def natural_unit(self, trajectories: Trajectories) -> str:
        """The position's unit."""
        return self.positions(trajectories).unit


def path_lengths(trajectories: Trajectories, positions: Positions) -> NDArray[np.float64]:
    """(N,) Σ_t d(x_t, x_{t+1}) in the position's unit; relative error below 1e-6."""
    if not positions.geographic:
        return euclidean_path_lengths(trajectories, positions.index)

    def measure(points: NDArray[np.floating[Any]], steps: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
        total: NDArray[np.floating[Any]] = positions.distances(points[:, :-1], points[:, 1:]).sum(axis=1)
        return total

    return by_block(trajectories, positions.index, measure)


def first_to_last(trajectories: Trajectories, positions: Positions) -> NDArray[np.floating[Any]]:
    """(N,) distance from the first to the last valid point, in the position's unit."""
    columns = list(positions.index)
    first = trajectories.values[:, 0, columns].astype(np.float64)
    last = trajectories.values[np.arange(len(trajectories)), trajectories.steps - 1][:, columns].astype(
        np.float64
    )
    return positions.distances(first, last)
