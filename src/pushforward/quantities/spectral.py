"""Quantities of oscillation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray

from pushforward.quantities.blocks import slices
from pushforward.quantities.motion import AbstractInUnit
from pushforward.quantities.positions import positions_of
from pushforward.quantities.units import per
from pushforward.trajectories import Trajectories

__all__ = ["SHORTEST", "DominantFrequency"]

SHORTEST = 8
"""Valid steps below which no frequency is resolved."""
_REFINEMENTS = 12

_Array = NDArray[np.floating[Any]]


@final
@dataclass(frozen=True, kw_only=True)
class DominantFrequency(AbstractInUnit):
    """Frequency of the strongest oscillation: argmax_f Σ_c |X_c(f)|², f between 0 and 1/(2Δt).

    `interpolated`: the largest bin k of the Hann-windowed FFT, moved by Grandke's δ = (2α − 1)/(α + 1), α the
    ratio of the larger neighbour to the peak. `least-squares`: from there, the f at which the sinusoid
    a cos 2πft + b sin 2πft + c fits best (Gauss–Newton on the variable projection, steps halved until the fit
    improves): the maximum-likelihood frequency in white noise. Measured errors: docs/quantities.md.
    NaN where every channel is constant, or with fewer than 8 valid steps.

    Attributes:
        method: `interpolated` or `least-squares`.
        channels: which channels (default: the position's); their power is added.
    """

    method: Literal["interpolated", "least-squares"] = "interpolated"
    channels: tuple[str, ...] = ()

    name: ClassVar[str] = "dominant-frequency"
    formula: ClassVar[str] = "f̂ = argmax_f Σ_c |X_c(f)|²"
    source: ClassVar[str] = (
        "Grandke, IEEE Transactions on Instrumentation and Measurement 32 (1983); "
        "Golub and Pereyra, SIAM Journal on Numerical Analysis 10 (1973)"
    )

    def natural(self, trajectories: Trajectories) -> _Array:
        """(N,) frequencies in cycles per time unit."""
        index = list(positions_of(trajectories, self.channels).index)
        cycles = np.full(len(trajectories), np.nan)
        lengths = trajectories.steps
        # One transform needs one length: ragged data is measured length by length.
        for length in np.unique(lengths[lengths >= SHORTEST]):
            rows = np.flatnonzero(lengths == length)
            for part in slices(len(rows), 16 * int(length) * len(index)):
                values = trajectories.values[rows[part], : int(length)][:, :, index]
                cycles[rows[part]] = _cycles_per_step(values.astype(np.float64), self.method)
        return cycles / trajectories.dt

    def natural_unit(self, trajectories: Trajectories) -> str:
        """Hz where time is in seconds, else cycles per time unit."""
        return "Hz" if trajectories.time_unit == "s" else per("1", trajectories.time_unit)


def _cycles_per_step(values: _Array, method: str) -> _Array:
    """(m,) frequencies in cycles per step of values (m, T, c); NaN where constant."""
    spread = np.ptp(values, axis=1)
    varies = spread.max(axis=1) > 0
    # In units of the spread, so that no power over- or underflows.
    scaled = (values - values[:, :1]) / np.where(varies, spread.max(axis=1), 1.0)[:, None, None]
    frequency = _interpolated(scaled)
    if method == "least-squares":
        frequency = _least_squares(scaled, frequency)
    return np.where(varies, frequency, np.nan)


def _interpolated(values: _Array) -> _Array:
    m, length, _ = values.shape
    window = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(length) / length)
    mean = np.einsum("mtc,t->mc", values, window) / window.sum()
    transform = np.fft.rfft((values - mean[:, None, :]) * window[None, :, None], axis=1)
    magnitude = np.sqrt((transform.real**2 + transform.imag**2).sum(axis=-1))
    top = magnitude.shape[1] - 1
    row = np.arange(m)
    peak = 1 + np.argmax(magnitude[:, 1:], axis=1)
    here = magnitude[row, peak]
    left = magnitude[row, peak - 1]
    # Beyond the last bin the spectrum of real data mirrors.
    right = magnitude[row, np.where(peak + 1 <= top, peak + 1, length - peak - 1)]
    ratio = np.maximum(left, right) / np.where(here > 0, here, 1.0)
    shift = np.clip((2 * ratio - 1) / (ratio + 1), -0.5, 0.5) * np.where(right >= left, 1.0, -1.0)
    return np.asarray(np.clip((peak + shift) / length, 0.0, 0.5))


def _least_squares(values: _Array, start: _Array) -> _Array:
    """(m,) frequencies of the best fitting sinusoids near `start`, in cycles per step."""
    length = values.shape[1]
    best, step = start, np.zeros_like(start)
    power, gradient_step = _fit(values, start)
    limit = 0.25 / length
    step = np.clip(gradient_step, -limit, limit)
    for _ in range(_REFINEMENTS):
        trial = np.clip(best + step, 1e-3 / length, 0.5)
        trial_power, trial_step = _fit(values, trial)
        better = trial_power > power
        best, power = np.where(better, trial, best), np.where(better, trial_power, power)
        step = np.where(better, np.clip(trial_step, -limit, limit), step / 4)
    return best


def _fit(values: _Array, frequency: _Array) -> tuple[_Array, _Array]:
    """(explained power, Gauss–Newton step) of the fit a cos + b sin + c at `frequency`, each (m,)."""
    m, length, _ = values.shape
    time = np.arange(length) - (length - 1) / 2
    phase = 2 * np.pi * frequency[:, None] * time[None, :]
    basis = np.stack([np.ones((m, length)), np.cos(phase), np.sin(phase)], axis=1)
    gram = basis @ basis.transpose(0, 2, 1)
    # At the Nyquist frequency sine or cosine vanishes; the ridge keeps the system solvable there.
    gram += 1e-12 * length * np.eye(3)
    projection = basis @ values
    weights = np.linalg.solve(gram, projection)
    residual = values - basis.transpose(0, 2, 1) @ weights
    tangent = (
        2
        * np.pi
        * time[None, :, None]
        * (basis[:, 1, :, None] * weights[:, None, 2] - basis[:, 2, :, None] * weights[:, None, 1])
    )
    tangent = tangent - basis.transpose(0, 2, 1) @ np.linalg.solve(gram, basis @ tangent)
    square = np.sum(tangent * tangent, axis=(1, 2))
    step = np.sum(tangent * residual, axis=(1, 2)) / np.where(square > 0, square, np.inf)
    return -np.sum(residual * residual, axis=(1, 2)), step
