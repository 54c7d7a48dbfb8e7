"""Resample the demonstrations so that the forecast of what is made from them is the intended law."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import nnls

from pushforward.errors import require
from pushforward.kernels import AbstractDeviationKernel, parse
from pushforward.measure.grid import Grid
from pushforward.measure.intended import Intended
from pushforward.mitigations.base import learned
from pushforward.mitigations.measuring import AbstractMeasuring
from pushforward.mitigations.weighting import effective_share, systematic
from pushforward.trajectories import Trajectories

__all__ = ["Deconvolution", "Deconvolve", "deconvolved"]

_Array = NDArray[np.float64]
_STREAM = 0xDEC0
# Gauss and Hermite's three points of a standard normal.
_NODES, _WEIGHTS = np.array([-np.sqrt(3), 0.0, np.sqrt(3)]), (1 / 6, 2 / 3, 1 / 6)
_STRENGTHS = np.concatenate([[0.0], np.logspace(-4, 3, 57)])


@final
@dataclass(frozen=True, eq=False)
class Deconvolution:
    """The law m of demonstrations whose forecast m κ is nearest to π, and what it can and cannot do.

    Attributes:
        edges: (B + 1,) of the inner bins.
        before: (W,) π_data; W = B + 2, the outer entries being below and above the range.
        intended: (W,) π.
        mass: (W,) m.
        predicted: (W,) m κ, the forecast with m.
        unmitigated: (W,) π_data κ, the forecast without.
        strength: of the regularisation, as it was found.
        condition_number: largest over smallest singular value of κ where there are data: errors of κ and of π can be
            enlarged so much by the inverse.
    """

    edges: _Array
    before: _Array
    intended: _Array
    mass: _Array
    predicted: _Array
    unmitigated: _Array
    strength: float
    condition_number: float

    @property
    def remaining(self) -> float:
        """Total variation that the forecast still finds."""
        return float(0.5 * np.abs(self.predicted - self.intended).sum())

    def remaining_over(self, scale_error: float) -> float:
        """Mean of what remains over ln s ~ N(ln s, scale_error²), with drift in proportion to the scale s.

        Too large a correction is then as wrong as too small a one.
        """
        moved = self.predicted - self.mass
        return sum(
            weight * 0.5 * float(np.abs(self.mass + factor * moved - self.intended).sum())
            for factor, weight in zip(np.exp(scale_error * _NODES), _WEIGHTS, strict=True)
        )

    @property
    def without(self) -> float:
        """Total variation that it finds without the deconvolution."""
        return float(0.5 * np.abs(self.unmitigated - self.intended).sum())

    def weight(self, q: _Array) -> _Array:
        """(n,) m/π_data of each value's bin; 0 where it is not defined."""
        with np.errstate(invalid="ignore"):
            cell = np.searchsorted(self.edges, q, side="right")
        cell = np.where(q == self.edges[-1], len(self.edges) - 1, cell)
        ratio = np.divide(self.mass, self.before, out=np.zeros_like(self.mass), where=self.before > 0)
        return np.where(np.isfinite(q), ratio[cell], 0.0)


def deconvolved(
    kappa: _Array, before: _Array, intended: _Array, noise: float, edges: _Array
) -> Deconvolution:
    """m = argmin ‖m κ − π‖² + λ ‖(m − π_data) / √π_data‖² with m ≥ 0, Σ m = 1 and m = 0 where there are no data.

    λ is the largest for which the residual ‖m κ − π‖² stays within `noise`, the part of it that is noise of the counts
    (discrepancy principle, Morozov 1966); where none does, 0.

    Args:
        kappa: (W, W) rows sum to 1.
        before: (W,) π_data.
        intended: (W,) π.
        noise: E‖error of π κ − π‖² by counting.
        edges: (B + 1,) of the inner bins.
    """
    there = before > 0
    A, scale = kappa[there], np.sqrt(before[there])
    chosen, strength = before[there], float(_STRENGTHS[-1])
    for strength in _STRENGTHS[::-1].tolist():
        chosen = _solved(A, before[there], intended, scale, strength)
        if float(np.square(chosen @ A - intended).sum()) <= noise:
            break
    mass = np.zeros_like(before)
    mass[there] = chosen
    singular = np.linalg.svd(A, compute_uv=False)
    return Deconvolution(
        edges=edges,
        before=before,
        intended=intended,
        mass=mass,
        predicted=mass @ kappa,
        unmitigated=before @ kappa,
        strength=strength,
        condition_number=float(singular[0] / max(singular[-1], np.finfo(float).tiny)),
    )


def _solved(A: _Array, before: _Array, intended: _Array, scale: _Array, strength: float) -> _Array:
    """Non-negative least squares in u = m / √π_data; the sum is held by a heavy row, then exactly."""
    heavy = 1e3
    rows = [A.T * scale, np.sqrt(strength) * np.eye(len(scale)), heavy * scale[None, :]]
    right = np.concatenate([intended, np.sqrt(strength) * before / scale, [heavy]])
    u, _ = nnls(np.concatenate(rows), right, maxiter=100 * len(scale))
    m = u * scale
    return np.asarray(m / m.sum())


@final
@dataclass(frozen=True)
class Deconvolve(AbstractMeasuring):
    """Train on demonstrations resampled so that what the kernel is forecast to make of them follows π.

    It pre-compensates the forecast, so it is as good as the forecast, and only where κ is well conditioned: the result
    states the condition number, and the drift that remains by forecast.

    Attributes:
        quantity: φ.
        intended: π; None: that of the data.
        kernel: K(x' | x) of the model class with its scale, or its spelling: "shrinkage(scale=0.15)".
        bins: inner bins over the data's range.
        seed: of the kernel's deviations.
    """

    name: ClassVar[str] = "deconvolve"
    level: ClassVar[str] = "data"
    formula: ClassVar[str] = "train on x resampled with weights w ≥ 0 that minimise ‖(π w) κ − π‖"
    source: ClassVar[str] = "Lawson and Hanson 1974 (NNLS); Morozov 1966 (discrepancy principle)"
    cost: ClassVar[str] = "a forecast and a training"

    kernel: AbstractDeviationKernel | str = "gaussian(scale=0.02)"
    bins: int = 32
    seed: int = 0
    solution: Deconvolution | None = learned()

    def __post_init__(self) -> None:
        """Look up the kernel.

        Raises:
            InputError: an unknown one, or one without a scale.
        """
        super().__post_init__()
        if isinstance(self.kernel, str):
            object.__setattr__(self, "kernel", parse(self.kernel))
        require(4 <= self.bins <= 512, f"deconvolve: got bins = {self.bins}; expected 4 to 512")

    def fitted(self, data: Trajectories) -> Self:
        """With the weights.

        Raises:
            InputError: a kernel without a scale, or what `forecast` refuses.
        """
        q = self.values(data)
        margin = 1e-9 * max(float(np.ptp(q)), 1e-300)
        grid = Grid(float(q.min()) - margin, float(q.max()) + margin, self.bins)
        kappa, before, n = self._transitions(data, grid, self.seed)
        intended = before
        if isinstance(self.intended, Intended):
            intended = grid.by_bin(self.intended.mass(grid))
        predicted = before @ kappa
        noise = float((predicted * (1 - predicted)).sum() / n)
        return replace(self, solution=deconvolved(kappa, before, intended, noise, grid.edges))

    def judged(
        self, data: Trajectories, seed: int, errors: AbstractDeviationKernel | None = None
    ) -> Deconvolution:
        """The same weights with the forecast by deviations of another seed, or by `errors`, such as a second pilot's.

        By those of the fit too little remains: m is what suits their own noise, and their pilot's own turns.
        """
        assert self.solution is not None
        judge, found = self if errors is None else replace(self, kernel=errors), self.solution
        grid = Grid(float(found.edges[0]), float(found.edges[-1]), self.bins)
        kappa, before, _ = judge._transitions(data, grid, seed)
        return replace(found, predicted=found.mass @ kappa, unmitigated=before @ kappa)

    def _transitions(self, data: Trajectories, grid: Grid, seed: int) -> tuple[_Array, _Array, int]:
        """κ (W, W) with rows that sum to 1, π_data (W,), and the number of trajectories."""
        from pushforward.forecast.making import forecast

        assert isinstance(self.kernel, AbstractDeviationKernel)
        ahead = forecast(self.kernel, data, self.phi, grid=grid, seed=seed)
        flow, before = ahead.flow.toarray(), ahead.expected
        kappa = np.where(before[:, None] > 0, flow / np.maximum(before, 1e-300)[:, None], np.eye(len(before)))
        return kappa, before, ahead.n

    def training(self, data: Trajectories, seed: int) -> tuple[Trajectories, dict[str, Any]]:
        """As many demonstrations as before, resampled."""
        assert self.solution is not None
        weight = self.solution.weight(self.phi(data))
        rows = systematic(weight, len(data), np.random.default_rng([seed, _STREAM]))
        return data.select(rows), {}

    def effective_share(self, data: Trajectories) -> float:
        """Effective sample size of the weighted demonstrations, over their number."""
        assert self.solution is not None
        return effective_share(self.solution.weight(self.phi(data)))
