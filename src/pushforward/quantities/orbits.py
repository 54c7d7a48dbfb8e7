"""Constants of Kepler's motion of two bodies, from their relative position and velocity."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.quantities.energy import AbstractStateMean
from pushforward.trajectories import Trajectories

__all__ = ["Eccentricity", "KeplerEnergy"]

_Array = NDArray[np.floating[Any]]
# G times the mass of the Sun in AU³/yr²: by Kepler's third law, an orbit of 1 AU takes a year.
SUN = 4 * math.pi**2


@dataclass(frozen=True)
class _AbstractOrbit(AbstractStateMean):
    mu: float = SUN

    def expected(self, trajectories: Trajectories) -> tuple[str, ...]:
        """Relative position and velocity in the plane."""
        return ("x", "y", "vx", "vy")


@final
@dataclass(frozen=True)
class KeplerEnergy(_AbstractOrbit):
    """Specific energy of a planar orbit, E = ⟨½‖v_t‖² − μ/‖x_t‖⟩_t = −μ/2a; NaN through the centre.

    Attributes:
        mu: μ = G(m1 + m2), in the data's units (default: the Sun's, in AU³/yr²).
    """

    name: ClassVar[str] = "kepler-energy"
    formula: ClassVar[str] = "E = ⟨½‖v_t‖² − μ/‖x_t‖⟩_t"
    source: ClassVar[str] = "Goldstein, Classical Mechanics (1980), 3.7"

    def of_states(self, states: _Array) -> _Array:
        """(m, T) energies of states (m, T, 4)."""
        x, y, vx, vy = np.moveaxis(states, 2, 0)
        return np.asarray(0.5 * (vx * vx + vy * vy) - self.mu / np.hypot(x, y))

    def unit_of(self, trajectories: Trajectories) -> str:
        """The square of the velocity's unit."""
        unit = trajectories.units[self.index(trajectories)[2]]
        return f"({unit})²" if unit else ""


@final
@dataclass(frozen=True)
class Eccentricity(_AbstractOrbit):
    """Eccentricity of a planar orbit, the length of the vector that points to its periapsis; a pure number.

    e = ⟨‖((‖v_t‖² − μ/‖x_t‖) x_t − (x_t·v_t) v_t)/μ‖⟩_t; NaN through the centre.

    Attributes:
        mu: μ = G(m1 + m2), in the data's units (default: the Sun's, in AU³/yr²).
    """

    name: ClassVar[str] = "eccentricity"
    formula: ClassVar[str] = "e = ⟨‖((‖v_t‖² − μ/‖x_t‖) x_t − (x_t·v_t) v_t)/μ‖⟩_t"
    source: ClassVar[str] = "Goldstein, Classical Mechanics (1980), 3.9"

    def of_states(self, states: _Array) -> _Array:
        """(m, T) eccentricities of states (m, T, 4)."""
        x, y, vx, vy = np.moveaxis(states, 2, 0)
        along = vx * vx + vy * vy - self.mu / np.hypot(x, y)
        radial = x * vx + y * vy
        return np.asarray(np.hypot(along * x - radial * vx, along * y - radial * vy) / self.mu)

    def unit_of(self, trajectories: Trajectories) -> str:
        """A pure number."""
        return ""
