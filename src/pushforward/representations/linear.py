"""Linear changes of coordinates: deviations from a path, frequencies, principal axes."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from typing import ClassVar, Literal, final

import numpy as np
from numpy.typing import NDArray
from scipy.fft import dct, idct

from pushforward.errors import require
from pushforward.representations.base import AbstractRepresentation, Channels, Space
from pushforward.trajectories import Trajectories

__all__ = ["Cosines", "ReferencePath", "Whitened"]

_Array = NDArray[np.float64]
_LARGEST = 4096


@final
@dataclass(frozen=True)
class ReferencePath(AbstractRepresentation):
    """z_t = x_t − ρ_t: what a trajectory adds to a reference path.

    `line`: ρ runs straight from x_0 to x_{T−1}, which two further sets of channels hold at every time (their means are
    decoded). `mean`: ρ is the mean of the data at each time.

    Attributes:
        reference: `line` or `mean`.
    """

    reference: Literal["line", "mean"] = "line"
    mean: tuple[tuple[float, ...], ...] = field(default=(), kw_only=True, metadata={"learned": True})

    name: ClassVar[str] = "reference-path"
    formula: ClassVar[str] = "z_t = x_t − ρ_t"

    def codes(self, space: Space) -> Channels:
        """Deviations, then start and end where the path is each trajectory's own."""
        names = tuple(f"off_{name}" for name in space.channels)
        if self.reference == "mean":
            return names, space.units
        ends = tuple(f"{end}_{name}" for end in ("start", "goal") for name in space.channels)
        return names + ends, space.units * 3

    def learn(self, trajectories: Trajectories, space: Space) -> ReferencePath:
        """The mean at each time."""
        if self.reference == "line":
            return self
        mask = trajectories.mask
        total = np.einsum("ntc,nt->tc", trajectories.values, mask, dtype=np.float64)
        mean = total / np.maximum(mask.sum(axis=0), 1)[:, None]
        return replace(self, mean=tuple(tuple(row) for row in mean.tolist()))

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C) or (n, T, 3C)."""
        if self.reference == "mean":
            return np.asarray(x - self._mean(x.shape[1]))
        start, goal = x[:, 0], x[np.arange(len(x)), steps - 1]
        ends = np.concatenate([start, goal], axis=1)[:, None]
        ends = np.broadcast_to(ends, (*x.shape[:2], ends.shape[2]))
        return np.concatenate([x - _line(start, goal, steps, x.shape[1]), ends], axis=2)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        if self.reference == "mean":
            return np.asarray(z + self._mean(z.shape[1]))
        valid = np.arange(z.shape[1]) < steps[:, None]
        width = len(space.channels)
        ends = np.einsum("ntc,nt->nc", z[:, :, width:], valid) / steps[:, None]
        return np.asarray(z[:, :, :width] + _line(ends[:, :width], ends[:, width:], steps, z.shape[1]))

    def _mean(self, T: int) -> _Array:
        require(
            len(self.mean) >= T,
            f"representation {self.name!r}: got {T} steps; expected at most the {len(self.mean)} fitted on",
        )
        return np.asarray(self.mean)[:T]


@final
@dataclass(frozen=True)
class Cosines(AbstractRepresentation):
    """The orthonormal discrete cosine transform along time, each coefficient divided by its standard deviation.

    Row k of the codes is frequency k / (2 T Δt). All trajectories must have as many steps.
    """

    mean: tuple[tuple[float, ...], ...] = field(default=(), kw_only=True, metadata={"learned": True})
    deviation: tuple[tuple[float, ...], ...] = field(default=(), kw_only=True, metadata={"learned": True})

    name: ClassVar[str] = "cosines"
    formula: ClassVar[str] = "z_k = (DCT-II(x)_k − mean_k) / std_k"
    source: ClassVar[str] = "Ahmed, Natarajan and Rao, IEEE Transactions on Computers C-23 (1974), 90–93"

    def codes(self, space: Space) -> Channels:
        """One for each channel, without unit."""
        return tuple(f"cosine_{name}" for name in space.channels), ("",) * len(space.channels)

    def learn(self, trajectories: Trajectories, space: Space) -> Cosines:
        """Mean and deviation of each coefficient."""
        _equal_lengths(self.name, trajectories.steps, trajectories.T)
        c = dct(trajectories.values.astype(np.float64), axis=1, norm="ortho")
        mean, deviation = c.mean(axis=0), c.std(axis=0)
        deviation = np.maximum(deviation, 1e-6 * max(float(deviation.max()), 1e-300))
        return replace(
            self,
            mean=tuple(tuple(row) for row in mean.tolist()),
            deviation=tuple(tuple(row) for row in deviation.tolist()),
        )

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        _equal_lengths(self.name, steps, len(self.mean), x.shape[1])
        return np.asarray((dct(x, axis=1, norm="ortho") - self.mean) / self.deviation)

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        _equal_lengths(self.name, steps, len(self.mean), z.shape[1])
        return np.asarray(idct(z * np.asarray(self.deviation) + self.mean, axis=1, norm="ortho"))


@final
@dataclass(frozen=True)
class Whitened(AbstractRepresentation):
    """Principal components of whole trajectories, each at unit variance, the largest first.

    z = Λ^{−½} Vᵀ(x − x̄) of the flattened (T·C) vectors, laid out as (T, C); components whose variance is below `floor`
    of the largest are not enlarged beyond that. All trajectories must have as many steps, and T·C is at most 4,096.

    Attributes:
        floor: smallest variance, as a share of the largest.
    """

    floor: float = 1e-8
    mean: tuple[float, ...] = field(default=(), kw_only=True, metadata={"learned": True})
    axes: tuple[tuple[float, ...], ...] = field(default=(), kw_only=True, metadata={"learned": True})
    deviation: tuple[float, ...] = field(default=(), kw_only=True, metadata={"learned": True})

    name: ClassVar[str] = "whitened"
    formula: ClassVar[str] = "z = Λ^{−½} Vᵀ(x − x̄)"
    source: ClassVar[str] = "Hotelling, Journal of Educational Psychology 24 (1933), 417–441"

    def codes(self, space: Space) -> Channels:
        """As many as the data's, without unit."""
        return tuple(f"component_{i}" for i in range(len(space.channels))), ("",) * len(space.channels)

    def learn(self, trajectories: Trajectories, space: Space) -> Whitened:
        """Mean, axes and variances."""
        _equal_lengths(self.name, trajectories.steps, trajectories.T)
        width = trajectories.T * trajectories.C
        require(
            width <= _LARGEST,
            f"representation {self.name!r}: got {width} numbers a trajectory; expected at most {_LARGEST}",
        )
        flat = trajectories.values.reshape(len(trajectories), -1).astype(np.float64)
        mean = flat.mean(axis=0)
        flat -= mean
        variance, axes = np.linalg.eigh(flat.T @ flat / len(flat))
        variance, axes = variance[::-1], axes[:, ::-1]
        deviation = np.sqrt(np.maximum(variance, self.floor * max(float(variance[0]), 1e-300)))
        return replace(
            self,
            mean=tuple(mean.tolist()),
            axes=tuple(tuple(row) for row in axes.tolist()),
            deviation=tuple(deviation.tolist()),
        )

    def forward(self, x: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        _equal_lengths(self.name, steps, len(self.mean) // x.shape[2], x.shape[1])
        z = (x.reshape(len(x), -1) - self.mean) @ np.asarray(self.axes) / self.deviation
        return np.asarray(z.reshape(x.shape))

    def backward(self, z: _Array, steps: NDArray[np.int64], space: Space) -> _Array:
        """(n, T, C)."""
        _equal_lengths(self.name, steps, len(self.mean) // z.shape[2], z.shape[1])
        x = (z.reshape(len(z), -1) * self.deviation) @ np.asarray(self.axes).T + self.mean
        return np.asarray(x.reshape(z.shape))


def _line(start: _Array, goal: _Array, steps: NDArray[np.int64], T: int) -> _Array:
    """(n, T, C) straight ways from (n, C) to (n, C) in `steps` steps, held after that."""
    share = np.minimum(np.arange(T) / np.maximum(steps - 1, 1)[:, None], 1.0)[:, :, None]
    return np.asarray(start[:, None] * (1 - share) + goal[:, None] * share)


def _equal_lengths(name: str, steps: NDArray[np.int64], *expected: int) -> None:
    found = sorted({int(steps.min()), int(steps.max()), *expected})
    require(
        len(found) == 1,
        f"representation {name!r}: got lengths from {found[0]} to {found[-1]}; expected one length",
    )
