"""Hard disks from collision to collision: exact, for many boxes at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require

__all__ = ["advance"]

_Array = NDArray[np.float64]
_MOST_EVENTS = 100_000


def advance(
    position: _Array, velocity: _Array, radii: _Array, masses: _Array, side: float, time: float
) -> tuple[_Array, _Array]:
    """Positions and velocities (N, 2, 2) after `time` of two disks of radii and masses (N, 2) in [0, side]².

    Between events the disks fly freely. The earliest of all wall and disk contacts is solved for in closed form,
    all boxes advance to their own, and the velocities there change as energy and momentum demand.

    Raises:
        InputError: more than 100,000 collisions within `time`.
    """
    position, velocity = position.copy(), velocity.copy()
    remaining = np.full(len(position), float(time))
    active = np.arange(len(position))
    for _ in range(_MOST_EVENTS):
        where, towards, size = position[active], velocity[active], radii[active]
        wall = _until_wall(where, towards, size, side)
        disk = _until_contact(where, towards, size.sum(axis=1))
        first = np.minimum(wall.min(axis=(1, 2)), disk)
        step = np.minimum(first, remaining[active])
        where += towards * step[:, None, None]
        happens = first <= remaining[active]
        # A tie of both is settled by the next round, in which no time passes.
        hit = happens & (disk <= first)
        bounce = (wall <= first[:, None, None]) & (happens & ~hit)[:, None, None]
        towards[bounce] *= -1
        _collide(where, towards, masses[active], np.flatnonzero(hit))
        position[active], velocity[active] = where, towards
        remaining[active] -= step
        active = active[happens]
        if not len(active):
            return position, velocity
    require(
        False, f"disks: more than {_MOST_EVENTS:,} collisions within one time step; expected a smaller dt"
    )
    raise AssertionError


def _until_wall(position: _Array, velocity: _Array, radii: _Array, side: float) -> _Array:
    """(m, 2, 2) time until each coordinate meets the wall that it moves towards; infinity at rest."""
    target = np.where(velocity > 0, side - radii[:, :, None], radii[:, :, None])
    moving = velocity != 0
    time = (target - position) / np.where(moving, velocity, 1.0)
    # Rounding may leave a disk just beyond a wall: one that still moves outwards meets it now.
    return np.where(moving, np.maximum(time, 0.0), np.inf)


def _until_contact(position: _Array, velocity: _Array, reach: _Array) -> _Array:
    """(m,) time until two disks touch, `reach` being the sum of their radii; infinity where they never do."""
    apart, closing = position[:, 1] - position[:, 0], velocity[:, 1] - velocity[:, 0]
    a = np.square(closing).sum(axis=1)
    b = (apart * closing).sum(axis=1)
    c = np.square(apart).sum(axis=1) - reach**2
    discriminant = b * b - a * c
    meets = (b < 0) & (discriminant > 0)
    # The smaller root of a t² + 2 b t + c, in the form that does not cancel.
    root = -b + np.sqrt(np.where(meets, discriminant, 0.0))
    return np.where(meets, np.maximum(c, 0.0) / np.where(meets, root, 1.0), np.inf)


def _collide(position: _Array, velocity: _Array, masses: _Array, rows: NDArray[np.int64]) -> None:
    """Exchange momentum along the line of centres, in place: elastic, frictionless."""
    line = position[rows, 1] - position[rows, 0]
    square = np.square(line).sum(axis=1)
    closing = ((velocity[rows, 1] - velocity[rows, 0]) * line).sum(axis=1)
    weight = masses[rows]
    impulse = 2 * closing / (weight.sum(axis=1) * np.where(square > 0, square, 1.0))
    velocity[rows, 0] += (impulse * weight[:, 1])[:, None] * line
    velocity[rows, 1] -= (impulse * weight[:, 0])[:, None] * line
