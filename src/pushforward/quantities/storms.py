"""Quantities of tropical cyclones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.blocks import by_block
from pushforward.quantities.units import converts, factor
from pushforward.trajectories import Trajectories

__all__ = ["AccumulatedCycloneEnergy"]

_WIND = ("wind", "max_wind", "maximum_wind", "maximum_sustained_wind", "wind_speed", "vmax")
_TROPICAL_STORM_KNOTS = 34.0


@final
@dataclass(frozen=True)
class AccumulatedCycloneEnergy(AbstractQuantity):
    """ACE = 10⁻⁴ Σ v² over six-hourly records with v ≥ 34 knots, v the maximum sustained wind, in 10⁴ kt².

    Every record counts that reaches 34 knots, whatever the storm's status (the data here has none). A wind in
    another unit of speed is converted; records that are not six hours apart are refused.

    Attributes:
        channel: the wind's channel (default: wind, max_wind, maximum_wind, wind_speed or vmax).
    """

    channel: str = ""

    name: ClassVar[str] = "accumulated-cyclone-energy"
    formula: ClassVar[str] = "ACE = 10⁻⁴ Σ_{v_t ≥ 34 kt} v_t²"
    source: ClassVar[str] = "Bell et al., Bulletin of the American Meteorological Society 81 (2000), S1–S50"

    def measure(self, trajectories: Trajectories) -> NDArray[np.floating[Any]]:
        """(N,) energies.

        Raises:
            InputError: no wind channel, a wind whose unit is not a speed, or records not six hours apart.
        """
        index = self._wind_index(trajectories)
        unit = trajectories.units[index]
        if not converts(unit, "nmi/h"):
            raise InputError(
                f"quantity {self.name!r}: channel {printable(trajectories.channels[index])!r} is in "
                f"{printable(unit) or 'an unknown unit'}; expected knots"
            )
        if not converts(trajectories.time_unit, "h") or not np.isclose(
            trajectories.dt * factor(trajectories.time_unit, "h"), 6.0
        ):
            raise InputError(
                f"quantity {self.name!r}: records every {trajectories.dt:g} "
                f"{printable(trajectories.time_unit)}; expected every 6 h"
            )
        knots = factor(unit, "nmi/h")

        def measure(points: NDArray[np.floating[Any]], steps: NDArray[np.int64]) -> NDArray[np.floating[Any]]:
            wind = points[:, :, 0] * knots
            counted = (wind >= _TROPICAL_STORM_KNOTS) & (np.arange(wind.shape[1])[None, :] < steps[:, None])
            energy: NDArray[np.floating[Any]] = 1e-4 * np.where(counted, wind * wind, 0.0).sum(axis=1)
            return energy

        return by_block(trajectories, (index,), measure)

    def unit_of(self, trajectories: Trajectories) -> str:
        """Ten thousand squared knots."""
        return "10⁴ kt²"

    def applies_to(self, trajectories: Trajectories) -> bool:
        """Whether the data is six-hourly with a wind in a known unit."""
        try:
            self.measure(trajectories.select(slice(0, 1)))
        except InputError:
            return False
        return True

    def _wind_index(self, trajectories: Trajectories) -> int:
        if self.channel:
            return trajectories.channel_index(self.channel)
        for place, name in enumerate(trajectories.channels):
            if name.lower() in _WIND:
                return place
        error = named("channel", "wind", trajectories.channels)
        raise InputError(f"quantity {self.name!r}: needs the wind; {error}")
