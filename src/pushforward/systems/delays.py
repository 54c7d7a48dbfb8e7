"""Integration of delay equations over many trajectories at once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from pushforward.quantities.interpolation import POINTS, weights
from pushforward.systems.tableaux import DOP853

__all__ = ["at_times", "integrate_delayed"]

_Array = NDArray[np.float64]
# x'(s) (m,) of x(s) and x(s − 1): rates(now, before).
Rates = Callable[[_Array, _Array], _Array]


def integrate_delayed(rates: Rates, history: _Array, delays: int) -> _Array:
    """((delays + 1) M + 1, m) solutions of x'(s) = f(x(s), x(s − 1)) on s = −1, −1 + 1/M, ..., `delays`.

    The 8th-order Runge–Kutta method of Dormand and Prince with M steps to the delay, which is the unit of time. The
    past between two steps is a polynomial through eight of them, all from one delay: at its ends a solution
    has kinks, which no polynomial may cross.

    Args:
        rates: the right-hand side.
        history: (M + 1, m) solutions at s = −1, ..., 0, M ≥ 7.
        delays: how far to go.

    Source: Bellen and Zennaro, Numerical Methods for Delay Differential Equations (2003), chapters 3 and 6.
    """
    M = len(history) - 1
    path = np.empty(((delays + 1) * M + 1, history.shape[1]))
    path[: M + 1] = history
    rows, last = DOP853
    fractions = np.array([sum(row) for row in rows])
    # (8 places of a step in its polynomial, stages, 8 points)
    tables = np.moveaxis(weights(np.arange(POINTS - 1)[:, None] + fractions), 0, 2)
    stages = np.empty((len(rows), history.shape[1]))
    combined = [np.array(row) / M for row in (*rows, last)]
    with np.errstate(all="ignore"):
        for n in range(delays * M):
            place = n % M
            first = min(max(place - POINTS // 2 + 1, 0), M - POINTS + 1)
            begin = n - place + first
            past = tables[place - first] @ path[begin : begin + POINTS]
            here = path[n + M]
            for stage, row in enumerate(combined[:-1]):
                stages[stage] = rates(here + row @ stages[:stage], past[stage])
            path[n + M + 1] = here + combined[-1] @ stages
    return path


def at_times(path: _Array, M: int, time: _Array) -> _Array:
    """(m, T) values at `time` (m, T), in delays from 0 on, of what `integrate_delayed` gave."""
    interval = np.minimum(np.floor(time).astype(np.int64), (len(path) - 1) // M - 2)
    inner = (time - interval) * M
    first = np.clip(np.floor(inner).astype(np.int64) - POINTS // 2 + 1, 0, M - POINTS + 1)
    begin = (interval + 1) * M + first
    found = np.zeros(time.shape)
    columns = np.arange(path.shape[1])[:, None]
    for j, weight in enumerate(weights(inner - first)):
        found += weight * path[begin + j, columns]
    return found
