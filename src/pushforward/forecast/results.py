"""What was forecast: plain, frozen, and written as JSON."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from pushforward.forecast.counting import Counted
from pushforward.forecast.noise import Noise
from pushforward.measure.grid import Grid
from pushforward.measure.inference import sidak

if TYPE_CHECKING:
    from scipy import sparse

    from pushforward.forecast.skill import Skill
    from pushforward.measure.intended import Intended
    from pushforward.measure.results import Audit, QuantityAudit

__all__ = ["Change", "Estimate", "Forecast"]

Array = NDArray[np.float64]
FORMAT_VERSION = 1


@dataclass(frozen=True)
class Estimate:
    """A number with its confidence limits."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Change:
    """Neighbouring bins that are predicted to gain (mass > 0) or to lose (mass < 0), significantly.

    Attributes:
        low, high: the range in the quantity's unit; infinite beyond the grid.
        mass: p̃ − π in it.
    """

    low: float
    high: float
    mass: float


@dataclass(frozen=True, eq=False)
class Forecast:
    """p̃(q'): the predicted recovered law of one quantity. `print(forecast)` shows a table.

    Arrays have W = bins + 2 entries: below the first edge, the bins, above the last edge.

    Attributes:
        name, unit: of the quantity.
        kernel: the deviation kernel, as it is spelled.
        settings: its settings.
        intended: how π was given: `data`, or a stated law.
        n: trajectories on which the quantity is defined.
        repeats: deviations of each.
        n_undefined: trajectories on which the quantity is not defined; left out.
        n_lost: deviations on which it is not, of trajectories on which it is; left out, as an audit does.
        n_dropped: invalid trajectories that were left out before measuring.
        uncovered: stated mass in bins without any data, taken to stay where it is.
        grid: where everything is counted.
        expected: (W,) π.
        mass: (W,) p̃.
        low, high: (W,) simultaneous band of p̃: sampling of the data, Monte Carlo of the deviations, and the
            uncertainty of the kernel's scale where it has one.
        p_adjusted: (W,) p-values of p̃ ≠ π, Benjamini–Hochberg over the bins.
        mean, mean_expected: means of p̃ and of π.
        mean_shift: their difference.
        tv: total variation between p̃ and π over the bins; its limits are conservative.
        w1: Wasserstein distance between them, in the unit; its limits are conservative.
        flow: (W, W) sparse: the mass that starts in a bin (row) and ends in another (column). Rows sum to π (where
            nothing is lost), columns to p̃.
        seed, level, version: of the forecast.
    """

    name: str
    unit: str
    kernel: str
    settings: Mapping[str, Any]
    intended: str
    n: int
    repeats: int
    n_undefined: int
    n_lost: int
    n_dropped: int
    uncovered: float
    grid: Grid
    expected: Array
    mass: Array
    low: Array
    high: Array
    p_adjusted: Array
    mean: float
    mean_expected: float
    mean_shift: Estimate
    tv: Estimate
    w1: Estimate
    flow: sparse.csr_array
    seed: int
    level: float
    version: str
    _noise: Noise = field(repr=False)
    _counted: Counted = field(repr=False)
    _law: Intended | None = field(default=None, repr=False)
    _others: tuple[Counted, Counted] | None = field(default=None, repr=False)

    @property
    def scale(self) -> float | None:
        """The kernel's scale."""
        found = self.settings.get("scale")
        return None if found is None else float(found)

    @property
    def edges(self) -> Array:
        """(bins + 1,) edges of the bins, in the quantity's unit."""
        return self.grid.edges

    @property
    def drift(self) -> Array:
        """(W,) Δ̃ = p̃ − π."""
        return np.asarray(self.mass - self.expected)

    @property
    def drift_low(self) -> Array:
        """(W,) lower limits of Δ̃, which hold together; what p̃ and π share of their sampling cancels."""
        return np.asarray(self.drift - self._drift_half)

    @property
    def drift_high(self) -> Array:
        """(W,) upper limits of Δ̃."""
        return np.asarray(self.drift + self._drift_half)

    @property
    def _drift_half(self) -> Array:
        half = self._noise.half_width(sidak(self.level, len(self.mass)))
        return np.asarray(half * np.sqrt(np.square(self._noise.drift).sum(axis=0)))

    @property
    def conditional(self) -> sparse.csr_array:
        """κ(b | a): (W, W) sparse, each row the law of q' given that q lies in bin a; empty where there is no data."""
        from scipy import sparse

        total = np.asarray(self.flow.sum(axis=1)).ravel()
        return sparse.csr_array(sparse.diags_array(1 / np.where(total > 0, total, 1.0)) @ self.flow)

    @property
    def gain(self) -> NDArray[np.int64]:
        """(W,) +1 where mass is predicted to be gained, −1 where lost, significantly; 0 elsewhere."""
        return np.where(self.p_adjusted <= self.level, np.sign(self.drift), 0).astype(np.int64)

    @property
    def gains(self) -> tuple[Change, ...]:
        """Ranges that are predicted to gain."""
        return self._changes(1)

    @property
    def losses(self) -> tuple[Change, ...]:
        """Ranges that are predicted to lose."""
        return self._changes(-1)

    def _changes(self, sign: int) -> tuple[Change, ...]:
        limits = np.concatenate([[-math.inf], self.edges, [math.inf]])
        marked = np.concatenate([[False], self.gain == sign, [False]]).astype(np.int64)
        starts, ends = (np.flatnonzero(np.diff(marked) == step) for step in (1, -1))
        return tuple(
            Change(float(limits[a]), float(limits[b]), float(self.drift[a:b].sum()))
            for a, b in zip(starts, ends, strict=True)
        )

    def on(self, grid: Grid) -> Forecast:
        """The same forecast counted on another grid, exactly.

        Raises:
            InputError: the values were too many to be kept (more than 2²⁴).
        """
        if grid == self.grid:
            return self
        from pushforward.forecast.making import recounted

        return recounted(self, grid)

    def on_bins_of(self, audit: Audit) -> Forecast:
        """The same forecast counted in the bins of an audit of its quantity.

        Raises:
            InputError: it was not audited, or the values were too many to be kept.
        """
        from pushforward.forecast.observed import grid_of

        return self.on(grid_of(audit, self.name))

    def skill(self, audit: Audit | QuantityAudit, second: Audit | QuantityAudit | None = None) -> Skill:
        """How well this forecast met the drift that `audit` found: see `pushforward.forecast.skill.skill`."""
        from pushforward.forecast.skill import skill

        return skill(self, audit, second)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, lists and strings; arrays hold the inner bins, `underflow` and `overflow` the outer ones."""
        arrays = {
            "expected": self.expected,
            "forecast": self.mass,
            "low": self.low,
            "high": self.high,
            "p_adjusted": self.p_adjusted,
            "gain": self.gain,
        }
        flow = self.flow.tocoo()
        return {
            "format": "pushforward-forecast",
            "format_version": FORMAT_VERSION,
            "version": self.version,
            "seed": self.seed,
            "level": self.level,
            "quantity": self.name,
            "unit": self.unit,
            "kernel": self.kernel,
            "settings": dict(self.settings),
            "scale": self.scale,
            "intended": self.intended,
            **{
                key: getattr(self, key)
                for key in ("n", "repeats", "n_undefined", "n_lost", "n_dropped", "uncovered")
            },
            **{key: getattr(self, key) for key in ("mean", "mean_expected")},
            **{key: asdict(getattr(self, key)) for key in ("mean_shift", "tv", "w1")},
            "grid": {**asdict(self.grid), "edges": self.edges.tolist()},
            **{key: array[1:-1].tolist() for key, array in arrays.items()},
            "underflow": {key: array[0].item() for key, array in arrays.items()},
            "overflow": {key: array[-1].item() for key, array in arrays.items()},
            "gains": [asdict(change) for change in self.gains],
            "losses": [asdict(change) for change in self.losses],
            "flow": {"from": flow.row.tolist(), "to": flow.col.tolist(), "mass": flow.data.tolist()},
        }

    def to_text(self) -> str:
        """`to_json` as strict JSON text (numbers that are not finite become null)."""
        return json.dumps(finite(self.to_json()), indent=1, allow_nan=False)

    def __str__(self) -> str:
        """A table: the predicted drift, and where mass is gained and lost."""
        from pushforward.forecast.table import forecast_table

        return forecast_table(self)


def finite(value: Any) -> Any:
    """The same record with None for numbers that JSON cannot hold."""
    if isinstance(value, Mapping):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value
