"""MLP: the simplest generators of trajectories, a denoiser without structure and a rolled-out dynamics model."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pushforward.errors import InputError, require
from pushforward.generators.batches import Batch, Batches
from pushforward.generators.blocks import Block
from pushforward.generators.description import Description
from pushforward.generators.diffusion import probability_flow
from pushforward.generators.edm import SIGMA_DATA, Denoiser, mean_over_valid
from pushforward.generators.features import Layout
from pushforward.generators.learned import AbstractLearned
from pushforward.generators.mlp_settings import MLPSampling, MLPSettings
from pushforward.generators.networks.mlp import MLPDenoiser
from pushforward.generators.networks.mlp_rollout import RolloutMLP
from pushforward.generators.stepwise import next_step, rolled_out, take_statistics, told_condition

__all__ = ["MLP", "MLPSampling", "MLPSettings"]


@final
class MLP(AbstractLearned[MLPSettings, "Denoiser | RolloutMLP", MLPSampling]):
    """Multilayer perceptrons over (T, C), in two kinds.

    "denoiser": the diffusion model of Karras et al. 2022 with a perceptron over all T C values at once in place of
    the U-Net, so without locality or equivariance in time.

    "one-step": p(x_{t+1} | the last `history` states), a Gaussian around a predicted step with a full, state-dependent
    covariance (as the ensembles' members of Chua et al. 2018), rolled out from first states that are drawn from a
    mixture density. Its errors are those of one step, carried on by the dynamics. Starts can be given when sampling
    (`fixed={0: start}`), as users of dynamics models do.
    """

    name: ClassVar[str] = "mlp"
    about: ClassVar[str] = (
        "a multilayer perceptron: a denoiser of all values at once, or a one-step predictor"
    )
    source: ClassVar[str] = (
        "Karras et al. 2022 (denoiser); Chua et al. 2018, Deep reinforcement learning in a handful of trials (one-step)"
    )
    feeds: ClassVar[tuple[str, ...]] = ("denoise", "rollout", "residual")
    Settings: ClassVar[type[MLPSettings]] = MLPSettings
    Sampling: ClassVar[type[MLPSampling]] = MLPSampling
    scale: ClassVar[float] = SIGMA_DATA

    def __init__(self, settings: MLPSettings | None = None, **changes: Any) -> None:
        super().__init__(settings, **changes)
        rolls = self.settings.kind == "one-step"
        # What a kind can do, in place of what the class can.
        self.feeds = ("rollout", "residual") if rolls else ("denoise", "residual")  # type: ignore[misc]
        self.fixes_any_step, self.fixes_first_steps = not rolls, rolls  # type: ignore[misc]

    @staticmethod
    def build(settings: MLPSettings, about: Description, layout: Layout) -> Denoiser | RolloutMLP:
        """The network of the kind."""
        C, ragged = len(about.channels), bool(about.lengths)
        if settings.kind == "denoiser":
            return Denoiser(
                MLPDenoiser(about.T, C, settings.width, settings.blocks, layout.n_features, ragged)
            )
        return RolloutMLP(
            about.T,
            C,
            settings.history,
            settings.n_start,
            settings.width,
            settings.blocks,
            settings.components,
            settings.log_floor,
            layout.n_features + (1 if ragged else 0),
        )

    def begin(self, network: Denoiser | RolloutMLP, batches: Batches) -> None:
        """For the one-step kind, how far a step goes and values reach in the training data."""
        if isinstance(network, RolloutMLP):
            take_statistics(network.statistics, batches)

    def draw(
        self, clean: NDArray[np.float32], lengths: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[Any], ...]:
        """For the denoiser, noise (B, T, C) and σ (B,)."""
        if self.settings.kind == "one-step":
            return ()
        noise = rng.standard_normal(clean.shape, dtype=np.float32)
        normal = rng.standard_normal(len(clean), dtype=np.float32)
        return noise, np.exp(self.settings.P_mean + self.settings.P_std * normal)

    def loss(self, network: Denoiser | RolloutMLP, batch: Batch) -> Tensor:
        """The weighted squared error of the denoiser, or −ln p per value in nats."""
        if isinstance(network, Denoiser):
            noise, sigma = batch.draws
            return network.loss(batch.clean, noise, sigma, batch.lengths, batch.condition)
        condition = told_condition(batch.condition, batch.lengths, network.T)
        return mean_over_valid(-network(batch.clean, condition), batch.lengths)

    def make(self, network: Denoiser | RolloutMLP, block: Block, sampling: MLPSampling) -> Tensor:
        """Solve the probability flow, or roll out."""
        if isinstance(network, Denoiser):
            return probability_flow(network, block, sampling)
        require(
            sampling == MLPSampling(batch_size=sampling.batch_size),
            "mlp: a one-step model is rolled out; got settings of a denoiser's sampler; expected batch_size alone",
        )
        return rolled_out(network.sample, block)

    @property
    def denoiser(self) -> Denoiser:
        """D(x; σ) with the averaged weights, over values normalised to a standard deviation of 0.5.

        Raises:
            InputError: the model is of the kind "one-step".
        """
        network = self.network
        if not isinstance(network, Denoiser):
            raise InputError("mlp: got kind 'one-step', which has no denoiser; expected kind 'denoiser'")
        return network

    def predictor(
        self, x: NDArray[Any], rng: np.random.Generator, condition: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """(B, C) draws of the step after x (B, t, C), in the data's units: for rollout kernels.

        Args:
            x: all steps so far, of which it sees the last `history`; (B, C) is one step.
            rng: of the draws.
            condition: of a conditional model, as in `sample`.

        Raises:
            InputError: the model is not trained, or of the kind "denoiser"; another shape, NaN or infinity.
        """
        network = self.network
        if not isinstance(network, RolloutMLP):
            raise InputError(
                "mlp: got kind 'denoiser', which has no one-step predictor; expected kind 'one-step'"
            )
        return next_step(self, network.follow, x, rng, condition)
