"""Trajectories put back on the logistic map: local errors removed, nothing else."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.trajectories import Trajectories

__all__ = ["on_the_map"]

_Array = NDArray[np.floating[Any]]
_BLOCK = 2048


def on_the_map(trajectories: Trajectories, iterations: int = 30, tolerance: float = 1e-4) -> Trajectories:
    """The nearest trajectories that obey x_{t+1} = r x_t (1 − x_t) exactly, each with an r of its own.

    min over x, r of ‖x − y‖² subject to x_{t+1} − r x_t (1 − x_t) = 0 for all t: total least squares, which, other than
    the regression of x_{t+1} on x_t (1 − x_t), has no bias from errors in x. Solved for all steps at once, since
    errors of the first state grow exponentially along a chaotic orbit: Gauss–Newton on the Lagrangian, where with the
    constraints' Jacobian A (T − 1, T) and their derivative b (T − 1,) by r

        A Aᵀ λ = A (y − x) + c + b dr,  bᵀλ = 0,  dx = y − x − Aᵀλ,

    and steps are halved where they do not reduce the constraints. Trajectories whose residuals do not fall below
    `tolerance` are left out: they shadow no orbit.

    Args:
        trajectories: (N, T, 1), all of full length.
        iterations: most steps.
        tolerance: largest residual of a trajectory that is kept.

    Raises:
        InputError: several channels, or trajectories of different lengths.
    """
    require(
        trajectories.C == 1 and bool(trajectories.mask.all()),
        f"on_the_map: got {trajectories.C} channels; expected one, all trajectories of full length",
    )
    y = trajectories.values[:, :, 0].astype(np.float64)
    found = [_solved(y[i : i + _BLOCK], iterations) for i in range(0, len(y), _BLOCK)]
    x, residual = (np.concatenate(part) for part in zip(*found, strict=True))
    kept = np.flatnonzero(residual <= tolerance)
    return trajectories.select(kept).with_values(x[kept, :, None].astype(np.float32))


def _solved(y: _Array, iterations: int) -> tuple[_Array, _Array]:
    """(n, T) trajectories and (n,) their largest residuals."""
    x = y.copy()
    g = x[:, :-1] * (1 - x[:, :-1])
    r = (x[:, 1:] * g).sum(axis=1) / np.maximum((g * g).sum(axis=1), 1e-12)
    for _ in range(iterations):
        dx, dr = _step(x, r, y)
        share = np.ones(len(x))
        before = _merit(x, r)
        for _ in range(8):
            worse = _merit(x + share[:, None] * dx, r + share * dr) > np.maximum(before, 1e-9)
            if not worse.any():
                break
            share[worse] /= 2
        x, r = x + share[:, None] * dx, r + share * dr
    return x, np.abs(_constraints(x, r)).max(axis=1)


def _step(x: _Array, r: _Array, y: _Array) -> tuple[_Array, _Array]:
    slope = -r[:, None] * (1 - 2 * x[:, :-1])
    b = -x[:, :-1] * (1 - x[:, :-1])
    n, m = b.shape
    A = np.zeros((n, m, m + 1))
    at = np.arange(m)
    A[:, at, at], A[:, at, at + 1] = slope, 1.0
    gap = y - x
    right = np.einsum("nij,nj->ni", A, gap) + _constraints(x, r)
    gram = A @ A.transpose(0, 2, 1)
    both = np.linalg.solve(gram, np.stack([right, b], axis=2))
    dr = -(b * both[:, :, 0]).sum(axis=1) / (b * both[:, :, 1]).sum(axis=1)
    multiplier = both[:, :, 0] + dr[:, None] * both[:, :, 1]
    return gap - np.einsum("nij,ni->nj", A, multiplier), dr


def _constraints(x: _Array, r: _Array) -> _Array:
    return np.asarray(x[:, 1:] - r[:, None] * x[:, :-1] * (1 - x[:, :-1]))


def _merit(x: _Array, r: _Array) -> _Array:
    return np.asarray((_constraints(x, r) ** 2).sum(axis=1))
