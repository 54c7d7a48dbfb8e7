"""The drift to second order in δq, Δ ≈ −∂(b π)/∂q + ∂²(D π)/∂q², against the full forecast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.explain.jackknife import Jackknife, without_each
from pushforward.forecast.noise import Law, law_of
from pushforward.forecast.results import Estimate
from pushforward.forecast.tally import FlowTally

__all__ = ["Expansion", "expand", "spread_drift", "transport_drift"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Expansion:
    """How much of a forecast drift its first two moments explain.

    Attributes:
        drift: (W,) Δ̃ of the full forecast.
        by_bias: (W,) −∂(b π)/∂q + ½ ∂²(b² π)/∂q²: every trajectory moved by b(q), and no spread.
        by_spread: (W,) ∂²(D π)/∂q²: spread alone.
        share: of `bias`, `spread` and their sum `both`: ⟨Δ_part, Δ̃⟩ / ‖Δ̃‖² over bins; bias, spread and `remainder`
            add to 1. A part that pushes against the drift has a negative share.
        skill: of `bias`, `spread` and `both`: 1 − ‖Δ̃ − Δ_part‖² / ‖Δ̃‖², as a forecast is scored.
        Both are freed of the noise of their sums of squares, and not a number where Δ̃ is not told from noise.
    """

    drift: Array
    by_bias: Array
    by_spread: Array
    share: dict[str, Estimate]
    skill: dict[str, Estimate]

    @property
    def both(self) -> Array:
        """(W,) the drift that the first two moments make."""
        return np.asarray(self.by_bias + self.by_spread)

    @property
    def remainder(self) -> Array:
        """(W,) what they leave: large errors, steep laws, edges."""
        return np.asarray(self.drift - self.both)


def transport_drift(amount: Array, width: float) -> Array:
    """−∂(amount)/∂q in conservative form: (..., W) from bin integrals (..., W), summing to 0.

    The flux at an edge is reconstructed from the integrals of the four bins around it, exactly for cubic densities;
    nothing crosses the outer ends.
    """
    f = _neighbours(amount)
    return _balance((-f[0] + 7 * f[1] + 7 * f[2] - f[3]) / (12 * width))


def spread_drift(amount: Array, width: float) -> Array:
    """∂²(amount)/∂q² in conservative form: the flux at an edge is minus the slope there, of the same order."""
    f = _neighbours(amount)
    return _balance(-(15 * (f[2] - f[1]) - (f[3] - f[0])) / (12 * width**2))


def _neighbours(amount: Array) -> tuple[Array, Array, Array, Array]:
    """(..., W − 1) each: the two bins before and the two after every inner edge, nothing beyond the ends."""
    padded = np.pad(amount, [(0, 0)] * (amount.ndim - 1) + [(1, 1)])
    last = padded.shape[-1]
    return padded[..., : last - 3], padded[..., 1 : last - 2], padded[..., 2 : last - 1], padded[..., 3:]


def _balance(flux: Array) -> Array:
    """What enters less what leaves."""
    closed = np.pad(flux, [(0, 0)] * (flux.ndim - 1) + [(1, 1)])
    return np.asarray(closed[..., :-1] - closed[..., 1:])


def expand(tally: FlowTally, wanted: Array | None, repeats: int, level: float) -> Expansion:
    """The expansion on the bins of a forecast's counts, with the uncertainty that its folds give.

    Raises:
        InputError: fewer than two independent trajectories.
    """
    held = np.flatnonzero(tally.origins.sum(axis=1))
    folds = Jackknife(tally.origins.sum(axis=1)[held].astype(np.float64), level)
    rest = without_each(tally, held)
    whole = _drifts(tally, law_of(tally, wanted, repeats), tally.sums.sum(axis=1), tally.joint.sum(axis=0))
    without = _drifts(tally, law_of(rest, wanted, repeats), rest.sums.sum(axis=1), rest.joint.sum(axis=0))
    drift, bias, spread = whole

    def ratio(above: list[Array]) -> Estimate:
        (top, top_rest), (low, low_rest) = above, [(each[0] ** 2).sum(axis=-1) for each in (whole, without)]
        return folds.ratio(top, top_rest, low, low_rest)

    def share(part: list[Array]) -> Estimate:
        return ratio([(one * each[0]).sum(axis=-1) for one, each in zip(part, (whole, without), strict=True)])

    def skill(part: list[Array]) -> Estimate:
        lost = [((each[0] - one) ** 2).sum(axis=-1) for one, each in zip(part, (whole, without), strict=True)]
        found = ratio(lost)
        return Estimate(1 - found.value, 1 - found.high, 1 - found.low)

    parts = {
        "bias": [whole[1], without[1]],
        "spread": [whole[2], without[2]],
        "both": [whole[1] + whole[2], without[1] + without[2]],
    }
    left = [each[0] - each[1] - each[2] for each in (whole, without)]
    shares = {name: share(part) for name, part in parts.items()} | {"remainder": share(left)}
    return Expansion(drift, bias, spread, shares, {name: skill(part) for name, part in parts.items()})


def _drifts(tally: FlowTally, law: Law, sums: Array, joint: NDArray[np.int64]) -> tuple[Array, Array, Array]:
    """(..., W) Δ̃, and what bias and spread make of it."""
    n = np.maximum(joint.sum(axis=-1), 1)
    b = sums[2] / n
    D = np.maximum(sums[3] / n - b**2, 0.0) / 2
    width = (tally.grid.high - tally.grid.low) / tally.grid.bins
    moved = transport_drift(law.share * b, width) + spread_drift(law.share * b**2 / 2, width)
    return law.mass - law.expected, moved, spread_drift(law.share * D, width)
