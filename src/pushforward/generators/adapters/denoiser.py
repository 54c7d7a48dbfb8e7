"""The one object that every diffusion-like adapter exposes: D(x, σ) in data units."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Self, final

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pushforward.errors import require
from pushforward.generators.adapters.schedules import AbstractSchedule

__all__ = ["DataDenoiser", "Predict", "Scaling"]

Predict = Callable[[Tensor, Tensor, Tensor, Tensor], Tensor]
"""(z (B, T, C), α (B, 1, 1), σ (B, 1, 1), t (B,)) -> E[z₀ | z], in the model's own units."""

_ROUNDING = 1e-6


@dataclass(frozen=True)
class Scaling:
    """x = shift + scale z between data units x and the model's own units z; each a number per channel."""

    shift: NDArray[np.float64]
    scale: NDArray[np.float64]

    @classmethod
    def of(cls, mean: ArrayLike, scale: ArrayLike, C: int) -> Self:
        """From one number, or one per channel.

        Raises:
            InputError: another shape, NaN, or a scale that is not positive.
        """
        found = []
        for name, given in (("mean", mean), ("scale", scale)):
            array = np.asarray(given, dtype=np.float64)
            require(
                array.shape in ((), (C,)), f"{name}: got shape {array.shape}; expected a number or ({C},)"
            )
            require(bool(np.isfinite(array).all()), f"{name}: got NaN or infinity; expected finite numbers")
            found.append(np.broadcast_to(array, (C,)).copy())
        require(bool((found[1] > 0).all()), f"scale: got {found[1].min():g}; expected positive numbers")
        return cls(*found)

    def after(self, shift: float, scale: float) -> Scaling:
        """The scaling where the model's z is itself shift + scale u of what its network sees, u."""
        return Scaling(self.shift + self.scale * shift, self.scale * scale)

    @property
    def size(self) -> float:
        """The geometric mean of the channels' scales."""
        return float(np.exp(np.log(self.scale).mean()))

    def to_data(self, z: Tensor) -> Tensor:
        """x = shift + scale z."""
        return z * torch.as_tensor(self.scale).to(z) + torch.as_tensor(self.shift).to(z)

    def to_model(self, x: Tensor) -> Tensor:
        """z = (x − shift) / scale."""
        return (x - torch.as_tensor(self.shift).to(x)) / torch.as_tensor(self.scale).to(x)


@final
class DataDenoiser:
    """D(x; σ) = E[clean | x], x = clean + σ · noise_scale · noise, everything in data units.

    Whatever process a model was trained on, it is brought to this variance-exploding one. With z = (x − shift) / scale
    in the model's units, `size` the geometric mean of the channels' scales, and t the time at which
    σ_t / α_t = σ / size,

        D(x; σ) = shift + scale · E[z₀ | z_t = α_t z].

    Attributes:
        noise_scale: (C,) the noise's standard deviation in each channel at σ = 1, of geometric mean 1: all ones
            where the model sees all channels at one scale, else as the model scales them.
        sigma_min: the lowest level that the model knows.
        sigma_max: the highest.
        clip: E[z₀ | z_t] is held within −clip … clip, as the model's own sampler does; None: it is not.
    """

    def __init__(
        self,
        predict: Predict,
        schedule: AbstractSchedule,
        scaling: Scaling,
        batch_size: int = 1024,
        clip: float | None = None,
    ) -> None:
        self.schedule, self.scaling, self.batch_size = schedule, scaling, batch_size
        self.clip, self._predict = clip, predict
        self.noise_scale = scaling.scale / scaling.size
        self.sigma_min, self.sigma_max = schedule.sigma_min * scaling.size, schedule.sigma_max * scaling.size

    def __call__(self, x: Tensor, sigma: float | Tensor) -> Tensor:
        """The expected clean trajectories, without gradient.

        Args:
            x: (B, T, C) in data units.
            sigma: one level, or (B,) of them.

        Raises:
            InputError: a level that the model does not know, another shape, or a network that misbehaves.
        """
        width = len(self.noise_scale)
        require(
            x.ndim == 3 and x.shape[2] == width,
            f"denoiser: got x of shape {tuple(x.shape)}; expected (B, T, {width})",
        )
        level = self._levels(sigma, len(x))
        made = torch.empty_like(x, requires_grad=False)
        for start in range(0, len(x), self.batch_size):
            part = slice(start, start + self.batch_size)
            y = self.scaling.to_model(x[part].detach())
            made[part] = self.scaling.to_data(self.clean(y, level[part]))
        return made

    def levels(self, n: int, highest: float | None = None) -> list[float]:
        """At most n falling levels from `highest` (default: σ_max) to σ_min, then 0: for the solvers of `samplers`."""
        size = self.scaling.size
        return [
            level * size for level in self.schedule.levels(n, None if highest is None else highest / size)
        ]

    def clean(self, y: Tensor, level: NDArray[np.float64]) -> Tensor:
        """E[z₀ | y = z₀ + level · noise] in the model's units; y (B, T, C), level (B,).

        With a gradient where y asks for one.
        """
        total: Tensor | None = None
        for point in self.schedule.points(level):
            alpha, sigma = (torch.as_tensor(part).to(y)[:, None, None] for part in (point.alpha, point.sigma))
            time = torch.as_tensor(point.time, device=y.device)
            answer = self._predict(alpha * y, alpha, sigma, time)
            weighted = answer * torch.as_tensor(point.weight).to(y)[:, None, None]
            total = weighted if total is None else total + weighted
        assert total is not None
        return total if self.clip is None else total.clamp(-self.clip, self.clip)

    def _levels(self, sigma: float | Tensor, n: int) -> NDArray[np.float64]:
        given = sigma.detach().cpu().numpy() if isinstance(sigma, Tensor) else sigma
        level = np.asarray(given, dtype=np.float64)
        require(level.shape in ((), (n,)), f"sigma: got shape {level.shape}; expected one level or ({n},)")
        low, high = self.sigma_min * (1 - _ROUNDING), self.sigma_max * (1 + _ROUNDING)
        require(
            bool(((level >= low) & (level <= high)).all()),
            f"sigma: got {level.min():g} to {level.max():g}; expected {self.sigma_min:g} to {self.sigma_max:g}, the "
            "levels of the model's schedule in data units",
        )
        return np.broadcast_to(level / self.scaling.size, (n,)).copy()
