"""Mitigations whose errors are not those of codes: told by what pilots that have them make."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from pushforward.kernels.base import AbstractDeviationKernel
from pushforward.kernels.mixture import Mixture
from pushforward.kernels.sampled import Sampled
from pushforward.mitigations import create, mitigation_class, parse
from pushforward.mitigations.base import AbstractMitigation
from pushforward.mitigations.measuring import AbstractMeasuring
from pushforward.pilots.kernel import Pilot
from pushforward.quantities.base import AbstractQuantity
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.generators.learned import AbstractLearned

__all__ = ["asked_for", "piloted"]


def asked_for(text: str, phi: AbstractQuantity) -> AbstractMitigation:
    """The mitigation that `text` spells; of a name alone the one with φ, where it takes a quantity.

    Raises:
        InputError: no such mitigation, or one with settings that cannot be.
    """
    if "(" in text:
        return parse(text)
    return create(text, phi) if issubclass(mitigation_class(text), AbstractMeasuring) else create(text)


def piloted(mitigation: AbstractMitigation, nothing: Pilot, data: Trajectories) -> Pilot:
    """The pilot with what its models make under the mitigation, and with what training them cost.

    Models that are there already are taken where it needs no other ones.

    Raises:
        InputError: what the mitigation refuses: a class without a denoiser, a quantity without a gradient.
    """
    from pushforward.mitigations.mitigated import Mitigated
    from pushforward.pilots.training import trained

    assert nothing.mixture is not None
    if not mitigation.needs_training:
        kernels: Any = nothing.mixture.kernels
        models = [mitigation.apply(kernel.generator, data) for kernel in kernels]
        mixture = Mixture(kernels=tuple(Sampled(generator=model) for model in models))
        return replace(nothing, mixture=mixture, account=None)

    def made(model: AbstractLearned[Any, Any, Any], seed: int) -> AbstractDeviationKernel:
        learner = Mitigated.around(model, mitigation)
        return Sampled(generator=learner.fit(data, seed=seed, progress=nothing.report))

    mixture, account = trained(nothing, data, made=made, extra=_extra(mitigation, nothing, data))
    return replace(nothing, mixture=mixture, account=account)


def _extra(mitigation: AbstractMitigation, pilot: Pilot, data: Trajectories) -> float:
    """FLOPs of a training step with the mitigation over those of one without."""
    from pushforward.pilots.cost import step_cost
    from pushforward.pilots.training import intended_model

    model = intended_model(pilot)
    learner: Any = mitigation.fitted(data).learner(model)
    if learner is model:
        return 1.0
    return max(step_cost(learner, data).flops / step_cost(model, data).flops, 1.0)
