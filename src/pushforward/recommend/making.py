"""recommend: forecast every candidate, before any training, and rank them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict
from typing import Any

from pushforward.errors import InputError, printable, require
from pushforward.generators.base import AbstractGenerator
from pushforward.kernels import AbstractDeviationKernel, Gaussian
from pushforward.kernels import parse as parse_kernel
from pushforward.measure.intended import Intended
from pushforward.mitigations.measuring import as_quantity
from pushforward.pilots.kernel import Pilot
from pushforward.pilots.making import require_defined, untrained
from pushforward.progress import Progress, part_of, silent
from pushforward.quantities.base import AbstractQuantity
from pushforward.recommend.candidates import Candidates, Check, Tried
from pushforward.recommend.mitigated import asked_for
from pushforward.recommend.results import Pilots, Recommendation
from pushforward.representations import REPRESENTATIONS, parse
from pushforward.representations.base import AbstractRepresentation
from pushforward.trajectories import Trajectories

__all__ = ["recommend"]

_SHARE = 0.1


def recommend(
    trajectories: Trajectories,
    quantity: AbstractQuantity | Callable[..., Any] | str,
    *,
    generator: AbstractGenerator | str | None = None,
    share: float | None = None,
    kernel: AbstractDeviationKernel | str | None = None,
    intended: Intended | str | None = None,
    representations: Sequence[AbstractRepresentation | str] | None = None,
    mitigations: Sequence[str] | None = None,
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
        share: the most that each pilot takes of a training's FLOPs; default with a generator: 0.1.
        kernel: of the local errors; default without a generator: white, 4 % of each code's standard deviation.
        intended: π where it is a stated law; else the data's own.
        representations: to try, as objects or spelled ("increments + whitened"); default: all registered ones, and the
            best of them with normal scores on top ("spherical + gaussianized").
        mitigations: further ones to try on pilots with a generator, by name ("match") or as `train` spells them
            ("jacobian(0.001)"); default: "guide", which needs no training of its own.
        valid: (N,) which trajectories are plausible, such as a system's `valid`.
        group: what makes trajectories dependent, as in `forecast`.
        repeats: deviations of each trajectory.
        seed: of the deviations; all candidates get the same.
        data: how the file is called in the commands.
        progress: told of each candidate, and of the steps of its pilot.

    Raises:
        InputError: a quantity that is not defined, an unknown name, a kernel without a scale, a kernel and a generator,
            a share without one; data or a budget on which no pilot can be trained.
    """
    errors, phi = _kernel(kernel, generator, share, seed), as_quantity(quantity)
    require_defined(trajectories, phi)
    if valid is not None:
        valid(trajectories.select(slice(0, 1)))
    law = None if intended is None else Intended.of(intended)
    push = Candidates(trajectories, phi, errors, law, valid, group, repeats, seed, data, _options(errors))
    asked = [parse(one) if isinstance(one, str) else one for one in representations or REPRESENTATIONS]
    others = [one for one in asked if one.name != "identity"]
    return _ranked(push, others, mitigations, progress, also=() if representations else ("gaussianized",))


def _ranked(
    push: Candidates,
    representations: list[AbstractRepresentation],
    mitigations: Sequence[str] | None,
    progress: Progress,
    also: Sequence[str],
) -> Recommendation:
    further = _further(push, mitigations)
    part = 100 / (len(representations) + 2 + len(also) + 2 * push.pilots_tell + len(further))
    tried, refused = _tried(push, representations, also, further, part, progress)
    resampled, accounts = push.resampled(tried[0], part_of(progress, 100 - part, part))
    candidates, ahead = [one.candidate for one in tried] + resampled, tried[0].ahead
    progress(100, 100)
    return Recommendation(
        quantity=ahead.name,
        unit=ahead.unit,
        kernel=push.kernel.label,
        intended=ahead.intended,
        n=ahead.n,
        seed=push.seed,
        candidates=tuple(sorted(candidates, key=lambda one: one.tv.value)),
        refused=tuple(refused),
        level=ahead.level,
        pilots=Pilots.of([*(one.account for one in tried if one.account is not None), *accounts]),
    )


def _tried(
    push: Candidates,
    representations: list[AbstractRepresentation],
    also: Sequence[str],
    mitigations: Sequence[str],
    part: float,
    progress: Progress,
) -> tuple[list[Tried], list[tuple[str, str]]]:
    """All that are forecast, identity first, and the names of the others with the reason.

    Args:
        also: representations to put on top of the best.
    """
    nothing = push.tried(parse("identity"), report=part_of(progress, 0, part))
    tried: list[Tried] = [nothing]
    refused: list[tuple[str, str]] = []

    def attempt(name: str, make: Callable[..., Tried], *given: Any) -> None:
        start = part * (len(tried) + len(refused))
        progress(int(start), 100, name)
        try:
            tried.append(make(*given, part_of(progress, start, part)))
        except InputError as error:
            refused.append((name, _reason(error)))

    for one in representations:
        attempt(one.label, push.tried, one, nothing.ahead.grid)
    for name in also:
        best = min(tried, key=lambda one: one.candidate.tv.value)
        if best is not nothing and name not in best.candidate.name:
            composed = parse(f"{best.candidate.name} + {name}")
            attempt(composed.label, push.tried, composed, nothing.ahead.grid)
    if push.pilots_tell:
        best = min(tried, key=lambda one: one.candidate.tv.value)
        for psi in (nothing.representation, best.representation)[: 1 + (best is not nothing)]:
            attempt(push.conditioning(psi).name, push.conditioned, psi, nothing.ahead.grid)
    for text in mitigations:
        attempt(text, push.mitigated, text, nothing)
    return tried, refused


def _reason(error: InputError) -> str:
    """Without who says it, which the line begins with already; a name that is unknown is said by nobody."""
    said = str(error)
    return printable(said if said.startswith("unknown ") else said.partition(": ")[2] or said, 200)


def _further(push: Candidates, mitigations: Sequence[str] | None) -> Sequence[str]:
    if mitigations is None:
        return ("guide",) if push.pilots_tell else ()
    require(
        not mitigations or push.pilots_tell,
        f"mitigations: got {', '.join(mitigations)}; expected a generator whose pilots tell of them, and the data's "
        "own law as the intended one",
    )
    for text in mitigations:
        asked_for(text, push.phi)
    return mitigations


def _kernel(
    kernel: AbstractDeviationKernel | str | None,
    generator: AbstractGenerator | str | None,
    share: float | None,
    seed: int,
) -> AbstractDeviationKernel:
    require(kernel is None or generator is None, "kernel and generator: got both; expected one of them")
    if generator is not None:
        return untrained(generator, share=_SHARE if share is None else share, seed=seed)
    require(share is None, f"share: got {share} without a generator; expected one whose pilots it is for")
    if kernel is None:
        return Gaussian(0.04)
    made = parse_kernel(kernel) if isinstance(kernel, str) else kernel
    require(made.scale is not None, f"kernel {made.name!r}: has no scale; expected one, such as scale=0.04")
    return made


def _options(kernel: AbstractDeviationKernel) -> str:
    """As `train` spells them: the class that a pilot stands for, and those settings that are of one's own choice."""
    if not isinstance(kernel, Pilot):
        return ""
    told, settings = f" --generator {kernel.generator}", getattr(kernel.intended, "settings", None)
    if settings is None:
        return told + (f" --steps {kernel.steps}" if kernel.steps else "")
    default = asdict(type(settings)())
    for name, value in asdict(settings).items():
        spelled = value if isinstance(value, tuple) else (value,)
        if value != default[name] and not any(isinstance(one, bool) for one in spelled):
            told += " ".join(["", f"--{name.replace('_', '-')}", *map(str, spelled)])
    return told
