"""What the adapters of diffusion and flow models share: a denoiser in data units, and ways to sample."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, ClassVar

import numpy as np
import torch
from torch import Tensor

from pushforward.errors import named, printable, require
from pushforward.generators.adapters.base import AbstractAdapter, check_request
from pushforward.generators.adapters.denoiser import DataDenoiser, Predict, Scaling
from pushforward.generators.adapters.labels import Labels
from pushforward.generators.adapters.schedules import AbstractSchedule
from pushforward.generators.samplers import SAMPLERS
from pushforward.generators.steering import Steer, Steering
from pushforward.trajectories import Trajectories

__all__ = ["AbstractDenoisingAdapter"]

_STREAM = 13
_MOST_STEPS = 100_000


class AbstractDenoisingAdapter(AbstractAdapter):
    """A diffusion or flow model of another program.

    It samples by `own_sampler`, the way its own program would, where there is one, or by this library's `heun` and
    `dpm` on its denoiser, which shows how much of a drift is the sampler's.

    Attributes:
        own_sampler: name of the program's own way to sample, or "".
        denoiser: D(x; σ) in data units, what denoise kernels call.
    """

    feeds: ClassVar[tuple[str, ...]] = ("denoise", "residual")
    own_sampler: ClassVar[str] = ""
    default_steps: ClassVar[int] = 50

    def __init__(
        self,
        predict: Predict,
        schedule: AbstractSchedule,
        scaling: Scaling,
        labels: Labels,
        batch_size: int,
        clip: float | None = None,
    ) -> None:
        require(batch_size >= 1, f"batch_size: got {batch_size}; expected at least 1")
        self.labels, self.batch_size = labels, batch_size
        self.T, self.C = labels.shape(self.name)
        self.denoiser = DataDenoiser(predict, schedule, scaling, batch_size, clip)

    def sample_batches(
        self,
        n: int,
        seed: int = 0,
        *,
        sampler: str | None = None,
        sampler_steps: int | None = None,
        steering: Steering | None = None,
        **settings: Any,
    ) -> Iterator[Trajectories]:
        """The trajectories of `sample(n, seed)`, `batch_size` at a time; each batch has its own random stream.

        Args:
            n: how many.
            seed: the same seed and batch size give the same trajectories.
            sampler: the adapter's `own_sampler` (default where there is one), "heun" (default elsewhere), "dpm" or
                "calibrated".
            sampler_steps: levels, or steps of the own sampler; default: what its program would take.
            steering: towards values of a quantity, with this library's samplers only.
            settings: none.

        Raises:
            InputError: an unknown sampler or setting, or a network that misbehaves.
        """
        self.refuse(settings, ("sampler", "sampler_steps"))
        check_request(n, seed)
        # The own sampler is another program's, through which no gradient goes.
        valid = ([self.own_sampler] if self.own_sampler and steering is None else []) + list(SAMPLERS)
        chosen = valid[0] if sampler is None else sampler
        if chosen not in valid:
            raise named("sampler", str(chosen), valid)
        own = chosen == self.own_sampler
        steps = (self.own_steps() if own else self.default_steps) if sampler_steps is None else sampler_steps
        require(
            isinstance(steps, int) and 2 <= steps <= _MOST_STEPS,
            f"sampler_steps: got {printable(steps)}; expected 2 to {_MOST_STEPS:,}",
        )
        for batch, start in enumerate(range(0, n, self.batch_size)):
            count = min(self.batch_size, n - start)
            rng = np.random.default_rng([int(seed), _STREAM, batch])
            steer = None if steering is None else self._steer(steering.of_sample(n, self), start, count)
            made = (
                self.own_samples(count, rng, steps) if own else self._solved(count, rng, steps, chosen, steer)
            )
            yield self.labels.labelled(made, count, self.name)

    def own_steps(self) -> int:
        """Steps of the own sampler where none are asked for."""
        return self.default_steps

    def own_samples(self, n: int, rng: np.random.Generator, steps: int) -> Tensor:
        """(n, T, C) in data units by the own sampler, where there is one; every random number comes from `rng`."""
        raise NotImplementedError

    def noise(self, n: int, rng: np.random.Generator) -> Tensor:
        """(n, T, C) standard normal numbers, of which the first rows do not depend on n."""
        return torch.from_numpy(rng.standard_normal((n, self.T, self.C), dtype=np.float32))

    def _steer(self, steering: Steering, start: int, count: int) -> Steer:
        scaling = self.denoiser.scaling
        rows = slice(start, start + count)
        # What a model was trained on is normalised, as far as its user said how.
        return steering.part(rows, (scaling.shift, scaling.scale), 1.0, torch.device("cpu"))

    def _solved(
        self, n: int, rng: np.random.Generator, steps: int, sampler: str, steer: Steer | None
    ) -> Tensor:
        """dx/dσ = (x − D) / σ over the model's own levels, in the model's own units."""
        schedule = self.denoiser.schedule
        levels = schedule.levels(steps)

        def denoise(y: Tensor, level: float) -> Tensor:
            return self.denoiser.clean(y, np.full(len(y), level))

        asked = denoise if steer is None else steer.denoiser(denoise)
        made = SAMPLERS[sampler](asked, levels[0] * self.noise(n, rng), levels, None, 0.0)
        return self.denoiser.scaling.to_data(made)
