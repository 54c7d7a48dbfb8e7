"""The logistic map: the smallest system with chaos."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.quantities.parameters import LogisticMapR
from pushforward.systems.base import AbstractSystem
from pushforward.trajectories import Trajectories

__all__ = ["LogisticMap"]


@final
@dataclass(frozen=True)
class LogisticMap(AbstractSystem):
    """x_{t+1} = r x_t (1 − x_t), 0 < r ≤ 4, on its attractor; the quantity is r.

    x₀ is uniform on (0.05, 0.95) and the first `burn_in` steps are thrown away. For r < 1 the population dies
    out (below float32 for r < 0.65 or so), and no r can be measured from it.

    Attributes:
        burn_in: steps before the first recorded one.
        tolerance: largest residual |x_{t+1} − r̂ x_t (1 − x_t)| of a plausible trajectory, r̂ being its own
            least-squares r; 0.05 is 5 % of the population's range.
    """

    burn_in: int = 200
    tolerance: float = 0.05

    name: ClassVar[str] = "logistic-map"
    formula: ClassVar[str] = "x_{t+1} = r x_t (1 − x_t)"
    source: ClassVar[str] = "May, Nature 261 (1976), 459–467"
    channels: ClassVar[tuple[str, ...]] = ("x",)
    units: ClassVar[tuple[str, ...]] = ("",)
    time_unit: ClassVar[str] = "step"
    default_intended: ClassVar[str] = "uniform(3.5, 4)"

    def __post_init__(self) -> None:
        """Refuse a negative burn-in or tolerance."""
        super().__post_init__()
        require(self.burn_in >= 0, f"system {self.name!r}: got burn_in {self.burn_in}; expected 0 or more")
        require(
            self.tolerance >= 0, f"system {self.name!r}: got tolerance {self.tolerance}; expected 0 or more"
        )

    @property
    def quantity(self) -> LogisticMapR:
        """The least-squares r."""
        return LogisticMapR()

    def simulate(
        self,
        quantity: NDArray[np.float64],
        T: int,
        dt: float,
        rng: np.random.Generator,
    ) -> NDArray[np.float64]:
        """(N, T, 1) populations for growth rates (N,).

        Raises:
            InputError: a growth rate outside (0, 4].
        """
        r = quantity
        outside = np.flatnonzero(~((r > 0) & (r <= 4)))
        if len(outside):
            raise InputError(
                f"system {self.name!r}: got r = {r[outside[0]]:g} ({len(outside)} of {len(r)} draws); "
                "expected 0 < r ≤ 4, beyond which x leaves [0, 1]"
            )
        x = rng.uniform(0.05, 0.95, size=len(r))
        for _ in range(self.burn_in):
            x = r * x * (1 - x)
        values = np.empty((T, len(r)))
        for t in range(T):
            values[t] = x
            x = r * x * (1 - x)
        return np.ascontiguousarray(values.T)[:, :, None]

    def valid(self, trajectories: Trajectories) -> NDArray[np.bool_]:
        """(N,) whether all values lie in [0, 1] and every residual of the map is within `tolerance`."""
        r = self.quantity(trajectories)
        x = trajectories.values[:, :, self.quantity.index(trajectories)].astype(np.float64)
        residual = np.abs(x[:, 1:] - r[:, None] * x[:, :-1] * (1 - x[:, :-1]))
        # A step from the last valid value into the padding is none of the trajectory's.
        follows = (residual <= self.tolerance) | ~trajectories.mask[:, 1:]
        return np.asarray(np.isfinite(r) & follows.all(axis=1) & ((x >= 0) & (x <= 1)).all(axis=1))
