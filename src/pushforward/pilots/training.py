"""Training pilots, and the kernel that each class's pilot makes."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import asdict, replace
from typing import Any

from pushforward.errors import InputError
from pushforward.generators import create
from pushforward.generators.learned import AbstractLearned
from pushforward.kernels.base import AbstractDeviationKernel
from pushforward.kernels.denoise import Denoise
from pushforward.kernels.mixture import Mixture
from pushforward.kernels.reconstruction import Reconstruction
from pushforward.kernels.rollout import Rollout
from pushforward.pilots.cost import step_cost
from pushforward.pilots.kernel import Account, Pilot
from pushforward.pilots.thin import thinned
from pushforward.trajectories import Trajectories

__all__ = ["intended_model", "trained"]

# Noise of four standard deviations: little of x is left, and the levels above, which err little, are not paid for.
_NOISE = 4.0


def intended_model(kernel: Pilot) -> AbstractLearned[Any, Any, Any]:
    """The training in full, which a pilot stands for.

    Raises:
        InputError: a class that is not trained here.
    """
    model = kernel.intended if kernel.intended is not None else create(kernel.generator)
    if not isinstance(model, AbstractLearned):
        raise InputError(f"pilot: got generator {model.name!r}; expected one that is trained here")
    if not kernel.steps:
        return model
    return type(model)(replace(model.settings, steps=kernel.steps))


def trained(
    kernel: Pilot,
    trajectories: Trajectories,
    condition: Any = None,
    *,
    made: Callable[[AbstractLearned[Any, Any, Any], int], AbstractDeviationKernel] | None = None,
    extra: float = 1.0,
) -> tuple[Mixture, Account]:
    """The pilots of `kernel`, trained; as one kernel, with what they cost.

    Args:
        kernel: what is to be trained, and for how much.
        trajectories: the data.
        condition: as `fit` takes it.
        made: trains a thin model in another way, with a seed, and gives the kernel of what it makes.
        extra: how many times the FLOPs a step then takes.

    Raises:
        InputError: data that the class cannot be trained on, or a budget too small.
    """

    def plainly(model: AbstractLearned[Any, Any, Any], seed: int) -> AbstractDeviationKernel:
        model.fit(trajectories, condition=condition, seed=seed, progress=kernel.report)
        return _kernel_of(model).fitted(trajectories)

    intended = intended_model(kernel)
    whole = step_cost(intended, trajectories)
    total = whole.flops * intended.settings.steps
    thin, flops = thinned(intended, trajectories, kernel.share * total / kernel.pilots / extra)
    kind, seeds = type(intended), range(kernel.seed, kernel.seed + kernel.pilots)
    start = time.process_time()
    parts = [(made or plainly)(kind(thin.settings), seed) for seed in seeds]
    account = Account(
        flops=extra * flops * kernel.pilots,
        intended_flops=total,
        seconds=time.process_time() - start,
        intended_seconds=whole.seconds * intended.settings.steps,
        settings=_changed(thin, intended),
    )
    return Mixture(kernels=tuple(parts)), account


def _kernel_of(model: AbstractLearned[Any, Any, Any]) -> AbstractDeviationKernel:
    if "denoise" in model.feeds:
        return Denoise(scale=_NOISE, generator=model)
    if "rollout" in model.feeds:
        return Rollout(scale=1.0, generator=model)
    return Reconstruction(scale=1.0, prior=1.0, generator=model)


def _changed(
    thin: AbstractLearned[Any, Any, Any], intended: AbstractLearned[Any, Any, Any]
) -> tuple[tuple[str, Any], ...]:
    before = asdict(intended.settings)
    return tuple((name, value) for name, value in asdict(thin.settings).items() if value != before[name])
