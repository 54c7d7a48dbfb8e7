"""The kernels of a plan: each as it is made again later, and the arms that its forecasts are scored against."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

from pushforward.errors import InputError, named, printable, require
from pushforward.study.errors import within
from pushforward.study.plain import lists, tuples
from pushforward.study.plan import FRESH, GeneratorArm, KernelForecast, Plan

if TYPE_CHECKING:
    from pushforward.generators.base import AbstractGenerator
    from pushforward.kernels.base import AbstractDeviationKernel

__all__ = ["AskedKernel", "asked_kernels"]

# What a study gives by itself, and where it takes that from.
_GIVEN = {"run": "the run's own trained model", "generator": "the arm's own generator"}


@final
@dataclass(frozen=True)
class AskedKernel:
    """A kernel of a plan, without its grid.

    Attributes:
        label: for the reader.
        content: all that determines the kernel: its name and all of its settings, as JSON types.
        arms: labels of the arms that it is scored against.
        of_model: whether it needs the arm's own generator, trained or to be trained, so that each run has a forecast of
            its own; else one forecast from the data stands for all runs that share them.
    """

    label: str
    content: Mapping[str, Any]
    arms: tuple[str, ...]
    of_model: bool

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "label": self.label,
            "content": dict(self.content),
            "arms": list(self.arms),
            "of_model": self.of_model,
        }


def asked_kernels(plan: Plan) -> tuple[AskedKernel, ...]:
    """The kernels of a plan, once each is known to work with what the plan has.

    Raises:
        PlanError: unknown kernels or settings, no scale, an arm that is unknown or cannot feed the kernel; a kernel
            that needs what no study has; more bins than a forecast can have.
    """
    if not plan.kernels:
        return ()
    from pushforward.forecast.settings import MOST_BINS

    with within("audit", "bins"):
        require(
            plan.audit.bins <= MOST_BINS,
            f"bins: got {plan.audit.bins}; expected at most {MOST_BINS} in a study with kernels",
        )
    asked: dict[str, AskedKernel] = {}
    for i, entry in enumerate(plan.kernels):
        with within("kernel", i):
            for variant in entry.variants():
                found = _asked(variant, entry, plan)
                same = [one.label for one in asked.values() if one.content == found.content]
                require(not same, f"kernel {printable(found.label, 60)!r}: is the same as {''.join(same)!r}")
                asked[found.label] = found
    return tuple(asked.values())


def _asked(variant: KernelForecast, entry: KernelForecast, plan: Plan) -> AskedKernel:
    with within("grid" if entry.grid else "kernel"):
        kernel = _made(variant)
        of_model = _needs_model(kernel)
        name = kernel.name
        require(
            of_model or not kernel.needs,
            f"kernel {name!r}: needs {kernel.needs}, which a study does not have",
        )
        require(
            kernel.scale is not None,
            f"kernel {name!r}: has no scale; expected one, such as {name}(scale={kernel.scales[2]:g})",
        )
    arms = _arms(variant.arms, plan, of_model)
    if of_model:
        with within("arms" if variant.arms else "kernel"):
            for arm, generator in arms.items():
                _check_fed(kernel, arm, generator)
    content: dict[str, Any] = {"name": name, "settings": lists(kernel.settings)}
    if of_model:
        content["threads"] = plan.threads
    return AskedKernel(variant.called, content, tuple(arms), of_model)


def _made(variant: KernelForecast) -> AbstractDeviationKernel:
    """The kernel itself, without a model."""
    from pushforward.kernels import parse
    from pushforward.quantities.spelling import split_call

    require(
        isinstance(variant.kernel, str), f"kernel: got {printable(repr(variant.kernel), 40)}; expected text"
    )
    kernel = parse(variant.kernel, **tuples(variant.settings))
    spelled = split_call(variant.kernel)[1]
    for name in variant.settings:
        require(
            name not in spelled, f"{name}: is spelled in kernel and set beside it; expected one of the two"
        )
    for name, source in _GIVEN.items():
        given = name in spelled or name in variant.settings
        require(not given, f"kernel {kernel.name!r}: got {name}; in a study it is {source}: leave it out")
    return kernel


def _needs_model(kernel: AbstractDeviationKernel) -> bool:
    from pushforward.kernels.trained import AbstractTrainedKernel

    return isinstance(kernel, AbstractTrainedKernel) or kernel.name == "pilot"


def _arms(wanted: tuple[str, ...], plan: Plan, of_model: bool) -> dict[str, GeneratorArm | None]:
    """Label -> arm of all that are wanted; the control, None, unless the kernel needs a model."""
    known: dict[str, GeneratorArm | None] = {} if of_model else {FRESH: None}
    names: dict[str, set[str]] = {FRESH: {FRESH}}
    for entry, variant in _variants(plan):
        known[variant.called] = variant
        names[variant.called] = {variant.called, entry.called, variant.name}
    if not wanted:
        return known
    with within("arms"):
        for name in wanted:
            if not any(name in names[label] for label in known):
                raise named(
                    "arm", name, dict.fromkeys(name for label in known for name in sorted(names[label]))
                )
    return {label: arm for label, arm in known.items() if names[label] & set(wanted)}


def _variants(plan: Plan) -> Iterator[tuple[GeneratorArm, GeneratorArm]]:
    for entry in plan.generators:
        for variant in entry.variants():
            yield entry, variant


def _check_fed(kernel: AbstractDeviationKernel, label: str, arm: GeneratorArm | None) -> None:
    """Refuse a generator that the kernel cannot take its errors from.

    Raises:
        InputError: says what the generator feeds, and how to leave it out.
    """
    assert arm is not None
    generator = _untrained(arm)
    if kernel.name == "pilot":
        from pushforward.generators.learned import AbstractLearned

        fits, needed = (
            isinstance(generator, AbstractLearned),
            "a generator of this library without mitigations",
        )
    else:
        fits, needed = kernel.name in generator.feeds, f"one that feeds {kernel.name}"
    if not fits:
        feeds = ", ".join(generator.feeds) or "none"
        raise InputError(
            f"kernel {kernel.name!r}: arm {printable(label, 60)!r} cannot feed it (it feeds {feeds}); expected "
            f'{needed}: name the arms that do, as in arms = ["diffusion"]'
        )


def _untrained(arm: GeneratorArm) -> AbstractGenerator:
    from pushforward.generators import create

    model = create(arm.name, **tuples(arm.settings))
    if not arm.mitigations:
        return model
    from pushforward.mitigations import mitigate

    return mitigate(model, arm.mitigations)
