"""A chain of masses and springs between two walls: many coupled oscillators, solved exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.energy import SpringChainEnergy
from pushforward.systems.base import AbstractSystem
from pushforward.systems.prediction import conserves_and_predicts
from pushforward.trajectories import Trajectories

__all__ = ["SpringChain"]

_Array = NDArray[np.float64]
_MOST_MASSES = 1000


@final
@dataclass(frozen=True)
class SpringChain(AbstractSystem):
    """d equal masses on a line between two walls, neighbours joined by equal springs; the quantity is the energy.

    Exact by normal modes j = 1..d: u_i = Σ_j Q_j S_ij with S_ij = (2/(d + 1))^½ sin(πij/(d + 1)) and
    ω_j = 2 (k/m)^½ sin(πj/(2(d + 1))). In z = m^½ (ω_j Q_j, Q̇_j), H = ½‖z‖² and each pair turns with rate ω_j; initial
    states are uniform on the energy surface (in du dp δ(E − H)): z is uniform on the sphere of radius (2E)^½.

    Attributes:
        masses: d, how many.
        mass: m in kg, of each.
        stiffness: k in N/m, of each spring.
        tolerance: see `valid`.
    """

    masses: int = 4
    mass: float = 1.0
    stiffness: float = 1.0
    tolerance: float = 0.05

    name: ClassVar[str] = "spring-chain"
    formula: ClassVar[str] = "m ü_i = k (u_{i+1} − 2u_i + u_{i−1}), u_0 = u_{d+1} = 0"
    source: ClassVar[str] = "Goldstein, Classical Mechanics (1980), 6.3 and 12.1"
    channels: ClassVar[tuple[str, ...]] = (*(f"u{i}" for i in range(1, 5)), *(f"v{i}" for i in range(1, 5)))
    units: ClassVar[tuple[str, ...]] = ("m",) * 4 + ("m/s",) * 4
    default_T: ClassVar[int] = 64
    default_dt: ClassVar[float] = 0.5
    default_intended: ClassVar[str] = "uniform(1, 4)"

    def __post_init__(self) -> None:
        """Refuse what does not fit, and name the channels of as many masses as there are."""
        super().__post_init__()
        d, where = self.masses, f"system {self.name!r}: got"
        require(1 <= d <= _MOST_MASSES, f"{where} {d} masses; expected 1 to {_MOST_MASSES}")
        for setting in ("mass", "stiffness"):
            value = getattr(self, setting)
            require(0 < value < np.inf, f"{where} {setting} {value:g}; expected a positive number")
        require(self.tolerance >= 0, f"{where} tolerance {self.tolerance:g}; expected 0 or more")
        named = [f"{letter}{i + 1}" for letter in "uv" for i in range(d)]
        object.__setattr__(self, "channels", tuple(named))
        object.__setattr__(self, "units", ("m",) * d + ("m/s",) * d)

    @property
    def quantity(self) -> SpringChainEnergy:
        """The mean energy of the states."""
        return SpringChainEnergy(mass=self.mass, stiffness=self.stiffness)

    @property
    def rates(self) -> _Array:
        """(d,) ω_j of the modes in rad/s."""
        place = np.arange(1, self.masses + 1) / (self.masses + 1)
        return np.asarray(2 * np.sqrt(self.stiffness / self.mass) * np.sin(0.5 * np.pi * place))

    @property
    def modes(self) -> _Array:
        """(d, d) S, symmetric and orthogonal."""
        i = np.arange(1, self.masses + 1)
        return np.asarray(np.sqrt(2 / (self.masses + 1)) * np.sin(np.pi * np.outer(i, i) / (self.masses + 1)))

    def simulate(self, quantity: _Array, T: int, dt: float, rng: np.random.Generator) -> _Array:
        """(N, T, 2d) motions with energies (N,).

        Raises:
            InputError: a negative energy.
        """
        low = np.flatnonzero(~(quantity >= 0))
        if len(low):
            raise InputError(
                f"system {self.name!r}: got energy {quantity[low[0]]:g} J ({len(low)} of {len(quantity)} draws); "
                "expected at least 0 J, the energy of rest"
            )
        z = rng.standard_normal((len(quantity), 2 * self.masses))
        z *= (np.sqrt(2 * quantity / self.mass) / np.linalg.norm(z, axis=1))[:, None]
        amplitude = z[:, : self.masses] / self.rates
        states = np.concatenate([amplitude @ self.modes, z[:, self.masses :] @ self.modes], axis=1)
        return self.motion(states, np.asarray(dt * np.arange(T), dtype=np.float64))

    def motion(self, states: _Array, times: _Array) -> _Array:
        """(N, len(times), 2d) the exact motion from states (N, 2d) at time 0."""
        d, modes, rates = self.masses, self.modes, self.rates
        amplitude, velocity = states[:, None, :d] @ modes, states[:, None, d:] @ modes
        cosine, sine = np.cos(np.outer(times, rates)), np.sin(np.outer(times, rates))
        moved = amplitude * cosine + velocity / rates * sine
        speed = velocity * cosine - amplitude * rates * sine
        return np.concatenate([moved @ modes, speed @ modes], axis=2)

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether the energy is constant and each state predicts the next.

        Within `tolerance` τ: |E_t − ⟨E⟩| ≤ τ ⟨E⟩, and the exact motion over dt meets the next state within τ of the
        largest displacement (2⟨E⟩/m)^½ / ω_1 or speed (2⟨E⟩/m)^½ of such an energy.
        """
        energy = self.quantity(trajectories)
        speed = np.sqrt(2 * np.maximum(energy, 0) / self.mass)[:, None]
        scale = np.repeat(np.concatenate([speed / self.rates[0], speed], axis=1), self.masses, axis=1)

        def advance(states: _Array) -> _Array:
            return self.motion(states, np.array([trajectories.dt]))[:, 0]

        return conserves_and_predicts(self.quantity, trajectories, advance, energy, scale, self.tolerance)
