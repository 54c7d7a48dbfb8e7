"""Which channels are the position, in what unit, and whether on the Earth: decided here for all."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable
from pushforward.quantities import sphere
from pushforward.quantities.units import converts, factor
from pushforward.trajectories import Trajectories

__all__ = ["Positions", "norm", "positions_of", "velocity_of"]

_LATITUDE = frozenset({"latitude", "lat"})
_LONGITUDE = frozenset({"longitude", "lon", "long", "lng"})
_AXES = frozenset({"x", "y", "z"})
_POSITION = re.compile(r"pos(ition)?s?($|[\W\d_]|[xyz]$)")
_VELOCITY = re.compile(r"v[xyz]$|vel(ocity)?s?($|[\W\d_]|[xyz]$)")

_Array = NDArray[np.floating[Any]]


@dataclass(frozen=True)
class Positions:
    """The channels that form the position.

    Attributes:
        index: their places; latitude, longitude in this order where `geographic`.
        unit: their common unit, "" where unknown or mixed; "km" where `geographic`.
        geographic: latitude and longitude, so that distances are great circles.
        to_radians: what makes latitude and longitude radians.
    """

    index: tuple[int, ...]
    unit: str
    geographic: bool = False
    to_radians: float = 1.0

    def distances(self, start: _Array, end: _Array) -> _Array:
        """(...) distance in `unit` of points (..., C): Euclidean, or great-circle where `geographic`."""
        if self.geographic:
            return sphere.EARTH_RADIUS * sphere.arc(start * self.to_radians, end * self.to_radians)
        return norm(end - start)

    def differences(self, points: _Array, order: int) -> _Array:
        """(m, T − order, ·) finite differences of positions (m, T, C) in `unit`, on the Earth along it."""
        if self.geographic:
            return sphere.EARTH_RADIUS * sphere.differences(points * self.to_radians, order)
        return np.diff(points, n=order, axis=1)


def norm(vectors: _Array) -> _Array:
    """(...) Euclidean length of vectors (..., C)."""
    length: _Array = np.sqrt(np.einsum("...c,...c->...", vectors, vectors))
    return length


def positions_of(trajectories: Trajectories, channels: tuple[str, ...] = ()) -> Positions:
    """The position's channels: the given ones, or else the first of these that the data has.

    1. latitude and longitude (also lat, lon, long, lng), in degrees unless their unit says radians;
    2. channels named x, y, z;
    3. channels named pos..., position...;
    4. all channels.

    Raises:
        InputError: no such channel, or position channels in different units.
    """
    places = [trajectories.channel_index(name) for name in channels or trajectories.channels]
    on_earth = _geographic(trajectories, places)
    if on_earth is not None and (not channels or len(places) == 2):
        return on_earth
    if not channels:
        names = [name.lower() for name in trajectories.channels]
        axes = [i for i in places if names[i] in _AXES]
        named = axes or [i for i in places if _POSITION.match(names[i])]
        if not named:
            return Positions(tuple(places), _shared_unit(trajectories, places) or "")
        places = named
    unit = _shared_unit(trajectories, places)
    if unit is None:
        got = ", ".join(f"{trajectories.channels[i]} in {trajectories.units[i] or 'unknown'}" for i in places)
        raise InputError(f"position channels have different units: got {printable(got)}; expected one unit")
    return Positions(tuple(places), unit)


def velocity_of(trajectories: Trajectories) -> tuple[int, ...]:
    """Places of the velocity channels (vx, vy, vz, vel..., velocity...); empty where there are none."""
    return tuple(i for i, name in enumerate(trajectories.channels) if _VELOCITY.match(name.lower()))


def _geographic(trajectories: Trajectories, places: list[int]) -> Positions | None:
    names = [trajectories.channels[i].lower() for i in places]
    latitude = [i for i, name in zip(places, names, strict=True) if name in _LATITUDE]
    longitude = [i for i, name in zip(places, names, strict=True) if name in _LONGITUDE]
    if len(latitude) != 1 or len(longitude) != 1:
        return None
    index = (latitude[0], longitude[0])
    units = {trajectories.units[i] or "deg" for i in index}
    if len(units) != 1 or not converts(unit := units.pop(), "rad"):
        return None
    return Positions(index, "km", geographic=True, to_radians=factor(unit, "rad"))


def _shared_unit(trajectories: Trajectories, places: list[int]) -> str | None:
    units = {trajectories.units[i] for i in places}
    return units.pop() if len(units) == 1 else None
