"""The logistic map as its parameter, step by step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.representations.base import AbstractRepresentation, Channels, Space
from pushforward.trajectories import Trajectories

__all__ = ["MapParameter"]

_Array = NDArray[np.float64]
# Of a number below 1 in float32, on either side, and of its complement.
_ROUNDING = 4 * float(np.finfo(np.float32).epsneg)


@final
@dataclass(frozen=True)
class MapParameter(AbstractRepresentation):
    """z_0 = x_0 and r_t = x_t / (x_{t−1}(1 − x_{t−1})): a local error is an error of the parameter itself.

    A value of x at 0 or 1, where the next one says nothing of r, has no code. Edges: made codes are decoded with x_0
    reflected into [0, 1] (held there it would be 0 or 1, and the population gone) and r_t held to [0, 4], which keeps
    the population in [0, 1], as the map itself does; data beyond that do not come back. Close to 0 and 1, where the
    rounding of x_{t−1} to float32 matters, it is held to [0, 4 (1 + δ)], δ the share of that rounding.
    """

    name: ClassVar[str] = "map-parameter"
    formula: ClassVar[str] = "z_0 = x_0, r_t = x_t / (x_{t−1}(1 − x_{t−1}))"
    source: ClassVar[str] = "arXiv 2605.20299 (kernel-informed representation)"
    marks_start: ClassVar[bool] = True

    def codes(self, space: Space) -> Channels:
        """The parameter, a pure number."""
        require(
            len(space.channels) == 1,
            f"representation {self.name!r}: got {len(space.channels)} channels; expected one, of a map",
        )
        return ("r",), ("",)

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, 1); not finite where a valid step starts from 0 or 1."""
        before = x[:, :-1, 0] * (1 - x[:, :-1, 0])
        ratio = x[:, 1:, 0] / before
        valid = np.arange(1, x.shape[1]) < steps[:, None]
        return np.concatenate([x[:, :1, 0], np.where(valid, ratio, 0.0)], axis=1)[:, :, None]

    def settled(
        self, z: NDArray[np.float32], trajectories: Trajectories, space: Space
    ) -> NDArray[np.float32]:
        """Each r_t from what the codes before it decode to, so that chaos does not enlarge their rounding."""
        x = trajectories.values[:, :, 0].astype(np.float64)
        decoded = _reflected(self.aligned(z[:, :1].astype(np.float64), 2, 0)[:, 0, 0])
        closed, valid = z.copy(), trajectories.mask
        for t in range(1, z.shape[1]):
            before = decoded * (1 - decoded)
            defined = valid[:, t] & (before != 0)
            r = np.divide(x[:, t], before, out=z[:, t, 0].astype(np.float64), where=defined)
            closed[:, t, 0] = r
            decoded = _grown(closed[:, t, 0].astype(np.float64), before)
        return closed

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, 1) populations."""
        x = np.empty_like(z)
        x[:, 0] = _reflected(z[:, 0])
        for t in range(1, z.shape[1]):
            x[:, t] = _grown(z[:, t], x[:, t - 1] * (1 - x[:, t - 1]))
        return x


def _grown(r: _Array, before: _Array) -> _Array:
    """r x (1 − x) of x (1 − x) = `before`, r held to what the map can do."""
    most = np.minimum(4 * (before + _ROUNDING), 1.0)
    return np.clip(r * before, 0.0, most)


def _reflected(x: _Array) -> _Array:
    """x where it lies in [0, 1], else its mirror image in there."""
    return np.where((x >= 0) & (x <= 1), x, 1 - np.abs(1 - x % 2))
