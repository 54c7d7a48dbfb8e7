"""Mitigations: what is done against drift, as wrappers around any generator. `MITIGATIONS` names them."""

from __future__ import annotations

import importlib
from collections.abc import Sequence
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pushforward.errors import InputError, named, printable

if TYPE_CHECKING:
    from pushforward.generators.base import AbstractGenerator
    from pushforward.mitigations.base import AbstractMitigation
    from pushforward.mitigations.mitigated import Mitigated

__all__ = ["MITIGATIONS", "create", "load", "mitigate", "mitigation_class", "parse"]

# Loaded on first use, so that naming them stays light.
MITIGATIONS: dict[str, str] = {
    "represent": "pushforward.mitigations.represent:Represent",
    "select": "pushforward.mitigations.select:Select",
    "condition": "pushforward.mitigations.condition:Condition",
    "guide": "pushforward.mitigations.guide:Guide",
    "reweight": "pushforward.mitigations.reweight:Reweight",
    "deconvolve": "pushforward.mitigations.deconvolve:Deconvolve",
    "match": "pushforward.mitigations.match:Match",
    "jacobian": "pushforward.mitigations.jacobian:Jacobian",
    "spectral-norm": "pushforward.mitigations.spectral_norm:SpectralNorm",
}

_FURTHER = {
    "AbstractMitigation": "pushforward.mitigations.base",
    "Calibration": "pushforward.mitigations.calibration",
    "Differentiable": "pushforward.quantities.differentiable",
    "Mitigated": "pushforward.mitigations.mitigated",
    "calibrate": "pushforward.mitigations.calibration",
}


def mitigation_class(name: str) -> type[AbstractMitigation]:
    """The class of a registered mitigation.

    Raises:
        InputError: no such mitigation; lists the valid ones.
    """
    if name not in MITIGATIONS:
        raise named("mitigation", name, MITIGATIONS)
    module, _, attribute = MITIGATIONS[name].partition(":")
    found: type[AbstractMitigation] = getattr(importlib.import_module(module), attribute)
    return found


def create(name: str, *arguments: Any, **settings: Any) -> AbstractMitigation:
    """A mitigation by its name.

    Raises:
        InputError: no such mitigation or setting.
    """
    kind = mitigation_class(name)
    valid = [one.name for one in fields(kind) if not one.metadata.get("learned")]
    for key in settings:
        if key not in valid:
            raise named(f"setting of {name}", key, valid)
    try:
        return kind(*arguments, **settings)
    except TypeError as error:
        said = printable(str(error).replace(f"{kind.__name__}.__init__() ", ""))
        raise InputError(f"mitigation {name!r}: {said}; its settings are {', '.join(valid)}") from None


def parse(text: str) -> AbstractMitigation:
    """The mitigation that `text` spells: `select(path-length, bins=32)`, `represent(speed-heading)`.

    The first setting needs no name. Nothing in the text is evaluated.

    Raises:
        InputError: anything else, in one line.
    """
    from pushforward.quantities.spelling import call_parts

    name, arguments, settings = call_parts(text, "mitigation")
    return create(name, *arguments, **settings)


def mitigate(
    generator: AbstractGenerator, mitigations: Sequence[AbstractMitigation | str] | AbstractMitigation | str
) -> Mitigated:
    """A generator with mitigations, the innermost first: `mitigate(Diffusion(), ["represent(speed-heading)", ...])`.

    Raises:
        InputError: none, or text that spells none.
    """
    given = (
        [mitigations]
        if isinstance(mitigations, str) or not isinstance(mitigations, Sequence)
        else mitigations
    )
    made = generator
    for one in given:
        made = (parse(one) if isinstance(one, str) else one).apply(made)
    from pushforward.mitigations.mitigated import Mitigated

    if not isinstance(made, Mitigated):
        raise InputError("mitigate: got no mitigations; expected at least one")
    return made


def load(directory: Any) -> AbstractGenerator:
    """A saved generator, with its mitigations where it was trained with some.

    Raises:
        InputError: a file that is missing, damaged or foreign.
    """
    from pushforward import generators
    from pushforward.mitigations.saving import has_mitigations

    if not has_mitigations(directory):
        return generators.load(directory)
    from pushforward.mitigations.mitigated import Mitigated

    return Mitigated.load(directory)


def __getattr__(name: str) -> Any:
    if name in _FURTHER:
        return getattr(importlib.import_module(_FURTHER[name]), name)
    for target in MITIGATIONS.values():
        module, _, attribute = target.partition(":")
        if attribute == name:
            return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'pushforward.mitigations' has no attribute {name!r}")
