"""Attribution: which part of the errors makes the drift, by exact Shapley values from common random numbers."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.explain.jackknife import Jackknife
from pushforward.explain.parts import AbstractParts, Deviation
from pushforward.explain.shapley_values import MOST_PARTS, shapley
from pushforward.forecast.folds import FOLDS
from pushforward.forecast.results import Estimate
from pushforward.kernels.base import deviated
from pushforward.measure.grid import Grid
from pushforward.quantities.base import AbstractQuantity
from pushforward.trajectories import Trajectories

__all__ = ["METHOD", "Attribution", "Coalitions", "coalitions"]

Array = NDArray[np.float64]
METHOD = (
    "exact Shapley values: every coalition of parts is forecast from the same random numbers, the rest of the "
    "deviation switched off; limits from the jackknife over folds"
)


@final
@dataclass(frozen=True, eq=False)
class Attribution:
    """What each of a few parts of the errors contributes. Parts sum to the whole, in every row.

    Attributes:
        name: how the errors were cut: `time`, `channels`, `frequency`, `noise-levels`.
        parts: what the parts are.
        n: trajectories that were used; n_lost: those left out because φ is not defined for some coalition.
        drift: (parts, W) each part's share of Δ̃ in each bin.
        share: of each part, ⟨its drift, Δ̃⟩ / ‖Δ̃‖², freed of noise; these sum to 1. Not a number where Δ̃ is not told
            from noise.
        shift: of each part, in the shift of the mean, in the unit.
        spread: of each part, in the mean of D(q) = ½ Var[δq | q], in the unit's square.
        total_shift, total_spread: what they sum to.
    """

    name: str
    parts: tuple[str, ...]
    n: int
    n_lost: int
    drift: Array
    share: tuple[Estimate, ...]
    shift: tuple[Estimate, ...]
    spread: tuple[Estimate, ...]
    total_shift: Estimate
    total_spread: Estimate


def coalitions(
    x: NDArray[np.float32], parts: Sequence[Deviation]
) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """(S, x + Σ_{k in S} δ_k) of all 2ⁿ coalitions, each made from another by one addition."""

    def below(k: int, S: int, values: NDArray[np.float32]) -> Iterator[tuple[int, NDArray[np.float32]]]:
        if k == len(parts):
            yield S, values
            return
        yield from below(k + 1, S, values)
        yield from below(k + 1, S | 1 << k, values + parts[k])

    yield from below(0, 0, x)


@final
class Coalitions:
    """Counts of all coalitions of one kind of parts, by fold: filled block by block.

    W = bins + 2, J folds, 2ⁿ coalitions.
    """

    def __init__(self, parts: AbstractParts, labels: tuple[str, ...], grid: Grid, weight: Array) -> None:
        """Nothing counted yet; `weight` (W,) is what a trajectory of each bin stands for."""
        require(
            1 <= len(labels) <= MOST_PARTS,
            f"{parts.name}: got {len(labels)} parts; expected 1 to {MOST_PARTS}, whose coalitions are all forecast",
        )
        self.parts, self.labels, self.grid, self.weight = parts, labels, grid, weight
        shape = (1 << len(labels), FOLDS, grid.bins + 2)
        self._landed, self._first, self._second = np.zeros(shape), np.zeros(shape), np.zeros(shape)
        self._origins = np.zeros(shape[1:])
        self._n_lost = 0

    def add(
        self,
        block: Trajectories,
        parts: Sequence[Deviation],
        quantity: AbstractQuantity,
        q: Array,
        fold: NDArray[np.int64],
    ) -> None:
        """Measure every coalition on a block whose values q are known."""
        found = np.empty((len(self._landed), len(q)))
        for S, x in coalitions(block.values, parts):
            # No part switched on is the data, to the last bit.
            found[S] = q if S == 0 else quantity(deviated(block, x))
        kept = np.isfinite(found).all(axis=0)
        self._n_lost += int((np.isfinite(q) & ~kept).sum())
        found, q, fold = found[:, kept], q[kept], fold[kept]
        W = self.grid.bins + 2
        bins = self._bins(q)
        origin = fold * W + bins

        def summed(places: NDArray[np.int64], weights: Array | None) -> Array:
            counts = np.bincount(places, weights, minlength=FOLDS * W).reshape(FOLDS, W)
            return np.asarray(counts, dtype=np.float64)

        self._origins += summed(origin, None)
        for S, values in enumerate(found):
            moved = values - q
            self._landed[S] += summed(fold * W + self._bins(values), self.weight[bins])
            self._first[S] += summed(origin, moved)
            self._second[S] += summed(origin, moved * moved)

    def _bins(self, values: Array) -> NDArray[np.int64]:
        """0 below the range, 1 … bins, bins + 1 above it, as a forecast counts."""
        found = np.searchsorted(self.grid.edges, values, side="right").astype(np.int64)
        found[values == self.grid.high] = self.grid.bins
        return found

    def attribution(self, level: float) -> Attribution:
        """The Shapley values with their limits.

        Raises:
            InputError: fewer than two independent trajectories.
        """
        size = self._origins.sum(axis=1)
        held = np.flatnonzero(size)
        folds = Jackknife(size[held], level)
        tables = self._origins, self._landed, self._first, self._second
        whole = self._values(*(table.sum(axis=-2) for table in tables))
        # The folds' axis goes to the front, so that a row is what is left without one fold.
        rest = [table.sum(axis=-2, keepdims=True) - table[..., held, :] for table in tables]
        without = self._values(rest[0], *(np.moveaxis(table, -2, 0) for table in rest[1:]))
        (drift, shift, spread), (drift_rest, shift_rest, spread_rest) = whole, without
        total, total_rest = drift.sum(axis=0), drift_rest.sum(axis=1)
        norm, norm_rest = (total**2).sum(), (total_rest**2).sum(axis=-1)
        n = range(len(self.labels))
        return Attribution(
            self.parts.name,
            self.labels,
            int(size.sum()),
            self._n_lost,
            drift,
            tuple(
                folds.ratio(
                    (drift[i] * total).sum(), (drift_rest[:, i] * total_rest).sum(axis=-1), norm, norm_rest
                )
                for i in n
            ),
            tuple(folds.estimate(float(shift[i]), shift_rest[:, i]) for i in n),
            tuple(folds.estimate(float(spread[i]), spread_rest[:, i]) for i in n),
            folds.estimate(float(shift.sum()), shift_rest.sum(axis=1)),
            folds.estimate(float(spread.sum()), spread_rest.sum(axis=1)),
        )

    def _values(
        self, origins: Array, landed: Array, first: Array, second: Array
    ) -> tuple[Array, Array, Array]:
        """Shapley values of the drift (..., n, W), the shift and the spread (..., n).

        From origins (..., W) and the coalitions' landed, first and second (..., 2ⁿ, W).
        """
        mass = (origins * self.weight).sum(axis=-1)[..., None]
        drift = (landed - landed[..., :1, :]) / mass[..., None]
        n = origins[..., None, :]
        mean = first / np.maximum(n, 1)
        # Unbiased within each bin, so that bins of few trajectories do not look narrow.
        variance = (second - n * mean**2) / np.maximum(n - 1, 1)
        weight = self.weight * n
        shift = (weight * mean).sum(axis=-1) / mass
        spread = (weight * variance).sum(axis=-1) / mass / 2
        return _per_part(drift, -2), _per_part(shift, -1), _per_part(spread, -1)


def _per_part(values: Array, axis: int) -> Array:
    """Shapley values along the coalitions' axis, which becomes the parts'."""
    return np.moveaxis(shapley(np.moveaxis(values, axis, 0)), 0, axis)
