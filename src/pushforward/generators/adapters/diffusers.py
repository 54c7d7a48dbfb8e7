"""Models of Hugging Face's diffusers: a 1-D U-Net with a DDPM or DDIM scheduler."""

from __future__ import annotations

import copy
import inspect
from collections.abc import Callable
from typing import Any, ClassVar, Unpack, final

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from pushforward.errors import InputError, named, printable, require
from pushforward.generators.adapters.denoiser import Scaling
from pushforward.generators.adapters.denoising import AbstractDenoisingAdapter
from pushforward.generators.adapters.guarded import GuardedNetwork
from pushforward.generators.adapters.labels import LabelKeywords, Labels
from pushforward.generators.adapters.module import clean
from pushforward.generators.adapters.schedules import DiscreteSchedule
from pushforward.trajectories import Trajectories

__all__ = ["FromDiffusers"]

_PREDICTIONS = {"epsilon": "epsilon", "sample": "x0", "v_prediction": "v"}
_USUAL_DDIM_STEPS = 50


@final
class FromDiffusers(AbstractDenoisingAdapter):
    """A `UNet1DModel` (or any model(sample, timestep) over (B, C, T)) with its scheduler, DDPM or DDIM.

    Schedule, prediction type and clipping are read from the scheduler; the objects are used, never changed, and no file
    is loaded. The denoiser is E[z₀ | z_t] as the scheduler forms it, with its clipping of z₀ where `clip_sample` is on.

    Own sampler "scheduler": the scheduler's own steps, as many as it was trained with for DDPM, 50 for DDIM.

    Args:
        model: the trained model.
        scheduler: a `DDPMScheduler`, `DDIMScheduler`, or another with `alphas_cumprod`, `config` and `step`.
        like: trajectories whose names, units, dt and shape the made ones have.
        mean: what was taken from the data before training, a number or one per channel.
        scale: what the data was then divided by, likewise.
        batch_size: trajectories that go through the model at a time.
        labels: names and units in place of, or beside, `like`; see `LabelKeywords`.

    Raises:
        InputError: a scheduler of another kind, an unknown prediction type, or dynamic thresholding.
    """

    name: ClassVar[str] = "from-diffusers"
    source: ClassVar[str] = "diffusers, https://github.com/huggingface/diffusers"
    own_sampler: ClassVar[str] = "scheduler"

    def __init__(
        self,
        model: Callable[..., Any],
        scheduler: Any,
        like: Trajectories | None = None,
        *,
        mean: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        batch_size: int = 1024,
        **labels: Unpack[LabelKeywords],
    ) -> None:
        kind = type(scheduler).__name__
        for name in ("alphas_cumprod", "config", "step", "set_timesteps"):
            require(
                hasattr(scheduler, name),
                f"scheduler: got {kind} without {name}; expected DDPMScheduler or DDIMScheduler",
            )
        settings = scheduler.config
        prediction = str(settings.get("prediction_type", "epsilon"))
        if prediction not in _PREDICTIONS:
            raise named("prediction_type", prediction, _PREDICTIONS)
        require(
            not settings.get("thresholding", False),
            "scheduler: got thresholding=True; expected False for trajectories",
        )
        clip = float(settings.get("clip_sample_range", 1.0)) if settings.get("clip_sample", False) else None
        self.model, self.scheduler = GuardedNetwork(model, self.name, "bct"), scheduler
        self._is_ddim = "DDIM" in kind

        def predict(z: Tensor, alpha: Tensor, sigma: Tensor, t: Tensor) -> Tensor:
            return clean(_PREDICTIONS[prediction], self.model(z, t), z, alpha, sigma)

        known = Labels.of(like, labels)
        scaling = Scaling.of(mean, scale, known.shape(self.name)[1])
        schedule = DiscreteSchedule.of_alphas_cumprod(scheduler.alphas_cumprod.detach().cpu().numpy())
        super().__init__(predict, schedule, scaling, known, batch_size, clip)

    def own_steps(self) -> int:
        """All that it was trained with for DDPM, 50 for DDIM."""
        trained = len(self.scheduler.alphas_cumprod)
        return min(_USUAL_DDIM_STEPS, trained) if self._is_ddim else trained

    def own_samples(self, n: int, rng: np.random.Generator, steps: int) -> Tensor:
        """The scheduler's steps, on a copy of it."""
        scheduler = copy.deepcopy(self.scheduler)
        seeded = {}
        if "generator" in inspect.signature(scheduler.step).parameters:
            seeded = {"generator": torch.Generator().manual_seed(int(rng.integers(2**63)))}
        try:
            scheduler.set_timesteps(steps)
        except ValueError as error:
            raise InputError(f"sampler_steps: got {steps}; {printable(error)}") from error
        z = self.noise(n, rng) * float(scheduler.init_noise_sigma)
        for t in scheduler.timesteps:
            answer = self.model(scheduler.scale_model_input(z, t), t.expand(n))
            z = scheduler.step(answer, t, z, **seeded).prev_sample
        return self.denoiser.scaling.to_data(z)
