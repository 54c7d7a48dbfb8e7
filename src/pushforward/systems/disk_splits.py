"""Colliding disks of many sizes, masses and speeds, split by what a model has seen of them."""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import named, require
from pushforward.quantities.impacts import TotalKineticEnergy
from pushforward.systems.colliding_disks import placed, recorded
from pushforward.trajectories import Trajectories

__all__ = ["INSIDE", "OUTSIDE", "Split", "split"]

Split = Literal["in-distribution", "out-of-distribution", "combinatorial"]

INSIDE: dict[str, tuple[float, float]] = {"radius": (0.7, 1.5), "mass": (1.0, 4.0), "speed": (1.0, 4.0)}
"""What is seen in training: in m, kg and m/s."""
OUTSIDE: dict[str, tuple[tuple[float, float], tuple[float, float]]] = {
    "radius": ((0.3, 0.6), (1.6, 2.0)),
    "mass": ((0.25, 0.75), (5.0, 8.0)),
    "speed": ((0.2, 0.8), (4.5, 6.0)),
}
"""What is not: below and above it."""

_KINDS = ("in-distribution", "out-of-distribution", "combinatorial")
_SIDE = 16.0


def split(kind: Split, n: int, T: int = 32, dt: float = 0.1, seed: int = 0) -> Trajectories:
    """`n` trajectories of two disks whose (radius, mass, speed) were seen in training, or not, or not together.

    Each attribute is low or high, the halves of `INSIDE`. `in-distribution`: an even number of the three is high
    (none, or two), so that every value and every pair of values is seen. `combinatorial`: an odd number is, so that
    each value has been seen but never the three together. `out-of-distribution`: all three are drawn from
    `OUTSIDE`, below or above at random. Both disks are drawn alike, independently; places and directions are
    uniform, the box is [0, 16 m]² and all collisions are elastic. Ranges are this library's, after the testbed.

    Args:
        kind: the split.
        n: how many trajectories.
        T: time steps.
        dt: time between steps in s.
        seed: the same seed gives the same bytes.

    Returns:
        Channels x, y, vx, vy, r, m of disk 0, then of disk 1, and the kinetic energy as true quantity.

    Raises:
        InputError: an unknown kind, or numbers that do not fit.

    Source: in state space, after Kang et al., "How Far is Video Generation from World Model", arXiv 2411.02385.
    """
    if kind not in _KINDS:
        raise named("split", kind, _KINDS)
    require(n >= 1 and T >= 2, f"split: got n = {n}, T = {T}; expected at least 1 and 2")
    require(0 < dt < float("inf"), f"split: got dt = {dt}; expected a positive number")
    rng = np.random.default_rng([seed, _KINDS.index(kind)])
    radii, masses, speeds = _attributes(kind, (n, 2), rng)
    direction = rng.uniform(0, 2 * np.pi, size=(n, 2))
    velocity = speeds[:, :, None] * np.stack([np.cos(direction), np.sin(direction)], axis=2)
    states = recorded(placed(radii, _SIDE, rng), velocity, radii, masses, _SIDE, T, dt).reshape(n, T, 2, 4)
    constants = np.broadcast_to(np.stack([radii, masses], axis=2)[:, None], (n, T, 2, 2))
    return Trajectories(
        values=np.concatenate([states, constants], axis=3).reshape(n, T, 12).astype(np.float32),
        dt=dt,
        channels=tuple(f"{name}{disk}" for disk in (0, 1) for name in ("x", "y", "vx", "vy", "r", "m")),
        units=("m", "m", "m/s", "m/s", "m", "kg") * 2,
        quantity=0.5 * (masses * speeds**2).sum(axis=1),
        quantity_name=TotalKineticEnergy().label,
    )


def _attributes(kind: str, shape: tuple[int, int], rng: np.random.Generator) -> list[NDArray[np.float64]]:
    """Radii, masses and speeds, each of `shape`."""
    high = rng.random((3, *shape)) < 0.5
    if kind == "out-of-distribution":
        bounds = [(np.array(OUTSIDE[name]), level) for name, level in zip(INSIDE, high, strict=True)]
    else:
        # The parity of the last level decides on which side of the checkerboard the three fall.
        high[2] = (high[0] ^ high[1]) ^ (kind == "combinatorial")
        halves = {name: ((a, (a + b) / 2), ((a + b) / 2, b)) for name, (a, b) in INSIDE.items()}
        bounds = [(np.array(halves[name]), level) for name, level in zip(INSIDE, high, strict=True)]
    return [
        rng.uniform(ranges[level.astype(int), 0], ranges[level.astype(int), 1]) for ranges, level in bounds
    ]
