"""The trajectories that move most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.trajectories import Trajectories

__all__ = ["Movers"]


@final
@dataclass(frozen=True, eq=False)
class Movers:
    """Trajectories by how far one deviation moved their quantity, the furthest first.

    Attributes:
        index: (k,) which of the data, counted from 0.
        before, after: (k,) φ(x) and φ(x'), in the unit.
        original, deviated: x and x'.
        n: how many were looked at.
    """

    index: NDArray[np.int64]
    before: NDArray[np.float64]
    after: NDArray[np.float64]
    original: Trajectories
    deviated: Trajectories
    n: int

    @classmethod
    def of(
        cls,
        most: int,
        index: NDArray[np.int64],
        before: NDArray[np.float64],
        after: NDArray[np.float64],
        original: Trajectories,
        deviated: Trajectories,
    ) -> Movers:
        """The `most` furthest of a block; those on which φ is not defined do not count."""
        moved = np.abs(after - before)
        defined = np.flatnonzero(np.isfinite(moved))
        rows = defined[np.argsort(-moved[defined], kind="stable")[:most]]
        return cls(
            index[rows], before[rows], after[rows], original.select(rows), deviated.select(rows), len(defined)
        )

    def and_of(self, other: Movers, most: int) -> Movers:
        """The furthest of both."""
        joined = Movers.of(
            most,
            np.concatenate([self.index, other.index]),
            np.concatenate([self.before, other.before]),
            np.concatenate([self.after, other.after]),
            Trajectories.concat([self.original, other.original]),
            Trajectories.concat([self.deviated, other.deviated]),
        )
        parts = joined.index, joined.before, joined.after, joined.original, joined.deviated
        return Movers(*parts, self.n + other.n)
