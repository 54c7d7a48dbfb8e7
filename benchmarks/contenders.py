"""The peers' diffusion models as they are used: their networks, losses, schedules and samplers."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from typing import Any, ClassVar

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from benchmarks.peers import denoising_diffusion_1d
from pushforward.generators.settings import TrainingSettings
from pushforward.generators.training import learning_rate

__all__ = ["USUAL_STEPS", "Contender", "DenoisingDiffusion", "Diffusers"]

USUAL_STEPS = 1000
_FEW_STEPS, _PEAK = 50, 1e-3


class Contender(ABC):
    """A peer's model on data (N, T, C), which it wants in [0, 1] or [−1, 1].

    It is given this library's schedule of the learning rate (rising to 10⁻³), clipping and averaging of weights; its
    own defaults would need many more steps. The averaging is not timed.
    """

    name: ClassVar[str]
    low: ClassVar[float]
    few_steps: ClassVar[int] = _FEW_STEPS

    def __init__(self, values: NDArray[Any], settings: TrainingSettings, clock: Callable[[], float]) -> None:
        torch.manual_seed(0)
        self.clock, self.settings, self.step = clock, settings, 0
        self.minimum, self.span = values.min(axis=(0, 1)), np.ptp(values, axis=(0, 1))
        scaled = (values - self.minimum) / self.span * (1 - self.low) + self.low
        self.data = torch.from_numpy(scaled.astype(np.float32)).transpose(1, 2).contiguous()
        self.network = self.build(values.shape[1], values.shape[2])
        self.average = {name: p.detach().clone() for name, p in self.network.named_parameters()}
        self.optimizer = torch.optim.AdamW(self.network.parameters(), lr=_PEAK, betas=(0.9, 0.99))
        self.rounds: list[float] = []

    @property
    def n_parameters(self) -> int:
        """Weights of the network."""
        return sum(p.numel() for p in self.network.parameters())

    def train(self, n: int) -> None:
        """n steps; `rounds` gets the seconds of one."""
        taken = 0.0
        for _ in range(n):
            rows = torch.randint(len(self.data), (self.settings.batch_size,))
            started = self.clock()
            share = learning_rate(self.step, self.settings) / self.settings.learning_rate
            self.optimizer.param_groups[0]["lr"] = _PEAK * share
            self.optimizer.zero_grad()
            self.loss(self.data[rows]).backward()
            nn.utils.clip_grad_norm_(self.network.parameters(), 1.0)
            self.optimizer.step()
            taken += self.clock() - started
            self.step += 1
            decay = min(self.settings.ema_decay, (1 + self.step) / (10 + self.step))
            with torch.no_grad():
                for name, parameter in self.network.named_parameters():
                    self.average[name].lerp_(parameter, 1 - decay)
        self.rounds.append(taken / n)

    def finish(self) -> None:
        """Put the averaged weights in."""
        with torch.no_grad():
            for name, parameter in self.network.named_parameters():
                parameter.copy_(self.average[name])
        self.network.eval()

    def samples(self, n: int, steps: int) -> tuple[NDArray[np.float64], float]:
        """(n, T, C) in data units, and the seconds that they took."""
        torch.manual_seed(1)
        started = self.clock()
        with torch.inference_mode():
            made = self.draw(n, steps)
        taken = self.clock() - started
        unit = (made.transpose(1, 2).double().numpy() - self.low) / (1 - self.low)
        return unit * self.span + self.minimum, taken

    @abstractmethod
    def build(self, T: int, C: int) -> nn.Module:
        """The network, as near to 250,000 weights as its widths allow."""

    @abstractmethod
    def loss(self, batch: Tensor) -> Tensor:
        """The package's loss of (B, C, T)."""

    @abstractmethod
    def draw(self, n: int, steps: int) -> Tensor:
        """(n, C, T) by the package's sampler."""


class DenoisingDiffusion(Contender):
    """denoising-diffusion-pytorch: `GaussianDiffusion1D` with its defaults (noise predicted, cosine schedule)."""

    name = "denoising-diffusion-pytorch"
    low = 0.0

    def build(self, T: int, C: int) -> nn.Module:
        """Unet1D of 12, 24 and 48 channels."""
        self.package = denoising_diffusion_1d()
        # Its bars would drown the table.
        self.package.tqdm = lambda steps, **_: steps
        network: nn.Module = self.package.Unet1D(12, dim_mults=(1, 2, 4), channels=C)
        self.diffusion = self._around(network, T, USUAL_STEPS)
        self.few = self._around(network, T, self.few_steps)
        return network

    def _around(self, network: nn.Module, T: int, steps: int) -> Any:
        return self.package.GaussianDiffusion1D(
            network, seq_length=T, timesteps=USUAL_STEPS, sampling_timesteps=steps
        )

    def loss(self, batch: Tensor) -> Tensor:
        """Of the noise, by the package."""
        made: Tensor = self.diffusion(batch)
        return made

    def draw(self, n: int, steps: int) -> Tensor:
        """Its `sample`: ancestral with all steps, DDIM with fewer."""
        made: Tensor = (self.diffusion if steps == USUAL_STEPS else self.few).sample(batch_size=n)
        return made


class Diffusers(Contender):
    """diffusers: `UNet1DModel` with its DDPM scheduler, or its DDIM scheduler for few steps."""

    name = "diffusers"
    low = -1.0

    def build(self, T: int, C: int) -> nn.Module:
        """UNet1DModel of 16, 32 and 32 channels."""
        import diffusers

        self.trained, self.fast = diffusers.DDPMScheduler(), diffusers.DDIMScheduler()
        self.shape = (C, T)
        network: nn.Module = diffusers.UNet1DModel(
            sample_size=T,
            in_channels=C,
            out_channels=C,
            extra_in_channels=32,
            block_out_channels=(16, 32, 32),
        )
        return network

    def loss(self, batch: Tensor) -> Tensor:
        """Mean squared error of the noise, as in the package's training examples."""
        noise, t = torch.randn_like(batch), torch.randint(USUAL_STEPS, (len(batch),))
        return F.mse_loss(self.network(self.trained.add_noise(batch, noise, t), t).sample, noise)

    def draw(self, n: int, steps: int) -> Tensor:
        """The loop of its unconditional pipelines."""
        scheduler = self.trained if steps == USUAL_STEPS else self.fast
        scheduler.set_timesteps(steps)
        x = torch.randn(n, *self.shape)
        for t in scheduler.timesteps:
            x = scheduler.step(self.network(x, t).sample, t, x).prev_sample
        return x
