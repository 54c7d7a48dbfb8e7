"""Adapters: models trained elsewhere, as generators that the audit and the kernels take. `ADAPTERS` names them."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

from pushforward.errors import named

if TYPE_CHECKING:
    from pushforward.generators.adapters.base import AbstractAdapter
    from pushforward.generators.adapters.denoising_diffusion import FromDenoisingDiffusion
    from pushforward.generators.adapters.diffusers import FromDiffusers
    from pushforward.generators.adapters.folder import SampleFolder
    from pushforward.generators.adapters.function import SampleFunction
    from pushforward.generators.adapters.module import ModuleDenoiser
    from pushforward.generators.adapters.one_step import OneStepModel
    from pushforward.generators.adapters.vector_field import VectorField

__all__ = [
    "ABOUT",
    "ADAPTERS",
    "FromDenoisingDiffusion",
    "FromDiffusers",
    "ModuleDenoiser",
    "OneStepModel",
    "SampleFolder",
    "SampleFunction",
    "VectorField",
    "adapter_class",
]

# Loaded on first use, so that listing the adapters imports neither torch nor anybody else's package.
ADAPTERS: dict[str, str] = {
    "sample-function": "pushforward.generators.adapters.function:SampleFunction",
    "sample-folder": "pushforward.generators.adapters.folder:SampleFolder",
    "from-diffusers": "pushforward.generators.adapters.diffusers:FromDiffusers",
    "from-denoising-diffusion": "pushforward.generators.adapters.denoising_diffusion:FromDenoisingDiffusion",
    "vector-field": "pushforward.generators.adapters.vector_field:VectorField",
    "module-denoiser": "pushforward.generators.adapters.module:ModuleDenoiser",
    "one-step-model": "pushforward.generators.adapters.one_step:OneStepModel",
}

ABOUT: dict[str, str] = {
    "sample-function": "any callable sample(n, seed) -> array (n, T, C); feeds the audit",
    "sample-folder": "a folder of saved samples, drawn without replacement; feeds the audit",
    "from-diffusers": "diffusers: a 1-D U-Net with a DDPM or DDIM scheduler; feeds denoise, residual",
    "from-denoising-diffusion": "denoising-diffusion-pytorch: GaussianDiffusion1D; feeds denoise, residual",
    "vector-field": "flow matching: a field v(t, x), as of torchcfm; feeds denoise, residual",
    "module-denoiser": "any denoiser that predicts x0, epsilon, v or as EDM does; feeds denoise, residual",
    "one-step-model": "any dynamics model x' = f(x), rolled out; feeds rollout, residual",
}


def adapter_class(name: str) -> type[AbstractAdapter]:
    """The class of a registered adapter.

    Raises:
        InputError: no such adapter; lists the valid ones.
    """
    if name not in ADAPTERS:
        raise named("adapter", name, ADAPTERS)
    module, _, attribute = ADAPTERS[name].partition(":")
    found: type[AbstractAdapter] = getattr(importlib.import_module(module), attribute)
    return found


def __getattr__(name: str) -> Any:
    for target in ADAPTERS.values():
        module, _, attribute = target.partition(":")
        if attribute == name:
            return getattr(importlib.import_module(module), attribute)
    raise AttributeError(f"module 'pushforward.generators.adapters' has no attribute {name!r}")
