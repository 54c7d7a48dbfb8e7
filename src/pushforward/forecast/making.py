"""forecast: from a kernel, data and a quantity to the predicted recovered law."""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, final

import numpy as np
from numpy.typing import NDArray
from scipy import sparse

from pushforward.errors import InputError, printable, require
from pushforward.forecast.counting import Counted, count
from pushforward.forecast.noise import (
    Law,
    Noise,
    conditional,
    interval_of_masses,
    law_of,
    noise_of,
    significance,
    student_interval,
)
from pushforward.forecast.pushing import Push, Source, first_batch, learned_from
from pushforward.forecast.results import Estimate, Forecast
from pushforward.forecast.settings import ForecastSettings
from pushforward.forecast.tally import FlowTally
from pushforward.kernels.base import AbstractDeviationKernel
from pushforward.measure import distances
from pushforward.measure.grid import Grid
from pushforward.measure.inference import upper_limit
from pushforward.measure.intended import Intended
from pushforward.measure.streams import Wanted
from pushforward.progress import Progress, silent
from pushforward.quantities.base import AbstractQuantity, Quantity

__all__ = ["Request", "forecast", "recounted"]

Array = NDArray[np.float64]
_DRAWS = 999
_MOST_UNCOVERED = 0.2
# The three-point Gauss–Hermite rule looks at ±√3 standard deviations.
_APART = math.sqrt(3.0)


def forecast(
    kernel: AbstractDeviationKernel,
    trajectories: Source,
    quantity: AbstractQuantity | Callable[..., Any] | str,
    *,
    intended: Wanted | None = None,
    repeats: int | None = None,
    grid: Grid | None = None,
    group: str | None = None,
    seed: int = 0,
    settings: ForecastSettings | None = None,
    progress: Progress = silent,
) -> Forecast:
    """Which values of a quantity will a model class over- and under-produce?

    p̃(q') = ∫ κ(q' | q) π(q) dq: every trajectory is deviated as the kernel says, and measured before and after.

    Args:
        kernel: K(x' | x), with a scale; for one without see `dose_response`.
        trajectories: the data, or a function that gives its batches (then memory stays constant).
        quantity: a quantity, its command-line name, or any callable.
        intended: π where it is a stated law (`"uniform(1, 2)"`, a frozen scipy distribution); else the data's own.
        repeats: deviations of each trajectory; default: the kernel's own number.
        grid: where to count, such as an audit's; default: found from data and deviations.
        group: what makes trajectories dependent: None uses the data's `groups`, "none" ignores them, another name takes
            that condition.
        seed: of the deviations. The same seed gives the same forecast, on any number of threads.
        settings: grid, level, threads; its seed and repeats are replaced where given here.

    Raises:
        InputError: no scale, no data, a quantity that is not defined, unknown names, π where there is no data.
    """
    request = Request.of(kernel, trajectories, quantity, intended, repeats, group, seed, settings, progress)
    return request.forecast(grid)


@final
@dataclass(frozen=True, eq=False)
class Request:
    """A forecast that is asked for, all of it settled but the scale and the grid."""

    push: Push
    source: Source
    settings: ForecastSettings
    law: Intended | None
    unit: str
    progress: Progress

    @classmethod
    def of(
        cls,
        kernel: AbstractDeviationKernel,
        source: Source,
        quantity: AbstractQuantity | Callable[..., Any] | str,
        intended: Wanted | None,
        repeats: int | None,
        group: str | None,
        seed: int,
        settings: ForecastSettings | None,
        progress: Progress = silent,
    ) -> Request:
        """Settle what was asked for and let the kernel learn from the data."""
        require(
            isinstance(kernel, AbstractDeviationKernel),
            f"kernel: got {printable(type(kernel).__name__)}; expected one such as kernels.Gaussian(0.02)",
        )
        given = replace(settings or ForecastSettings(), seed=seed)
        given = given if repeats is None else replace(given, repeats=repeats)
        measured = as_quantity(quantity)
        unit = measured.unit_of(first_batch(source))
        push = Push(
            learned_from(kernel, source),
            measured,
            given.repeats or kernel.repeats,
            seed,
            given.threads,
            group,
        )
        law = None if intended is None else Intended.of(intended)
        return cls(push, source, given, law, unit, progress)

    def at(self, scale: float) -> Request:
        """The same with the kernel at another scale."""
        return replace(self, push=replace(self.push, kernel=self.push.kernel.with_scale(scale)))

    def forecast(self, grid: Grid | None = None) -> Forecast:
        """Push, count and assemble."""
        counted = self.counted(grid)
        return self.assembled(counted, self._others(counted.tally.grid))

    def counted(self, grid: Grid | None = None) -> Counted:
        """Counts at the kernel's own scale."""
        self.push.kernel.known_scale  # noqa: B018 - refused before any work
        return count(self.push, self.source, self.settings, grid=grid, law=self.law, progress=self.progress)

    def _others(self, grid: Grid) -> tuple[Counted, Counted] | None:
        """Counts where the scale is smaller and larger by its error, from the same random numbers."""
        error, scale = self.push.kernel.scale_error, self.push.kernel.known_scale
        if error <= 0 or scale <= 0:
            return None
        smaller, larger = (self.at(scale * math.exp(sign * _APART * error)).counted(grid) for sign in (-1, 1))
        return smaller, larger

    def assembled(self, counted: Counted, others: tuple[Counted, Counted] | None = None) -> Forecast:
        """The forecast of counts."""
        from pushforward import __version__

        push = self.push
        return _assembled(
            counted,
            others,
            self.law,
            {
                "name": push.quantity.label,
                "unit": self.unit,
                "kernel": push.kernel.label,
                "settings": push.kernel.settings,
                "intended": "data" if self.law is None else self.law.text,
                "repeats": push.repeats,
                "seed": push.seed,
                "level": self.settings.level,
                "version": __version__,
            },
        )


def recounted(made: Forecast, grid: Grid) -> Forecast:
    """A forecast on another grid; see `Forecast.on`."""
    others = made._others
    names = ("name", "unit", "kernel", "settings", "intended", "repeats", "seed", "level", "version")
    return _assembled(
        made._counted.on(grid),
        None if others is None else (others[0].on(grid), others[1].on(grid)),
        made._law,
        {name: getattr(made, name) for name in names},
    )


def as_quantity(quantity: AbstractQuantity | Callable[..., Any] | str) -> AbstractQuantity:
    """A quantity from itself, its name, or any callable."""
    if isinstance(quantity, str):
        from pushforward.quantities import parse

        return parse(quantity)
    if isinstance(quantity, AbstractQuantity):
        return quantity
    require(
        callable(quantity),
        f"quantity: got {printable(type(quantity).__name__)}; expected a quantity or its name",
    )
    return Quantity(quantity)


def _assembled(
    counted: Counted, others: tuple[Counted, Counted] | None, intended: Intended | None, facts: dict[str, Any]
) -> Forecast:
    tally, repeats, level = counted.tally, facts["repeats"], facts["level"]
    wanted = None if intended is None else tally.grid.by_bin(intended.mass(tally.grid))
    uncovered = _uncovered(tally, wanted, facts["name"])
    law = law_of(tally, wanted, repeats)
    noise = noise_of(tally, law, wanted, repeats)
    if others is not None:
        smaller, larger = (law_of(other.tally, wanted, repeats) for other in others)
        noise = noise.with_component(
            (larger.mass - smaller.mass) / (2 * _APART), float(larger.shift - smaller.shift) / (2 * _APART)
        )
    low, high = interval_of_masses(law, noise, level)
    tv, w1 = _distances(tally, law, noise, level, facts["seed"])
    centre = tally.grid.centre + float(tally.sums[0].sum()) / tally.n if intended is None else intended.mean
    return Forecast(
        **facts,
        n=tally.n,
        n_undefined=tally.n_undefined,
        n_lost=tally.n_lost,
        n_dropped=tally.n_dropped,
        uncovered=uncovered,
        grid=tally.grid,
        expected=law.expected,
        mass=law.mass,
        low=low,
        high=high,
        p_adjusted=significance(law, noise),
        mean=centre + float(law.shift),
        mean_expected=centre,
        mean_shift=Estimate(*student_interval(float(law.shift), noise.shift, noise, level)),
        tv=tv,
        w1=w1,
        flow=_flow(tally, law),
        _noise=noise,
        _counted=counted,
        _law=intended,
        _others=others,
    )


def _uncovered(tally: FlowTally, wanted: Array | None, name: str) -> float:
    if wanted is None:
        return 0.0
    missing = float(wanted[tally.origins.sum(axis=0) == 0].sum())
    if missing > _MOST_UNCOVERED:
        raise InputError(
            f"quantity {printable(name, 60)!r}: {100 * missing:.0f} % of the intended law lies where there is no data; "
            f"expected at most {100 * _MOST_UNCOVERED:.0f} %"
        )
    return missing


def _flow(tally: FlowTally, law: Law) -> sparse.csr_array:
    """(W, W) mass by where it starts and ends."""
    moving = conditional(tally.joint.sum(axis=0)) * law.share[:, None]
    return sparse.csr_array(moving + np.diag(law.staying))


def _distances(
    tally: FlowTally, law: Law, noise: Noise, level: float, seed: int
) -> tuple[Estimate, Estimate]:
    """Total variation and W1 between p̃ and π, with limits from the triangle inequality."""
    grid = tally.grid
    # Within bins the stated law is taken to be the data's, on both sides: what does not move is no distance.
    landed: Array = np.asarray(law.share @ conditional(tally.landed))
    difference = landed - tally.within(law.expected - law.staying)
    w1 = float(distances.w1(distances.cdf_difference(difference), grid))
    tv = float(0.5 * np.abs(law.mass - law.expected).sum())
    errors, expected = noise.draws(_DRAWS, np.random.default_rng([seed, _DRAWS]))
    errors -= expected
    cdf = np.abs(np.cumsum(errors, axis=1)[:, :-1]).sum(axis=1) * (grid.high - grid.low) / grid.bins
    return _limited(tv, 0.5 * np.abs(errors).sum(axis=1), level, 1.0), _limited(w1, cdf, level, math.inf)


def _limited(value: float, errors: Array, level: float, most: float) -> Estimate:
    margin = float(upper_limit(errors, level))
    return Estimate(value, max(value - margin, 0.0), min(value + margin, most))
