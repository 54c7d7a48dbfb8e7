"""Signed shifts of one quantity, each with its ordinary interval."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pushforward.measure import distances, inference
from pushforward.measure.expected import Expected
from pushforward.measure.grid import Grid
from pushforward.measure.results import QuantileShift, Shift
from pushforward.measure.tally import Tally

__all__ = ["POWER", "shifts", "undefined_shift"]

Array = NDArray[np.float64]
_LEVELS = (0.05, 0.25, 0.5, 0.75, 0.95)
_TAIL = 0.01
POWER = 0.8


def shifts(made: Tally, expected: Expected, level: float) -> dict[str, Any]:
    """Shifts of the mean, of quantiles and of the masses of both tails, and the smallest detectable shift.

    The names are those of `QuantityAudit`. The smallest shift of the mean that a test at `level` finds with
    probability `POWER` is (z_{1 − level/2} + z_POWER) · standard error.
    """
    shift, error = inference.shift_of_means(inference.mean_of(made), expected.mean, level)
    return {
        "mean_shift": Shift(*shift),
        "quantile_shifts": tuple(_quantile_shift(made, expected, tau, level) for tau in _LEVELS),
        "tail_low": _tail_shift(made, expected, level, upper=False),
        "tail_high": _tail_shift(made, expected, level, upper=True),
        "minimum_detectable": float(special.ndtri(1 - level / 2) + special.ndtri(POWER)) * error,
    }


def undefined_shift(made: Tally, sample: Tally | None, level: float) -> Shift:
    """Shift of the share of trajectories on which the quantity is not defined; nothing to compare with a law."""
    share = made.n_invalid / (made.n + made.n_invalid)
    if sample is None or (made.n_invalid == 0 and sample.n_invalid == 0):
        return Shift(0.0, 0.0, 0.0)
    expected = sample.n_invalid / (sample.n + sample.n_invalid)
    sizes = [
        float(side.n + side.n_invalid) if side.groups is None else float(len(side.groups.labels))
        for side in (made, sample)
    ]
    return Shift(*inference.shift_of_proportions(share, sizes[0], expected, sizes[1], level))


def _quantile_shift(made: Tally, expected: Expected, tau: float, level: float) -> QuantileShift:
    def at(share: float) -> float:
        return distances.quantile(made.mass, made.grid, share)

    n = made.n / inference.design_effect(made, _cells_below(made.grid, at(tau)))
    expected_n = expected.effective_n(_cells_below(made.grid, expected.quantile(tau)))
    shift = inference.shift_of_quantiles(at, n, expected.quantile, expected_n, tau, level)
    return QuantileShift(*shift, level=tau, expected=expected.quantile(tau))


def _cells_below(grid: Grid, value: float) -> Array:
    """(size,) how much of each cell lies below a value, linear within a cell."""
    edges = grid.cell_edges
    inner = np.clip((value - edges[:-1]) / np.diff(edges), 0.0, 1.0)
    return np.concatenate([[float(value >= edges[0])], inner, [float(value > edges[-1])]])


def _tail_shift(made: Tally, expected: Expected, level: float, upper: bool) -> Shift:
    below = _cells_below(made.grid, expected.quantile(1 - _TAIL if upper else _TAIL))
    tail = 1 - below if upper else below
    n = made.n / inference.design_effect(made, tail)
    share, wanted = float(made.mass @ tail), float(expected.mass @ tail)
    return Shift(*inference.shift_of_proportions(share, n, wanted, expected.effective_n(tail), level))
