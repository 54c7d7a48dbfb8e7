"""Oscillations as their frequency and what is left of them in a frame that turns with it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.quantities.spectral import SHORTEST, cycles_per_step
from pushforward.representations.base import AbstractRepresentation, Channels, Space

__all__ = ["Demodulated"]

_Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class Demodulated(AbstractRepresentation):
    """(ω, a_t, cos φ_t, sin φ_t), x_t = a_t cos(ωτ − φ_t): ω the trajectory's own frequency, τ steps from its middle.

    a_t e^{iφ_t} = u + r_t e^{iωτ}, where u is that of the sinusoid that fits best and r what it misses: of a sinusoid
    about zero all codes are constant in time. ω is that of least squares, one for all channels; of codes that a model
    made, their mean over the valid steps. Trajectories that are constant or shorter than 8 steps have ω = 0.
    """

    name: ClassVar[str] = "demodulated"
    formula: ClassVar[str] = "x_t = a_t cos(ωτ − φ_t) ↦ (ω, a_t, cos φ_t, sin φ_t)"
    source: ClassVar[str] = "Bloomfield, Fourier Analysis of Time Series (1976): complex demodulation"

    def codes(self, space: Space) -> Channels:
        """The frequency in rad a step, then amplitude and phase, as cosine and sine, of each channel."""
        parts = (f"{name}_{part}" for part in ("amplitude", "cos", "sin") for name in space.channels)
        names, blank = ("frequency", *parts), ("",) * len(space.channels)
        require(len(set(names)) == len(names), f"{self._owner}: got channels that collide")
        return names, ("rad", *space.units, *blank, *blank)

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, 1 + 3C)."""
        valid = np.arange(x.shape[1]) < steps[:, None]
        omega = np.zeros(len(x))
        for length in np.unique(steps[steps >= SHORTEST]):
            rows = steps == length
            omega[rows] = 2 * np.pi * np.nan_to_num(cycles_per_step(x[rows, :length], "least-squares"))
        cosine, sine = _waves(omega, steps, x.shape[1])
        waves = np.stack([cosine, sine], axis=2) * valid[:, :, None]
        gram = np.linalg.pinv(np.einsum("ntj,ntk->njk", waves, waves), rcond=1e-3, hermitian=True)
        fit = np.einsum("njk,ntk,ntc->njc", gram, waves, x, optimize=True)
        missed = x - np.einsum("ntk,nkc->ntc", waves, fit)
        turned = (fit[:, 0] + 1j * fit[:, 1])[:, None] + missed * (cosine + 1j * sine)[:, :, None]
        phase = np.angle(turned)
        frequency = np.broadcast_to(omega[:, None, None], (*x.shape[:2], 1))
        return np.concatenate([frequency, np.abs(turned), np.cos(phase), np.sin(phase)], axis=2)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        valid = np.arange(z.shape[1]) < steps[:, None]
        omega = np.where(valid, z[:, :, 0], 0.0).sum(axis=1) / np.maximum(steps, 1)
        cosine, sine = _waves(omega, steps, z.shape[1])
        amplitude, in_phase, quadrature = np.split(z[:, :, 1:], 3, axis=2)
        turning = in_phase * cosine[:, :, None] + quadrature * sine[:, :, None]
        size = np.hypot(in_phase, quadrature)
        return np.asarray(amplitude * turning / np.where(size > 0, size, 1.0))


def _waves(omega: _Array, steps: NDArray[np.int64], T: int) -> tuple[_Array, _Array]:
    """cos ωτ and sin ωτ (n, T), τ = 0 in the middle of the valid steps, where phase and frequency err apart."""
    angle = omega[:, None] * (np.arange(T) - (steps[:, None] - 1) / 2)
    return np.cos(angle), np.sin(angle)
