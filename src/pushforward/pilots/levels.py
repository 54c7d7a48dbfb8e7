"""Which of a pilot's errors last: fine and coarse ones, weighed by how each falls from a smaller pilot to it."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from pushforward.errors import InputError
from pushforward.forecast.making import forecast
from pushforward.kernels.mixture import Mixture
from pushforward.measure.grid import Grid
from pushforward.pilots.kernel import Pilot
from pushforward.pilots.training import intended_model, trained
from pushforward.quantities.base import AbstractQuantity
from pushforward.trajectories import Trajectories

__all__ = ["Sizes", "by_level", "lasting_share"]

# Noise, in standard deviations, up to which errors are called fine.
_FINE = 0.3
# The smaller pilot has a fourth of the other's FLOPs.
_SMALL = 0.2
_LOOKED_AT = 4_000
_BINS, _MARGIN = 32, 0.05


@dataclass(frozen=True)
class Sizes:
    """Σ_b Δ_b² of a pilot's drift, and what noise alone adds to each sum.

    Attributes:
        fine, fine_noise: of its errors below noise of 0.3 standard deviations.
        coarse, coarse_noise: of what all its errors do more.
        share: of the training's FLOPs that the pilot took.
    """

    fine: float
    fine_noise: float
    coarse: float
    coarse_noise: float
    share: float

    @property
    def ratio(self) -> float | None:
        """‖Δ_coarse‖² / ‖Δ_fine‖² without noise; None where the fine drift is hardly told from its noise."""
        if self.fine <= 2 * self.fine_noise:
            return None
        return max(self.coarse - self.coarse_noise, 0.0) / (self.fine - self.fine_noise)


def lasting_share(pilot: Sizes, small: Sizes) -> float:
    """ρ: how much of the coarse errors is left beside the fine ones when the training is done, 0 to 1.

    ‖Δ_coarse‖ / ‖Δ_fine‖ is taken to change as a power of the FLOPs, which the two pilots tell; 1 where they do not.
    """
    first, second = small.ratio, pilot.ratio
    if not first or second is None:
        return 1.0
    power = math.log(1 / pilot.share) / math.log(pilot.share / small.share)
    return float(min(second / first, 1.0) ** (power / 2))


def by_level(
    kernel: Pilot, trajectories: Trajectories, quantity: AbstractQuantity, condition: Any = None
) -> Pilot:
    """The pilot with the kernel (1 − ρ)·K_fine + ρ·K_all, beside it a smaller one of a fifth of the budget.

    Early in a training coarse errors may be large and soon gone, while fine ones stay: see `lasting_share`.

    Raises:
        InputError: a class that feeds no denoise kernel; as training a pilot.
    """
    intended = intended_model(kernel)
    if "denoise" not in intended.feeds:
        raise InputError(
            f"pilot: got by_level with generator {intended.name!r}; expected a class that feeds the denoise kernel: "
            "diffusion, flow or the MLP denoiser"
        )
    parts = [
        trained(replace(kernel, share=part * kernel.share), trajectories, condition)
        for part in (1 - _SMALL, _SMALL)
    ]
    (whole, account), (_, little) = parts
    looked = trajectories.select(slice(None, None, max(len(trajectories) // _LOOKED_AT, 1)))
    sizes = [_sizes(mixture, looked, quantity, kernel.seed, one.share) for mixture, one in parts]
    spent = replace(account, flops=account.flops + little.flops, seconds=account.seconds + little.seconds)
    return replace(kernel, mixture=_weighed(whole, lasting_share(*sizes)), account=spent)


def _fine(mixture: Mixture) -> Mixture:
    return replace(mixture, kernels=tuple(one.with_scale(_FINE) for one in mixture.kernels))


def _weighed(whole: Mixture, rho: float) -> Mixture:
    if rho >= 1:
        return whole
    n = len(whole.kernels)
    kernels = (*_fine(whole).kernels, *whole.kernels)
    return Mixture(kernels=kernels, weights=(1 - rho,) * n + (rho,) * n)


def _sizes(
    mixture: Mixture, trajectories: Trajectories, quantity: AbstractQuantity, seed: int, share: float
) -> Sizes:
    q = quantity(trajectories)
    low, high = float(np.nanmin(q)), float(np.nanmax(q))
    margin = _MARGIN * (high - low)
    grid = Grid.covering(low - margin, high + margin, _BINS)
    fine, whole = (
        forecast(one, trajectories, quantity, grid=grid, seed=seed) for one in (_fine(mixture), mixture)
    )
    noise = [float(np.square(one._noise.sampling().drift).sum()) for one in (fine, whole)]
    rest = whole.drift - fine.drift
    return Sizes(float(fine.drift @ fine.drift), noise[0], float(rest @ rest), noise[0] + noise[1], share)
