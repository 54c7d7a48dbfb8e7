"""What bias and spread make of a drift: Δ ≈ −∂(b π)/∂q + ∂²(D π)/∂q², and without that approximation."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.explain.closure import Closure
from pushforward.explain.jackknife import Jackknife, without_each
from pushforward.explain.shapley_values import shapley
from pushforward.forecast.noise import law_of
from pushforward.forecast.results import Estimate
from pushforward.forecast.tally import FlowTally

__all__ = ["Explained", "expand", "spread_drift", "transport_drift"]

Array = NDArray[np.float64]


@final
@dataclass(frozen=True, eq=False)
class Explained:
    """How much of a forecast drift bias and spread make by themselves.

    Attributes:
        drift: (W,) Δ̃ of the full forecast.
        by_bias, by_spread: (W,) what the two make alone; both: (W,) together.
        share: of `bias` and `spread`, ⟨Δ_part, Δ̃⟩ / ‖Δ̃‖² over bins, their Shapley values where they are not additive;
            of `both`, their sum; of `remainder`, what is left: bias, spread and remainder add to 1. A part that pushes
            against the drift has a negative share.
        skill: of `bias`, `spread` and `both`: 1 − ‖Δ̃ − Δ_part‖² / ‖Δ̃‖², as a forecast is scored.
        Both are freed of the noise of their sums of squares, and not a number where Δ̃ is not told from noise.
    """

    drift: Array
    by_bias: Array
    by_spread: Array
    both: Array
    share: dict[str, Estimate]
    skill: dict[str, Estimate]

    @property
    def remainder(self) -> Array:
        """(W,) what the two leave."""
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


def expand(tally: FlowTally, wanted: Array | None, repeats: int, level: float) -> tuple[Explained, Explained]:
    """What bias and spread make of a drift, on the bins of a forecast's counts, with the uncertainty that folds give.

    First to second order, Δ ≈ −∂(b π)/∂q + ½ ∂²(b² π)/∂q² + ∂²(D π)/∂q², the first two terms being the bias's; then by
    moving and spreading the law itself (`Closure`), which holds for errors of any size.

    Raises:
        InputError: fewer than two independent trajectories.
    """
    held = np.flatnonzero(tally.origins.sum(axis=1))
    folds = Jackknife(tally.origins.sum(axis=1)[held].astype(np.float64), level)
    rest = without_each(tally, held)
    cases = [
        (law_of(one, wanted, repeats), *_moments(one.sums.sum(axis=1), one.joint.sum(axis=0)))
        for one in (tally, rest)
    ]
    drifts = [law.mass - law.expected for law, _, _ in cases]
    width, closure = (tally.grid.high - tally.grid.low) / tally.grid.bins, Closure(tally)
    first = [_to_second_order(law.share, b, D, width) for law, b, D in cases]
    second = [closure.drifts(law, b, D) for law, b, D in cases]
    return _explained(folds, drifts, first), _explained(folds, drifts, second)


def _moments(sums: Array, joint: NDArray[np.int64]) -> tuple[Array, Array]:
    """(..., W) b and D."""
    n = np.maximum(joint.sum(axis=-1), 1)
    b = sums[2] / n
    return b, np.maximum(sums[3] / n - b**2, 0.0) / 2


def _to_second_order(share: Array, b: Array, D: Array, width: float) -> dict[str, Array]:
    bias = transport_drift(share * b, width) + spread_drift(share * b**2 / 2, width)
    spread = spread_drift(share * D, width)
    return {"bias": bias, "spread": spread, "both": bias + spread}


def _explained(folds: Jackknife, drifts: list[Array], made: list[dict[str, Array]]) -> Explained:
    """Shares and skills of the whole (first of each pair) with the errors of what is left without each fold."""
    norms = [(drift**2).sum(axis=-1) for drift in drifts]

    def ratio(above: list[Array]) -> Estimate:
        return folds.ratio(above[0], above[1], norms[0], norms[1])

    def share(part: list[Array]) -> Estimate:
        return ratio([(one * drift).sum(axis=-1) for one, drift in zip(part, drifts, strict=True)])

    def skill(part: list[Array]) -> Estimate:
        lost = ratio([((drift - one) ** 2).sum(axis=-1) for one, drift in zip(part, drifts, strict=True)])
        return Estimate(1 - lost.value, 1 - lost.high, 1 - lost.low)

    parts = {name: [one[name] for one in made] for name in ("bias", "spread", "both")}
    fair = [shapley([0 * one["both"], one["bias"], one["spread"], one["both"]]) for one in made]
    shares = {name: share([one[i] for one in fair]) for i, name in enumerate(("bias", "spread"))}
    left = [drift - one["both"] for drift, one in zip(drifts, made, strict=True)]
    shares |= {"both": share(parts["both"]), "remainder": share(left)}
    whole = made[0]
    return Explained(
        drifts[0],
        whole["bias"],
        whole["spread"],
        whole["both"],
        shares,
        {name: skill(part) for name, part in parts.items()},
    )
