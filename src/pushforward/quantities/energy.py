"""Energies of systems with a known Hamiltonian, from the recorded states alone."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.blocks import by_block
from pushforward.trajectories import Trajectories

__all__ = ["AbstractStateMean", "HenonHeilesEnergy", "MechanicalEnergy", "SpringChainEnergy"]

_Array = NDArray[np.floating[Any]]


@dataclass(frozen=True, kw_only=True)
class AbstractStateMean(AbstractQuantity):
    """⟨f(x_t)⟩_t: the mean over the valid steps of a number that every recorded state has.

    Attributes:
        channels: the channels of the state in order (default: those named as the quantity's system names them).
    """

    channels: tuple[str, ...] = ()

    @abstractmethod
    def expected(self, trajectories: Trajectories) -> tuple[str, ...]:
        """The state's channels as the system names them."""

    @abstractmethod
    def of_states(self, states: _Array) -> _Array:
        """(m, T) numbers of states (m, T, C)."""

    def measure(self, trajectories: Trajectories) -> _Array:
        """(N,) means."""

        def mean(states: _Array, steps: NDArray[np.int64]) -> _Array:
            values = self.of_states(states)
            valid = np.arange(values.shape[1]) < steps[:, None]
            result: _Array = np.mean(values, axis=1, where=valid)
            return result

        return by_block(trajectories, self.index(trajectories), mean)

    def over_time(self, trajectories: Trajectories) -> NDArray[np.float64]:
        """(N, T) numbers of every recorded state."""
        states = trajectories.values[:, :, list(self.index(trajectories))].astype(np.float64)
        with np.errstate(all="ignore"):
            return np.asarray(self.of_states(states), dtype=np.float64)

    def index(self, trajectories: Trajectories) -> tuple[int, ...]:
        """The places of the state's channels.

        Raises:
            InputError: a channel that the data lacks.
        """
        names = self.expected(trajectories)
        if not self.channels and not set(names) <= set(trajectories.channels):
            raise InputError(
                f"quantity {self.name!r}: got channels {printable(', '.join(trajectories.channels))}; expected "
                f"{', '.join(names)}, or channels=[...] in that order"
            )
        return tuple(trajectories.channel_index(name) for name in self.channels or names)


@final
@dataclass(frozen=True)
class MechanicalEnergy(AbstractStateMean):
    """Mechanical energy of pendulums hanging from each other, in J; see `systems.DoublePendulum`.

    E = ⟨½ Σ_ij M_ij ω_i ω_j − Σ_i w_i cos θ_i⟩_t with M_ij = μ_max(i,j) l_i l_j cos(θ_i − θ_j), μ_i = Σ_{k≥i} m_k and
    w_i = μ_i g l_i: zero where all rods are level, −Σ w_i where they hang at rest. The angle is the direction of
    (sin, cos), whose length need not be one in generated data; NaN where that length is 0. Channels are
    sin_theta1, cos_theta1, ..., omega1, ...: three for each pendulum, angles in rad and ω in rad/s.

    Attributes:
        masses: m_i in kg from the pivot outwards; one alone holds for all.
        lengths: l_i in m; one alone holds for all.
        g: gravity in m/s².
    """

    masses: tuple[float, ...] = (1.0,)
    lengths: tuple[float, ...] = (1.0,)
    g: float = 9.81

    name: ClassVar[str] = "mechanical-energy"
    formula: ClassVar[str] = "E = ⟨½ Σ_ij M_ij ω_i ω_j − Σ_i w_i cos θ_i⟩_t"
    source: ClassVar[str] = "Goldstein, Classical Mechanics (1980), 1.6"

    def expected(self, trajectories: Trajectories) -> tuple[str, ...]:
        """sin and cos of each angle, then the angular velocities."""
        given = max(len(self.masses), len(self.lengths))
        found = sum(name.startswith("omega") for name in trajectories.channels)
        d = given if given > 1 else max(found, 1)
        angles = [f"{f}_theta{i + 1}" for i in range(d) for f in ("sin", "cos")]
        return (*angles, *(f"omega{i + 1}" for i in range(d)))

    def of_states(self, states: _Array) -> _Array:
        """(m, T) energies of states (m, T, 3d)."""
        d = states.shape[2] // 3
        mass, length = (self._each(name, d, states.shape[2]) for name in ("masses", "lengths"))
        outer = np.cumsum(mass[::-1])[::-1]
        x = np.moveaxis(states, 2, 0)
        norm = np.hypot(x[0 : 2 * d : 2], x[1 : 2 * d : 2])
        sine, cosine, omega = x[0 : 2 * d : 2] / norm, x[1 : 2 * d : 2] / norm, x[2 * d :]
        # Rod by rod: the mass at the end of rod i moves with the sum of the velocities of the rods up to it.
        energy = -np.tensordot(outer * self.g * length, cosine, axes=1)
        across, up = np.zeros_like(energy), np.zeros_like(energy)
        for i in range(d):
            across += length[i] * omega[i] * cosine[i]
            up += length[i] * omega[i] * sine[i]
            energy += 0.5 * mass[i] * (across * across + up * up)
        return np.asarray(energy)

    def _each(self, setting: str, d: int, channels: int) -> NDArray[np.float64]:
        values = getattr(self, setting)
        require(
            channels == 3 * d > 0 and len(values) in (1, d),
            f"quantity {self.name!r}: got {len(values)} {setting} for {channels} channels; expected three "
            f"channels a pendulum, and one value alone or one each",
        )
        return np.resize(np.array(values, dtype=np.float64), d)

    def unit_of(self, trajectories: Trajectories) -> str:
        """Joules."""
        return "J"


@final
@dataclass(frozen=True)
class HenonHeilesEnergy(AbstractStateMean):
    """Energy of Hénon and Heiles' system, a pure number; channels x, y, px, py.

    E = ⟨½(p_x² + p_y²) + ½(x² + y²) + x²y − y³/3⟩_t; below 1/6 the motion is bounded.
    """

    name: ClassVar[str] = "henon-heiles-energy"
    formula: ClassVar[str] = "E = ⟨½(p_x² + p_y²) + ½(x² + y²) + x²y − y³/3⟩_t"
    source: ClassVar[str] = "Hénon and Heiles, Astronomical Journal 69 (1964), 73–79"

    def expected(self, trajectories: Trajectories) -> tuple[str, ...]:
        """Position and momentum."""
        return ("x", "y", "px", "py")

    def of_states(self, states: _Array) -> _Array:
        """(m, T) energies of states (m, T, 4)."""
        x, y, px, py = np.moveaxis(states, 2, 0)
        return np.asarray(0.5 * (px * px + py * py + x * x + y * y) + x * x * y - y**3 / 3)

    def unit_of(self, trajectories: Trajectories) -> str:
        """A pure number."""
        return ""


@final
@dataclass(frozen=True)
class SpringChainEnergy(AbstractStateMean):
    """Energy of equal masses on a line between two walls, joined by equal springs, in J.

    E = ⟨½ m Σ_i v_i² + ½ k Σ_{i=0}^{d} (u_{i+1} − u_i)²⟩_t with displacements u_0 = u_{d+1} = 0 at the walls. Channels
    are u1, ..., ud in m and v1, ..., vd in m/s.

    Attributes:
        mass: m in kg.
        stiffness: k in N/m.
    """

    mass: float = 1.0
    stiffness: float = 1.0

    name: ClassVar[str] = "spring-chain-energy"
    formula: ClassVar[str] = "E = ⟨½ m Σ_i v_i² + ½ k Σ_i (u_{i+1} − u_i)²⟩_t"
    source: ClassVar[str] = "Goldstein, Classical Mechanics (1980), 12.1"

    def expected(self, trajectories: Trajectories) -> tuple[str, ...]:
        """Displacements, then velocities."""
        d = max(sum(name.startswith("v") for name in trajectories.channels), 1)
        return (*(f"u{i + 1}" for i in range(d)), *(f"v{i + 1}" for i in range(d)))

    def of_states(self, states: _Array) -> _Array:
        """(m, T) energies of states (m, T, 2d)."""
        d = states.shape[2] // 2
        require(
            states.shape[2] == 2 * d > 0,
            f"quantity {self.name!r}: got {states.shape[2]} channels; expected an even number",
        )
        stretch = np.diff(states[:, :, :d], axis=2, prepend=0.0, append=0.0)
        kinetic = self.mass * np.sum(np.square(states[:, :, d:]), axis=2)
        return np.asarray(0.5 * (kinetic + self.stiffness * np.sum(stretch * stretch, axis=2)))

    def unit_of(self, trajectories: Trajectories) -> str:
        """Joules."""
        return "J"
