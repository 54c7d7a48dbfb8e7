"""Local dynamics: errors at each step, carried on by the dynamics that the data show around each state."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray
from scipy.spatial import cKDTree

from pushforward.errors import require
from pushforward.kernels.base import AbstractDeviationKernel, deviated, learned, standard_deviations
from pushforward.trajectories import Trajectories

__all__ = ["LocalDynamics"]

_LARGEST_BANK = 1 << 17
_LEAST_WINDOWS = 16
_RIDGE = 1e-3
_BEYOND = 0.1


@final
@dataclass(frozen=True, eq=False)
class _Map:
    """The step after a window, by weighted linear regression on the nearest windows of the data.

    Attributes:
        tree: the windows (M, h·C), each channel divided by its standard deviation.
        steps: (M, C) what followed each, less its last state, likewise divided.
        low, high: (C,) ends of the data's range, likewise, widened by a tenth.
    """

    tree: cKDTree
    steps: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]

    def after(self, windows: NDArray[np.float64], neighbours: int) -> NDArray[np.float64]:
        """(n, C) the state that follows each window (n, h·C)."""
        k = min(neighbours, len(self.steps))
        answer = self.tree.query(windows, k=k)
        distance, found = np.asarray(answer[0]), np.asarray(answer[1])
        # Tricube weights fall to 0 at the last neighbour, so that the map has no jumps where another one comes in.
        width = np.maximum(distance[:, -1:], 1e-12)
        weight = (1 - (distance / width) ** 3).clip(min=1e-9) ** 3
        design = np.concatenate(
            [
                np.ones((*found.shape, 1)),
                (np.asarray(self.tree.data)[found] - windows[:, None]) / width[:, :, None],
            ],
            axis=2,
        )
        weighted = design * weight[:, :, None]
        gram = np.einsum("nki,nkj->nij", weighted, design)
        ridge = _RIDGE * weight.sum(axis=1)[:, None, None] * np.eye(design.shape[2])
        ridge[:, 0, 0] = 0.0
        moment = np.einsum("nki,nkc->nic", weighted, self.steps[found])
        # The value at the window itself is the regression's constant.
        step = np.linalg.solve(gram + ridge, moment)[:, 0]
        C = self.steps.shape[1]
        return np.asarray(np.clip(windows[:, -C:] + step, self.low, self.high))


@final
@dataclass(frozen=True, eq=False)
class LocalDynamics(AbstractDeviationKernel):
    """x'_{t+1} = x_{t+1} + F(w'_t) − F(w_t) + s·σ_c·ε_t: an error at each step, which the dynamics carry on.

    w_t are the last `history` states, F(w) the step that the data take from there: a linear regression on the nearest
    windows of the data. What autoregressive models and rolled-out dynamics models do, before any is trained: each
    errs by about s per step and goes on from where it then is. The first `history` states stay as they are.

    Where a parameter differs from trajectory to trajectory a state alone does not tell the next one: take a `history`
    that does, such as 2 for the logistic map.

    Attributes:
        scale: s, in standard deviations σ_c of each channel over the data.
        history: states that tell the next one.
        neighbours: k; 0 takes twice as many as the regression has unknowns.
    """

    name: ClassVar[str] = "local-dynamics"
    formula: ClassVar[str] = (
        "x'_{t+1} = x_{t+1} + F(w'_t) − F(w_t) + s·σ_c·ε_t, F regressed on the nearest windows"
    )
    source: ClassVar[str] = (
        "Farmer and Sidorowich, Physical Review Letters 59 (1987), Predicting chaotic time series"
    )
    cost: ClassVar[str] = (
        "two searches and regressions per step: 10⁴ (6 channels) to 10⁵ (1) steps per second and core"
    )
    scales: ClassVar[tuple[float, ...]] = (0.001, 0.002, 0.005, 0.01, 0.02, 0.05)
    repeats: ClassVar[int] = 1

    history: int = 1
    neighbours: int = 0
    sigma: tuple[float, ...] = learned(())
    map: _Map | None = learned()

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            InputError: no history, or negative neighbours.
        """
        super().__post_init__()
        for name, least in (("history", 1), ("neighbours", 0)):
            value = getattr(self, name)
            require(
                value >= least,
                f"kernel {self.name!r}, setting {name!r}: got {value}; expected at least {least}",
            )

    def fitted(self, trajectories: Trajectories) -> Self:
        """The kernel with the data's windows and what followed them, an even choice of at most 131,072.

        Raises:
            InputError: too few steps to learn one from.
        """
        sigma = standard_deviations(trajectories)
        unit = np.where(sigma > 0, sigma, 1.0)
        h, C = self.history, trajectories.C
        # Pairs (trajectory, step) of windows that have a step after them.
        ends = np.arange(h - 1, trajectories.T - 1)
        row, column = np.nonzero(ends + 1 < trajectories.steps[:, None])
        require(
            len(row) >= _LEAST_WINDOWS,
            f"kernel {self.name!r}: got {len(row)} steps after {h} states; expected at least {_LEAST_WINDOWS}",
        )
        chosen = np.linspace(0, len(row) - 1, min(len(row), _LARGEST_BANK)).astype(np.int64)
        row, end = row[chosen], ends[column[chosen]]
        windows = np.stack([trajectories.values[row, end - h + 1 + i] for i in range(h)], axis=1) / unit
        steps = trajectories.values[row, end + 1] / unit - windows[:, -1]
        low, high = (getattr(trajectories.values, side)(axis=(0, 1)) / unit for side in ("min", "max"))
        found = _Map(
            cKDTree(windows.reshape(len(row), h * C)),
            steps.astype(np.float64),
            low - _BEYOND * (high - low),
            high + _BEYOND * (high - low),
        )
        return replace(self, sigma=tuple(sigma.tolist()), map=found)

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, or other channels than `fitted` saw.
        """
        scale = self.known_scale
        if scale == 0:
            return trajectories
        if self.map is None:
            return self.fitted(trajectories).deviate(trajectories, rng)
        require(
            len(self.sigma) == trajectories.C,
            f"kernel {self.name!r}: was fitted to {len(self.sigma)} channels and got {trajectories.C}; expected them",
        )
        sigma = np.asarray(self.sigma)
        unit, h, n = np.where(sigma > 0, sigma, 1.0), self.history, len(trajectories)
        neighbours = self.neighbours or 2 * (h * trajectories.C + 1)
        x = trajectories.values / unit
        made = x.copy()
        for t in range(h, trajectories.T):
            rows = np.flatnonzero(trajectories.steps > t)
            if not len(rows):
                break
            both = np.concatenate([part[rows, t - h : t].reshape(len(rows), -1) for part in (x, made)])
            before, after = np.split(self.map.after(both, neighbours), 2)
            error = scale * (sigma > 0) * rng.standard_normal((len(rows), trajectories.C))
            made[rows, t] = np.clip(x[rows, t] + after - before + error, self.map.low, self.map.high)
        return deviated(trajectories, (made * unit).astype(np.float32).reshape(n, trajectories.T, -1))
