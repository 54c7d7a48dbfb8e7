"""Stationary Gaussian errors: smooth or rough in time, from a stated spectrum or one fitted to residuals."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Literal, Self, final

import numpy as np
from numpy.typing import NDArray
from scipy import fft

from pushforward.errors import InputError, require
from pushforward.kernels.base import AbstractDeviationKernel, deviated, learned, standard_deviations
from pushforward.kernels.gaussian import amplitudes
from pushforward.trajectories import Trajectories

__all__ = ["Spectral"]

# The noise is periodic; beyond the trajectory its period holds this many correlation lengths, so that start and end
# do not know of one another.
_APART = 6.0


@final
@dataclass(frozen=True, eq=False)
class Spectral(AbstractDeviationKernel):
    """x' = x + s·σ_c·η: η a stationary Gaussian process of unit variance with spectrum S(f), f in cycles per step.

    - `squared-exponential`: S ∝ exp(−½(2πfℓ)²), so that Corr(η_t, η_{t+k}) = exp(−½(k/ℓ)²): smooth errors;
    - `power-law`: S ∝ (1 + (2πfℓ)²)^(−β/2): rough errors, white beyond ℓ steps; β = 2 is an AR(1) process with
      correlation exp(−k/ℓ) for ℓ well above 1;
    - `fitted`: the covariance of given residuals, across channels too (`Spectral.fit`).

    Attributes:
        scale: s.
        correlation: ℓ, correlation length in time steps; 0 is white noise.
        spectrum: which of the three.
        exponent: β of the power law.
        relative: s is in standard deviations σ_c of each channel over the data; where False σ_c = 1.

    Raises:
        InputError: a negative correlation length or exponent, or `fitted` without `Spectral.fit`.
    """

    name: ClassVar[str] = "spectral"
    formula: ClassVar[str] = "x' = x + s·σ_c·η, η stationary normal with spectrum S(f)"
    source: ClassVar[str] = (
        "Sampling by circulant embedding: Dietrich & Newsam 1997, SIAM Journal on Scientific Computing 18, 1088–1107"
    )
    cost: ClassVar[str] = "one to two normal numbers per value and a Fourier transform"

    correlation: float = 4.0
    spectrum: Literal["squared-exponential", "power-law", "fitted"] = "squared-exponential"
    exponent: float = 2.0
    relative: bool = True
    sigma: tuple[float, ...] = learned(())
    covariance: NDArray[np.float64] | None = learned()

    def __post_init__(self) -> None:
        """Validate."""
        super().__post_init__()
        for name in ("correlation", "exponent"):
            value = getattr(self, name)
            require(
                0 <= value < np.inf,
                f"kernel 'spectral', setting {name!r}: got {value:g}; expected at least 0",
            )
        if (self.spectrum == "fitted") != (self.covariance is not None):
            raise InputError(
                "kernel 'spectral': a fitted spectrum needs residuals; expected Spectral.fit(residuals)"
            )

    @classmethod
    def fit(cls, residuals: Trajectories, trajectories: Trajectories | None = None) -> Spectral:
        """The kernel whose deviations have the size, the time correlation and the cross-correlation of residuals.

        Cov(δ_{t,c}, δ_{t+k,d}) is averaged over trajectories and time, around each time step's own mean: what is
        systematic in the residuals is left out.

        Args:
            residuals: δ = x' − x, as trajectories.
            trajectories: the data x; the scale is then relative to its standard deviations, so that the kernel can be
                used on other data. Without it the scale is in the channels' own units.

        Raises:
            InputError: fewer than two residuals, residuals that are all zero, other channels than the data's.
        """
        require(len(residuals) >= 2, f"Spectral.fit: got {len(residuals)} residuals; expected at least 2")
        relative = trajectories is not None
        sigma = np.ones(residuals.C) if trajectories is None else standard_deviations(trajectories)
        require(
            len(sigma) == residuals.C,
            f"Spectral.fit: got residuals of {residuals.C} channels for data of {len(sigma)}; expected the same",
        )
        covariance = _covariance(residuals, np.where(sigma > 0, sigma, 1.0))
        power = float(np.trace(covariance[0])) / residuals.C
        require(power > 0, "Spectral.fit: got residuals that are all alike; expected errors that vary")
        return cls(
            scale=float(np.sqrt(power)),
            spectrum="fitted",
            relative=relative,
            sigma=tuple(sigma.tolist()) if relative else (),
            covariance=covariance / power,
        )

    def fitted(self, trajectories: Trajectories) -> Self:
        """The kernel with each channel's standard deviation."""
        if not self.relative:
            return self
        return replace(self, sigma=tuple(standard_deviations(trajectories).tolist()))

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, or other channels than the kernel was fitted to.
        """
        size = self.known_scale * amplitudes(trajectories, self.relative, self.sigma)
        if not size.any():
            return trajectories
        n, T, C = trajectories.values.shape
        gain = self._gain(T, C)
        frequencies = len(gain)
        # Real and imaginary parts; those of frequency 0 and of the highest are real, their imaginary parts unused.
        normal = rng.standard_normal((n, 2 * frequencies * C), dtype=np.float32)
        if gain.ndim == 1:
            # One long row per trajectory: over a last axis of two or three channels NumPy is several times slower.
            normal *= np.repeat(np.outer(gain, size), 2).astype(np.float32)
        parts = normal.view(np.complex64).reshape(n, frequencies, C)
        if gain.ndim == 3:
            parts = np.einsum("fcd,nfd->nfc", gain * size[:, None].astype(np.float32), parts, optimize=True)
        noise: NDArray[np.float32] = fft.irfft(parts, n=2 * (frequencies - 1), axis=1, overwrite_x=True)[
            :, :T
        ]
        noise += trajectories.values
        return deviated(trajectories, noise)

    def _gain(self, T: int, C: int) -> NDArray[Any]:
        """What makes unit complex normals the process: (F,) float32, or (F, C, C) complex64 for a fitted one."""
        if self.covariance is not None:
            require(
                self.covariance.shape[1] == C,
                f"kernel 'spectral': was fitted to {self.covariance.shape[1]} channels and got {C}; expected the same",
            )
            return _matrix_gain(self.covariance, T)
        period = _period(T + int(np.ceil(_APART * self.correlation)))
        density = self._density(np.arange(period // 2 + 1) / period)
        weight = np.full(len(density), 2.0)
        weight[[0, -1]] = 1.0
        density *= period / float(weight @ density)
        return np.asarray(np.sqrt(density * period / weight), dtype=np.float32)

    def _density(self, frequency: NDArray[np.float64]) -> NDArray[np.float64]:
        phase = np.square(2 * np.pi * frequency * self.correlation)
        if self.spectrum == "power-law":
            return np.asarray((1 + phase) ** (-self.exponent / 2))
        return np.asarray(np.exp(-phase / 2))


def _period(least: int) -> int:
    """An even length of at least `least` that transforms fast."""
    return 2 * int(fft.next_fast_len((least + 1) // 2, real=True))


def _covariance(residuals: Trajectories, sigma: NDArray[np.float64]) -> NDArray[np.float64]:
    """(T, C, C) mean over trajectories and time of δ_{t,c}·δ_{t+k,d}, each channel in units of `sigma`."""
    mask = residuals.mask[:, :, None].astype(np.float64)
    delta = residuals.values / sigma * mask
    delta -= delta.sum(axis=0) / np.maximum(mask.sum(axis=0), 1) * mask
    period = _period(2 * residuals.T)
    transform = fft.rfft(delta, n=period, axis=1)
    products = np.einsum("nfc,nfd->fcd", transform.conj(), transform, optimize=True)
    pairs = np.square(np.abs(fft.rfft(mask, n=period, axis=1))).sum(axis=(0, 2))
    total = fft.irfft(products, n=period, axis=0)[: residuals.T]
    count = np.rint(fft.irfft(pairs, n=period)[: residuals.T])
    return np.asarray(total / np.maximum(count, 1)[:, None, None])


def _matrix_gain(covariance: NDArray[np.float64], T: int) -> NDArray[np.complex64]:
    """(F, C, C) square roots of the spectral matrices of a covariance at lags 0, 1, ..."""
    lags = len(covariance)
    period = _period(2 * max(T, lags))
    wrapped = np.zeros((period, *covariance.shape[1:]))
    wrapped[:lags] = covariance
    wrapped[period - lags + 1 :] = covariance[1:][::-1].transpose(0, 2, 1)
    # Normals multiplied by G have the spectral matrix G Gᴴ, whose transform is E[δ_{t+k} δ_tᵀ]: the transpose.
    matrices = fft.rfft(wrapped, axis=0).transpose(0, 2, 1)
    power, directions = np.linalg.eigh((matrices + matrices.conj().transpose(0, 2, 1)) / 2)
    # A covariance estimated lag by lag need not be one: what is negative is cut, and the variance restored.
    power = np.maximum(power, 0.0)
    weight = np.full(len(power), 2.0)
    weight[[0, -1]] = 1.0
    kept = np.einsum("f,fck,fk->c", weight, np.square(np.abs(directions)), power) / period
    directions *= np.sqrt(np.diag(covariance[0]) / np.where(kept > 0, kept, 1.0))[None, :, None]
    gain = directions * np.sqrt(power * period / weight[:, None])[:, None, :]
    return np.asarray(gain, dtype=np.complex64)
