"""Rollout: the end of each trajectory made anew by a one-step predictor, from its own earlier steps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.kernels.base import deviated
from pushforward.kernels.trained import AbstractTrainedKernel
from pushforward.trajectories import Trajectories

__all__ = ["Rollout"]


@final
@dataclass(frozen=True, eq=False)
class Rollout(AbstractTrainedKernel):
    """x'_t = x_t for t < k, then x'_t ~ p(x_t | x'_0 … x'_{t−1}) of a model: its errors at each step, carried on.

    The first k steps are given, as in teacher forcing; the last s·(L − given) of a trajectory's L steps are the
    model's own, each from those that it made before. A model with the true law of each next step keeps the law of the
    data at every s, though each x' differs from its x where the dynamics are random.

    Attributes:
        scale: s, 0 to 1: the share of the steps after the given ones that the model makes, those at the end. A number
            of steps that is not whole is rounded up or down by chance, so that the mean is right.
        run: folder of a trained run; or give `generator`, a trained one or an adapter that feeds "rollout".
        given: first steps that are always the data's.
    """

    name: ClassVar[str] = "rollout"
    formula: ClassVar[str] = (
        "x'_t = x_t for t < k, x'_t ~ p(· | x'_0 … x'_{t−1}) from there on, L − k = s·(L − given)"
    )
    source: ClassVar[str] = (
        "Ross et al. 2011, A reduction of imitation learning and structured prediction (errors that a model makes on "
        "its own states); for the idea: arXiv 2605.20299"
    )
    cost: ClassVar[str] = "as sampling from the model once"
    needs: ClassVar[str] = "a trained generator with a one-step predictor"
    scales: ClassVar[tuple[float, ...]] = (0.05, 0.1, 0.2, 0.4, 0.7, 1.0)

    given: int = 1

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            InputError: a share above 1, or no step given; or as the run's.
        """
        super().__post_init__()
        owner = f"kernel {self.name!r}, setting"
        require(
            self.scale is None or self.scale <= 1,
            f"{owner} 'scale': got {self.scale}; expected a share of the steps, 0 to 1",
        )
        require(self.given >= 1, f"{owner} 'given': got {self.given}; expected at least 1")

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no scale, no model, or trajectories that the model cannot take.
        """
        scale, model = self.known_scale, self.model
        if scale == 0:
            return trajectories
        from pushforward.kernels.stepping import rolled

        kept = self._kept(trajectories.steps, scale, rng)
        made = rolled(model, trajectories, kept, rng)
        own = np.arange(trajectories.T) >= kept[:, None]
        return deviated(trajectories, np.where(own[:, :, None], made, trajectories.values))

    def _kept(self, steps: NDArray[np.int64], scale: float, rng: np.random.Generator) -> NDArray[np.int64]:
        """(N,) how many first steps stay as they are."""
        own = scale * np.maximum(steps - self.given, 0)
        return np.asarray(steps - np.floor(own + rng.random(len(steps))).astype(np.int64))
