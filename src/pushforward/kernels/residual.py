"""Errors that were seen, put on other trajectories."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.kernels.base import AbstractDeviationKernel, deviated, learned
from pushforward.kernels.neighbours import Neighbourhood
from pushforward.trajectories import Trajectories

__all__ = ["Residual"]

_MOST_VALUES = 1 << 26


@final
@dataclass(frozen=True, eq=False)
class Residual(AbstractDeviationKernel):
    """x' = x + s·(r̄ + (r − r̄ + h·σ_r·ε) / √(1 + h²)): whole residuals r = x'_i − x_i, resampled from pairs.

    The residuals keep their own law, across steps and channels, whatever it is. With `neighbours` they are those
    of the paired trajectories most like x, so that errors may depend on where x is; σ_r is each value's standard
    deviation over all residuals, and r̄ their mean, so that smoothing by h changes neither.

    Make it with `Residual.from_pairs(x, x_prime)`.

    Attributes:
        scale: s, which multiplies the residuals; 1 is as they were seen.
        neighbours: k; a residual comes from one of the k nearest paired trajectories, 0 from any.
        smoothing: h, the smooth bootstrap's noise; 0 resamples the residuals as they are.
    """

    name: ClassVar[str] = "residual"
    formula: ClassVar[str] = "x' = x + s·r, r = x'_i − x_i with i drawn from all pairs or the k nearest to x"
    source: ClassVar[str] = (
        "Efron, Annals of Statistics 7 (1979); smooth bootstrap: Silverman & Young, Biometrika 74 (1987)"
    )
    cost: ClassVar[str] = (
        "a draw per trajectory; with neighbours also a search, about 10⁴ trajectories per second"
    )
    needs: ClassVar[str] = "pairs (x, x')"
    scales: ClassVar[tuple[float, ...]] = (0.1, 0.2, 0.3, 0.5, 0.7, 1.0)

    scale: float | None = 1.0
    neighbours: int = 0
    smoothing: float = 0.0
    residuals: NDArray[np.float32] | None = learned()
    neighbourhood: Neighbourhood | None = learned()

    def __post_init__(self) -> None:
        """Refuse settings that cannot be.

        Raises:
            InputError: negative neighbours or smoothing.
        """
        super().__post_init__()
        for name in ("neighbours", "smoothing"):
            value = getattr(self, name)
            require(value >= 0, f"kernel {self.name!r}, setting {name!r}: got {value:g}; expected 0 or more")

    @classmethod
    def from_pairs(
        cls,
        x: Trajectories,
        x_prime: Trajectories,
        scale: float = 1.0,
        neighbours: int = 0,
        smoothing: float = 0.0,
    ) -> Residual:
        """The kernel that resamples the residuals of pairs: row i of `x_prime` is what became of row i of `x`.

        Raises:
            InputError: pairs that do not fit, fewer than two, or more than 256 MB of residuals.
        """
        require(
            x.values.shape == x_prime.values.shape and x.channels == x_prime.channels,
            f"Residual.from_pairs: got {x!r} and {x_prime!r}; expected pairs of the same shape and channels",
        )
        require(len(x) >= 2, f"Residual.from_pairs: got {len(x)} pairs; expected at least 2")
        require(
            x.values.size <= _MOST_VALUES,
            f"Residual.from_pairs: got {x.values.size} values; expected at most {_MOST_VALUES}: give fewer pairs",
        )
        residuals = x_prime.values - x.values
        residuals.flags.writeable = False
        search = Neighbourhood.of(x, thinned=False) if neighbours else None
        return cls(
            scale=scale,
            neighbours=neighbours,
            smoothing=smoothing,
            residuals=residuals,
            neighbourhood=search,
        )

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: no pairs were given, or trajectories of another shape than theirs.
        """
        if self.residuals is None:
            raise InputError(
                f"kernel {self.name!r}: has no residuals; expected Residual.from_pairs(x, x_prime)"
            )
        require(
            trajectories.values.shape[1:] == self.residuals.shape[1:],
            f"kernel {self.name!r}: has residuals of shape {self.residuals.shape[1:]} and got trajectories of "
            f"{trajectories.values.shape[1:]}; expected the same (T, C)",
        )
        scale = self.known_scale
        if scale == 0:
            return trajectories
        drawn = self.residuals[self._chosen(trajectories, len(self.residuals), rng)]
        if self.smoothing > 0:
            mean, spread = self.residuals.mean(axis=0), self.residuals.std(axis=0)
            noise = rng.standard_normal(drawn.shape, dtype=np.float32)
            noise *= np.float32(self.smoothing) * spread
            drawn = mean + (drawn - mean + noise) / np.float32(np.sqrt(1 + self.smoothing**2))
        drawn *= np.float32(scale)
        drawn += trajectories.values
        return deviated(trajectories, drawn)

    def _chosen(self, trajectories: Trajectories, pairs: int, rng: np.random.Generator) -> NDArray[np.int64]:
        """(N,) which pair's residual each trajectory gets."""
        n = len(trajectories)
        if self.neighbourhood is None:
            return rng.integers(pairs, size=n)
        near = self.neighbourhood.nearest(trajectories, self.neighbours, itself=True)
        return near[np.arange(n), rng.integers(near.shape[1], size=n)]
