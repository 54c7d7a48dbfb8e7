"""The Hénon–Heiles system: a star in a galaxy, from regular to chaotic as its energy grows."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.energy import HenonHeilesEnergy
from pushforward.systems.base import AbstractSystem
from pushforward.systems.integrators import integrate_separable
from pushforward.systems.prediction import conserves_and_predicts
from pushforward.trajectories import Trajectories

__all__ = ["HenonHeiles"]

_Array = NDArray[np.float64]

# The unit of time is the period of small swings over 2π; measured, the energy errs by less than 1e-8 for good.
_LARGEST_STEP = 0.5
_ESCAPE = 1 / 6


@final
@dataclass(frozen=True)
class HenonHeiles(AbstractSystem):
    """H = ½(p_x² + p_y²) + ½(x² + y²) + x²y − y³/3 with 0 ≤ E < 1/6, where the motion is bounded; the quantity is E.

    Initial states are uniform on the energy surface in dx dp δ(E − H), which the motion preserves: with two degrees of
    freedom and unit masses, positions are uniform in {V ≤ E} and directions uniform. The integrator is symplectic.

    Attributes:
        tolerance: see `valid`.
    """

    tolerance: float = 0.05

    name: ClassVar[str] = "henon-heiles"
    formula: ClassVar[str] = "H = ½(p_x² + p_y²) + ½(x² + y²) + x²y − y³/3"
    source: ClassVar[str] = "Hénon and Heiles, Astronomical Journal 69 (1964), 73–79"
    channels: ClassVar[tuple[str, ...]] = ("x", "y", "px", "py")
    units: ClassVar[tuple[str, ...]] = ("", "", "", "")
    time_unit: ClassVar[str] = ""
    default_T: ClassVar[int] = 64
    default_dt: ClassVar[float] = 0.5
    default_intended: ClassVar[str] = "uniform(0.02, 0.16)"

    def __post_init__(self) -> None:
        """Refuse a negative tolerance."""
        super().__post_init__()
        require(
            self.tolerance >= 0, f"system {self.name!r}: got tolerance {self.tolerance:g}; expected 0 or more"
        )

    @property
    def quantity(self) -> HenonHeilesEnergy:
        """The mean energy of the states."""
        return HenonHeilesEnergy()

    def simulate(self, quantity: _Array, T: int, dt: float, rng: np.random.Generator) -> _Array:
        """(N, T, 4) motions with energies (N,).

        Raises:
            InputError: an energy outside [0, 1/6), beyond which stars escape.
        """
        outside = np.flatnonzero(~((quantity >= 0) & (quantity < _ESCAPE)))
        if len(outside):
            raise InputError(
                f"system {self.name!r}: got energy {quantity[outside[0]]:g} ({len(outside)} of {len(quantity)} draws); "
                "expected 0 ≤ E < 1/6, beyond which the motion is not bounded"
            )
        return self.motion(_on_energy_surface(quantity, rng), T, dt)

    def motion(self, state: _Array, T: int, dt: float) -> _Array:
        """(N, T, 4) the motion from states (4, N)."""
        return integrate_separable(_force, state, T, dt, math.ceil(dt / _LARGEST_STEP))

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether the energy is constant and each state predicts the next.

        Within `tolerance` τ: |E_t − ⟨E⟩| ≤ τ/6, relative to the energy of escape, and |Δ| ≤ τ in every channel, whose
        largest value is 1 or less.
        """

        def advance(states: _Array) -> _Array:
            return self.motion(states.T, 2, trajectories.dt)[:, 1]

        return conserves_and_predicts(self.quantity, trajectories, advance, _ESCAPE, 1.0, self.tolerance)

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Orbits in the plane."""
        for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
            axes.plot(values[:steps, 0], values[:steps, 1], linewidth=0.8)
        axes.set_aspect("equal")
        axes.set_xlabel("x")
        axes.set_ylabel("y")


def _force(q: _Array, out: _Array, parameters: _Array) -> None:
    x, y = q
    np.multiply(x, y, out=out[0])
    out[0] *= -2
    out[0] -= x
    np.square(y, out=out[1])
    out[1] -= y
    out[1] -= x * x


def _on_energy_surface(energy: _Array, rng: np.random.Generator) -> _Array:
    """(4, N) states, positions by rejection from the smallest disc that surely holds {V ≤ E} in the well.

    V = r²/2 + (r³/3) sin 3φ ≥ r²/2 − r³/3, and r²/2 − r³/3 = E has the root r = ½ + cos((arccos(1 − 12E) − 2π)/3) in
    [0, 1].
    """
    radius = 0.5 + np.cos((np.arccos(1 - 12 * energy) - 2 * np.pi) / 3)
    state = np.empty((4, len(energy)))
    waiting = np.arange(len(energy))
    while len(waiting):
        r = radius[waiting] * np.sqrt(rng.random(len(waiting)))
        angle, direction = rng.uniform(0, 2 * np.pi, (2, len(waiting)))
        x, y = r * np.cos(angle), r * np.sin(angle)
        kinetic = energy[waiting] - (0.5 * r * r + x * x * y - y**3 / 3)
        speed = np.sqrt(2 * np.maximum(kinetic, 0))
        # At E = 0 the disc is a point up to rounding.
        accepted = kinetic >= -1e-15
        state[:, waiting[accepted]] = np.stack([x, y, speed * np.cos(direction), speed * np.sin(direction)])[
            :, accepted
        ]
        waiting = waiting[~accepted]
    return state
