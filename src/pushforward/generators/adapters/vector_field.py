"""Flow matching: a vector field v(t, x), as of torchcfm."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Unpack, final

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from pushforward.errors import named, require
from pushforward.generators.adapters.denoiser import Scaling
from pushforward.generators.adapters.denoising import AbstractDenoisingAdapter
from pushforward.generators.adapters.guarded import GuardedNetwork
from pushforward.generators.adapters.labels import LabelKeywords, Labels
from pushforward.generators.adapters.schedules import FlowSchedule
from pushforward.trajectories import Trajectories

__all__ = ["VectorField"]

_ORDERS = ("tx", "xt")


@final
class VectorField(AbstractDenoisingAdapter):
    """dz/dt = v(t, z), from noise N(0, 1) at t = 0 to data at t = 1 along z_t = (1 − t) noise + t data.

    That is torchcfm's convention (Tong et al. 2024) and that of Lipman et al. 2023 with σ_min → 0; fields that go the
    other way (data at t = 0, as in rectified flow's common code) say so by `noise_at=1`. As v = E[data − noise | z_t],

        E[data | z_t] = z_t + (1 − t) v(t, z_t),

    which is the denoiser at level (1 − t) / t. For a field trained with independent noise it is D of any diffusion
    model. With optimal-transport couplings noise depends on data, and the expectation is over that coupling:
    noise drawn afresh, as denoise kernels do, then follows another law than in training.

    Own sampler "ode": Heun's method on equal steps of t.

    Args:
        field: an `nn.Module` or callable, called as field(t, z) with t (B,).
        like: trajectories whose names, units, dt and shape the made ones have.
        order: "tx" for field(t, z), "xt" for field(z, t).
        noise_at: 0 or 1, the t at which there is noise alone.
        layout: "btc", "bct" or "flat": what the field takes and returns.
        mean: what was taken from the data before training, a number or one per channel.
        scale: what the data was then divided by, likewise.
        batch_size: trajectories that go through the field at a time.
        labels: names and units in place of, or beside, `like`; see `LabelKeywords`.
    """

    name: ClassVar[str] = "vector-field"
    source: ClassVar[str] = (
        "Lipman et al. 2023, Flow matching for generative modeling; Tong et al. 2024 (torchcfm)"
    )
    own_sampler: ClassVar[str] = "ode"

    def __init__(
        self,
        field: Callable[..., Any],
        like: Trajectories | None = None,
        *,
        order: str = "tx",
        noise_at: int = 0,
        layout: str = "btc",
        mean: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        batch_size: int = 1024,
        **labels: Unpack[LabelKeywords],
    ) -> None:
        if order not in _ORDERS:
            raise named("order", str(order), _ORDERS)
        require(noise_at in (0, 1), f"noise_at: got {noise_at}; expected 0 or 1")
        network = GuardedNetwork(field, self.name, layout, time_first=order == "tx", times="float")

        def velocity(z: Tensor, t: Tensor) -> Tensor:
            return network(z, t) if noise_at == 0 else -network(z, 1 - t)

        def predict(z: Tensor, alpha: Tensor, sigma: Tensor, t: Tensor) -> Tensor:
            return z + sigma * velocity(z, t)

        self.velocity = velocity
        known = Labels.of(like, labels)
        scaling = Scaling.of(mean, scale, known.shape(self.name)[1])
        super().__init__(predict, FlowSchedule(), scaling, known, batch_size)

    def own_samples(self, n: int, rng: np.random.Generator, steps: int) -> Tensor:
        """Heun's method on `steps` equal steps of t from 0 to 1, two calls of the field each."""
        z, h = self.noise(n, rng), 1 / steps
        for i in range(steps):
            slope = self.velocity(z, torch.full((n,), i * h))
            ahead = self.velocity(z + h * slope, torch.full((n,), (i + 1) * h))
            z = z + h / 2 * (slope + ahead)
        return self.denoiser.scaling.to_data(z)
