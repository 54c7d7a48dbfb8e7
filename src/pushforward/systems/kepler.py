"""Kepler's problem: two bodies that attract each other, in the plane of their orbit, solved exactly."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.orbits import SUN, Eccentricity, KeplerEnergy
from pushforward.systems.base import AbstractSystem
from pushforward.systems.prediction import conserves_and_predicts
from pushforward.trajectories import Trajectories

__all__ = ["Kepler"]

_Array = NDArray[np.float64]
# Beyond, a recorded state near the centre loses the digits that the energy needs.
_MOST_ECCENTRIC = 0.95


@final
@dataclass(frozen=True)
class Kepler(AbstractSystem):
    """Relative motion of two bodies on an ellipse, by Kepler's equation; the quantity is e or the specific energy.

    x = a (cos E − e), y = a (1 − e²)^½ sin E with E − e sin E = M, turned by a uniform angle; the mean anomaly M starts
    uniform in time over the period, and grows by n = (μ/a³)^½.

    Attributes:
        quantity_kind: whose law is intended: `eccentricity` (in [0, 0.95]) or `energy` (below 0).
        semi_major_axis: a in AU where the eccentricity is intended.
        eccentricity: e where the energy is intended.
        mu: G(m1 + m2) in AU³/yr² (default: the Sun's).
        tolerance: see `valid`.
    """

    quantity_kind: Literal["eccentricity", "energy"] = "eccentricity"
    semi_major_axis: float = 1.0
    eccentricity: float = 0.3
    mu: float = SUN
    tolerance: float = 0.05

    name: ClassVar[str] = "kepler"
    formula: ClassVar[str] = "ẍ = −μ x/‖x‖³"
    source: ClassVar[str] = "Goldstein, Classical Mechanics (1980), 3.7 and 3.8"
    channels: ClassVar[tuple[str, ...]] = ("x", "y", "vx", "vy")
    units: ClassVar[tuple[str, ...]] = ("AU", "AU", "AU/yr", "AU/yr")
    time_unit: ClassVar[str] = "yr"
    default_T: ClassVar[int] = 64
    default_dt: ClassVar[float] = 1 / 32
    default_intended: ClassVar[str] = "uniform(0, 0.8)"

    def __post_init__(self) -> None:
        """Refuse what does not fit."""
        super().__post_init__()
        for setting in ("semi_major_axis", "mu"):
            value = getattr(self, setting)
            require(
                0 < value < np.inf,
                f"system {self.name!r}: got {setting} {value:g}; expected a positive number",
            )
        require(
            0 <= self.eccentricity <= _MOST_ECCENTRIC,
            f"system {self.name!r}: got eccentricity {self.eccentricity:g}; expected 0 ≤ e ≤ {_MOST_ECCENTRIC}",
        )
        require(
            self.tolerance >= 0, f"system {self.name!r}: got tolerance {self.tolerance:g}; expected 0 or more"
        )
        if self.quantity_kind == "energy":
            object.__setattr__(self, "default_intended", "uniform(-30, -10)")

    @property
    def quantity(self) -> Eccentricity | KeplerEnergy:
        """The eccentricity, or the specific energy in (AU/yr)²."""
        return Eccentricity(mu=self.mu) if self.quantity_kind == "eccentricity" else KeplerEnergy(mu=self.mu)

    def simulate(self, quantity: _Array, T: int, dt: float, rng: np.random.Generator) -> _Array:
        """(N, T, 4) relative positions and velocities.

        Raises:
            InputError: an eccentricity outside [0, 0.95], or an energy of 0 or more, at which bodies do not return.
        """
        n = len(quantity)
        if self.quantity_kind == "eccentricity":
            wrong, expected = ~((quantity >= 0) & (quantity <= _MOST_ECCENTRIC)), f"0 ≤ e ≤ {_MOST_ECCENTRIC}"
            e, a = quantity, np.full(n, self.semi_major_axis)
        else:
            wrong, expected = ~(quantity < 0), "E < 0, a bound orbit"
            e, a = np.full(n, self.eccentricity), -self.mu / (2 * np.where(wrong, -1.0, quantity))
        if wrong.any():
            raise InputError(
                f"system {self.name!r}: got {self.quantity_kind} {quantity[wrong][0]:g} ({wrong.sum()} of {n} draws); "
                f"expected {expected}"
            )
        start, turn = rng.uniform(0, 2 * np.pi, (2, n))
        rate = np.sqrt(self.mu / a**3)
        anomaly = _kepler(start[:, None] + rate[:, None] * (dt * np.arange(T)), e[:, None])
        return _turned(anomaly, a[:, None], e[:, None], rate[:, None], turn[:, None])

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether the energy is constant and each state predicts the next.

        Within `tolerance` τ: |E_t − ⟨E⟩| ≤ τ μ/q, the size of the two terms that E is the difference of, q being the
        shortest distance of the trajectory; and the exact motion over dt meets the next state within τ a in position
        and τ (μ/q)^½ in velocity, with the semi-major axis a = −μ/2⟨E⟩.
        """
        quantity = KeplerEnergy(mu=self.mu)
        states = trajectories.values[:, :, list(quantity.index(trajectories))].astype(np.float64)
        nearest = np.hypot(states[..., 0], states[..., 1]).min(axis=1)
        energy = quantity(trajectories)
        bound = (energy < 0) & (nearest > 0)
        axis = -self.mu / (2 * np.where(bound, energy, -1.0))
        nearest = np.where(bound, nearest, 1.0)
        scale = np.repeat(np.stack([axis, np.sqrt(self.mu / nearest)], axis=1), 2, axis=1)

        def advance(before: _Array) -> _Array:
            return _advanced(before, self.mu, trajectories.dt)

        kept = conserves_and_predicts(
            quantity, trajectories, advance, self.mu / nearest, scale, self.tolerance
        )
        return np.asarray(bound & kept)

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Orbits in the plane, the centre at the origin."""
        for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
            axes.plot(values[:steps, 0], values[:steps, 1], linewidth=0.8)
        axes.plot(0, 0, "k.")
        axes.set_aspect("equal")
        axes.set_xlabel("x (AU)")
        axes.set_ylabel("y (AU)")


def _kepler(mean: _Array, e: _Array) -> _Array:
    """The root E of E − e sin E = M by Newton's method, from a start right of the root where it converges for e < 1."""
    m = np.remainder(mean + np.pi, 2 * np.pi) - np.pi
    root = np.where(m < 0, -np.pi, np.pi) * np.minimum(1, (np.abs(m) + e) / np.pi)
    for _ in range(20):
        root = root - (root - e * np.sin(root) - m) / (1 - e * np.cos(root))
    return np.asarray(root)


def _turned(anomaly: _Array, a: _Array, e: _Array, rate: _Array, turn: _Array) -> _Array:
    """(N, T, 4) states at eccentric anomalies (N, T)."""
    minor = np.sqrt(1 - e * e)
    x, y = a * (np.cos(anomaly) - e), a * minor * np.sin(anomaly)
    speed = a * rate / (1 - e * np.cos(anomaly))
    vx, vy = -speed * np.sin(anomaly), speed * minor * np.cos(anomaly)
    c, s = np.cos(turn), np.sin(turn)
    return np.stack([c * x - s * y, s * x + c * y, c * vx - s * vy, s * vx + c * vy], axis=2)


def _advanced(state: _Array, mu: float, dt: float) -> _Array:
    """(m, 4) bound states a time `dt` later: their elements, and the states of these at the later anomaly."""
    x, y, vx, vy = state.T
    r = np.hypot(x, y)
    radial, along = x * vx + y * vy, vx * vx + vy * vy - mu / r
    energy = 0.5 * (vx * vx + vy * vy) - mu / r
    a = -mu / (2 * np.where(energy < 0, energy, np.nan))
    # The motion may turn either way: mirrored, it turns like that of `_turned`.
    side = np.where(x * vy - y * vx < 0, -1.0, 1.0)
    ex, ey = (along * x - radial * vx) / mu, side * (along * y - radial * vy) / mu
    e = np.minimum(np.hypot(ex, ey), 1 - 1e-9)
    anomaly = np.arctan2(radial / np.sqrt(mu * a), 1 - r / a)
    rate = np.sqrt(mu / a**3)
    later = _kepler(anomaly - e * np.sin(anomaly) + rate * dt, e)
    columns = (later[:, None], a[:, None], e[:, None], rate[:, None], np.arctan2(ey, ex)[:, None])
    moved = _turned(*columns)[:, 0]
    moved[:, 1::2] *= side[:, None]
    return np.asarray(moved)
