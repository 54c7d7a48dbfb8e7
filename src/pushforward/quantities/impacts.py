"""Quantities of impacts and collisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.blocks import by_block
from pushforward.trajectories import Trajectories

__all__ = ["Restitution", "TotalKineticEnergy", "TotalMomentum"]

_Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True)
class Restitution(AbstractQuantity):
    """Coefficient of restitution of a ball that bounces on the ground: rebound over impact speed.

    In flight u_t = √(v_t² + 2 g z_t) is the speed at the ground, before and after. Of two recorded steps with one
    bounce between them, u_{t+1} = e u_t; e is their least-squares ratio. There is a bounce where the flight of
    step t ends before step t + 1, and only one where the flight of step t + 1 began within half a bounce,
    √(u_t u_{t+1}) / g, of that end. NaN where no bounce is recorded.

    Attributes:
        height: channel of the height above the ground.
        velocity: channel of the upward velocity.
        gravity: in the units of the data (9.81 m/s²).
    """

    height: str = "z"
    velocity: str = "v"
    gravity: float = 9.81

    name: ClassVar[str] = "restitution"
    formula: ClassVar[str] = "e = Σ u_{t+1} u_t / Σ u_t², u_t = √(v_t² + 2 g z_t), over the bounces"
    source: ClassVar[str] = "Newton's law of restitution, by least squares"

    def __post_init__(self) -> None:
        """Refuse gravity that is not positive."""
        super().__post_init__()
        require(
            0 < self.gravity < np.inf,
            f"quantity {self.name!r}: got gravity {self.gravity:g}; expected above 0",
        )

    def measure(self, trajectories: Trajectories) -> _Array:
        """(N,) coefficients."""
        index = (trajectories.channel_index(self.height), trajectories.channel_index(self.velocity))
        g, dt = self.gravity, trajectories.dt

        def measured(points: _Array, steps: NDArray[np.int64]) -> _Array:
            v = points[:, :, 1]
            u = np.sqrt(np.maximum(v * v + 2 * g * points[:, :, 0], 0.0))
            before, after = u[:, :-1], u[:, 1:]
            end = (v[:, :-1] + before) / g
            begin = dt - (after - v[:, 1:]) / g
            bounced = (
                (end <= dt)
                & (begin - end < np.sqrt(before * after) / g)
                & (v[:, 1:] > v[:, :-1] - g * dt / 2)
            )
            bounced &= np.arange(1, points.shape[1])[None, :] < steps[:, None]
            square = (before * before * bounced).sum(axis=1)
            ratio: _Array = (before * after * bounced).sum(axis=1) / np.where(square > 0, square, np.nan)
            return ratio

        return by_block(trajectories, index, measured)

    def unit_of(self, trajectories: Trajectories) -> str:
        """A pure number."""
        return ""


@dataclass(frozen=True)
class _AbstractBodies(AbstractQuantity):
    """A quantity of several bodies in the plane, from their velocities and masses.

    Attributes:
        masses: in kg, one for each body. Where none are given, the channels m0, m1, ... if the data has
            them, else 1 kg each.
        velocities: channels, body by body; by default vx0, vy0, vx1, vy1, ...
    """

    masses: tuple[float, ...] = ()
    velocities: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuse masses that are not positive."""
        super().__post_init__()
        for mass in self.masses:
            require(0 < mass < np.inf, f"quantity {self.name!r}: got mass {mass:g}; expected above 0 kg")

    def measure(self, trajectories: Trajectories) -> _Array:
        """(N,) values."""
        names = self.velocities or tuple(
            name for name in trajectories.channels if name[:2] in ("vx", "vy") and name[2:].isdigit()
        )
        bodies = len(names) // 2
        if not names or len(names) % 2 or (self.masses and len(self.masses) != bodies):
            raise InputError(
                f"quantity {self.name!r}: got {len(names)} velocity channels and {len(self.masses)} masses; "
                "expected two channels for each body (vx0, vy0, vx1, ...) and a mass for each, or none"
            )
        index = [trajectories.channel_index(name) for name in names]
        weighed = [f"m{body}" for body in range(bodies)]
        recorded = not self.masses and all(name in trajectories.channels for name in weighed)
        index += [trajectories.channel_index(name) for name in weighed] if recorded else []
        given = np.array(self.masses or (1.0,) * bodies)

        def measured(points: _Array, steps: NDArray[np.int64]) -> _Array:
            velocities = points[:, :, : 2 * bodies].reshape(*points.shape[:2], bodies, 2)
            values = self.at_steps(velocities, points[:, :, 2 * bodies :] if recorded else given)
            kept = np.arange(points.shape[1])[None, :] < steps[:, None]
            mean: _Array = (values * kept).sum(axis=1) / steps
            return mean

        return by_block(trajectories, tuple(index), measured)

    def at_steps(self, velocities: _Array, masses: _Array) -> _Array:
        """(m, T) values of velocities (m, T, B, 2) and masses (..., B)."""
        raise NotImplementedError


@final
@dataclass(frozen=True)
class TotalKineticEnergy(_AbstractBodies):
    """Kinetic energy of several bodies, over all recorded steps: E = ⟨½ Σ_i m_i ‖v_i‖²⟩_t."""

    name: ClassVar[str] = "total-kinetic-energy"
    formula: ClassVar[str] = "E = ⟨½ Σ_i m_i ‖v_{i,t}‖²⟩_t"
    source: ClassVar[str] = "Definition"

    def at_steps(self, velocities: _Array, masses: _Array) -> _Array:
        """(m, T) energies."""
        energy: _Array = 0.5 * (masses * np.square(velocities).sum(axis=-1)).sum(axis=-1)
        return energy

    def unit_of(self, trajectories: Trajectories) -> str:
        """Joules, velocities being in m/s."""
        return "J"


@final
@dataclass(frozen=True)
class TotalMomentum(_AbstractBodies):
    """Magnitude of the momentum of several bodies, over all recorded steps: p = ⟨‖Σ_i m_i v_i‖⟩_t.

    Collisions keep it; walls do not.
    """

    name: ClassVar[str] = "total-momentum"
    formula: ClassVar[str] = "p = ⟨‖Σ_i m_i v_{i,t}‖⟩_t"
    source: ClassVar[str] = "Definition"

    def at_steps(self, velocities: _Array, masses: _Array) -> _Array:
        """(m, T) momenta."""
        momentum: _Array = np.sqrt(np.square((masses[..., None] * velocities).sum(axis=-2)).sum(axis=-1))
        return momentum

    def unit_of(self, trajectories: Trajectories) -> str:
        """kg·m/s, velocities being in m/s."""
        return "kg·m/s"
