"""recommend: forecast every candidate, before any training, and rank them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from pushforward.errors import require
from pushforward.generators.base import AbstractGenerator
from pushforward.kernels import AbstractDeviationKernel, Gaussian
from pushforward.kernels import parse as parse_kernel
from pushforward.measure.intended import Intended
from pushforward.mitigations.measuring import as_quantity
from pushforward.pilots.kernel import Pilot
from pushforward.progress import Progress, silent
from pushforward.quantities.base import AbstractQuantity
from pushforward.recommend.candidates import Candidates, Check, Tried
from pushforward.recommend.results import Pilots, Recommendation
from pushforward.representations import REPRESENTATIONS, parse
from pushforward.representations.base import AbstractRepresentation
from pushforward.trajectories import Trajectories

__all__ = ["recommend"]


def recommend(
    trajectories: Trajectories,
    quantity: AbstractQuantity | Callable[..., Any] | str,
    *,
    generator: AbstractGenerator | str | None = None,
    share: float = 0.1,
    kernel: AbstractDeviationKernel | str | None = None,
    intended: Intended | str | None = None,
    representations: Sequence[AbstractRepresentation | str] | None = None,
    valid: Check | None = None,
    group: str | None = None,
    repeats: int = 2,
    seed: int = 0,
    data: str = "DATA",
    progress: Progress = silent,
) -> Recommendation:
    """Which coordinates to train in, and which demonstrations to train on, so that φ keeps its law?

    Each candidate's local errors are made where its model makes them, in its codes, and pushed through φ: the forecast
    drift ranks them. With a generator the errors are those of thin models of its class, one trained in each
    candidate's codes: that takes minutes and knows in which codes the class errs much, and what it makes of φ as a
    condition. Without one they are of one size relative to each code's spread, which takes seconds.

    Args:
        trajectories: the data.
        quantity: φ, its name, or any callable.
        generator: what is to be trained, with its settings, or its name; nothing is trained but pilots of it.
        share: the most that each pilot takes of a training's FLOPs.
        kernel: of the local errors; default without a generator: white, 4 % of each code's standard deviation.
        intended: π where it is a stated law; else the data's own.
        representations: to try, as objects or spelled ("increments + whitened"); default: all registered ones.
        valid: (N,) which trajectories are plausible, such as a system's `valid`.
        group: what makes trajectories dependent, as in `forecast`.
        repeats: deviations of each trajectory.
        seed: of the deviations; all candidates get the same.
        data: how the file is called in the commands.
        progress: told after each candidate.

    Raises:
        InputError: a quantity that is not defined, an unknown name, a kernel without a scale, a kernel and a generator;
            data or a budget on which no pilot can be trained.
    """
    push = Candidates(
        trajectories,
        as_quantity(quantity),
        _kernel(kernel, generator, share, seed),
        None if intended is None else Intended.of(intended),
        valid,
        group,
        repeats,
        seed,
        data,
        _options(generator),
    )
    asked = [parse(one) if isinstance(one, str) else one for one in representations or REPRESENTATIONS]
    nothing = push.tried(parse("identity"), None)
    found = [
        nothing,
        *push.represented([one for one in asked if one.name != "identity"], nothing.ahead.grid, progress),
        *push.conditioned(nothing.ahead.grid),
    ]
    tried = [one for one in found if isinstance(one, Tried)]
    candidates = [one.candidate for one in tried] + push.resampled(nothing)
    progress(1, 1)
    return Recommendation(
        quantity=nothing.ahead.name,
        unit=nothing.ahead.unit,
        kernel=push.kernel.label,
        intended=nothing.ahead.intended,
        n=nothing.ahead.n,
        seed=seed,
        candidates=tuple(sorted(candidates, key=lambda one: one.tv.value)),
        refused=tuple(one for one in found if not isinstance(one, Tried)),
        level=nothing.ahead.level,
        pilots=Pilots.of([one.account for one in tried if one.account is not None]),
    )


def _kernel(
    kernel: AbstractDeviationKernel | str | None,
    generator: AbstractGenerator | str | None,
    share: float,
    seed: int,
) -> AbstractDeviationKernel:
    require(kernel is None or generator is None, "kernel and generator: got both; expected one of them")
    if generator is not None:
        if isinstance(generator, str):
            return Pilot(generator=generator, share=share, seed=seed)
        return Pilot(generator=generator.name, share=share, seed=seed, intended=generator)
    if kernel is None:
        return Gaussian(0.04)
    made = parse_kernel(kernel) if isinstance(kernel, str) else kernel
    require(made.scale is not None, f"kernel {made.name!r}: has no scale; expected one, such as scale=0.04")
    return made


def _options(generator: AbstractGenerator | str | None) -> str:
    """As `train` spells them: the class, and those of its settings that are numbers or words of one's own choice."""
    if generator is None:
        return ""
    if isinstance(generator, str):
        return f" --generator {generator}"
    settings, told = getattr(generator, "settings", None), f" --generator {generator.name}"
    if settings is None:
        return told
    default = type(settings)()
    for name, value in asdict(settings).items():
        if (
            isinstance(value, int | float | str)
            and not isinstance(value, bool)
            and value != getattr(default, name)
        ):
            told += f" --{name.replace('_', '-')} {value}"
    return told
