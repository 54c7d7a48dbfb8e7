"""Oscillations as amplitude and phase."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray
from scipy.signal import hilbert

from pushforward.errors import require
from pushforward.representations.base import AbstractRepresentation, Channels, Space

__all__ = ["AmplitudePhase"]

_Array = NDArray[np.float64]


@final
@dataclass(frozen=True)
class AmplitudePhase(AbstractRepresentation):
    """(a_t, φ_t − φ_{t−1}) of the analytic signal x + iH[x] = a e^{iφ}: the frequency, step by step.

    H is the discrete Hilbert transform over the valid steps. φ_0 is kept, as cosine and sine, in two further channels
    (their mean is decoded). x = a cos φ comes back exactly, whatever the signal; the codes of a sinusoid are constant
    but for the record's ends, where the transform rings.
    """

    name: ClassVar[str] = "amplitude-phase"
    formula: ClassVar[str] = "x + iH[x] = a e^{iφ} ↦ (a_t, φ_t − φ_{t−1}, φ_0)"
    source: ClassVar[str] = "Gabor, Journal of the IEE 93 (1946), 429–457"

    def codes(self, space: Space) -> Channels:
        """For each channel its amplitude, rate of phase, and first phase as cosine and sine."""
        kinds = ("amplitude", "phase_step", "first_cos", "first_sin")
        names = tuple(f"{name}_{kind}" for kind in kinds for name in space.channels)
        require(len(set(names)) == len(names), f"representation {self.name!r}: got channels that collide")
        blank = ("",) * len(space.channels)
        return names, (*space.units, *("rad",) * len(space.channels), *blank, *blank)

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, 4C)."""
        signal = np.empty(x.shape, dtype=np.complex128)
        for length in np.unique(steps):
            rows = steps == length
            signal[rows, :length] = hilbert(x[rows, :length], axis=1)
            signal[rows, length:] = signal[rows, length - 1 : length]
        amplitude, phase = np.abs(signal), np.angle(signal)
        # Wrapped rates: a signal whose phase steps by more than half a turn is seen as turning the other way.
        rate = np.angle(signal[:, 1:] * signal[:, :-1].conj())
        rate = np.concatenate([rate[:, :1] if x.shape[1] > 1 else phase[:, :1] * 0, rate], axis=1)
        first = np.broadcast_to(phase[:, :1], x.shape)
        return np.concatenate([amplitude, rate, np.cos(first), np.sin(first)], axis=2)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        amplitude, rate, cosine, sine = np.split(z, 4, axis=2)
        valid = (np.arange(z.shape[1]) < steps[:, None])[:, :, None]
        first = np.arctan2((sine * valid).sum(axis=1), (cosine * valid).sum(axis=1))
        rate = rate.copy()
        rate[:, 0] = first
        return np.asarray(amplitude * np.cos(np.cumsum(rate, axis=1)))
