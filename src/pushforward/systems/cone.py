"""Rays and helices on a cone, from its apex."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.shapes import ConeHalfAngle
from pushforward.systems.base import AbstractSystem
from pushforward.trajectories import Trajectories

__all__ = ["Cone"]


@final
@dataclass(frozen=True)
class Cone(AbstractSystem):
    """A point that leaves the apex at constant speed along the slant and winds around the axis; the quantity is α.

    r(t) = s (sin α cos θ, sin α sin θ, cos α) with slant length s = vt and azimuth θ = θ₀ + 2πw t/(T − 1)Δt: a
    ray for w = 0 turns, a conical helix else. The apex is the origin, the axis is z, θ₀ is uniform and w is
    uniform on [least_turns, most_turns]. The abstract of arXiv 2605.20299 names a cone without defining it:
    this is this library's definition.

    Attributes:
        length: slant length of the last point in m.
        least_turns: turns around the axis over the record; negative ones are clockwise.
        most_turns: as `least_turns`.
        tolerance: largest distance of a plausible trajectory from the cone, from the constant speed along the
            slant and from the constant rate of turn, as a share of its largest distance from the apex.
    """

    length: float = 1.0
    least_turns: float = -1.0
    most_turns: float = 1.0
    tolerance: float = 0.05

    name: ClassVar[str] = "cone"
    formula: ClassVar[str] = "r(t) = vt (sin α cos θ, sin α sin θ, cos α), θ = θ₀ + ωt"
    source: ClassVar[str] = "this library's definition"
    channels: ClassVar[tuple[str, ...]] = ("x", "y", "z")
    units: ClassVar[tuple[str, ...]] = ("m", "m", "m")
    default_dt: ClassVar[float] = 1 / 32
    default_intended: ClassVar[str] = "uniform(0.2, 1.4)"

    def __post_init__(self) -> None:
        """Refuse a length that is not positive, turns upside down and a negative tolerance."""
        super().__post_init__()
        require(
            0 < self.length < np.inf, f"system {self.name!r}: got length {self.length:g}; expected above 0 m"
        )
        require(
            -np.inf < self.least_turns <= self.most_turns < np.inf,
            f"system {self.name!r}: got turns from {self.least_turns:g} to {self.most_turns:g}; "
            "expected least_turns ≤ most_turns",
        )
        require(
            self.tolerance >= 0, f"system {self.name!r}: got tolerance {self.tolerance}; expected 0 or more"
        )

    @property
    def quantity(self) -> ConeHalfAngle:
        """The least-squares half-angle about the z axis."""
        return ConeHalfAngle()

    def simulate(
        self,
        quantity: NDArray[np.float64],
        T: int,
        dt: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(N, T, 3) positions for half-angles (N,) in rad.

        Raises:
            InputError: a half-angle outside (0, π/2).
        """
        outside = np.flatnonzero(~((quantity > 0) & (quantity < np.pi / 2)))
        if len(outside):
            raise InputError(
                f"system {self.name!r}: got a half-angle of {quantity[outside[0]]:g} rad ({len(outside)} of "
                f"{len(quantity)} draws); expected between 0 and π/2"
            )
        share = np.arange(T) / (T - 1)
        turns = rng.uniform(self.least_turns, self.most_turns, size=(len(quantity), 1))
        azimuth = rng.uniform(0, 2 * np.pi, size=(len(quantity), 1)) + 2 * np.pi * turns * share
        slant = self.length * share
        radius = slant * np.sin(quantity)[:, None]
        height = slant * np.cos(quantity)[:, None]
        return np.stack([radius * np.cos(azimuth), radius * np.sin(azimuth), height], axis=2)

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether it keeps to one cone, one speed along the slant and one rate of turn within `tolerance`."""
        index = [trajectories.channel_index(name) for name in self.channels]
        points = trajectories.values[:, :, index].astype(np.float64)
        alpha, mask = self.quantity(trajectories), trajectories.mask
        across = points[:, :, 0] + 1j * points[:, :, 1]
        slant = np.sqrt(np.square(points).sum(axis=2))
        reach = np.where(mask, slant, 0.0).max(axis=1)[:, None]
        off_cone = np.abs(np.abs(across) * np.cos(alpha)[:, None] - points[:, :, 2] * np.sin(alpha)[:, None])
        step = np.arange(trajectories.T)
        speed = (slant * step * mask).sum(axis=1) / np.maximum((step**2 * mask).sum(axis=1), 1)
        off_speed = np.abs(slant - speed[:, None] * step)
        pair = mask[:, 1:]
        turn = (across[:, 1:] * across[:, :-1].conj() * pair).sum(axis=1)
        turn = np.where(np.abs(turn) > 0, turn / np.where(np.abs(turn) > 0, np.abs(turn), 1.0), 1.0)
        # |ρ' e^{iθ'} − ρ' e^{i(θ + Δθ)}|: the distance by which a step misses the common rate of turn.
        direction = across / np.where(np.abs(across) > 0, np.abs(across), 1.0)
        missed = np.abs(across[:, 1:] - np.abs(across[:, 1:]) * direction[:, :-1] * turn[:, None])
        missed = np.where(np.abs(across[:, :-1]) > 0, missed, 0.0)
        limit = (self.tolerance + 1e-6) * reach
        near = _within(off_cone, limit, mask) & _within(off_speed, limit, mask) & _within(missed, limit, pair)
        return np.asarray(np.isfinite(alpha) & near)

    def draw(self, axes: Any, trajectories: Trajectories) -> None:
        """Draw x and z: the cones seen from the side."""
        x, z = (trajectories.channel_index(name) for name in ("x", "z"))
        for values, steps in zip(trajectories.values, trajectories.steps, strict=True):
            axes.plot(values[:steps, x], values[:steps, z], linewidth=0.8)
        axes.set(xlabel="x (m)", ylabel="z (m)")


def _within(
    distance: NDArray[np.float64], limit: NDArray[np.float64], mask: NDArray[np.bool_]
) -> NDArray[np.bool_]:
    """(N,) whether every distance (N, T) within the `mask` keeps to the limit (N, 1)."""
    return np.asarray(((distance <= limit) | ~mask).all(axis=1))
