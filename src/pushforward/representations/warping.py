"""How the shape of a warp is found: by gradient on what local errors in the warped channels do to the quantity."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import torch
from torch import Tensor

from pushforward.generators.steering import Phi
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.differentiable import frame_of, gradient_of
from pushforward.representations.base import AbstractRepresentation
from pushforward.representations.torch_decoding import of_codes, piecewise
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.representations.warped import Warped

__all__ = ["shaped"]

_BATCH, _MOST = 512, 4096
# Values of a batch: a step then takes milliseconds whatever the length.
_BATCH_VALUES, _MOST_VALUES = 1 << 18, 1 << 22
_RATE, _RIDGE = 0.05, 1e-3
# Of ln slope: e^{2 · 3} = 403 between the steepest and the flattest.
_STEEPEST = 3.0
_Tables = tuple[tuple[tuple[float, ...], ...], tuple[tuple[float, ...], ...]]


def shaped(
    asked: Warped,
    quantity: AbstractQuantity,
    codes: Trajectories,
    parts: tuple[AbstractRepresentation, ...],
    data: Trajectories,
) -> _Tables:
    """(places, heights) of each channel's knots.

    Args:
        asked: the settings.
        quantity: φ of `data`.
        codes: what is to be warped: `data` after `parts`.
        parts: the representations before.
        data: in the units of φ.

    Raises:
        InputError: a quantity or a decoding without gradient.
    """
    phi = gradient_of(quantity, frame_of(data), asked.name)
    for part in reversed(parts):
        phi = of_codes(phi, part, asked.name)
    rng = np.random.default_rng(asked.seed)
    rows, size = rng.permutation(len(codes)), codes.T * codes.C
    half, most = max(len(rows) // 2, 1), min(_MOST, _MOST_VALUES // size + 2)
    places = [_knots(codes, c, asked.knots) for c in range(codes.C)]
    slopes = _descended(asked, phi, codes.select(rows[:half]), places, rng)
    judging = codes.select(rows[-half:][:most])
    with torch.no_grad():
        straight = [torch.zeros_like(slope) for slope in slopes]
        found, plain = (
            float(_surrogate(phi, judging, places, one, asked.scale, np.random.default_rng(asked.seed + 1)))
            for one in (slopes, straight)
        )
        kept = slopes if found < plain else straight
        heights = [_heights(place, slope) for place, slope in zip(places, kept, strict=True)]
    tables = [tuple(tuple(one.tolist()) for one in table) for table in (places, heights)]
    return tables[0], tables[1]


def _descended(
    asked: Warped, phi: Phi, codes: Trajectories, places: list[Tensor], rng: np.random.Generator
) -> list[Tensor]:
    """ln slopes between the knots of each channel."""
    batch = min(_BATCH, _BATCH_VALUES // (codes.T * codes.C) + 2)
    slopes = [torch.zeros(len(place) - 1, dtype=torch.float64, requires_grad=True) for place in places]
    optimizer = torch.optim.Adam(slopes, lr=_RATE)
    for _ in range(asked.rounds):
        chosen = codes.select(np.sort(rng.permutation(len(codes))[:batch]))
        loss = _surrogate(phi, chosen, places, slopes, asked.scale, rng)
        loss = loss + _RIDGE * torch.stack([slope.square().mean() for slope in slopes]).mean()
        optimizer.zero_grad()
        torch.autograd.backward(loss)
        for slope in slopes:
            assert slope.grad is not None
            slope.grad.nan_to_num_(0.0, 0.0, 0.0)
        optimizer.step()
    return slopes


def _knots(codes: Trajectories, c: int, count: int) -> Tensor:
    """Quantiles of a channel over valid steps, rising; of a constant one, two around it."""
    values = codes.values[:, :, c][codes.mask].astype(np.float64)
    places = np.unique(np.quantile(values, np.linspace(0, 1, count)))
    # Two that are nearly the same would make a slope of rounding.
    apart = np.concatenate([[True], np.diff(places) > 1e-4 * (places[-1] - places[0])])
    places = places[apart] if len(places) > 1 else places + np.array([-1.0, 1.0])
    return torch.from_numpy(places)


def _heights(places: Tensor, slope: Tensor) -> Tensor:
    steps = places.diff() * (_STEEPEST * torch.tanh(slope / _STEEPEST)).exp()
    return torch.cat([places[:1], places[0] + steps.cumsum(dim=0)])


def _surrogate(
    phi: Phi,
    codes: Trajectories,
    places: list[Tensor],
    slopes: list[Tensor],
    scale: float,
    rng: np.random.Generator,
) -> Tensor:
    """W₂²(φ(x'), φ(x)) / Var φ for errors of `scale` standard deviations of each warped channel."""
    x = torch.from_numpy(codes.values.astype(np.float64))
    mask, steps = torch.tensor(codes.mask), torch.tensor(codes.steps)
    columns = []
    for c, (place, slope) in enumerate(zip(places, slopes, strict=True)):
        height = _heights(place, slope)
        z = piecewise(x[:, :, c], place, height)
        error = torch.from_numpy(rng.standard_normal(z.shape))
        columns.append(piecewise(z + scale * z[mask].std() * error, height, place))
    with torch.no_grad():
        q = phi(x, steps)
    moved = phi(torch.stack(columns, dim=2), steps)
    known = torch.isfinite(moved) & torch.isfinite(q)
    moved, q = moved[known].sort().values, q[known].sort().values
    distance: Tensor = (moved - q).square().mean() / q.var().clamp_min(1e-300)
    return distance
