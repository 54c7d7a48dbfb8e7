"""Representations: invertible changes of coordinates to train in. `REPRESENTATIONS` names them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pushforward.errors import InputError, named, printable

if TYPE_CHECKING:
    from pushforward.representations.base import AbstractRepresentation

__all__ = ["REPRESENTATIONS", "create", "parse", "representation_class"]

# Loaded on first use, so that naming them stays light.
REPRESENTATIONS: dict[str, str] = {
    "identity": "pushforward.representations.identity:Identity",
    "increments": "pushforward.representations.increments:Increments",
    "speed-heading": "pushforward.representations.planar:SpeedHeading",
    "log-speed-turning": "pushforward.representations.planar:LogSpeedTurning",
    "spherical": "pushforward.representations.spherical:Spherical",
    "map-parameter": "pushforward.representations.map_parameter:MapParameter",
    "amplitude-phase": "pushforward.representations.oscillation:AmplitudePhase",
    "demodulated": "pushforward.representations.demodulated:Demodulated",
    "energy-phase": "pushforward.representations.pendulum:EnergyPhase",
    "sine-cosine": "pushforward.representations.angles:SineCosine",
    "unwrapped-angle": "pushforward.representations.angles:UnwrappedAngle",
    "reference-path": "pushforward.representations.linear:ReferencePath",
    "cosines": "pushforward.representations.linear:Cosines",
    "whitened": "pushforward.representations.linear:Whitened",
    "gaussianized": "pushforward.representations.gaussianized:Gaussianized",
    "warped": "pushforward.representations.warped:Warped",
}


def representation_class(name: str) -> type[AbstractRepresentation]:
    """The class of a registered representation.

    Raises:
        InputError: no such representation; lists the valid ones.
    """
    if name not in REPRESENTATIONS:
        raise named("representation", name, REPRESENTATIONS)
    module, _, attribute = REPRESENTATIONS[name].partition(":")
    found: type[AbstractRepresentation] = getattr(importlib.import_module(module), attribute)
    return found


def create(name: str, **settings: Any) -> AbstractRepresentation:
    """A representation by its name, not fitted yet.

    Raises:
        InputError: no such representation or setting.
    """
    kind = representation_class(name)
    valid = [
        key for key, one in kind.__dataclass_fields__.items() if not one.metadata.get("learned") and one.init
    ]
    for key in settings:
        if key not in valid:
            raise named(f"setting of {name}", key, valid)
    return kind(**settings)


def parse(text: str) -> AbstractRepresentation:
    """The representation that `text` spells: `reference-path(reference=mean)`, `increments + whitened`.

    Raises:
        InputError: anything else, in one line. Nothing in the text is evaluated.
    """
    from pushforward.quantities.spelling import call_parts

    parts = []
    for part in text.split("+"):
        name, arguments, settings = call_parts(part, "representation")
        if arguments:
            raise InputError(f"representation {printable(text, 80)!r}: expected setting=value")
        parts.append(create(name, **settings))
    if len(parts) == 1:
        return parts[0]
    from pushforward.representations.composed import Composed

    return Composed(parts=tuple(parts))


def __getattr__(name: str) -> Any:
    if name in ("AbstractRepresentation", "Composed"):
        module = "base" if name == "AbstractRepresentation" else "composed"
        return getattr(importlib.import_module(f"pushforward.representations.{module}"), name)
    for target in REPRESENTATIONS.values():
        module, _, attribute = target.partition(":")
        if attribute == name:
            return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'pushforward.representations' has no attribute {name!r}")
