"""What a model makes of what it is asked for: φ of its samples against the value that they were to have."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from pushforward.errors import InputError, printable, require
from pushforward.forecast.results import Estimate, finite
from pushforward.forecast.table import aligned, limits
from pushforward.measure.table import number
from pushforward.mitigations.measuring import as_quantity
from pushforward.progress import Progress, silent
from pushforward.quantities.base import AbstractQuantity

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from pushforward.generators.base import AbstractGenerator

__all__ = ["Calibration", "Level", "calibrate"]

_Array = NDArray[np.float64]
_INNER = (0.025, 0.975)


@final
@dataclass(frozen=True)
class Level:
    """What came of one asked value.

    Attributes:
        asked: q*.
        n: samples on which φ is defined.
        undefined: samples on which it is not.
        mean: of φ, with its limits.
        bias: mean − asked.
        spread: standard deviation of φ, with its limits.
        low, high: 5 and 95 % quantiles of φ.
    """

    asked: float
    n: int
    undefined: int
    mean: Estimate
    bias: Estimate
    spread: Estimate
    low: float
    high: float


@final
@dataclass(frozen=True)
class Calibration:
    """Asked against got. `print(calibration)` shows a table; `figure()` draws it.

    Attributes:
        model, quantity, unit: what was asked, and how it was measured.
        levels: one for each asked value, rising.
        slope: of the mean of what was got on what was asked: 1 obeys, 0 ignores.
        error: root mean square of got − asked over all samples.
        seed: of the sampling.
        level: error level of the limits, each on its own.
    """

    model: str
    quantity: str
    unit: str
    levels: tuple[Level, ...]
    slope: Estimate
    error: float
    seed: int
    level: float

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, lists and strings; null where not known."""
        record = {"format": "pushforward-calibration", "format_version": 1, **asdict(self)}
        found: dict[str, Any] = finite(record)
        return found

    def figure(self) -> Figure:
        """Asked against got, and the bias; see `report.calibration_figures`."""
        from pushforward.report.calibration_figures import calibration_figure

        return calibration_figure(self)

    def __str__(self) -> str:
        """A line for each asked value, then slope and error."""
        unit = f" [{printable(self.unit, 20)}]" if self.unit else ""
        rows = [(f"asked{unit}", "got, mean [limits]", "bias [limits]", "spread [limits]", "samples")]
        for one in self.levels:
            lost = f" ({one.undefined:,} undefined)" if one.undefined else ""
            rows.append(
                (
                    number(one.asked),
                    limits(one.mean),
                    limits(one.bias, signed=True),
                    limits(one.spread),
                    f"{one.n:,}{lost}",
                )
            )
        return "\n".join(
            [
                *aligned(rows),
                f"{printable(self.quantity, 60)} of {printable(self.model, 80)}: slope of got on asked "
                f"{limits(self.slope)} (1 obeys, 0 ignores), root mean square error {number(self.error)}, "
                f"{100 * (1 - self.level):.4g} % limits, seed {self.seed}",
            ]
        )


def calibrate(
    model: AbstractGenerator,
    quantity: AbstractQuantity | Callable[..., Any] | str,
    n: int = 500,
    seed: int = 0,
    *,
    values: Sequence[float] | None = None,
    n_values: int = 9,
    level: float = 0.05,
    progress: Progress = silent,
    **settings: Any,
) -> Calibration:
    """Ask a model for values of a quantity, and measure what it makes.

    Args:
        model: conditional on one number, or with `condition` or `guide`: what takes `sample(n, condition=q)`.
        quantity: φ, its name, or any callable.
        n: samples for each value.
        seed: of the sampling.
        values: to ask for; default: `n_values` equal steps from the 2.5 to the 97.5 % quantile of the training data.
        n_values: how many, where they are not given.
        level: error level of the limits.
        progress: told after each value.
        settings: of the sampler.

    Raises:
        InputError: a model that cannot be asked, fewer than two values or samples, or what the model refuses.
    """
    phi = as_quantity(quantity)
    require(n >= 2, f"calibrate: got n = {n}; expected at least 2")
    require(0 < level < 1, f"calibrate: got level = {level:g}; expected between 0 and 1")
    asked = _askable(model, n_values) if values is None else np.unique(np.asarray(values, dtype=np.float64))
    require(
        asked.ndim == 1 and len(asked) >= 2 and bool(np.isfinite(asked).all()),
        "calibrate: expected at least two different finite values",
    )
    levels, squares, unit = [], [], ""
    for done, value in enumerate(asked):
        start = int(np.random.SeedSequence([seed, done]).generate_state(1)[0])
        made = model.sample(n, seed=start, condition=float(value), **settings)
        q, unit = phi(made), phi.unit_of(made)
        levels.append(_level(float(value), q, level))
        squares.append(np.square(q[np.isfinite(q)] - value))
        progress(done + 1, len(asked))
    return Calibration(
        model=str(getattr(model, "label", model.name)),
        quantity=phi.label,
        unit=unit,
        levels=tuple(levels),
        slope=_slope(levels, level),
        error=math.sqrt(float(np.concatenate(squares).mean())),
        seed=seed,
        level=level,
    )


def _askable(model: AbstractGenerator, count: int) -> _Array:
    """Values within what the model was fitted on."""
    require(count >= 2, f"calibrate: got n_values = {count}; expected at least 2")
    for mitigation in reversed(getattr(model, "mitigations", ())):
        law = getattr(mitigation, "law", None)
        if mitigation.name in ("condition", "guide") and law is not None:
            low, high = (float(end) for end in np.quantile(law, _INNER))
            return np.linspace(low, high, count)
    known = getattr(getattr(model, "knowledge", None), "conditions", None)
    if known is None or len(known.names) != 1:
        raise InputError(
            f"calibrate: {model.name} is asked for no single quantity; expected a model trained with one condition, or "
            "with condition or guide around it"
        )
    margin = _INNER[0] * (known.high[0] - known.low[0])
    return np.linspace(known.low[0] + margin, known.high[0] - margin, count)


def _level(asked: float, q: _Array, level: float) -> Level:
    """Mean with Student's limits; spread with those of ln s, se = √((m₄/s⁴ − (n − 3)/(n − 1)) / n) / 2."""
    undefined = int((~np.isfinite(q)).sum())
    q = q[np.isfinite(q)]
    if len(q) < 2:
        raise InputError(
            f"calibrate: the quantity is defined on {len(q)} of {len(q) + undefined} samples asked for {asked:g}; "
            "expected at least 2"
        )
    n, mean, spread = len(q), float(q.mean()), float(q.std(ddof=1))
    reach = float(stats.t.ppf(1 - level / 2, n - 1))
    half = reach * spread / math.sqrt(n)
    kurtosis = float(((q - mean) ** 4).mean()) / spread**4 if spread > 0 else 1.0
    wide = math.exp(reach * math.sqrt(max(kurtosis - (n - 3) / (n - 1), 0.0) / n) / 2)
    low, high = np.quantile(q, (0.05, 0.95))
    return Level(
        asked=asked,
        n=n,
        undefined=undefined,
        mean=Estimate(mean, mean - half, mean + half),
        bias=Estimate(mean - asked, mean - half - asked, mean + half - asked),
        spread=Estimate(spread, spread / wide, spread * wide),
        low=float(low),
        high=float(high),
    )


def _slope(levels: Sequence[Level], level: float) -> Estimate:
    """Least squares on the means, each with its own variance."""
    asked = np.array([one.asked for one in levels])
    away = (asked - asked.mean()) / np.square(asked - asked.mean()).sum()
    slope = float(away @ np.array([one.mean.value for one in levels]))
    variance = np.array([one.spread.value**2 / one.n for one in levels])
    half = float(stats.norm.ppf(1 - level / 2)) * math.sqrt(float(away**2 @ variance))
    return Estimate(slope, slope - half, slope + half)
