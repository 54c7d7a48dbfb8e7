"""The double pendulum, 10,000 trajectories of 1,000 steps, beside two ways to integrate them elsewhere.

Both peers integrate the textbook equations in angles, and are given the tolerance (SciPy) or the steps (torchdiffeq) at
which their energies err about as much as ours; the errors are shown. They are timed on fewer trajectories or steps, and
compared by time per saved step. Run alone: `python -m benchmarks systems`.
"""

from __future__ import annotations

import importlib.util
import time

import numpy as np
from numpy.typing import NDArray
from scipy.integrate import solve_ivp

from benchmarks.table import Row
from pushforward.systems import DoublePendulum

N, T, DT, G = 10_000, 1_000, 0.05, 9.81
SCALE = 3 * G
# What the peers are timed on: a loop of SciPy's takes the time of its trajectories, torchdiffeq's that of its steps.
SCIPY_N, TORCH_T = 20, 51

_Array = NDArray[np.float64]


def rows() -> list[Row]:
    """Time all of them from the same states, uniform on energy surfaces between −20 and 20 J."""
    system, rng = DoublePendulum(), np.random.default_rng(0)
    energy = rng.uniform(-20, 20, N)
    start = system.chain.on_energy_surface(energy, rng)
    angles = np.concatenate([np.arctan2(start[:2], start[2:4]), start[4:]])
    begin = time.perf_counter()
    motion = system.motion(start, T, DT)
    seconds = time.perf_counter() - begin
    ours = seconds / (N * T)
    first = _error(motion[:SCIPY_N], energy[:SCIPY_N])
    early = _error(motion[:, :TORCH_T], energy)
    found: list[Row] = [
        {
            "what": f"double pendulum, {N:,} × {T:,} steps, largest relative energy error {_error(motion, energy):.1e}",
            "ours": f"{seconds:.1f} s",
            "peer": "-",
            "ratio": "-",
        }
    ]
    del motion
    found.append(_scipy(angles[:, :SCIPY_N], energy[:SCIPY_N], ours, first))
    found.append(_torchdiffeq(angles, energy, ours, early))
    return found


def _error(states: _Array, energy: _Array) -> float:
    """Largest relative error of the energy of (n, T, 6) states: sines, cosines, ω."""
    s1, s2, c1, c2, u, v = np.moveaxis(states, 2, 0)
    found = u * u + 0.5 * v * v + u * v * (c1 * c2 + s1 * s2) - G * (2 * c1 + c2)
    return float(np.abs(found - energy[:, None]).max()) / SCALE


def _as_states(angles: _Array) -> _Array:
    """(n, T, 6) states of (n, T, 4) angles and ω."""
    return np.concatenate([np.sin(angles[..., :2]), np.cos(angles[..., :2]), angles[..., 2:]], axis=2)


def _law(t: float, y: _Array) -> list[float]:
    a, b, u, v = y
    s, c = np.sin(a - b), np.cos(a - b)
    f, h = -v * v * s - 2 * G * np.sin(a), u * u * s - G * np.sin(b)
    determinant = 2 - c * c
    return [u, v, (f - c * h) / determinant, (2 * h - c * f) / determinant]


def _scipy(angles: _Array, energy: _Array, ours: float, error: float) -> Row:
    """A loop of `solve_ivp` at the loosest tolerance of a few whose error is no larger than ours, else the tightest."""
    times = DT * np.arange(T)
    for tolerance in (1e-8, 3e-9, 1e-9, 3e-10, 1e-10):
        begin = time.perf_counter()
        solved = [
            solve_ivp(_law, (0, times[-1]), y, "DOP853", times, rtol=tolerance, atol=tolerance).y.T
            for y in angles.T
        ]
        each = (time.perf_counter() - begin) / (len(solved) * T)
        theirs = _error(_as_states(np.array(solved)), energy)
        if theirs <= error:
            break
    return {
        "what": f"a loop of solve_ivp (DOP853, rtol {tolerance:g}), errors {error:.1e} and {theirs:.1e}",
        "ours": f"{1e6 * ours:.2f} µs a step",
        "peer": f"SciPy {1e6 * each:.0f} µs a step",
        "ratio": f"{each / ours:.0f}×",
    }


def _torchdiffeq(angles: _Array, energy: _Array, ours: float, error: float) -> Row:
    """A batch of all trajectories at the loosest tolerance of a few whose error is no larger than ours."""
    if importlib.util.find_spec("torchdiffeq") is None:
        what = "torchdiffeq is not installed: pip install 'pushforward[peers]'"
        return {"what": what, "ours": "-", "peer": "-", "ratio": "-"}
    import torch
    from torchdiffeq import odeint

    def law(t: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
        a, b, u, v = y
        s, c = torch.sin(a - b), torch.cos(a - b)
        f, h = -v * v * s - 2 * G * torch.sin(a), u * u * s - G * torch.sin(b)
        inverse = 1 / (2 - c * c)
        return torch.stack([u, v, (f - c * h) * inverse, (2 * h - c * f) * inverse])

    times, start = torch.arange(TORCH_T, dtype=torch.float64) * DT, torch.as_tensor(angles)
    for tolerance in (1e-6, 1e-7, 1e-8, 1e-9):
        begin = time.perf_counter()
        with torch.no_grad():
            solved = odeint(law, start, times, method="dopri8", rtol=tolerance, atol=tolerance)
        each = (time.perf_counter() - begin) / (start.shape[1] * (TORCH_T - 1))
        theirs = _error(_as_states(solved.permute(2, 0, 1).numpy()), energy)
        if theirs <= error:
            break
    return {
        "what": f"torchdiffeq in one batch (dopri8, rtol {tolerance:g}), errors {error:.1e} and {theirs:.1e}",
        "ours": f"{1e6 * ours:.2f} µs a step",
        "peer": f"torchdiffeq {1e6 * each:.2f} µs a step",
        "ratio": f"{each / ours:.1f}×",
    }
