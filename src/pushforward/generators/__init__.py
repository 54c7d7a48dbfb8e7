"""Generators learn from trajectories and make new ones. `GENERATORS` names them; each is loaded on first use."""

from __future__ import annotations

import importlib
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pushforward.errors import named, require

if TYPE_CHECKING:
    from pushforward.generators.base import AbstractGenerator
    from pushforward.generators.diffusion import Diffusion
    from pushforward.generators.flow import Flow
    from pushforward.generators.mlp import MLP
    from pushforward.generators.transformer import Transformer
    from pushforward.generators.vae import VAE

__all__ = [
    "ABOUT",
    "GENERATORS",
    "MLP",
    "VAE",
    "Diffusion",
    "Flow",
    "Transformer",
    "create",
    "generator_class",
    "load",
]

# Loaded on first use, so that listing the generators never imports torch.
GENERATORS: dict[str, str] = {
    "diffusion": "pushforward.generators.diffusion:Diffusion",
    "flow": "pushforward.generators.flow:Flow",
    "mlp": "pushforward.generators.mlp:MLP",
    "transformer": "pushforward.generators.transformer:Transformer",
    "vae": "pushforward.generators.vae:VAE",
}

ABOUT: dict[str, str] = {
    "diffusion": "denoises by a 1-D U-Net over many noise levels (EDM)",
    "flow": "follows a velocity field from noise to data by a 1-D U-Net (flow matching)",
    "mlp": "a multilayer perceptron: a denoiser of all values at once, or a one-step predictor",
    "transformer": "draws step after step, by a causal Transformer with a mixture density or tokens",
    "vae": "decodes a random latent vector by a 1-D convolutional network",
}


def generator_class(name: str) -> type[AbstractGenerator]:
    """The class of a registered generator.

    Raises:
        InputError: no such generator; lists the valid ones.
    """
    if name not in GENERATORS:
        raise named("generator", name, GENERATORS)
    module, _, attribute = GENERATORS[name].partition(":")
    found: type[AbstractGenerator] = getattr(importlib.import_module(module), attribute)
    return found


def create(name: str, **settings: Any) -> AbstractGenerator:
    """A generator by its name, not trained yet.

    Raises:
        InputError: no such generator or setting.
    """
    return generator_class(name)(**settings)


def load(directory: str | Path) -> AbstractGenerator:
    """A saved generator or checkpoint of any class.

    Raises:
        InputError: a file that is missing, damaged, of an unknown generator, or of a newer version.
    """
    from pushforward.generators.checkpoint import read_settings

    name = read_settings(directory).get("generator")
    require(
        isinstance(name, str),
        f"settings.json: got generator {name!r}; expected one of {', '.join(GENERATORS)}",
    )
    return generator_class(str(name)).load(directory)


def __getattr__(name: str) -> Any:
    for target in GENERATORS.values():
        module, _, attribute = target.partition(":")
        if attribute == name:
            return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'pushforward.generators' has no attribute {name!r}")
