"""Two disks in a box: free flight, elastic collisions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.impacts import TotalKineticEnergy
from pushforward.systems.base import AbstractSystem
from pushforward.systems.events import advance
from pushforward.trajectories import Trajectories

__all__ = ["CollidingDisks"]


_MOST_CROSSINGS = 1_000


@final
@dataclass(frozen=True)
class CollidingDisks(AbstractSystem):
    """Two hard disks in a square box, colliding elastically with each other and the walls; the quantity is E_kin.

    Event-driven: every collision is solved for, none is stepped over. The disks start anywhere apart from each other,
    and the velocities are uniform on the energy surface ½ Σ m_i ‖v_i‖² = E. Collisions keep the momentum, too
    (`total-momentum` measures it); walls do not. `pushforward.systems.disk_splits.split` makes the
    in-distribution, out-of-distribution and combinatorial data of arXiv 2411.02385 in this state-space form.

    Attributes:
        radius0: of the first disk in m.
        radius1: of the second disk.
        mass0: of the first disk in kg.
        mass1: of the second disk.
        side: of the box in m; it spans [0, side]².
        tolerance: largest error of a plausible trajectory's prediction of each next position (as a share of
            `side`) and of the energy at each step (as a share of its mean).
    """

    radius0: float = 1.0
    radius1: float = 1.0
    mass0: float = 1.0
    mass1: float = 1.0
    side: float = 10.0
    tolerance: float = 0.02

    name: ClassVar[str] = "colliding-disks"
    formula: ClassVar[str] = "ẍ_i = 0; elastic collisions with the other disk and the walls"
    source: ClassVar[str] = "after the testbed of Kang et al., arXiv 2411.02385"
    channels: ClassVar[tuple[str, ...]] = ("x0", "y0", "vx0", "vy0", "x1", "y1", "vx1", "vy1")
    units: ClassVar[tuple[str, ...]] = ("m", "m", "m/s", "m/s") * 2
    default_dt: ClassVar[float] = 0.25
    default_intended: ClassVar[str] = "uniform(1, 9)"

    def __post_init__(self) -> None:
        """Refuse sizes and masses that are not positive, a box that is too small, a negative tolerance."""
        super().__post_init__()
        for name in ("radius0", "radius1", "mass0", "mass1", "side"):
            value = getattr(self, name)
            require(0 < value < np.inf, f"system {self.name!r}: got {name} = {value:g}; expected above 0")
        require(
            self.side >= 3 * (self.radius0 + self.radius1),
            f"system {self.name!r}: got a box of {self.side:g} m; expected at least 3 (radius0 + radius1) = "
            f"{3 * (self.radius0 + self.radius1):g} m",
        )
        require(
            self.tolerance >= 0, f"system {self.name!r}: got tolerance {self.tolerance}; expected 0 or more"
        )

    @property
    def quantity(self) -> TotalKineticEnergy:
        """The kinetic energy of both disks."""
        unit_masses = self.mass0 == self.mass1 == 1.0
        return TotalKineticEnergy() if unit_masses else TotalKineticEnergy(masses=(self.mass0, self.mass1))

    def simulate(
        self,
        quantity: NDArray[np.float64],
        T: int,
        dt: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(N, T, 8) positions and velocities for kinetic energies (N,).

        Raises:
            InputError: an energy that is not positive, or a time step of very many collisions.
        """
        outside = np.flatnonzero(~(quantity > 0))
        if len(outside):
            raise InputError(
                f"system {self.name!r}: got a kinetic energy of {quantity[outside[0]]:g} J ({len(outside)} of "
                f"{len(quantity)} draws); expected above 0"
            )
        radii, masses = self._bodies(len(quantity))
        position = placed(radii, self.side, rng)
        # Of equal energy in every direction of √m v: uniform on the energy surface.
        momentum = rng.normal(size=position.shape)
        momentum *= np.sqrt(2 * quantity / np.square(momentum).sum(axis=(1, 2)))[:, None, None]
        velocity = momentum / np.sqrt(masses)[:, :, None]
        crossings = float(np.abs(velocity).max()) * dt / self.side
        require(
            crossings <= _MOST_CROSSINGS,
            f"system {self.name!r}: got dt = {dt:g}, in which a disk crosses the box {crossings:,.0f} times; expected "
            f"at most {_MOST_CROSSINGS:,} times",
        )
        return recorded(position, velocity, radii, masses, self.side, T, dt)

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether the disks stay in the box and apart, and every state predicts the next, within `tolerance`."""
        index = [trajectories.channel_index(name) for name in self.channels]
        states = trajectories.values[:, :, index].astype(np.float64)
        states = states.reshape(*states.shape[:2], 2, 4)
        position, velocity = states[..., :2], states[..., 2:]
        mask, slack = trajectories.mask, (self.tolerance + 1e-5)
        radii, masses = self._bodies(1)
        energy = 0.5 * (masses[0] * np.square(velocity).sum(axis=-1)).sum(axis=-1)
        mean = self.quantity(trajectories)[:, None]
        fine = np.abs(energy - mean) <= slack * mean
        reach = slack * self.side
        inside = (position >= radii[0][:, None] - reach) & (position <= self.side - radii[0][:, None] + reach)
        gap = np.sqrt(np.square(position[:, :, 0] - position[:, :, 1]).sum(axis=-1))
        fine &= inside.all(axis=(2, 3)) & (gap >= radii.sum() - reach)
        n, steps = fine.shape
        start = position[:, :-1].reshape(-1, 2, 2)
        radii, masses = self._bodies(len(start))
        ahead, _ = advance(
            start, velocity[:, :-1].reshape(-1, 2, 2), radii, masses, self.side, trajectories.dt
        )
        missed = np.abs(ahead.reshape(n, steps - 1, 2, 2) - position[:, 1:]).max(axis=(2, 3))
        fine[:, 1:] &= missed <= reach
        return np.asarray((fine | ~mask).all(axis=1))

    def _bodies(self, n: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        radii, masses = (self.radius0, self.radius1), (self.mass0, self.mass1)
        return np.tile(np.array(radii), (n, 1)), np.tile(np.array(masses), (n, 1))

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Draw the paths of both disks in the box."""
        for number, colour in enumerate(("tab:blue", "tab:orange")):
            x, y = (trajectories.channel_index(f"{axis}{number}") for axis in "xy")
            for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
                axes.plot(values[:steps, x], values[:steps, y], color=colour, linewidth=0.8)
                axes.plot(values[0, x], values[0, y], "o", color=colour, markersize=3)
        axes.set(xlim=(0, self.side), ylim=(0, self.side), aspect="equal", xlabel="x (m)", ylabel="y (m)")


def placed(radii: NDArray[np.float64], side: float, rng: np.random.Generator) -> NDArray[np.float64]:
    """(N, 2, 2) positions of disks of radii (N, 2), uniform on all that neither overlap nor leave the box."""
    low, high = radii[:, :, None], side - radii[:, :, None]
    position = low + (high - low) * rng.random((*radii.shape, 2))
    while True:
        distance = np.sqrt(np.square(position[:, 0] - position[:, 1]).sum(axis=1))
        again = np.flatnonzero(distance <= radii.sum(axis=1))
        if not len(again):
            return position
        position[again] = low[again] + (high - low)[again] * rng.random((len(again), 2, 2))


def recorded(
    position: NDArray[np.float64],
    velocity: NDArray[np.float64],
    radii: NDArray[np.float64],
    masses: NDArray[np.float64],
    side: float,
    T: int,
    dt: float,
) -> NDArray[np.float64]:
    """(N, T, 8) states, dt apart, from positions and velocities (N, 2, 2) of disks of radii and masses (N, 2)."""
    values = np.empty((len(position), T, 2, 4))
    for t in range(T):
        values[:, t, :, :2], values[:, t, :, 2:] = position, velocity
        if t < T - 1:
            position, velocity = advance(position, velocity, radii, masses, side, dt)
    return values.reshape(len(values), T, 8)
