"""Kernels: laws K(x' | x) of the local errors of a model class. `KERNELS` names them; each is loaded on first use."""

from __future__ import annotations

import importlib
from dataclasses import fields
from typing import TYPE_CHECKING, Any

from pushforward.errors import InputError, named
from pushforward.kernels.base import AbstractDeviationKernel

if TYPE_CHECKING:
    from pushforward.kernels.denoise import Denoise
    from pushforward.kernels.gaussian import Gaussian
    from pushforward.kernels.local_dynamics import LocalDynamics
    from pushforward.kernels.local_score import LocalScore
    from pushforward.kernels.mixture import Chain, Mixture
    from pushforward.kernels.ornstein_uhlenbeck import OrnsteinUhlenbeck
    from pushforward.kernels.reconstruction import Reconstruction
    from pushforward.kernels.residual import Residual
    from pushforward.kernels.rollout import Rollout
    from pushforward.kernels.shrinkage import Shrinkage
    from pushforward.kernels.spectral import Spectral
    from pushforward.pilots.kernel import Pilot

__all__ = [
    "KERNELS",
    "AbstractDeviationKernel",
    "Chain",
    "Denoise",
    "Gaussian",
    "LocalDynamics",
    "LocalScore",
    "Mixture",
    "OrnsteinUhlenbeck",
    "Pilot",
    "Reconstruction",
    "Residual",
    "Rollout",
    "Shrinkage",
    "Spectral",
    "create",
    "kernel_class",
    "parse",
]

# Loaded on first use: some need torch, and listing them must not.
KERNELS: dict[str, str] = {
    "gaussian": "pushforward.kernels.gaussian:Gaussian",
    "spectral": "pushforward.kernels.spectral:Spectral",
    "shrinkage": "pushforward.kernels.shrinkage:Shrinkage",
    "ornstein-uhlenbeck": "pushforward.kernels.ornstein_uhlenbeck:OrnsteinUhlenbeck",
    "residual": "pushforward.kernels.residual:Residual",
    "local-score": "pushforward.kernels.local_score:LocalScore",
    "local-dynamics": "pushforward.kernels.local_dynamics:LocalDynamics",
    "denoise": "pushforward.kernels.denoise:Denoise",
    "rollout": "pushforward.kernels.rollout:Rollout",
    "reconstruction": "pushforward.kernels.reconstruction:Reconstruction",
    "pilot": "pushforward.pilots.kernel:Pilot",
    "mixture": "pushforward.kernels.mixture:Mixture",
    "chain": "pushforward.kernels.mixture:Chain",
}


def kernel_class(name: str) -> type[AbstractDeviationKernel]:
    """The class of a registered kernel.

    Raises:
        InputError: no such kernel; lists the valid ones.
    """
    if name not in KERNELS:
        raise named("kernel", name, KERNELS)
    module, _, attribute = KERNELS[name].partition(":")
    found: type[AbstractDeviationKernel] = getattr(importlib.import_module(module), attribute)
    return found


def create(name: str, **settings: Any) -> AbstractDeviationKernel:
    """The registered kernel `name` with its settings.

    Raises:
        InputError: an unknown kernel or setting (the valid ones are listed), or one that does not fit.
    """
    kind = kernel_class(name)
    valid = [one.name for one in fields(kind) if not one.metadata.get("learned")]
    for setting in settings:
        if setting not in valid:
            raise named(f"setting of kernel {name!r}:", setting, valid)
    try:
        return kind(**settings)
    except TypeError as error:
        raise InputError(f"kernel {name!r}: {error}") from None


def parse(text: str, **settings: Any) -> AbstractDeviationKernel:
    """The kernel that `text` spells: `gaussian`, `gaussian(scale=0.02)`, `spectral(scale=0.02, correlation=8)`.

    Further `settings`, as of options on the command line, stand beside those in the text and come before them.

    Raises:
        InputError: anything else, in one line. Nothing in the text is evaluated.
    """
    from pushforward.quantities.spelling import split_call

    try:
        name, spelled = split_call(text)
    except InputError as error:
        raise InputError(str(error).replace("quantity", "kernel", 1)) from None
    return create(name, **{**spelled, **settings})


def __getattr__(name: str) -> Any:
    for target in KERNELS.values():
        module, _, attribute = target.partition(":")
        if attribute == name:
            return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'pushforward.kernels' has no attribute {name!r}")
