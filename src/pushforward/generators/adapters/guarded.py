"""Calling somebody else's network: in the layout, place and precision that it wants, and what it returns checked."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor, nn

from pushforward.errors import InputError, named, printable, require

__all__ = ["LAYOUTS", "GuardedNetwork", "evaluating", "home"]

LAYOUTS = ("btc", "bct", "flat")
"""(B, T, C), (B, C, T), and (B, T·C) with the channels of one step side by side."""


class GuardedNetwork:
    """network(z, t) -> tensor of z's shape, for z (B, T, C); every wrong answer becomes a one-line error.

    The network is put into evaluation mode for the call and back again; gradients are off, except through a z that
    asks for its own.

    Args:
        network: an `nn.Module` or any callable of two tensors. It may return a tensor, a tuple that starts with
            one, or an object with a field `sample`, as diffusers' models do.
        name: of the adapter, for errors.
        layout: what it takes and returns; see `LAYOUTS`.
        time_first: it is called as network(t, z).
        times: type of t: "long", or "float" for the type of z.
    """

    def __init__(
        self,
        network: Callable[..., Any],
        name: str,
        layout: str = "btc",
        *,
        time_first: bool = False,
        times: str = "long",
    ) -> None:
        require(callable(network), f"{name}: got {type(network).__name__}; expected a network(x, t)")
        if layout not in LAYOUTS:
            raise named("layout", str(layout), LAYOUTS)
        self.network, self.name, self.layout = network, name, layout
        self.time_first, self.times = time_first, times

    def __call__(self, z: Tensor, t: Tensor) -> Tensor:
        """The network's answer, (B, T, C), where and as precise as z.

        Raises:
            InputError: the network fails, or returns no tensor, another shape, NaN, infinity, or a tensor elsewhere.
        """
        device, dtype = home(self.network, z)
        given = self._outward(z).to(device, dtype)
        time = t.to(device, torch.long if self.times == "long" else dtype)
        try:
            with torch.set_grad_enabled(z.requires_grad), evaluating(self.network):
                answer = self.network(time, given) if self.time_first else self.network(given, time)
        except Exception as error:
            raise InputError(
                f"{self.name}: the network raised {type(error).__name__} for input {tuple(given.shape)}: "
                f"{printable(error)}"
            ) from error
        answer = self._tensor(answer, given)
        answer = answer if z.requires_grad else answer.detach()
        return self._inward(answer, z).to(z.device, z.dtype)

    def _tensor(self, answer: Any, given: Tensor) -> Tensor:
        answer = getattr(answer, "sample", answer) if not isinstance(answer, Tensor) else answer
        answer = answer[0] if isinstance(answer, tuple | list) and answer else answer
        if not isinstance(answer, Tensor):
            raise InputError(f"{self.name}: the network returned {type(answer).__name__}; expected a tensor")
        shape, wanted = tuple(answer.shape), tuple(given.shape)
        require(
            shape == wanted,
            f"{self.name}: the network returned shape {shape} for {wanted}; expected the same",
        )
        require(
            answer.device == given.device,
            f"{self.name}: the network returned a tensor on {answer.device}; expected {given.device}",
        )
        require(
            answer.is_floating_point(),
            f"{self.name}: the network returned {answer.dtype}; expected real floating-point numbers",
        )
        bad = int((~torch.isfinite(answer)).flatten(1).any(dim=1).sum())
        require(
            bad == 0,
            f"{self.name}: the network returned NaN or infinity for {bad} of {len(answer)} trajectories",
        )
        return answer

    def _outward(self, z: Tensor) -> Tensor:
        if self.layout == "bct":
            return z.transpose(1, 2).contiguous()
        return z.flatten(1) if self.layout == "flat" else z

    def _inward(self, answer: Tensor, z: Tensor) -> Tensor:
        return answer.transpose(1, 2) if self.layout == "bct" else answer.reshape(z.shape)


def home(network: object, default: Tensor | None = None) -> tuple[torch.device, torch.dtype]:
    """Device and floating-point type of a module's first weight; else those of `default`, else float32 on the CPU."""
    fallback = torch.zeros(()) if default is None else default
    if isinstance(network, nn.Module):
        for tensor in (*network.parameters(), *network.buffers()):
            if tensor.is_floating_point():
                return tensor.device, tensor.dtype
    return fallback.device, fallback.dtype


@contextlib.contextmanager
def evaluating(network: object) -> Iterator[None]:
    """A module in evaluation mode (no dropout) for the body of the `with`, then every part as it was."""
    changed = [part for part in network.modules() if part.training] if isinstance(network, nn.Module) else []
    try:
        for part in changed:
            part.training = False
        yield
    finally:
        for part in changed:
            part.training = True
