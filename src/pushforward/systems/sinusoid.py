"""The sinusoid: one oscillation of a wanted frequency."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.spectral import DominantFrequency
from pushforward.systems.base import AbstractSystem
from pushforward.trajectories import Trajectories

__all__ = ["Sinusoid"]


@final
@dataclass(frozen=True)
class Sinusoid(AbstractSystem):
    """x(t) = A sin(2πft + φ), φ uniform on [0, 2π), A uniform on [least_amplitude, most_amplitude]; the quantity is f.

    The default record lasts 1 s, so that a frequency in Hz is also the number of cycles per record. From one to
    T/2 − 1 cycles per record the measured frequency agrees with f within 1e-7 cycles (float32 included); with
    less than one cycle, or less than one cycle below Nyquist's T/2, a sinusoid cannot be told from its mirror
    image so well, and the error grows.

    Attributes:
        least_amplitude: in m.
        most_amplitude: in m.
        tolerance: largest distance from the best fitting sinusoid, as a share of its amplitude, and of
            the amplitude from its range, of a plausible trajectory.
    """

    least_amplitude: float = 1.0
    most_amplitude: float = 1.0
    tolerance: float = 0.05

    name: ClassVar[str] = "sinusoid"
    formula: ClassVar[str] = "x(t) = A sin(2πft + φ)"
    source: ClassVar[str] = "Definition"
    channels: ClassVar[tuple[str, ...]] = ("x",)
    units: ClassVar[tuple[str, ...]] = ("m",)
    default_dt: ClassVar[float] = 1 / 32
    default_intended: ClassVar[str] = "uniform(1, 6)"

    def __post_init__(self) -> None:
        """Refuse amplitudes that are not positive or upside down, and a negative tolerance."""
        super().__post_init__()
        require(
            0 < self.least_amplitude <= self.most_amplitude < np.inf,
            f"system {self.name!r}: got amplitudes from {self.least_amplitude:g} to {self.most_amplitude:g}; "
            "expected 0 < least_amplitude ≤ most_amplitude",
        )
        require(
            self.tolerance >= 0, f"system {self.name!r}: got tolerance {self.tolerance}; expected 0 or more"
        )

    @property
    def quantity(self) -> DominantFrequency:
        """The least-squares frequency."""
        return DominantFrequency()

    def simulate(
        self,
        quantity: NDArray[np.float64],
        T: int,
        dt: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(N, T, 1) positions for frequencies (N,).

        Raises:
            InputError: a frequency that is not between 0 and Nyquist's 1/(2 dt), or fewer than 8 steps.
        """
        require(
            T >= 8, f"system {self.name!r}: got T = {T}; expected at least 8, below which no frequency shows"
        )
        outside = np.flatnonzero(~((quantity > 0) & (quantity < 0.5 / dt)))
        if len(outside):
            raise InputError(
                f"system {self.name!r}: got a frequency of {quantity[outside[0]]:g} Hz ({len(outside)} of "
                f"{len(quantity)} draws); expected between 0 and Nyquist's 1/(2 dt) = {0.5 / dt:g} Hz"
            )
        phase = rng.uniform(0, 2 * np.pi, size=(len(quantity), 1))
        amplitude = rng.uniform(self.least_amplitude, self.most_amplitude, size=(len(quantity), 1))
        time = np.arange(T) * dt
        positions: NDArray[np.float64] = amplitude * np.sin(2 * np.pi * quantity[:, None] * time + phase)
        return positions[:, :, None]

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether a single sinusoid about 0, of an amplitude within its range, fits within `tolerance`."""
        frequency = self.quantity(trajectories)
        known = np.isfinite(frequency)
        x = trajectories.values[:, :, trajectories.channel_index("x")].astype(np.float64)
        time = np.arange(trajectories.T) * trajectories.dt
        angle = 2 * np.pi * np.where(known, frequency, 0.0)[:, None] * time
        waves = np.stack([np.cos(angle), np.sin(angle)], axis=2) * trajectories.mask[:, :, None]
        products = np.linalg.pinv(np.einsum("ntj,ntk->njk", waves, waves), hermitian=True)
        fit = np.einsum("njk,ntk,nt->nj", products, waves, x, optimize=True)
        amplitude = np.hypot(fit[:, 0], fit[:, 1])
        residual = np.abs(np.where(trajectories.mask, x - np.einsum("nj,ntj->nt", fit, waves), 0.0))
        in_range = (amplitude >= self.least_amplitude * (1 - self.tolerance)) & (
            amplitude <= self.most_amplitude * (1 + self.tolerance)
        )
        # Float32 rounds what is exact otherwise.
        near = residual.max(axis=1) <= (self.tolerance + 1e-6) * amplitude
        return np.asarray(known & in_range & near)
