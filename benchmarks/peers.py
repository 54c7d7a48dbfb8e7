"""Loading the peers that generators are compared with."""

from __future__ import annotations

import importlib
import importlib.util
import sys
import types
from typing import Any

__all__ = ["denoising_diffusion_1d", "is_installed"]

_PACKAGE = "denoising_diffusion_pytorch"


def is_installed(name: str) -> bool:
    """Whether a package is there, without importing it."""
    return importlib.util.find_spec(name) is not None


def denoising_diffusion_1d() -> Any:
    """The 1-D module of denoising-diffusion-pytorch alone: the package as a whole needs torchvision.

    Raises:
        ImportError: it is not installed.
    """
    spec = importlib.util.find_spec(_PACKAGE)
    if spec is None:
        raise ImportError(f"{_PACKAGE} is not installed: pip install --no-deps denoising-diffusion-pytorch")
    if _PACKAGE not in sys.modules:
        # An empty package of that name at that place: its modules load as usual, its __init__ does not run.
        package = types.ModuleType(_PACKAGE)
        package.__path__, package.__spec__ = list(spec.submodule_search_locations or []), spec
        sys.modules[_PACKAGE] = package
    return importlib.import_module(f"{_PACKAGE}.{_PACKAGE}_1d")
