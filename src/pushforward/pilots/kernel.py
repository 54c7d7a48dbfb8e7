"""The pilot kernel: the errors of a thin model that was trained for a small share of a training's budget."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Self, final

import numpy as np

from pushforward.errors import InputError, named, require
from pushforward.generators.base import AbstractGenerator
from pushforward.kernels.base import AbstractDeviationKernel, learned
from pushforward.kernels.mixture import Mixture
from pushforward.progress import Progress, silent
from pushforward.trajectories import Trajectories

__all__ = ["Account", "Pilot"]

_MOST_SHARE = 0.5
_MOST_PILOTS = 16


@final
@dataclass(frozen=True)
class Account:
    """What a pilot cost, beside the training that it stands for.

    FLOPs are those of the matrix products and convolutions of forward and backward passes in training, counted.

    Attributes:
        flops: of all pilots.
        intended_flops: of the training in full.
        seconds: processor time of the pilots' trainings.
        intended_seconds: what the training in full would take on this machine, from the time of a few of its steps.
        settings: of the pilots, where they differ from those of the training.
    """

    flops: float
    intended_flops: float
    seconds: float
    intended_seconds: float
    settings: tuple[tuple[str, Any], ...]

    @property
    def share(self) -> float:
        """Of the training's FLOPs."""
        return self.flops / self.intended_flops

    def __str__(self) -> str:
        """One line."""
        told = ", ".join(f"{name}={value}" for name, value in self.settings)
        return (
            f"pilot: {100 * self.share:.1f} % of the training's FLOPs ({self.flops:.3g} of {self.intended_flops:.3g}), "
            f"{self.seconds:.0f} s of processor time for about {self.intended_seconds:.0f} s; {told}"
        )


@final
@dataclass(frozen=True, eq=False)
class Pilot(AbstractDeviationKernel):
    """K = (1 − s)·δ_x + s·K_pilot: the errors of a thin model of the class, trained for a small share of the budget.

    The pilot has narrower layers and smaller batches, so that it takes about as many steps as the training in full
    and its learning rate falls as that one's does: on the same share of the budget that forecasts far better than
    the first steps of the training itself. A pilot errs more than what it stands for, hence s below 1. Its
    kernel is, by what the class feeds, `denoise` at noise of four standard deviations, `rollout` from the first
    step, or `reconstruction` with codes from the prior.

    Trained by `fitted`, or by `pilot(data, generator)`.

    Attributes:
        scale: s, the share of the pilot's drift that the training in full is expected to have. Above 1 counts as 1.
        generator: name of the class that is to be trained.
        steps: training steps that are intended; 0 for the class's own number.
        share: the most that all pilots take of the training's FLOPs.
        pilots: how many pilots of different seeds share the budget; their drifts are averaged.
        seed: of the first; the others count up.
        scale_error: standard deviation of ln s.
        report: told of each pilot's steps while it is trained.
    """

    name: ClassVar[str] = "pilot"
    formula: ClassVar[str] = (
        "K = (1 − s)·δ_x + s·K_pilot, K_pilot the own errors of a thin model trained for ≤ 5 %"
    )
    source: ClassVar[str] = "this project; widths and batches as in scaling studies (Kaplan et al. 2020)"
    cost: ClassVar[str] = (
        "`share` of the training's FLOPs, about five times that of its time on a CPU, and its sampler"
    )
    needs: ClassVar[str] = "a class of generators to train"
    scales: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
    repeats: ClassVar[int] = 1
    parallel: ClassVar[bool] = False
    block_values: ClassVar[int] = 1 << 22

    scale: float | None = 0.5
    generator: str = "diffusion"
    steps: int = 0
    share: float = 0.05
    pilots: int = 1
    seed: int = 0
    scale_error: float = field(default=0.35, kw_only=True)
    intended: AbstractGenerator | None = learned()
    mixture: Mixture | None = learned()
    account: Account | None = learned()
    report: Progress = learned(silent)

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            InputError: no such generator, a share that is no small one, a number of pilots or steps out of range.
        """
        super().__post_init__()
        if self.intended is None:
            from pushforward.generators import GENERATORS

            if self.generator not in GENERATORS:
                raise named("generator", self.generator, GENERATORS)
        owner = f"kernel {self.name!r}, setting"
        require(
            0 < self.share <= _MOST_SHARE,
            f"{owner} 'share': got {self.share:g}; expected more than 0, at most {_MOST_SHARE:g}",
        )
        require(
            1 <= self.pilots <= _MOST_PILOTS,
            f"{owner} 'pilots': got {self.pilots}; expected 1 to {_MOST_PILOTS}",
        )
        require(self.steps >= 0, f"{owner} 'steps': got {self.steps}; expected 0 or more")
        require(self.seed >= 0, f"{owner} 'seed': got {self.seed}; expected 0 or more")

    def fitted(self, trajectories: Trajectories) -> Self:
        """The kernel with its pilots trained on `trajectories`; where that is done already, as it is.

        Raises:
            InputError: data that the class cannot be trained on, or a budget too small for any pilot.
        """
        if self.mixture is not None:
            return self
        from pushforward.pilots.training import trained

        mixture, account = trained(self, trajectories)
        return replace(self, mixture=mixture, account=account)

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no pilot was trained, or trajectories that it cannot take.
        """
        share = min(self.known_scale, 1.0)
        if share == 0:
            return trajectories
        if self.mixture is None:
            raise InputError(
                f"kernel {self.name!r}: has no trained pilot; expected one made by pilot(data, generator)"
            )
        return self.mixture.with_scale(share).deviate(trajectories, rng)
