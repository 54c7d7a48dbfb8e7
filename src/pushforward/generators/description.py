"""What a generator remembers of its training data: shape, names, units, scale, lengths."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.trajectories import Trajectories

__all__ = ["Description", "digest"]

_LARGEST_T = 1_000_000
_LARGEST_C = 4_096
_BATCH = 4_096


@dataclass(frozen=True)
class Description:
    """The training data in a few numbers; samples get their T, dt, names, units and lengths from here.

    Attributes:
        T: steps of the longest trajectory.
        mean: C channel means over valid steps.
        std: C channel standard deviations over valid steps; 0 marks a constant channel.
        lengths: the distinct lengths that occur; empty when all trajectories have T steps.
        counts: how many trajectories have each of `lengths`.
        n: trajectories trained on.
        digest: SHA-256 of the training values and lengths.
    """

    T: int
    dt: float
    channels: tuple[str, ...]
    units: tuple[str, ...]
    time_unit: str
    quantity_name: str | None
    mean: tuple[float, ...]
    std: tuple[float, ...]
    lengths: tuple[int, ...]
    counts: tuple[int, ...]
    n: int
    digest: str

    def __post_init__(self) -> None:
        """Refuse what no training data can have (the numbers may come from a damaged file)."""
        require(2 <= self.T <= _LARGEST_T, f"T: got {self.T}; expected 2 to {_LARGEST_T}")
        width = len(self.channels)
        require(1 <= width <= _LARGEST_C, f"channels: got {width}; expected 1 to {_LARGEST_C}")
        require(len(set(self.channels)) == width, "channels: got duplicate names; expected distinct names")
        for name in ("units", "mean", "std"):
            got = len(getattr(self, name))
            require(got == width, f"{name}: got {got} for {width} channels; expected one per channel")
        require(min(self.std) >= 0, f"std: got {min(self.std)}; expected no negative number")
        require(self.dt > 0, f"dt: got {self.dt}; expected a positive number")
        require(
            len(self.counts) == len(self.lengths),
            f"got {len(self.counts)} counts of {len(self.lengths)} lengths",
        )
        if self.lengths:
            low, high = min(self.lengths), max(self.lengths)
            require(low >= 1 and high <= self.T, f"lengths: got {low} to {high}; expected 1 to {self.T}")
            low, high = min(self.counts), max(self.counts)
            require(low >= 1 and high < 2**53, f"counts: got {low} to {high}; expected 1 to 2^53")

    @classmethod
    def of(cls, trajectories: Trajectories) -> Self:
        """Describe training data.

        Raises:
            InputError: fewer than two trajectories, fewer than two steps, or values too large to normalise.
        """
        n = len(trajectories)
        require(n >= 2, f"training: got {n} trajectories; expected at least 2")
        longest = int(trajectories.steps.max())
        require(longest >= 2, f"training: got trajectories of {longest} step; expected at least 2")
        lengths, counts = np.unique(trajectories.steps, return_counts=True)
        ragged = len(lengths) > 1
        mean, std = _moments(trajectories)
        return cls(
            T=longest,
            dt=trajectories.dt,
            channels=trajectories.channels,
            units=trajectories.units,
            time_unit=trajectories.time_unit,
            quantity_name=trajectories.quantity_name,
            mean=tuple(mean.tolist()),
            std=tuple(std.tolist()),
            lengths=tuple(lengths.tolist()) if ragged else (),
            counts=tuple(counts.tolist()) if ragged else (),
            n=n,
            digest=digest(trajectories),
        )

    @property
    def scale(self) -> NDArray[np.float64]:
        """(C,) the standard deviations, 1 for constant channels."""
        std = np.asarray(self.std)
        return np.where(std > 0, std, 1.0)

    def draw_lengths(self, n: int, rng: np.random.Generator) -> NDArray[np.int64] | None:
        """(n,) lengths from the training data's own distribution, or None when all have T steps."""
        if not self.lengths:
            return None
        share = np.asarray(self.counts, dtype=np.float64)
        return rng.choice(np.asarray(self.lengths, dtype=np.int64), size=n, p=share / share.sum())

    def labelled(
        self,
        values: NDArray[np.float32],
        lengths: NDArray[np.int64] | None,
        conditions: Mapping[str, NDArray[np.float64]] | None = None,
    ) -> Trajectories:
        """Made values as trajectories with the training data's names and units."""
        return Trajectories(
            values,
            dt=self.dt,
            channels=self.channels,
            units=self.units,
            lengths=lengths,
            conditions=conditions or {},
            quantity_name=self.quantity_name,
            time_unit=self.time_unit,
        )


def digest(trajectories: Trajectories) -> str:
    """SHA-256 of values and lengths: resuming on other data is refused."""
    total = hashlib.sha256(str(trajectories.values.shape).encode())
    for part in trajectories.batches(_BATCH):
        total.update(np.ascontiguousarray(part.values).view(np.uint8).data)
    total.update(trajectories.steps.tobytes())
    return total.hexdigest()


def _moments(trajectories: Trajectories) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean and standard deviation per channel over valid steps, in two passes of bounded memory."""
    count = float(trajectories.steps.sum())
    mean = _sums(trajectories, np.zeros(trajectories.C), power=1) / count
    std = np.sqrt(_sums(trajectories, mean, power=2) / count)
    # A constant channel's standard deviation is float32 rounding, not motion.
    std = np.where(std <= 1e-6 * np.abs(mean), 0.0, std)
    if not np.isfinite(std).all() or std.max() > 1e30:
        raise InputError(
            f"training: values reach a standard deviation of {std.max():g}; expected at most 1e30"
        )
    return mean, std


def _sums(trajectories: Trajectories, center: NDArray[np.float64], power: int) -> NDArray[np.float64]:
    total = np.zeros(trajectories.C)
    for part in trajectories.batches(_BATCH):
        valid = (part.values - center)[part.mask]
        total += (valid**power).sum(axis=0)
    return total
