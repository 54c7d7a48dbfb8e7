"""Pendulums' states as angles, energy and phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.representations.base import AbstractRepresentation, Channels, Space

__all__ = ["EnergyPhase"]

_Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class EnergyPhase(AbstractRepresentation):
    """(sin θ, cos θ, E, cos ψ, sin ψ) of a double pendulum: every state says its energy outright.

    E = K + V(θ), and ψ is the direction of z = Lᵀω on the circle ‖z‖² = 2K, where M(θ) = L Lᵀ is the mass matrix; the
    way back is ω = L⁻ᵀ z with K = E − V(θ). The mean energy is then linear in the codes. Edges: a made state whose
    E is below V(θ) decodes to rest, and one at rest (K = 0) has ψ = 0. Angles are decoded to unit length.

    Attributes:
        masses: m_i in kg from the pivot outwards; one alone holds for both.
        lengths: l_i in m; one alone holds for both.
        g: gravity in m/s².
    """

    masses: tuple[float, ...] = (1.0,)
    lengths: tuple[float, ...] = (1.0,)
    g: float = 9.81

    name: ClassVar[str] = "energy-phase"
    formula: ClassVar[str] = "(sin θ, cos θ, E, cos ψ, sin ψ), Lᵀω = √(2(E − V)) (cos ψ, sin ψ)"

    def codes(self, space: Space) -> Channels:
        """Seven channels."""
        self._index(space)
        names = ("sin_theta1", "cos_theta1", "sin_theta2", "cos_theta2", "energy", "cos_phase", "sin_phase")
        return names, ("", "", "", "", "J", "", "")

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, 7)."""
        state = x[:, :, self._index(space)]
        angles, omega = _unit(state[:, :, :4]), state[:, :, 4:]
        l11, l21, l22, potential = self._mechanics(angles)
        z1 = l11 * omega[:, :, 0] + l21 * omega[:, :, 1]
        z2 = l22 * omega[:, :, 1]
        speed = np.hypot(z1, z2)
        moving = np.where(speed > 0, speed, 1.0)
        energy = 0.5 * speed**2 + potential
        phase = np.stack([np.where(speed > 0, z1 / moving, 1.0), z2 / moving], axis=2)
        # The angles as they are: only then do data whose angles are not of unit length come back.
        return np.concatenate([state[:, :, :4], energy[:, :, None], phase], axis=2)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, 6)."""
        angles = _unit(z[:, :, :4])
        l11, l21, l22, potential = self._mechanics(angles)
        speed = np.sqrt(2 * np.maximum(z[:, :, 4] - potential, 0.0))
        phase = np.arctan2(z[:, :, 6], z[:, :, 5])
        omega2 = speed * np.sin(phase) / l22
        omega1 = (speed * np.cos(phase) - l21 * omega2) / l11
        x = np.empty((*z.shape[:2], 6))
        x[:, :, self._index(space)] = np.concatenate([angles, np.stack([omega1, omega2], axis=2)], axis=2)
        return x

    def _mechanics(self, angles: _Array) -> tuple[float, _Array, _Array, _Array]:
        """The entries of L (Cholesky's factor of M) and V(θ)."""
        (m1, m2), (l1, l2) = (self._both(name) for name in ("masses", "lengths"))
        s1, c1, s2, c2 = np.moveaxis(angles, 2, 0)
        l11 = float(np.sqrt((m1 + m2) * l1 * l1))
        l21 = m2 * l1 * l2 * (c1 * c2 + s1 * s2) / l11
        l22 = np.sqrt(m2 * l2 * l2 - l21 * l21)
        potential = -(m1 + m2) * self.g * l1 * c1 - m2 * self.g * l2 * c2
        return l11, l21, l22, potential

    def _both(self, setting: str) -> tuple[float, float]:
        values = getattr(self, setting)
        require(
            len(values) in (1, 2) and min(values) > 0,
            f"representation {self.name!r}: got {setting} {values}; expected one or two positive numbers",
        )
        return float(values[0]), float(values[-1])

    def _index(self, space: Space) -> list[int]:
        names = ("sin_theta1", "cos_theta1", "sin_theta2", "cos_theta2", "omega1", "omega2")
        if set(names) != set(space.channels):
            raise InputError(
                f"representation {self.name!r}: got channels {', '.join(space.channels)}; expected {', '.join(names)}"
            )
        return [space.channels.index(name) for name in names]


def _unit(angles: _Array) -> _Array:
    """Pairs (sin, cos) at unit length; (0, 1) where both are 0."""
    pairs = angles.reshape(*angles.shape[:2], 2, 2)
    length = np.hypot(pairs[..., 0], pairs[..., 1])
    fixed = np.where(length[..., None] > 0, pairs / np.where(length > 0, length, 1.0)[..., None], (0.0, 1.0))
    return np.asarray(fixed.reshape(angles.shape))
