"""Flow: the flow-matching generator of trajectories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar, final

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from pushforward.errors import named, require
from pushforward.generators.batches import Batch, Batches
from pushforward.generators.blocks import Block
from pushforward.generators.coupling import by_optimal_transport
from pushforward.generators.description import Description
from pushforward.generators.edm import mean_over_valid
from pushforward.generators.features import Layout
from pushforward.generators.learned import AbstractLearned
from pushforward.generators.networks.unet1d import UNet1d
from pushforward.generators.ode import SOLVERS, equal_times, solve
from pushforward.generators.settings import (
    SamplingSettings,
    TrainingSettings,
    require_among,
    require_between,
)
from pushforward.generators.velocity import FlowDenoiser, VelocityField

__all__ = ["Flow", "FlowSampling", "FlowSettings"]

_COUPLINGS = ("independent", "optimal-transport")
_PROBES, _PROBE_STREAM = 32, 9


@dataclass(frozen=True)
class FlowSettings(TrainingSettings):
    """How to train the flow-matching generator.

    Attributes:
        widths: channels of the U-Net's levels, from the finest to the coarsest.
        blocks: residual blocks per level, down and up.
        kernel: odd width of the convolutions, in time steps.
        coupling: how noise is paired with data: "independent", or "optimal-transport" within each batch.
    """

    widths: tuple[int, ...] = (16, 32, 64)
    blocks: int = 2
    kernel: int = 5
    coupling: str = "independent"

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        super().__post_init__()
        UNet1d.require_settings(self.widths, self.blocks, self.kernel)
        require_among("coupling", self.coupling, _COUPLINGS)
        # Within a batch the noise nearest to a trajectory tells its condition, which fresh noise does not.
        require(
            self.coupling == "independent" or not self.inpaint,
            "coupling: got optimal-transport with inpaint; expected independent, as noise paired with data by "
            "transport depends on what is told",
        )


@dataclass(frozen=True)
class FlowSampling(SamplingSettings):
    """How to sample from a flow.

    Attributes:
        sampler: "midpoint" or "heun" (2 network calls a step), "euler" (1) or "rk4" (4).
        sampler_steps: equal steps from noise to data; 0 takes as few (4 to 64) as the flow's straightness allows.
        tolerance: where sampler_steps is 0: largest error of the midpoint method, in standard deviations of the data.
        guidance: w of classifier-free guidance, v_null + w (v_condition − v_null); 1 is the conditional law as learned.
    """

    sampler: str = "midpoint"
    sampler_steps: int = 0
    tolerance: float = 0.01
    guidance: float = 1.0

    def __post_init__(self) -> None:
        """Refuse settings that cannot work.

        Raises:
            InputError: names the setting, what it got and what was expected.
        """
        super().__post_init__()
        if self.sampler not in SOLVERS:
            raise named("sampler", str(self.sampler), SOLVERS)
        require_between("sampler_steps", self.sampler_steps, 0, 10_000)
        require_between("tolerance", self.tolerance, 1e-6, 1)
        require_between("guidance", self.guidance, 0, 100)


@final
class Flow(AbstractLearned[FlowSettings, VelocityField, FlowSampling]):
    """Flow matching over (T, C) with a 1-D U-Net, after Lipman et al. 2023 and Liu et al. 2023 (rectified flow).

    It learns v(x, t) = E[data − noise | x = (1 − t) noise + t data] by least squares over t ~ U(0, 1) and makes
    trajectories by solving dx/dt = v(x, t) from noise at t = 0. With coupling "optimal-transport" noise and data
    of a batch are paired to the least sum of squared distances (Tong et al. 2024; Pooladian et al. 2023), which
    straightens the flow, so that fewer steps suffice.

    Fixed steps: x moves there on a straight line to the given value, the exact velocity for a model that was
    trained to be told them (`inpaint`); for one that was not, an approximation, as in `Diffusion`.
    """

    name: ClassVar[str] = "flow"
    about: ClassVar[str] = "follows a velocity field from noise to data by a 1-D U-Net (flow matching)"
    source: ClassVar[str] = (
        "Lipman et al. 2023, Flow matching for generative modeling; Liu et al. 2023, Flow straight and fast"
    )
    feeds: ClassVar[tuple[str, ...]] = ("denoise", "residual")
    Settings: ClassVar[type[FlowSettings]] = FlowSettings
    Sampling: ClassVar[type[FlowSampling]] = FlowSampling
    fixes_any_step: ClassVar[bool] = True

    @staticmethod
    def build(settings: FlowSettings, about: Description, layout: Layout) -> VelocityField:
        """v, a U-Net."""
        require(
            settings.coupling == "independent" or layout.n_columns == 0,
            "coupling: got optimal-transport with a condition; expected independent, as noise paired with data by "
            "transport depends on the condition",
        )
        return VelocityField(
            UNet1d(len(about.channels), settings.widths, settings.blocks, settings.kernel, layout)
        )

    def draw(
        self, clean: NDArray[np.float32], lengths: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        """Noise (B, T, C) and t (B,)."""
        noise = rng.standard_normal(clean.shape, dtype=np.float32)
        t = rng.random(len(clean), dtype=np.float32)
        if self.settings.coupling == "optimal-transport":
            noise = noise[by_optimal_transport(noise, clean, lengths)]
        return noise, t

    def loss(self, network: VelocityField, batch: Batch) -> Tensor:
        """‖v((1 − t) noise + t data, t) − (data − noise)‖² per value (Lipman et al. eq. 23 with σ_min = 0)."""
        noise, t = batch.draws
        x = torch.lerp(noise, batch.clean, t[:, None, None])
        error = network(x, t, batch.lengths, batch.condition) - (batch.clean - noise)
        return mean_over_valid(error.square(), batch.lengths)

    def finish(self, network: VelocityField, batches: Batches) -> None:
        """Measure how straight the flow is, from which `sampler_steps=0` takes its number of steps."""
        # Of a smaller batch there would be the shortest trajectories alone.
        probes = min(_PROBES, self.settings.batch_size)
        batch = next(iter(batches.in_order(probes))).to(network.step_error.device)
        rng = np.random.default_rng([batches.seed, _PROBE_STREAM])
        noise = torch.from_numpy(rng.standard_normal(batch.clean.shape, dtype=np.float32))
        network.measure(noise.to(batch.clean), batch.lengths, batch.condition)

    def make(self, network: VelocityField, block: Block, sampling: FlowSampling) -> Tensor:
        """Solve the flow from noise."""
        start = block.normal(block.T, block.C)

        def velocity(x: Tensor, t: float) -> Tensor:
            def one(x: Tensor, condition: Tensor | None, lengths: Tensor | None) -> Tensor:
                made: Tensor = network(x, torch.full((len(x),), t, device=x.device), lengths, condition)
                return made

            v = block.guided(lambda condition: block.through(one, x, condition), sampling.guidance)
            return v if block.known is None else (block.known.values - start).where(block.known.mask, v)

        steps = sampling.sampler_steps or network.steps_within(sampling.tolerance)
        asked = velocity if block.steer is None else block.steer.velocity(velocity)
        return solve(asked, start, equal_times(steps), SOLVERS[sampling.sampler])

    @property
    def denoiser(self) -> FlowDenoiser:
        """D(x; σ) = E[clean | x = clean + σ noise] of this flow, over values normalised to standard deviation 1."""
        return FlowDenoiser(self.network)
