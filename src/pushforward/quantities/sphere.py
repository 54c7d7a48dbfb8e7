"""Motion on the sphere of the Earth: great-circle distances, and differences of positions along it.

Every array is float64; latitude and longitude are in radians, distances in radians of arc.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["EARTH_RADIUS", "arc", "differences", "directions", "transported"]

EARTH_RADIUS = 6371.0088
"""Mean radius of the Earth in km, (2a + b) / 3 of the WGS 84 ellipsoid (Moritz 1980, IUGG)."""

_Array = NDArray[np.floating[Any]]


def arc(start: _Array, end: _Array) -> _Array:
    """Great-circle distance of points (..., 2) = (latitude, longitude), by the haversine formula.

    θ = 2 asin √(sin²(Δlat/2) + cos lat₁ cos lat₂ sin²(Δlon/2)): exact for short distances, and
    indifferent to the date line. NaN where a latitude is beyond a pole.
    Source: R. W. Sinnott, "Virtues of the haversine", Sky and Telescope 68 (1984).
    """
    across = np.sin((end[..., 0] - start[..., 0]) / 2) ** 2
    along = np.sin((end[..., 1] - start[..., 1]) / 2) ** 2
    h = across + np.cos(start[..., 0]) * np.cos(end[..., 0]) * along
    beyond = np.maximum(np.abs(start[..., 0]), np.abs(end[..., 0])) > np.pi / 2 + 1e-7
    angle: _Array = 2 * np.arcsin(np.sqrt(np.clip(h, 0.0, 1.0)))
    return np.where(beyond, np.nan, angle)


def directions(points: _Array) -> _Array:
    """Unit vectors (..., 3) from the Earth's centre to points (..., 2); NaN beyond a pole."""
    latitude, longitude = points[..., 0], points[..., 1]
    across = np.cos(latitude)
    vectors = np.stack([across * np.cos(longitude), across * np.sin(longitude), np.sin(latitude)], axis=-1)
    return np.where((np.abs(latitude) > np.pi / 2 + 1e-7)[..., None], np.nan, vectors)


def differences(points: _Array, order: int) -> _Array:
    """Finite differences of positions (m, T, 2) along the sphere, (m, T − order, 3), in radians.

    The first is the way from p_t to p_{t+1} as a tangent vector, log_p(q); a further one carries the later
    vector back along the great circle before it subtracts. All of order ≥ 2 vanish for uniform motion on a
    great circle, and on a small patch they are the ordinary differences.
    """
    p = directions(points)
    start, end = p[:, :-1], p[:, 1:]
    chord = end - start
    tangent = chord - _dot(start, chord) * start
    length = np.sqrt(_dot(tangent, tangent))
    # A step of zero length has no direction and needs none.
    scale = np.divide(
        arc(points[:, :-1], points[:, 1:])[..., None], length, where=length > 0, out=np.zeros_like(length)
    )
    vectors = tangent * scale
    for _ in range(order - 1):
        count = vectors.shape[1] - 1
        vectors = transported(vectors[:, 1:], p[:, 1 : count + 1], p[:, :count]) - vectors[:, :-1]
    return np.asarray(vectors)


def transported(vector: _Array, start: _Array, end: _Array) -> _Array:
    """The tangent `vector` at `start`, moved parallel along the great circle to `end`; all (..., 3)."""
    along = _dot(end, vector) / (1 + _dot(start, end))
    moved: _Array = vector - along * (start + end)
    return moved


def _dot(left: _Array, right: _Array) -> _Array:
    """(..., 1) inner products of vectors (..., 3)."""
    product: _Array = np.einsum("...c,...c->...", left, right)[..., None]
    return product
