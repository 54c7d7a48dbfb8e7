"""What the double pendulum and its longer relatives share."""

from __future__ import annotations

from abc import abstractmethod
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.energy import MechanicalEnergy
from pushforward.systems.base import AbstractSystem
from pushforward.systems.integrators import Derivative
from pushforward.systems.pendulum_chain import PendulumChain
from pushforward.systems.prediction import conserves_and_predicts
from pushforward.trajectories import Trajectories

__all__ = ["AbstractPendulum"]

_Array = NDArray[np.float64]


@dataclass(frozen=True)
class AbstractPendulum(AbstractSystem):
    """Pendulums hanging from each other, drawn uniformly on their energy surface."""

    tolerance: float = 0.05

    def __post_init__(self) -> None:
        """Refuse masses, lengths and gravity that are not positive, and a negative tolerance."""
        super().__post_init__()
        require(
            self.tolerance >= 0, f"system {self.name!r}: got tolerance {self.tolerance:g}; expected 0 or more"
        )
        self._named(lambda: self.chain)

    @property
    @abstractmethod
    def chain(self) -> PendulumChain:
        """The pendulums' mechanics."""

    @property
    @abstractmethod
    def quantity(self) -> MechanicalEnergy:
        """The mean energy of the states."""

    @property
    def law(self) -> Derivative | None:
        """The equations of motion; None for those of the chain."""
        return None

    def simulate(self, quantity: _Array, T: int, dt: float, rng: np.random.Generator) -> _Array:
        """(N, T, 3d) motions with energies (N,), from states uniform on the energy surface.

        Raises:
            InputError: an energy below that of hanging at rest, or a motion too fast for `dt`.
        """
        start = self._named(lambda: self.chain.on_energy_surface(quantity, rng))
        return self.motion(start, T, dt)[:, :, self._order()]

    def motion(self, state: _Array, T: int, dt: float) -> _Array:
        """(N, T, 3d) the motion from states (3d, N): rows of sin θ, of cos θ and of ω, in this order.

        Raises:
            InputError: a motion too fast for `dt`.
        """
        moved: _Array = self._named(lambda: self.chain.motion(state, T, dt, self.law))
        return moved

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether the energy is conserved and every step follows from the one before.

        Within `tolerance` τ: |E_t − ⟨E⟩| ≤ τ Σ w_i, the energy of lifting all rods from hanging to level; and the exact
        motion over dt from every recorded state meets the next one, |Δ sin θ|, |Δ cos θ| ≤ τ and |Δω| ≤ τ Ω with
        Ω² = 2 Σ w_i / (m_d l_d²), so that τ is relative to what the system can show.
        """
        order, chain = self._order(), self.chain
        # A row of `order` says where each channel is among a state's rows; argsort turns that around.
        rows = np.argsort(order)

        def advance(states: _Array) -> _Array:
            return self.motion(states[:, rows].T, 2, trajectories.dt)[:, 1, order]

        energy_scale = -chain.lowest_energy
        fastest = np.sqrt(2 * energy_scale / (chain.masses[-1] * chain.lengths[-1] ** 2))
        state_scale = np.where(np.arange(len(order)) < 2 * len(chain.masses), 1.0, fastest)
        return conserves_and_predicts(
            self.quantity, trajectories, advance, energy_scale, state_scale, self.tolerance
        )

    def _order(self) -> list[int]:
        """Where each channel (sin, cos of each angle in turn, then ω) is among the rows of a state."""
        d = len(self.chain.masses)
        return [*(i + d * f for i in range(d) for f in (0, 1)), *range(2 * d, 3 * d)]

    def _named(self, call: Any) -> Any:
        try:
            return call()
        except InputError as error:
            raise InputError(f"system {self.name!r}: {error}") from None

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """The path of the last mass in the plane, the pivot at the origin."""
        d = len(self.chain.masses)
        length = np.array(self.chain.lengths)
        index = list(self.quantity.index(trajectories))
        for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
            shown = values[:steps, index]
            axes.plot(shown[:, 0 : 2 * d : 2] @ length, -shown[:, 1 : 2 * d : 2] @ length, linewidth=0.8)
        axes.set_aspect("equal")
        axes.set_xlabel("x of the last mass (m)")
        axes.set_ylabel("y of the last mass (m)")
