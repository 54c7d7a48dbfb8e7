"""Values between the steps of a record, by polynomials through the nearest eight."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["POINTS", "between", "shifted", "weights"]

POINTS = 8
"""Points of each polynomial: its error is of order 8 in their distance."""

_Exact = NDArray[np.float64]


def weights(position: _Exact) -> _Exact:
    """(8, ...) Lagrange's weights of the values at 0, 1, ..., 7 for the value at `position` (...).

    w_j(x) = Π_{i≠j} (x − i) / (j − i).

    Source: Berrut and Trefethen, SIAM Review 46 (2004), 501–517.
    """
    distance = position - np.arange(POINTS).reshape(-1, *[1] * position.ndim)
    before, after = np.ones_like(distance), np.ones_like(distance)
    for j in range(1, POINTS):
        before[j] = before[j - 1] * distance[j - 1] / j
        after[-j - 1] = after[-j] * distance[-j] / -j
    return before * after


def between(values: _Exact, position: _Exact) -> _Exact:
    """(m, K) values at `position` (m, K), in steps, of records (m, T) with T ≥ 8; beyond the ends NaN."""
    T = values.shape[1]
    inside = (position >= 0) & (position <= T - 1)
    first = np.clip(np.floor(np.where(inside, position, 0)).astype(np.int64) - POINTS // 2 + 1, 0, T - POINTS)
    found = np.zeros(position.shape)
    for j, weight in enumerate(weights(position - first)):
        found += weight * np.take_along_axis(values, first + j, axis=1)
    return np.where(inside, found, np.nan)


def shifted(values: _Exact, shift: _Exact) -> _Exact:
    """(m, T) values at t + `shift` (m,), in steps, for t = 0, ..., T − 1; NaN where that is too near an end."""
    m, T = values.shape
    whole = np.floor(shift).astype(np.int64)
    first = whole[:, None] + np.arange(T + POINTS - 1) - POINTS // 2 + 1
    near = np.take_along_axis(values, np.clip(first, 0, T - 1), axis=1)
    near[(first < 0) | (first >= T)] = np.nan
    found = np.zeros((m, T))
    for j, weight in enumerate(weights(shift - whole + POINTS // 2 - 1)):
        found += weight[:, None] * near[:, j : j + T]
    return found
