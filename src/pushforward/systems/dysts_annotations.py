"""What is known of the systems of dysts: as dysts says, and for maps, of which it says little, as measured."""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.quantities.dysts_law import AbstractDystsLaw
from pushforward.quantities.dysts_maps import DystsMap
from pushforward.systems.dysts_motion import settled

__all__ = ["annotated", "kaplan_yorke_dimension", "lyapunov_spectrum"]

# It solves an equation for each state.
_SLOW = ("BlinkingVortexMap",)
_SHIFT = 1e-7

_Array = NDArray[np.float64]


def annotated(law: AbstractDystsLaw) -> dict[str, Any]:
    """dysts' annotations of a law; Lyapunov exponents and dimension of a map, which dysts has not, are added."""
    known = dict(law.annotations)
    if isinstance(law, DystsMap) and "maximum_lyapunov_estimated" not in known:
        spectrum = lyapunov_spectrum(law, *((8, 400) if law.system in _SLOW else (64, 2000)))
        known["maximum_lyapunov_estimated"] = spectrum[0]
        known["lyapunov_spectrum_estimated"] = list(spectrum)
        known["kaplan_yorke_dimension"] = kaplan_yorke_dimension(spectrum)
    return known


@lru_cache(maxsize=32)
def lyapunov_spectrum(law: DystsMap, trajectories: int, steps: int) -> tuple[float, ...]:
    """The D Lyapunov exponents of a map at c = 1, per step, largest first.

    λ_i = ⟨ln |R_ii|⟩ of the QR decompositions Q_{t+1} R_{t+1} = J(x_t) Q_t along the motion.

    Args:
        law: the map.
        trajectories: how many are averaged over.
        steps: of each, on the attractor.

    Source: Eckmann and Ruelle, Reviews of Modern Physics 57 (1985), 617–656, V.
    """
    rng = np.random.default_rng(0)
    one = np.ones(trajectories)
    state = settled(law, trajectories, rng)
    q = np.tile(np.eye(law.width), (trajectories, 1, 1))
    total = np.zeros(law.width)
    with np.errstate(all="ignore"):
        for _ in range(steps):
            ahead = law(state, one)
            q, r = np.linalg.qr(_jacobian(law, state, ahead) @ q)
            total += np.log(np.abs(np.einsum("nii->ni", r))).mean(axis=0)
            state = ahead
    return tuple(float(exponent) for exponent in np.sort(total / steps)[::-1])


def kaplan_yorke_dimension(spectrum: Sequence[float]) -> float:
    """k + Σ_{i≤k} λ_i / |λ_{k+1}|, k being the largest with Σ_{i≤k} λ_i ≥ 0.

    Source: Kaplan and Yorke, in Functional Differential Equations and Approximation of Fixed Points (1979).
    """
    sums = np.cumsum(spectrum)
    k = int(np.count_nonzero(np.logical_and.accumulate(sums >= 0)))
    if k in (0, len(spectrum)):
        return float(k)
    return float(k + sums[k - 1] / abs(spectrum[k]))


def _jacobian(law: DystsMap, state: _Array, ahead: _Array) -> _Array:
    """(m, D, D) ∂f_i/∂x_j at states (D, m), by differences towards 0, where every map is defined."""
    rows = []
    for j in range(law.width):
        shift = -_SHIFT * np.where(state[j] < 0, -1.0, 1.0) * np.maximum(np.abs(state[j]), 1e-3)
        moved = state.copy()
        moved[j] += shift
        rows.append((law(moved, np.ones(state.shape[1])) - ahead) / (moved[j] - state[j]))
    return np.ascontiguousarray(np.stack(rows).transpose(2, 1, 0))
