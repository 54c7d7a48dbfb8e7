"""Sampled: what a model makes by itself in the place of deviations."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np

from pushforward.errors import require
from pushforward.generators.base import AbstractGenerator
from pushforward.kernels.base import AbstractDeviationKernel, deviated, learned
from pushforward.trajectories import Trajectories

__all__ = ["Sampled"]

_SEEDS = 2**31


@final
@dataclass(frozen=True, eq=False)
class Sampled(AbstractDeviationKernel):
    """x' ~ p, a trajectory of a model whatever x is: the law of what it makes in the place of deviations.

    Attributes:
        generator: the model.
    """

    name: ClassVar[str] = "sampled"
    formula: ClassVar[str] = "x' ~ p_model, whatever x is"
    source: ClassVar[str] = "this project"
    cost: ClassVar[str] = "sampling from the model once"
    repeats: ClassVar[int] = 1
    parallel: ClassVar[bool] = False
    block_values: ClassVar[int] = 1 << 22

    scale: float | None = 1.0
    generator: AbstractGenerator | None = learned()

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """As many as are given.

        Raises:
            InputError: ragged trajectories, as what is made has lengths of its own.
        """
        assert self.generator is not None
        require(
            trajectories.lengths is None,
            "got trajectories of several lengths; expected one length, as made ones have their own",
        )
        made = self.generator.sample(len(trajectories), seed=int(rng.integers(_SEEDS)))
        return deviated(trajectories, made.values)
