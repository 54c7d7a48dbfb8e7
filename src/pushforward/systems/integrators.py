"""Fixed-step integrators over many trajectories at once."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import named, require
from pushforward.systems.tableaux import DOP853, FOREST_RUTH, KAHAN_LI_8, RK4, Composition, Tableau

__all__ = ["Derivative", "Force", "integrate", "integrate_separable"]

# Measured: smaller blocks lose more to the calls, and to threads that wait for one another, than they gain from caches.
_MOST_SUBSTEPS = 10_000
_BLOCK = 16384
# Steps written to the result at a time: each trajectory's part of it is far from the next one's in memory.
_SAVED_TOGETHER = 16

_Array = NDArray[np.float64]
# Writes the rate of change of states (D, m) into an array of the same shape: derivative(state, rate, parameters).
# It runs in several threads at once, so it must not keep scratch memory between calls.
Derivative = Callable[[_Array, _Array, _Array], Any]
# Writes the force (d, m) at positions (d, m): force(position, out, parameters).
Force = Callable[[_Array, _Array, _Array], Any]
_Step = Callable[[_Array], None]

_TABLEAUX: dict[str, Tableau] = {"rk4": RK4, "dop853": DOP853}
_COMPOSITIONS: dict[str, Composition] = {"forest-ruth": FOREST_RUTH, "kahan-li-8": KAHAN_LI_8}


def integrate(
    derivative: Derivative,
    state: _Array,
    T: int,
    dt: float,
    substeps: int | NDArray[np.int64] = 1,
    method: Literal["rk4", "dop853"] = "dop853",
    parameters: _Array | None = None,
    threads: int | None = None,
) -> _Array:
    """(N, T, D) states of y' = f(y; parameters) at times 0, dt, ..., (T − 1) dt, by an explicit Runge–Kutta method.

    y_{n+1} = y_n + h Σ_i b_i k_i with k_i = f(y_n + h Σ_{j<i} a_ij k_j) and h = dt / substeps; the error over a
    fixed time is of order h⁴ (`rk4`) or h⁸ (`dop853`).

    Args:
        derivative: `derivative(y, rate, parameters)` writes f (D, m) for the states y (D, m) of a block into
            `rate`. It is called from several threads, with the columns of `parameters` that belong to the block.
        state: (D, N) initial states, one row per component.
        T: saved steps, the initial state included.
        dt: time between saved steps.
        substeps: integration steps per saved step, one number or (N,).
        method: `rk4` (4 evaluations a step) or `dop853` (12 evaluations).
        parameters: (P, N) constants of each trajectory, or None: (0, N).
        threads: blocks at a time (default: the cores that this process may use). It changes no bit of the result.

    Raises:
        InputError: an unknown method, or substeps below 1.

    Source: Hairer, Nørsett and Wanner, Solving Ordinary Differential Equations I (1993), II.1 and II.5.
    """
    if method not in _TABLEAUX:
        raise named("integration method", method, _TABLEAUX)
    tableau = _TABLEAUX[method]

    def stepper(y: _Array, constants: _Array, count: int) -> _Step:
        return _runge_kutta(derivative, tableau, dt / count, y.shape, constants)

    return _in_blocks(stepper, state, T, substeps, parameters, threads)


def integrate_separable(
    force: Force,
    state: _Array,
    T: int,
    dt: float,
    substeps: int | NDArray[np.int64] = 1,
    method: Literal["forest-ruth", "kahan-li-8"] = "kahan-li-8",
    parameters: _Array | None = None,
    threads: int | None = None,
) -> _Array:
    """(N, T, 2d) states (q, p) of q' = p, p' = force(q), H = ½‖p‖² + V(q), by a symmetric symplectic method.

    A composition of leapfrog steps of lengths γ_i h, Σ_i γ_i = 1: of order 4 (`forest-ruth`, 3 forces a step) or
    8 (`kahan-li-8`, 17 forces). The energy's error stays bounded over long times instead of growing with them.

    Args:
        force: `force(q, out, parameters)` writes −∂V/∂q (d, m) into `out`; see `integrate`.
        state: (2d, N): the positions' rows, then the momenta's.
        T, dt, substeps, parameters, threads: see `integrate`.
        method: `forest-ruth` or `kahan-li-8`.

    Raises:
        InputError: an unknown method, substeps below 1, or an odd number of rows.

    Source: Forest and Ruth, Physica D 43 (1990), 105–117; Kahan and Li, Math. Comp. 66 (1997), 1089–1099.
    """
    if method not in _COMPOSITIONS:
        raise named("integration method", method, _COMPOSITIONS)
    require(len(state) % 2 == 0, f"state: got {len(state)} rows; expected positions, then as many momenta")
    composition = _COMPOSITIONS[method]

    def stepper(y: _Array, constants: _Array, count: int) -> _Step:
        lengths = [gamma * dt / count for gamma in composition]
        return _leapfrogs(force, lengths, y.shape, constants)

    return _in_blocks(stepper, state, T, substeps, parameters, threads)


def _in_blocks(
    stepper: Callable[[_Array, _Array, int], _Step],
    state: _Array,
    T: int,
    substeps: int | NDArray[np.int64],
    parameters: _Array | None,
    threads: int | None,
) -> _Array:
    d, n = state.shape
    counts = np.broadcast_to(np.asarray(substeps), (n,))
    require(bool((counts >= 1).all()), f"substeps: got {counts.min(initial=1)}; expected at least 1")
    most = counts.max(initial=1)
    require(
        bool(most <= _MOST_SUBSTEPS),
        f"dt: is so large that {most:,} integration steps would lie between two saved ones; expected at most "
        f"{_MOST_SUBSTEPS:,}, so a smaller dt",
    )
    constants = np.empty((0, n)) if parameters is None else np.asarray(parameters, dtype=np.float64)
    result = np.empty((n, T, d))

    def run(rows: NDArray[np.intp]) -> None:
        y = np.array(state[:, rows], dtype=np.float64, order="C")
        count = int(counts[rows[0]])
        step = stepper(y, np.ascontiguousarray(constants[:, rows]), count)
        # A motion that diverges is found in the result; every later step of it would warn.
        with np.errstate(all="ignore"):
            for begin in range(0, T, _SAVED_TOGETHER):
                saved = np.empty((min(_SAVED_TOGETHER, T - begin), *y.shape))
                for t in range(len(saved)):
                    saved[t] = y
                    for _ in range(count if begin + t < T - 1 else 0):
                        step(y)
                result[rows, begin : begin + len(saved)] = saved.transpose(2, 0, 1)

    blocks = _blocks(counts)
    workers = min(threads or _cores(), len(blocks))
    if workers <= 1:
        for rows in blocks:
            run(rows)
        return result
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(run, blocks))
    return result


def _blocks(counts: NDArray[np.int64]) -> list[NDArray[np.intp]]:
    """Rows that need as many substeps each, in blocks; the longest work first, so that all cores finish together."""
    blocks = []
    for count in np.unique(counts)[::-1]:
        alike = np.flatnonzero(counts == count)
        blocks += np.array_split(alike, -(-len(alike) // _BLOCK))
    return blocks


def _runge_kutta(
    derivative: Derivative, tableau: Tableau, h: float, shape: tuple[int, ...], constants: _Array
) -> _Step:
    """One step in place, with memory for its stages."""
    rows, places = _in_few_slots(tableau, h)
    # The state is the first row of the sums, with weight one.
    k = np.empty((1 + max(places), *shape))
    inner = np.empty(shape)
    flat, flat_inner = k.reshape(len(k), -1), inner.reshape(-1)

    def step(y: _Array) -> None:
        k[0] = y
        derivative(y, k[1], constants)
        for row, place in zip(rows[1:-1], places[1:], strict=True):
            # One pass per term, and unlike a product by BLAS it starts no threads of its own.
            np.einsum("i,ij->j", row, flat[: len(row)], out=flat_inner)
            derivative(inner, k[place], constants)
        np.einsum("i,ij->j", rows[-1], flat[: len(rows[-1])], out=y.reshape(-1))

    return step


def _in_few_slots(tableau: Tableau, h: float) -> tuple[list[_Array], list[int]]:
    """Coefficients (1, h a_ij...) of sums by slot, and each stage's slot; what no later sum needs is overwritten."""
    sums = (*tableau[0], tableau[1])
    last_needed = [
        max(i for i, row in enumerate(sums) if j < len(row) and row[j]) for j in range(len(tableau[1]))
    ]
    rows: list[_Array] = []
    places: list[int] = []
    holder: dict[int, int] = {}
    for i, row in enumerate(sums):
        rows.append(np.array([1.0, *(h * row[holder[slot]] for slot in sorted(holder))]))
        if i < len(last_needed):
            taken = [slot for slot, stage in holder.items() if last_needed[stage] > i]
            places.append(min(set(range(1, len(holder) + 2)) - set(taken)))
            holder[places[-1]] = i
    return rows, places


def _leapfrogs(force: Force, lengths: list[float], shape: tuple[int, ...], constants: _Array) -> _Step:
    """One step in place: drifts and kicks, the half drifts between two leapfrogs joined into one."""
    d = shape[0] // 2
    change = np.empty((d, shape[1]))
    drifts = [
        lengths[0] / 2,
        *((a + b) / 2 for a, b in pairwise(lengths)),
        lengths[-1] / 2,
    ]

    def step(y: _Array) -> None:
        q, p = y[:d], y[d:]
        for drift, kick in zip(drifts, lengths, strict=False):
            np.multiply(p, drift, out=change)
            q += change
            force(q, change, constants)
            np.multiply(change, kick, out=change)
            p += change
        np.multiply(p, drifts[-1], out=change)
        q += change

    return step


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return len(os.sched_getaffinity(0))
    return os.cpu_count() or 1
