"""A ball that bounces on the ground and loses speed at every impact."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.impacts import Restitution
from pushforward.systems.base import AbstractSystem
from pushforward.trajectories import Trajectories

__all__ = ["BouncingBall"]

_Array = NDArray[np.float64]
# A ball that keeps so small a share of its first speed is at rest; nearer to the end rounding decides.
_AT_REST = 1e-12


@final
@dataclass(frozen=True)
class BouncingBall(AbstractSystem):
    """z̈ = −g above the ground; at the ground v becomes −e v; the quantity is the restitution e in (0, 1].

    Solved in closed form, impact by impact, also through the infinitely many of the last moments: the k-th
    impact is at Σ_{j<k} 2 u eʲ/g after the first, u being the first rebound's speed, and the ball rests
    after 2u/((1 − e) g). The first flight leaves the ground with a speed uniform on [slowest, fastest]; the record
    starts at a uniform time of that flight.

    Attributes:
        slowest: smallest speed at the ground in the first flight, in m/s.
        fastest: largest one.
        gravity: in m/s².
        tolerance: largest error of a plausible trajectory's prediction of each next state from the one before it, as
            a share of the height and of the speed of its fastest flight; also how far e may exceed 1.
    """

    slowest: float = 4.0
    fastest: float = 6.0
    gravity: float = 9.81
    tolerance: float = 0.05

    name: ClassVar[str] = "bouncing-ball"
    formula: ClassVar[str] = "z̈ = −g; v → −e v at z = 0"
    source: ClassVar[str] = "Newton's law of restitution"
    channels: ClassVar[tuple[str, ...]] = ("z", "v")
    units: ClassVar[tuple[str, ...]] = ("m", "m/s")
    default_T: ClassVar[int] = 64
    default_dt: ClassVar[float] = 0.05
    default_intended: ClassVar[str] = "uniform(0.5, 0.95)"

    def __post_init__(self) -> None:
        """Refuse speeds that are not positive or upside down, gravity that is not positive, a negative tolerance."""
        super().__post_init__()
        require(
            0 < self.slowest <= self.fastest < np.inf,
            f"system {self.name!r}: got speeds from {self.slowest:g} to {self.fastest:g} m/s; "
            "expected 0 < slowest ≤ fastest",
        )
        require(
            0 < self.gravity < np.inf,
            f"system {self.name!r}: got gravity {self.gravity:g}; expected above 0 m/s²",
        )
        require(
            self.tolerance >= 0, f"system {self.name!r}: got tolerance {self.tolerance}; expected 0 or more"
        )

    @property
    def quantity(self) -> Restitution:
        """The least-squares restitution of the recorded bounces."""
        return Restitution(gravity=self.gravity)

    def simulate(
        self,
        quantity: NDArray[np.float64],
        T: int,
        dt: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(N, T, 2) heights and velocities for restitutions (N,).

        Raises:
            InputError: a restitution outside (0, 1], one so small that the first bounce is over within dt, or a
                record so short that it may hold no bounce.
        """
        flight = 2 * self.fastest / self.gravity
        require(
            (T - 1) * dt >= flight,
            f"system {self.name!r}: got a record of {(T - 1) * dt:g} s; expected at least the first flight's "
            f"{flight:g} s, so that it holds a bounce",
        )
        least = self.gravity * dt / (2 * self.slowest)
        outside = np.flatnonzero(~((quantity >= least) & (quantity <= 1)))
        if len(outside):
            raise InputError(
                f"system {self.name!r}: got a restitution of {quantity[outside[0]]:g} ({len(outside)} of "
                f"{len(quantity)} draws); expected between {least:g}, below which the first bounce is over within "
                "dt, and 1"
            )
        launch = rng.uniform(self.slowest, self.fastest, size=(len(quantity), 1))
        since = rng.random((len(quantity), 1)) * 2 * launch / self.gravity
        z, v = after(since + np.arange(T) * dt, launch, quantity[:, None], self.gravity)
        return np.stack([z, v], axis=2)

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether 0 ≤ e ≤ 1 and every state predicts the next one, within `tolerance`."""
        e = self.quantity(trajectories)
        index = [trajectories.channel_index(name) for name in self.channels]
        z, v = np.moveaxis(trajectories.values[:, :, index].astype(np.float64), 2, 0)
        mask, g = trajectories.mask, self.gravity
        ground = np.sqrt(np.maximum(v * v + 2 * g * z, 0.0))
        fastest = np.where(mask, ground, 0.0).max(axis=1)[:, None]
        height = fastest**2 / (2 * g)
        since = np.clip((ground - v) / g, 0, None)[:, :-1]
        known = np.where(np.isfinite(e), np.clip(e, 1e-3, 1), 1.0)[:, None]
        next_z, next_v = after(since + trajectories.dt, ground[:, :-1], known, g)
        slack = self.tolerance + 1e-5
        off_v = np.abs(v[:, 1:] - next_v)
        # Just before and just after an impact differ by the whole speed and by no time to speak of.
        at_ground = (z[:, 1:] <= slack * height) & (
            np.abs(np.abs(v[:, 1:]) - np.abs(next_v)) <= slack * fastest + np.abs(next_v) * (1 / known - 1)
        )
        follows = (np.abs(z[:, 1:] - next_z) <= slack * height) & ((off_v <= slack * fastest) | at_ground)
        above = (z >= -slack * height) | ~mask
        plausible = np.isfinite(e) & (e <= 1 + self.tolerance + 1e-6)
        return np.asarray(plausible & (follows | ~mask[:, 1:]).all(axis=1) & above.all(axis=1))

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Draw heights over time."""
        super().draw(axes, trajectories.select_channels(["z"]))


def after(
    time: _Array, launch: _Array | NDArray[np.floating[Any]], e: _Array, gravity: float
) -> tuple[_Array, _Array]:
    """Height and velocity at `time` after leaving the ground with speed `launch`; the shapes are broadcast."""
    time, launch, e = np.broadcast_arrays(time, launch, e)
    first = 2 * launch / gravity
    lossless, loss = e >= 1, np.where(e < 1, 1 - e, 1.0)
    log_e = np.log(np.where(lossless, 0.5, e))
    moving = first > 0
    share = np.where(moving, time / np.where(moving, first, 1.0), 0.0)
    # k impacts since the launch take Σ_{j<k} eʲ = (1 − eᵏ) / (1 − e) first flights.
    spent = share * loss
    resting = ~moving | (~lossless & (1 - spent < _AT_REST))
    geometric = np.floor(np.log1p(np.where(resting | lossless, 0.0, -spent)) / log_e)
    impacts = np.maximum(np.where(lossless, np.floor(share), geometric), 0.0)
    speed = np.where(resting, 0.0, launch * np.where(lossless, 1.0, np.exp(impacts * log_e)))
    series = np.where(lossless, impacts, -np.expm1(impacts * log_e) / loss)
    flown = np.where(resting, 0.0, np.maximum(time - first * series, 0.0))
    return np.maximum(speed * flown - gravity * flown**2 / 2, 0.0), speed - gravity * flown
