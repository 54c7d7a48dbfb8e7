"""From noised trajectories back to clean ones, as each class of model samples: what denoise kernels ask of a model."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pushforward.errors import InputError, require
from pushforward.generators.adapters.denoising import AbstractDenoisingAdapter
from pushforward.generators.asking import features_of, in_data_units, normalised, require_like_training
from pushforward.generators.flow import Flow
from pushforward.generators.hardware import Hardware
from pushforward.generators.ode import SOLVERS, solve
from pushforward.generators.samplers import heun, noise_levels
from pushforward.kernels.trained import own_condition
from pushforward.trajectories import Trajectories

__all__ = ["AbstractSolver", "solver_of"]

_ROWS = 1_024
_MOST_HALVINGS = 7
# A level this near to the start would be a step of no length.
_BELOW = 0.999


def solver_of(model: Any, trajectories: Trajectories, sigma: tuple[float, ...]) -> AbstractSolver:
    """How this model leads noised `trajectories` back; `sigma` (C,) are the data's standard deviations.

    Raises:
        InputError: trajectories that the model cannot take.
    """
    if isinstance(model, AbstractDenoisingAdapter):
        return _Adapted(model, trajectories, np.asarray(sigma))
    require_like_training(model, trajectories)
    return _Flow(model, trajectories) if isinstance(model, Flow) else _Own(model, trajectories)


class AbstractSolver(ABC):
    """A model and the trajectories x that are noised and led back.

    Attributes:
        steps: of the model's own sampler.
    """

    steps: int

    def denoised(
        self, noise: NDArray[np.float32], scale: float, steps: int, tolerance: float
    ) -> NDArray[np.float32]:
        """(N, T, C) in data units, from standard normal noise (N, T, C); the arguments as the kernel's settings.

        Raises:
            InputError: a level that the model does not know, or a solver that does not converge.
        """
        made = np.empty(noise.shape, dtype=np.float32)
        for start in range(0, len(noise), _ROWS):
            rows = slice(start, start + _ROWS)
            with torch.inference_mode():
                made[rows] = self._converged(rows, noise[rows], scale, steps or self.steps, tolerance)
        return made

    def _converged(
        self, rows: slice, noise: NDArray[np.float32], scale: float, steps: int, tolerance: float
    ) -> NDArray[np.float64]:
        found = self._solved(rows, noise, scale, steps, fine=False)
        if tolerance == 0:
            return found
        for halving in range(1, _MOST_HALVINGS + 1):
            finer = self._solved(rows, noise, scale, steps << halving, fine=True)
            # Of second order: what is left is a third of what the last halving changed.
            left = float(np.sqrt(np.square((finer - found) / self.spread()).mean())) / 3
            found = finer
            if left <= tolerance:
                return found
        raise InputError(
            f"kernel 'denoise': the solver's error is still {left:.2g} standard deviations at {steps << halving} "
            f"steps; expected at most {tolerance:g}: give a larger tolerance"
        )

    @abstractmethod
    def spread(self) -> NDArray[np.float64]:
        """(C,) the data's standard deviations, none of them 0."""

    @abstractmethod
    def _solved(
        self, rows: slice, noise: NDArray[np.float32], scale: float, steps: int, fine: bool
    ) -> NDArray[np.float64]:
        """(n, T, C) where the sampler of so many steps leads; `fine`: at levels beside the model's grid too."""


class _AbstractOwn(AbstractSolver):
    """A model of this library: values normalised, conditions and lengths told."""

    def __init__(self, model: Any, trajectories: Trajectories) -> None:
        self.model, self.trajectories = model, trajectories
        self.T = min(trajectories.T, model.description.T)
        self.hardware = Hardware.of(model.settings)
        self.network = model.network.to(self.hardware.device)
        features = features_of(model, own_condition(model, trajectories), len(trajectories))
        self.features = None if features is None else features.to(self.hardware.device)
        told = model.description.lengths or trajectories.lengths is not None
        self.lengths = torch.from_numpy(trajectories.steps.copy()).to(self.hardware.device) if told else None

    def spread(self) -> NDArray[np.float64]:
        return np.asarray(self.model.description.scale)

    def _asked(self, rows: slice, x: Tensor, level: float) -> Tensor:
        """The network at one level, for some rows."""
        lengths = None if self.lengths is None else self.lengths[rows]
        features = None if self.features is None else self.features[rows]
        with self.hardware.precision_context():
            made: Tensor = self.network(x, torch.full((len(x),), level, device=x.device), lengths, features)
        return made

    def _clean(self, rows: slice) -> Tensor:
        return normalised(self.model, self.trajectories.values[rows, : self.T])

    def _noise(self, noise: NDArray[np.float32]) -> Tensor:
        return torch.from_numpy(noise[:, : self.T]).to(self.hardware.device)

    def _back(self, made: Tensor, rows: slice) -> NDArray[np.float64]:
        values = in_data_units(self.model, made)
        beyond = self.trajectories.T - self.T
        return np.pad(values, ((0, 0), (0, beyond), (0, 0)), mode="edge") if beyond else values


@final
class _Own(_AbstractOwn):
    """D(x; σ) with the levels of EDM."""

    def __init__(self, model: Any, trajectories: Trajectories) -> None:
        super().__init__(model, trajectories)
        self.sampling = model.Sampling()
        self.steps = self.sampling.sampler_steps

    def _solved(
        self, rows: slice, noise: NDArray[np.float32], scale: float, steps: int, fine: bool
    ) -> NDArray[np.float64]:
        sigma = scale * self.model.scale
        most = self.sampling.sigma_max / self.model.scale
        require(
            scale <= most, f"kernel 'denoise': got scale {scale:g}; expected at most {most:g}, pure noise"
        )
        levels = _from(sigma, noise_levels(steps, self.sampling.sigma_min, self.sampling.sigma_max))
        x = self._clean(rows) + sigma * self._noise(noise)
        return self._back(heun(lambda y, level: self._asked(rows, y, level), x, levels), rows)


@final
class _Flow(_AbstractOwn):
    """v(x, t) with equal steps of t; level σ is where t = 1 / (1 + σ) and x_t = t (x + σ ε)."""

    def __init__(self, model: Flow, trajectories: Trajectories) -> None:
        super().__init__(model, trajectories)
        self.sampling = model.Sampling()
        self.steps = model.network.steps_within(self.sampling.tolerance)

    def _solved(
        self, rows: slice, noise: NDArray[np.float32], scale: float, steps: int, fine: bool
    ) -> NDArray[np.float64]:
        start = 1 / (1 + scale * self.model.scale)
        n = max(round((1 - start) * steps), 1)
        times = [start + (1 - start) * i / n for i in range(n)] + [1.0]
        x = start * self._clean(rows) + (1 - start) * self._noise(noise)
        solver = SOLVERS[self.sampling.sampler]
        return self._back(solve(lambda y, t: self._asked(rows, y, t), x, times, solver), rows)


@final
class _Adapted(AbstractSolver):
    """The denoiser of another program, in data units."""

    def __init__(
        self, adapter: AbstractDenoisingAdapter, trajectories: Trajectories, sigma: NDArray[np.float64]
    ) -> None:
        shape = (adapter.T, adapter.C)
        require(
            trajectories.values.shape[1:] == shape and bool((trajectories.steps == trajectories.T).all()),
            f"{adapter.name}: got trajectories of shape {trajectories.values.shape[1:]} (T, C); expected {shape}, none "
            "of them shorter",
        )
        self.denoiser, self.trajectories = adapter.denoiser, trajectories
        self.steps, self.sigma = adapter.default_steps, sigma

    def spread(self) -> NDArray[np.float64]:
        return np.where(self.sigma > 0, self.sigma, 1.0)

    def _level(self, scale: float) -> float:
        """σ in data units: the noise is as large as the data at scale 1, by the geometric mean over channels."""
        moving = self.sigma > 0
        require(bool(moving.any()), "kernel 'denoise': all values are alike; expected data that vary")
        ratio = self.sigma[moving] / self.denoiser.noise_scale[moving]
        return scale * float(np.exp(np.log(ratio).mean()))

    def _solved(
        self, rows: slice, noise: NDArray[np.float32], scale: float, steps: int, fine: bool
    ) -> NDArray[np.float64]:
        denoiser, sigma = self.denoiser, self._level(scale)
        whole = (
            noise_levels(steps, denoiser.sigma_min, denoiser.sigma_max) if fine else denoiser.levels(steps)
        )
        levels = _from(sigma, whole)
        x = torch.from_numpy(self.trajectories.values[rows].astype(np.float32))
        x = x + sigma * torch.from_numpy(noise * denoiser.noise_scale.astype(np.float32))
        return heun(denoiser, x, levels).numpy().astype(np.float64)


def _from(sigma: float, levels: list[float]) -> list[float]:
    """σ, and the levels below it."""
    return [sigma, *(level for level in levels if level < _BELOW * sigma)]
