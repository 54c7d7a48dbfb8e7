"""Models of denoising-diffusion-pytorch: `GaussianDiffusion1D` with its `Unet1D`."""

from __future__ import annotations

import contextlib
import copy
import io
from collections.abc import Iterator
from typing import Any, ClassVar, Unpack, final

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from pushforward.errors import InputError, named, printable, require
from pushforward.generators.adapters.denoiser import Scaling
from pushforward.generators.adapters.denoising import AbstractDenoisingAdapter
from pushforward.generators.adapters.guarded import GuardedNetwork, evaluating
from pushforward.generators.adapters.labels import LabelKeywords, Labels
from pushforward.generators.adapters.module import clean
from pushforward.generators.adapters.schedules import DiscreteSchedule
from pushforward.trajectories import Trajectories

__all__ = ["FromDenoisingDiffusion"]

_OBJECTIVES = {"pred_noise": "epsilon", "pred_x0": "x0", "pred_v": "v"}
_NEEDED = (
    "model",
    "alphas_cumprod",
    "objective",
    "seq_length",
    "channels",
    "sample",
    "unnormalize",
    "num_timesteps",
)


@final
class FromDenoisingDiffusion(AbstractDenoisingAdapter):
    """A `GaussianDiffusion1D`, whatever its objective and noise schedule.

    Schedule, objective, layout and normalisation are read from it; it is used, never changed, and no file is loaded.
    With `auto_normalize` it was trained on numbers u from 0 to 1, and its network sees 2 u − 1: give `mean` and
    `scale` with which the data was brought to 0 … 1. The denoiser is E[z₀ | z_t] held within −1 … 1, as its
    samplers do. A self-conditioned model is given no earlier estimate by the denoiser, but is by its own sampler.

    Own sampler "package": its `sample`, with as many steps as it was built with, or `sampler_steps` (fewer than it
    was trained with are DDIM steps).

    Args:
        diffusion: the trained `GaussianDiffusion1D`.
        like: trajectories whose names, units and dt the made ones have.
        mean: what was taken from the data before training, a number or one per channel.
        scale: what the data was then divided by, likewise.
        batch_size: trajectories that go through the model at a time.
        labels: names and units in place of, or beside, `like`; see `LabelKeywords`.

    Raises:
        InputError: an object of another kind, an unknown objective, or a shape that differs from that of `like`.
    """

    name: ClassVar[str] = "from-denoising-diffusion"
    source: ClassVar[str] = (
        "denoising-diffusion-pytorch, https://github.com/lucidrains/denoising-diffusion-pytorch"
    )
    own_sampler: ClassVar[str] = "package"

    def __init__(
        self,
        diffusion: Any,
        like: Trajectories | None = None,
        *,
        mean: ArrayLike = 0.0,
        scale: ArrayLike = 1.0,
        batch_size: int = 1024,
        **labels: Unpack[LabelKeywords],
    ) -> None:
        for name in _NEEDED:
            require(
                hasattr(diffusion, name),
                f"{self.name}: got {type(diffusion).__name__} without {name}; expected GaussianDiffusion1D",
            )
        objective = str(diffusion.objective)
        if objective not in _OBJECTIVES:
            raise named("objective", objective, _OBJECTIVES)
        self.diffusion = diffusion
        self.layout = "bct" if getattr(diffusion, "channel_first", True) else "btc"
        network = GuardedNetwork(diffusion.model, self.name, self.layout)

        def predict(z: Tensor, alpha: Tensor, sigma: Tensor, t: Tensor) -> Tensor:
            return clean(_OBJECTIVES[objective], network(z, t), z, alpha, sigma)

        known = self._labels(like, labels)
        scaling = Scaling.of(mean, scale, known.shape(self.name)[1])
        zero, one = (float(diffusion.unnormalize(torch.tensor(z))) for z in (0.0, 1.0))
        self._outer = scaling
        schedule = DiscreteSchedule.of_alphas_cumprod(diffusion.alphas_cumprod.detach().cpu().numpy())
        super().__init__(predict, schedule, scaling.after(zero, one - zero), known, batch_size, clip=1.0)

    def own_steps(self) -> int:
        """As it was built."""
        return int(getattr(self.diffusion, "sampling_timesteps", self.diffusion.num_timesteps))

    def own_samples(self, n: int, rng: np.random.Generator, steps: int) -> Tensor:
        """The package's own sampling, on a copy that shares the weights."""
        trained = int(self.diffusion.num_timesteps)
        require(
            steps <= trained,
            f"sampler_steps: got {steps}; expected at most {trained}, as it was trained with",
        )
        diffusion = copy.copy(self.diffusion)
        diffusion.sampling_timesteps, diffusion.is_ddim_sampling = steps, steps < trained
        try:
            with (
                _seeded(int(rng.integers(2**63))),
                evaluating(diffusion),
                contextlib.redirect_stderr(io.StringIO()),
            ):
                made = diffusion.sample(batch_size=n)
        except Exception as error:
            raise InputError(
                f"{self.name}: sample raised {type(error).__name__}: {printable(error)}"
            ) from error
        made = made.transpose(1, 2) if self.layout == "bct" else made
        return self._outer.to_data(made.float().cpu())

    def _labels(self, like: Trajectories | None, given: LabelKeywords) -> Labels:
        known = Labels.of(like, given)
        T, C = int(self.diffusion.seq_length), int(self.diffusion.channels)
        require(
            known.T in (None, T) and known.C in (None, C),
            f"{self.name}: got T = {known.T}, C = {known.C}; expected {T}, {C} as in the model",
        )
        return Labels.of(like, {**given, "T": T, "C": C})


@contextlib.contextmanager
def _seeded(seed: int) -> Iterator[None]:
    """torch's global random state seeded for the body of the `with` (the package knows no other), then as before."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        yield
