"""ψ⁻¹ in torch, with its gradient, of the representations that have one."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pushforward.errors import InputError
from pushforward.generators.steering import Phi
from pushforward.representations.base import AbstractRepresentation
from pushforward.representations.composed import Composed
from pushforward.representations.gaussianized import Gaussianized
from pushforward.representations.identity import Identity
from pushforward.representations.increments import Increments
from pushforward.representations.map_parameter import MapParameter
from pushforward.representations.warped import Warped

__all__ = ["DECODERS", "decoded", "of_codes", "piecewise"]


def of_codes(phi: Phi, psi: AbstractRepresentation, owner: str) -> Phi:
    """φ∘ψ⁻¹ of codes, from φ of what they decode to.

    Raises:
        InputError: a representation whose decoding has no gradient here; `owner` is the mitigation that asked.
    """
    _require_known(psi, owner)
    return lambda codes, steps: phi(decoded(psi, codes), steps)


def decoded(psi: AbstractRepresentation, z: Tensor) -> Tensor:
    """ψ⁻¹ of float64 codes (N, T, D)."""
    if isinstance(psi, Composed):
        for part in reversed(psi.parts):
            z = decoded(part, z)
        return z
    return DECODERS[type(psi)](psi, _aligned(psi, z))


def _require_known(psi: AbstractRepresentation, owner: str) -> None:
    if isinstance(psi, Composed):
        for part in psi.parts:
            _require_known(part, owner)
    elif type(psi) not in DECODERS:
        known = ", ".join(sorted(kind.name for kind in DECODERS))
        raise InputError(
            f"{owner}: the codes of {psi.label} are decoded without a gradient; expected a representation of {known}, "
            "or none"
        )


def _aligned(psi: AbstractRepresentation, z: Tensor) -> Tensor:
    """As `AbstractRepresentation.aligned(z, 2, 0)`."""
    start = torch.as_tensor(np.asarray(psi.known_space.start), device=z.device)
    if not len(start):
        return z
    first = (z[:, :1] - start[2]) / start[3] * start[1] + start[0]
    return torch.cat([first, z[:, 1:]], dim=1)


def _map_parameter(psi: Any, z: Tensor) -> Tensor:
    start = z[:, 0]
    x = [torch.where((start >= 0) & (start <= 1), start, 1 - (1 - start % 2).abs())]
    for t in range(1, z.shape[1]):
        x.append(z[:, t].clamp(0.0, 4.0) * x[-1] * (1 - x[-1]))
    return torch.stack(x, dim=1)


def piecewise(x: Tensor, start: Tensor, end: Tensor) -> Tensor:
    """As `interpolated`, with its gradient."""
    i = (torch.searchsorted(start.detach(), x.detach().contiguous(), right=True) - 1).clamp(0, len(start) - 2)
    return end[i] + (x - start[i]) * ((end[i + 1] - end[i]) / (start[i + 1] - start[i]))


def _warped(psi: Any, z: Tensor) -> Tensor:
    columns = list(z.unbind(dim=2))
    index = psi.index(psi.known_space) if isinstance(psi, Gaussianized) else range(len(columns))
    for c, *table in zip(index, psi.heights, psi.places, strict=True):
        start, end = (torch.tensor(one, dtype=torch.float64, device=z.device) for one in table)
        columns[c] = piecewise(columns[c], start, end)
    return torch.stack(columns, dim=2)


DECODERS: dict[type[AbstractRepresentation], Callable[[Any, Tensor], Tensor]] = {
    Identity: lambda psi, z: z,
    Increments: lambda psi, z: z.cumsum(dim=1),
    MapParameter: _map_parameter,
    Warped: _warped,
    Gaussianized: _warped,
}
"""Class of a representation -> its `backward`, whose valid steps do not depend on how many there are."""
