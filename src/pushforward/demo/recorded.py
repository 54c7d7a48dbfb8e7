"""A kernel of deviations that were drawn once and kept, so that they are looked at again without the model."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.kernels.base import AbstractDeviationKernel, deviated, learned
from pushforward.trajectories import Trajectories

__all__ = ["Recorded"]


@final
@dataclass(frozen=True, eq=False)
class Recorded(AbstractDeviationKernel):
    """x' = the one that was kept for x: a single draw, the same each time.

    Attributes:
        scale: 1; it only has to be there.
        before: the trajectories x.
        after: what a kernel made of each, row by row.
        spelled: that kernel, as it is shown.
    """

    name: ClassVar[str] = "recorded"
    formula: ClassVar[str] = "x' = the deviation of x that was kept"
    source: ClassVar[str] = "this project"
    cost: ClassVar[str] = "a look-up"
    needs: ClassVar[str] = "deviations that were kept"
    repeats: ClassVar[int] = 1

    scale: float | None = 1.0
    before: Trajectories | None = learned()
    after: Trajectories | None = learned()
    spelled: str = learned("recorded")

    def __post_init__(self) -> None:
        """Refuse deviations of other trajectories.

        Raises:
            InputError: nothing was kept, or arrays of different shapes.
        """
        super().__post_init__()
        require(
            self.before is not None
            and self.after is not None
            and self.before.values.shape == self.after.values.shape,
            "recorded deviations: got none, or of another shape than the trajectories; expected one for each",
        )

    @property
    def label(self) -> str:
        """The kernel that made them."""
        return self.spelled

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """The kept deviation of each trajectory.

        Raises:
            InputError: a trajectory that none was kept for.
        """
        assert self.after is not None
        try:
            rows = [self._place[one.tobytes()] for one in trajectories.values]
        except KeyError:
            raise InputError("recorded deviations: got a trajectory that none was kept for") from None
        return deviated(trajectories, np.array(self.after.values[rows]))

    @cached_property
    def _place(self) -> dict[bytes, int]:
        assert self.before is not None
        values: NDArray[np.float32] = self.before.values
        return {one.tobytes(): row for row, one in enumerate(values)}
