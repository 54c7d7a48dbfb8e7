"""Where and how precisely the network runs: device, precision, compilation."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from typing import Any, TypeVar

import torch

from pushforward.errors import require
from pushforward.generators.freed_memory import keep_freed_memory
from pushforward.generators.settings import TrainingSettings

__all__ = ["Hardware"]

_log = logging.getLogger(__name__)
_Function = TypeVar("_Function", bound=Callable[..., Any])

# Compiling takes about a minute, so shorter trainings would lose by it.
_STEPS_WORTH_COMPILING = 5_000


@dataclass(frozen=True)
class Hardware:
    """The device and the choices made for it."""

    device: torch.device
    bfloat16: bool
    compile: bool

    @classmethod
    def of(cls, settings: TrainingSettings) -> Hardware:
        """Resolve "auto".

        Raises:
            InputError: CUDA is asked for and there is none.
        """
        has_cuda = torch.cuda.is_available()
        require(
            settings.device != "cuda" or has_cuda,
            "device: got 'cuda', but torch finds no CUDA device; use 'cpu'",
        )
        device = torch.device("cuda" if settings.device != "cpu" and has_cuda else "cpu")
        on_cuda = device.type == "cuda"
        if not on_cuda:
            keep_freed_memory()
        bfloat16 = settings.precision == "bfloat16" or (settings.precision == "auto" and on_cuda)
        wanted = settings.compile == "on" or (
            settings.compile == "auto" and on_cuda and settings.steps >= _STEPS_WORTH_COMPILING
        )
        return cls(device, bfloat16, wanted and _has_compiler(device))

    def precision_context(self) -> AbstractContextManager[Any]:
        """Autocast to bfloat16 where that was chosen."""
        if not self.bfloat16:
            return nullcontext()
        return torch.autocast(self.device.type, torch.bfloat16)

    def compiled(self, function: _Function) -> _Function:
        """The function compiled, or itself where compiling was not chosen or fails."""
        if not self.compile:
            return function
        fast = torch.compile(function, dynamic=None)
        working = True

        def guarded(*arguments: Any) -> Any:
            nonlocal working
            if working:
                try:
                    return fast(*arguments)
                except torch._dynamo.exc.TorchDynamoException as error:
                    _log.warning("torch.compile failed (%s); going on without it", type(error).__name__)
                    working = False
            return function(*arguments)

        return guarded  # type: ignore[return-value]


def _has_compiler(device: torch.device) -> bool:
    if device.type == "cpu":
        found = any(shutil.which(name) for name in ("c++", "g++", "clang++"))
    else:
        found = any(shutil.which(name) for name in ("cc", "gcc", "clang"))
    if not found:
        _log.info("torch.compile: no C++ compiler on this machine; going on without it")
    return found
