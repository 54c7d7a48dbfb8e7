"""Transformer: the autoregressive generator of trajectories."""

from __future__ import annotations

from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pushforward.generators.batches import Batch, Batches
from pushforward.generators.blocks import Block
from pushforward.generators.description import Description
from pushforward.generators.edm import mean_over_valid
from pushforward.generators.features import Layout
from pushforward.generators.learned import AbstractLearned
from pushforward.generators.networks.transformer_laws import AbstractLaw, MixtureLaw, TokenLaw
from pushforward.generators.networks.transformer_trajectories import TrajectoryTransformer
from pushforward.generators.stepwise import (
    next_step,
    rolled_out,
    take_statistics,
    told_condition,
)
from pushforward.generators.transformer_settings import TransformerSampling, TransformerSettings

__all__ = ["Transformer", "TransformerSampling", "TransformerSettings"]


@final
class Transformer(AbstractLearned[TransformerSettings, TrajectoryTransformer, TransformerSampling]):
    """An autoregressive Transformer over time steps (Vaswani et al. 2017): p(x) = Π_t p(x_t | x_0 … x_{t−1}).

    It is trained to give each next step of the data a high density, and makes trajectories by drawing step after
    step, each given its own earlier ones: its errors are those of a step, which the dynamics then carry on. Channels
    of a step are drawn one after the other, so they depend on each other in any way.

    Two heads: "mixture" draws increments from mixtures of Gaussians; "tokens" draws one of `bins` equal bins of a
    channel's range and, once the trajectory is finished, a value uniformly within each bin.

    The first steps can be given when sampling (`fixed={0: start}`) without further ado; later ones, such as a goal,
    when it was trained to be told them (`inpaint`).
    """

    name: ClassVar[str] = "transformer"
    about: ClassVar[str] = "draws step after step, by a causal Transformer with a mixture density or tokens"
    source: ClassVar[str] = (
        "Vaswani et al. 2017, Attention is all you need; Bishop 1994, Mixture density networks"
    )
    feeds: ClassVar[tuple[str, ...]] = ("rollout", "residual")
    Settings: ClassVar[type[TransformerSettings]] = TransformerSettings
    Sampling: ClassVar[type[TransformerSampling]] = TransformerSampling
    fixes_first_steps: ClassVar[bool] = True

    @staticmethod
    def build(settings: TransformerSettings, about: Description, layout: Layout) -> TrajectoryTransformer:
        """The Transformer with its head."""
        law: AbstractLaw = (
            MixtureLaw(settings.components, settings.log_floor)
            if settings.head == "mixture"
            else TokenLaw(settings.bins)
        )
        n_condition = layout.n_features + (1 if about.lengths else 0)
        return TrajectoryTransformer(
            about.T,
            len(about.channels),
            law,
            settings.width,
            settings.blocks,
            settings.attention_heads,
            settings.hidden,
            n_condition,
        )

    def begin(self, network: TrajectoryTransformer, batches: Batches) -> None:
        """How far a step goes and values reach in the training data."""
        take_statistics(network.statistics, batches)

    def loss(self, network: TrajectoryTransformer, batch: Batch) -> Tensor:
        """−ln p per value, in nats."""
        condition = told_condition(batch.condition, batch.lengths, network.T)
        return mean_over_valid(-network(batch.clean, condition), batch.lengths)

    def make(self, network: TrajectoryTransformer, block: Block, sampling: TransformerSampling) -> Tensor:
        """Draw step after step."""
        made = rolled_out(network.sample, block)
        if isinstance(network.law, TokenLaw):
            made = made + network.law.width(network.statistics) * (block.uniform(block.T, block.C) - 0.5)
        return made

    def predictor(
        self, x: NDArray[Any], rng: np.random.Generator, condition: ArrayLike | None = None
    ) -> NDArray[np.float64]:
        """(B, C) draws of the step that comes after x (B, t, C), 1 ≤ t < T, in the data's units: for rollout kernels.

        Args:
            x: all steps so far; (B, C) is one step.
            rng: of the draws.
            condition: of a conditional model, as in `sample`.

        Raises:
            InputError: the model is not trained yet, or another shape, NaN or infinity.
        """
        return next_step(self, self.network.follow, x, rng, condition)
