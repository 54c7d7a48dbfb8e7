"""Registered quantities in torch, with their gradients: the same numbers as NumPy's, to rounding."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import torch
from torch import Tensor

from pushforward.errors import require
from pushforward.generators.steering import Phi
from pushforward.quantities.base import AbstractQuantity
from pushforward.quantities.energy import MechanicalEnergy
from pushforward.quantities.geometry import Displacement, PathLength
from pushforward.quantities.kinematics import KineticEnergy, MeanAcceleration, MeanSpeed
from pushforward.quantities.motion import AbstractMotion
from pushforward.quantities.parameters import LogisticMapR
from pushforward.quantities.positions import Positions, velocity_of
from pushforward.quantities.shapes import ConeHalfAngle
from pushforward.quantities.sphere import EARTH_RADIUS
from pushforward.quantities.units import converts, factor, per
from pushforward.trajectories import Trajectories

__all__ = ["BUILDERS", "held"]


def held(values: Tensor, steps: Tensor | None) -> Tensor:
    """(N, T, C) with each trajectory's last valid values behind its end."""
    if steps is None:
        return values
    time = torch.arange(values.shape[1], device=values.device)
    index = torch.minimum(time[None, :], steps[:, None] - 1)
    return values.gather(1, index[:, :, None].expand(-1, -1, values.shape[2]))


def _counts(values: Tensor, steps: Tensor | None) -> Tensor:
    """(N,) valid steps."""
    whole = torch.full((len(values),), values.shape[1], device=values.device)
    return whole if steps is None else steps


def _mean_over(table: Tensor, counts: Tensor) -> Tensor:
    """(N,) mean of the first `counts` entries of each row; NaN where there are none."""
    kept = torch.arange(table.shape[1], device=table.device)[None, :] < counts[:, None]
    total = torch.where(kept, table, torch.zeros_like(table)).sum(dim=1)
    return torch.where(counts > 0, total / counts.clamp_min(1), torch.full_like(total, torch.nan))


def _distance(positions: Positions, start: Tensor, end: Tensor) -> Tensor:
    """(...) distance of points (..., C); its gradient is 0 where they are the same."""
    if not positions.geographic:
        length: Tensor = torch.linalg.vector_norm(end - start, dim=-1)
        return length
    a, b = start * positions.to_radians, end * positions.to_radians
    across = ((b[..., 0] - a[..., 0]) / 2).sin().square()
    along = ((b[..., 1] - a[..., 1]) / 2).sin().square()
    h = (across + a[..., 0].cos() * b[..., 0].cos() * along).clamp(0.0, 1.0)
    apart = h > 0
    arc = 2 * torch.where(apart, h, torch.full_like(h, 0.5)).sqrt().asin()
    return EARTH_RADIUS * torch.where(apart, arc, torch.zeros_like(arc))


def _in_unit(quantity: AbstractMotion, frame: Trajectories) -> float:
    return factor(quantity.natural_unit(frame), quantity.unit) if quantity.unit else 1.0


def _path_length(quantity: Any, frame: Trajectories) -> Phi:
    positions, scale = quantity.positions(frame), _in_unit(quantity, frame)

    def phi(values: Tensor, steps: Tensor | None) -> Tensor:
        x = held(values[:, :, list(positions.index)], steps)
        return scale * _distance(positions, x[:, :-1], x[:, 1:]).sum(dim=1)

    return phi


def _displacement(quantity: Any, frame: Trajectories) -> Phi:
    positions, scale = quantity.positions(frame), _in_unit(quantity, frame)

    def phi(values: Tensor, steps: Tensor | None) -> Tensor:
        x = held(values[:, :, list(positions.index)], steps)
        return scale * _distance(positions, x[:, 0], x[:, -1])

    return phi


def _mean_speed(quantity: Any, frame: Trajectories) -> Phi:
    positions, scale = quantity.positions(frame), _in_unit(quantity, frame)

    def phi(values: Tensor, steps: Tensor | None) -> Tensor:
        x = held(values[:, :, list(positions.index)], steps)
        length = _distance(positions, x[:, :-1], x[:, 1:]).sum(dim=1)
        duration = (_counts(values, steps) - 1) * frame.dt
        return scale * torch.where(duration > 0, length / duration.clamp_min(frame.dt), torch.nan)

    return phi


def _mean_acceleration(quantity: Any, frame: Trajectories) -> Phi:
    positions, scale = quantity.positions(frame), _in_unit(quantity, frame)
    require(
        not positions.geographic,
        f"quantity {quantity.label!r}: has no gradient on the Earth here; expected positions on a plane",
    )

    def phi(values: Tensor, steps: Tensor | None) -> Tensor:
        bend = torch.diff(values[:, :, list(positions.index)], n=2, dim=1)
        size = torch.linalg.vector_norm(bend, dim=-1)
        return scale / frame.dt**2 * _mean_over(size, _counts(values, steps) - 2)

    return phi


def _kinetic_energy(quantity: Any, frame: Trajectories) -> Phi:
    named = tuple(frame.channel_index(name) for name in quantity.velocity)
    index = named or (() if quantity.channels else velocity_of(frame))
    positions = None if index else quantity.positions(frame)
    unit = frame.units[index[0]] if positions is None else per(positions.unit, frame.time_unit)
    to_si = factor(unit, "m/s") if converts(unit, "m/s") else 1.0
    scale = float(0.5 * quantity.mass * to_si**2 * _in_unit(quantity, frame))

    def phi(values: Tensor, steps: Tensor | None) -> Tensor:
        counts = _counts(values, steps)
        if positions is None:
            return scale * _mean_over(values[:, :, list(index)].square().sum(dim=-1), counts)
        x = held(values[:, :, list(positions.index)], steps)
        speed = _distance(positions, x[:, :-1], x[:, 1:]) / frame.dt
        return scale * _mean_over(speed.square(), counts - 1)

    return phi


def _mechanical_energy(quantity: Any, frame: Trajectories) -> Phi:
    index = list(quantity.index(frame))
    d = len(index) // 3
    mass, length = np.resize(quantity.masses, d), np.resize(quantity.lengths, d)
    weight = np.cumsum(mass[::-1])[::-1] * quantity.g * length

    def phi(values: Tensor, steps: Tensor | None) -> Tensor:
        x = values[:, :, index]
        norm = torch.hypot(x[..., 0 : 2 * d : 2], x[..., 1 : 2 * d : 2])
        sine, cosine, omega = (x[..., 0 : 2 * d : 2] / norm, x[..., 1 : 2 * d : 2] / norm, x[..., 2 * d :])
        energy = torch.zeros_like(x[..., 0])
        across, up = torch.zeros_like(energy), torch.zeros_like(energy)
        for i in range(d):
            across = across + float(length[i]) * omega[..., i] * cosine[..., i]
            up = up + float(length[i]) * omega[..., i] * sine[..., i]
            kinetic = 0.5 * float(mass[i]) * (across.square() + up.square())
            energy = energy + kinetic - float(weight[i]) * cosine[..., i]
        return _mean_over(energy, _counts(values, steps))

    return phi


def _logistic_map_r(quantity: Any, frame: Trajectories) -> Phi:
    channel = quantity.index(frame)

    def phi(values: Tensor, steps: Tensor | None) -> Tensor:
        x = values[:, :, channel]
        time = torch.arange(x.shape[1] - 1, device=x.device)
        kept = time[None, :] < (_counts(values, steps) - 1)[:, None]
        g = torch.where(kept, x[:, :-1] * (1 - x[:, :-1]), torch.zeros_like(x[:, 1:]))
        square = g.square().sum(dim=1)
        r = (g * x[:, 1:]).sum(dim=1) / torch.where(square > 0, square, torch.ones_like(square))
        return torch.where(square > 0, r, torch.full_like(r, torch.nan))

    return phi


def _cone_half_angle(quantity: Any, frame: Trajectories) -> Phi:
    index = [frame.channel_index(name) for name in quantity.channels]
    scale = factor("rad", quantity.unit) if quantity.unit else 1.0

    def phi(values: Tensor, steps: Tensor | None) -> Tensor:
        time = torch.arange(values.shape[1], device=values.device)
        kept = time[None, :] < _counts(values, steps)[:, None]
        x = (values[:, :, index] - values.new_tensor(quantity.apex)) * kept[:, :, None]
        radius, height = torch.linalg.vector_norm(x[..., :2], dim=-1), x[..., 2]
        product = 2 * (radius * height).sum(dim=1)
        difference = height.square().sum(dim=1) - radius.square().sum(dim=1)
        nowhere = (product == 0) & (difference == 0)
        angle = 0.5 * torch.atan2(product, torch.where(nowhere, torch.ones_like(difference), difference))
        return scale * torch.where(nowhere, torch.full_like(angle, torch.nan), angle % torch.pi)

    return phi


BUILDERS: dict[type[AbstractQuantity], Callable[[Any, Trajectories], Phi]] = {
    PathLength: _path_length,
    Displacement: _displacement,
    MeanSpeed: _mean_speed,
    MeanAcceleration: _mean_acceleration,
    KineticEnergy: _kinetic_energy,
    MechanicalEnergy: _mechanical_energy,
    LogisticMapR: _logistic_map_r,
    ConeHalfAngle: _cone_half_angle,
}
"""Class of a quantity -> its torch function for data like `frame`."""
