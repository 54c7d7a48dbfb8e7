"""The mechanics of pendulums that hang from each other: point masses on massless rods in a plane."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.systems.integrators import Derivative, integrate

__all__ = ["PendulumChain"]

_Array = NDArray[np.float64]

# Largest d h Ω of an integration step: measured, the energy errs by less than 1e-6 over 1,000 saved steps.
_LARGEST_STEP = 0.44
_MOST_SUBSTEPS = 1000


@dataclass(frozen=True)
class PendulumChain:
    """d pendulums, angles θ_i from the downward vertical: H = ½ ωᵀM(θ)ω − Σ_i w_i cos θ_i.

    M_ij = μ_max(i,j) l_i l_j cos(θ_i − θ_j), μ_i = Σ_{k≥i} m_k and w_i = μ_i g l_i. The states of this class are
    (3d, N): rows of sin θ, of cos θ and of ω, whose equations of motion need no trigonometric function.

    Attributes:
        masses: m_i in kg, from the pivot outwards.
        lengths: l_i in m.
        g: gravity in m/s².
    """

    masses: tuple[float, ...]
    lengths: tuple[float, ...]
    g: float

    def __post_init__(self) -> None:
        """Refuse what is not positive."""
        for name, values in (("mass", self.masses), ("length", self.lengths), ("gravity", (self.g,))):
            for value in values:
                require(0 < value < math.inf, f"pendulum: got {name} {value:g}; expected a positive number")

    @cached_property
    def outer_masses(self) -> _Array:
        """(d,) μ_i, the masses that rod i carries."""
        return np.cumsum(self.masses[::-1])[::-1]

    @cached_property
    def weights(self) -> _Array:
        """(d,) w_i in J."""
        return np.asarray(self.outer_masses * self.g * np.array(self.lengths))

    @cached_property
    def inertia(self) -> _Array:
        """(d, d) μ_max(i,j) l_i l_j in kg m²."""
        d, length = len(self.masses), np.array(self.lengths)
        larger = np.maximum.outer(np.arange(d), np.arange(d))
        return np.asarray(self.outer_masses[larger] * np.outer(length, length))

    @property
    def lowest_energy(self) -> float:
        """The energy of hanging at rest, −Σ w_i; its size is the scale of energy."""
        return -float(self.weights.sum())

    def mass_matrix(self, sine: _Array, cosine: _Array) -> _Array:
        """(m, d, d) M for sines and cosines (d, m)."""
        between = cosine.T[:, :, None] * cosine.T[:, None] + sine.T[:, :, None] * sine.T[:, None]
        return np.asarray(self.inertia * between)

    def energy(self, state: _Array) -> _Array:
        """(m,) H of states (3d, m), in J."""
        sine, cosine, omega = np.split(state, 3)
        kinetic = 0.5 * np.einsum("im,mij,jm->m", omega, self.mass_matrix(sine, cosine), omega)
        return np.asarray(kinetic - self.weights @ cosine)

    def on_energy_surface(self, energy: _Array, rng: np.random.Generator) -> _Array:
        """(3d, N) independent states with H = `energy` (N,), uniform on the energy surface.

        Uniform in the microcanonical measure dθ dp δ(E − H(θ, p)), which the motion preserves (Liouville): time
        averages of an ergodic motion are averages over it. With p = L z and M = L Lᵀ, dp = (det M)^½ dz and
        H = ½‖z‖² + V, so that ∫ dp δ(E − H) ∝ (det M)^½ (2(E − V))^{(d−2)/2}: the density of the angles, drawn by
        rejection from a box around {V ≤ E}. Given them, z is uniform on the sphere of radius (2(E − V))^½ and
        ω = M⁻¹p = L⁻ᵀz. Hadamard's det M ≤ Π_i M_ii bounds the weight.

        Raises:
            InputError: an energy below that of hanging at rest.
        """
        low = np.flatnonzero(~(energy >= self.lowest_energy))
        if len(low):
            raise InputError(
                f"got energy {energy[low[0]]:g} J ({len(low)} of {len(energy)} draws); expected at least "
                f"{self.lowest_energy:g} J, the energy of hanging at rest"
            )
        spare = energy - self.lowest_energy
        reach = np.arccos(1 - np.minimum(spare / self.weights[:, None], 2))
        state = np.empty((3 * len(self.masses), len(energy)))
        waiting = np.arange(len(energy))
        while len(waiting):
            angle = rng.uniform(-1, 1, (len(reach), len(waiting))) * reach[:, waiting]
            proposed, accepted = self._proposed(angle, energy[waiting], spare[waiting], rng)
            state[:, waiting[accepted]] = proposed[:, accepted]
            waiting = waiting[~accepted]
        return state

    def _proposed(
        self, angle: _Array, energy: _Array, spare: _Array, rng: np.random.Generator
    ) -> tuple[_Array, NDArray[np.bool_]]:
        d, n = angle.shape
        sine, cosine = np.sin(angle), np.cos(angle)
        kinetic = energy + self.weights @ cosine
        factor = np.linalg.cholesky(self.mass_matrix(sine, cosine))
        root = np.diagonal(factor, axis1=1, axis2=2).prod(axis=1) / np.sqrt(np.diagonal(self.inertia).prod())
        # At the lowest energy itself there is one state, at rest.
        share = np.divide(kinetic, spare, out=np.ones(n), where=spare > 0)
        accepted = (share >= 0) & (rng.random(n) < root * np.maximum(share, 0) ** ((d - 2) / 2))
        direction = rng.standard_normal((n, d, 1))
        direction *= (
            np.sqrt(2 * np.maximum(kinetic, 0))[:, None, None] / np.linalg.norm(direction, axis=1)[:, None]
        )
        omega = np.linalg.solve(np.swapaxes(factor, 1, 2), direction)[:, :, 0]
        return np.concatenate([sine, cosine, omega.T]), accepted

    def substeps(self, energy: _Array, dt: float) -> NDArray[np.int64]:
        """(N,) integration steps per `dt`: faster motion needs shorter ones.

        Ω² is the largest ω_i² that the energy allows, about 2(E − E_min) (1/m_{i−1} + 1/m_i) / l_i², and no less
        than that of small swings.

        Raises:
            InputError: a motion so fast that `dt` would need more than 1,000 steps.
        """
        inverse = 1 / np.array(self.masses)
        inverse[1:] += inverse[:-1].copy()
        mobility = inverse / np.square(self.lengths)
        square = np.maximum(
            2 * (energy - self.lowest_energy) * mobility.max(), (mobility * self.weights).max()
        )
        needed = np.ceil(max(len(mobility), 2) * dt * np.sqrt(square) / _LARGEST_STEP)
        if (needed > _MOST_SUBSTEPS).any():
            raise InputError(f"got dt = {dt:g} for an energy of {energy.max():g} J; expected a smaller dt")
        return np.asarray(np.maximum(needed, 1), dtype=np.int64)

    def motion(self, state: _Array, T: int, dt: float, derivative: Derivative | None = None) -> _Array:
        """(N, T, 3d) the motion from `state` (3d, N), integrated by DOP853.

        Raises:
            InputError: a motion too fast for `dt`.
        """
        substeps = self.substeps(self.energy(state), dt)
        return integrate(derivative or self.derivative, state, T, dt, substeps)

    def derivative(self, state: _Array, rate: _Array, parameters: _Array) -> None:
        """The rate of change of states (3d, m): M ω̇ = −w sin θ − Σ_j M'_ij ω_j², M' with sines for cosines."""
        d = len(self.masses)
        sine, cosine, omega = state[:d], state[d : 2 * d], state[2 * d :]
        np.multiply(cosine, omega, out=rate[:d])
        np.multiply(sine, -omega, out=rate[d : 2 * d])
        square = omega * omega
        acceleration = rate[2 * d :]
        np.multiply(sine, -self.weights[:, None], out=acceleration)
        matrix = [
            [self.inertia[i, j] * (cosine[i] * cosine[j] + sine[i] * sine[j]) for j in range(d)]
            for i in range(d)
        ]
        for i in range(d):
            for j in range(d):
                if i != j:
                    between = sine[i] * cosine[j] - cosine[i] * sine[j]
                    acceleration[i] -= self.inertia[i, j] * between * square[j]
        _solve(matrix, acceleration)


def _solve(matrix: list[list[_Array]], right: _Array) -> None:
    """Solve symmetric positive definite systems in place by elimination; each entry is (m,), all at once."""
    d = len(matrix)
    for i in range(d):
        for j in range(i + 1, d):
            factor = matrix[j][i] / matrix[i][i]
            for k in range(j, d):
                matrix[k][j] = matrix[k][j] - factor * matrix[k][i]
            right[j] -= factor * right[i]
    for i in reversed(range(d)):
        for j in range(i + 1, d):
            right[i] -= matrix[j][i] * right[j]
        right[i] /= matrix[i][i]
