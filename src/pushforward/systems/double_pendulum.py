"""The double pendulum: the paper's chaotic system, its energy the quantity."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.quantities.energy import MechanicalEnergy
from pushforward.systems.integrators import Derivative
from pushforward.systems.pendulum_base import AbstractPendulum
from pushforward.systems.pendulum_chain import PendulumChain

__all__ = ["DoublePendulum"]

_Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class DoublePendulum(AbstractPendulum):
    """Two point masses on massless rods in a plane, hanging from each other; the quantity is the mechanical energy.

    Initial states are uniform on the energy surface (microcanonical: see `PendulumChain.on_energy_surface`), so
    energies from −(m1 + m2) g l1 − m2 g l2 (hanging at rest, −29.43 J by default) upwards are possible.

    Attributes:
        m1: inner mass in kg.
        m2: outer mass in kg.
        l1: inner rod in m.
        l2: outer rod in m.
        g: gravity in m/s².
        tolerance: see `valid`.
    """

    m1: float = 1.0
    m2: float = 1.0
    l1: float = 1.0
    l2: float = 1.0
    g: float = 9.81
    tolerance: float = 0.05

    name: ClassVar[str] = "double-pendulum"
    formula: ClassVar[str] = (
        "H = ½(m1 + m2) l1² ω1² + ½ m2 l2² ω2² + m2 l1 l2 ω1 ω2 cos(θ1 − θ2) − (m1 + m2) g l1 cos θ1 − m2 g l2 cos θ2"
    )
    source: ClassVar[str] = "Shinbrot et al., American Journal of Physics 60 (1992), 491–499"
    channels: ClassVar[tuple[str, ...]] = (
        "sin_theta1",
        "cos_theta1",
        "sin_theta2",
        "cos_theta2",
        "omega1",
        "omega2",
    )
    units: ClassVar[tuple[str, ...]] = ("", "", "", "", "rad/s", "rad/s")
    default_T: ClassVar[int] = 64
    default_dt: ClassVar[float] = 0.05
    default_intended: ClassVar[str] = "uniform(-20, 20)"

    @property
    def chain(self) -> PendulumChain:
        """The two pendulums' mechanics."""
        return PendulumChain((self.m1, self.m2), (self.l1, self.l2), self.g)

    @property
    def quantity(self) -> MechanicalEnergy:
        """The mean energy of the states."""
        masses, lengths = (self.m1, self.m2), (self.l1, self.l2)
        return MechanicalEnergy(
            masses=masses[:1] if self.m1 == self.m2 else masses,
            lengths=lengths[:1] if self.l1 == self.l2 else lengths,
            g=self.g,
        )

    @property
    def law(self) -> Derivative:
        """The equations of motion, faster than those of any number of pendulums."""
        return self.derivative

    def derivative(self, state: _Array, rate: _Array, parameters: _Array) -> None:
        """(6, m) rates of sin θ, cos θ and ω: the 2 × 2 system solved by hand, in few passes over both rows.

        (m1 + m2) l1 ω̇1 + m2 l2 c ω̇2 = −m2 l2 s ω2² − (m1 + m2) g sin θ1 and l1 c ω̇1 + l2 ω̇2 = l1 s ω1² − g sin θ2, with
        s, c the sine and cosine of θ1 − θ2.
        """
        sine, cosine, omega = state[0:2], state[2:4], state[4:6]
        total = self.m1 + self.m2
        np.multiply(cosine, omega, out=rate[0:2])
        np.multiply(sine, omega, out=rate[2:4])
        np.negative(rate[2:4], out=rate[2:4])
        s = sine[0] * cosine[1]
        s -= cosine[0] * sine[1]
        c = cosine[0] * cosine[1]
        c += sine[0] * sine[1]
        force = omega[::-1] * omega[::-1]
        force *= s
        force *= np.array([[-self.m2 * self.l2], [self.l1]])
        force += sine * np.array([[-total * self.g], [-self.g]])
        inverse = c * c
        inverse *= -self.m2
        inverse += total
        np.divide(1.0, inverse, out=inverse)
        crossed = force * c
        force[1] *= total
        force[1] -= crossed[0]
        crossed[1] *= self.m2
        force[0] -= crossed[1]
        if (self.l1, self.l2) != (1.0, 1.0):
            force /= np.array([[self.l1], [self.l2]])
        np.multiply(force, inverse, out=rate[4:6])
