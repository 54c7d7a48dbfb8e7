"""explain: from a kernel, data and a quantity to why it drifts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.explain.attribution import Attribution, Coalitions
from pushforward.explain.examples import Sampled, sampled
from pushforward.explain.expansion import expand
from pushforward.explain.flows import net_flows
from pushforward.explain.masked import drawing
from pushforward.explain.moments import bias_and_spread
from pushforward.explain.movers import Movers
from pushforward.explain.parts import AbstractParts, parts_for
from pushforward.explain.results import Explanation
from pushforward.forecast.folds import fold_of
from pushforward.forecast.making import Request
from pushforward.forecast.pushing import Push, Source, cluster_ids, first_batch
from pushforward.forecast.settings import ForecastSettings
from pushforward.kernels.base import AbstractDeviationKernel, deviated
from pushforward.measure.grid import Grid
from pushforward.measure.streams import Wanted
from pushforward.progress import Progress, silent
from pushforward.quantities.base import AbstractQuantity

__all__ = ["explain"]

Array = NDArray[np.float64]
_PURPOSE = 2


def explain(
    kernel: AbstractDeviationKernel,
    trajectories: Source,
    quantity: AbstractQuantity | Callable[..., Any] | str,
    *,
    by: Sequence[str | AbstractParts] | None = None,
    intended: Wanted | None = None,
    repeats: int | None = None,
    grid: Grid | None = None,
    group: str | None = None,
    sample: int = 8192,
    examples: int = 6,
    seed: int = 0,
    settings: ForecastSettings | None = None,
    progress: Progress = silent,
) -> Explanation:
    """Why does a quantity drift under these local errors, where, and through which of them?

    Bias b(q) = E[δq | q] and spread D(q) = ½ Var[δq | q] move mass by Δ ≈ −∂(b π)/∂q + ∂²(D π)/∂q²; what they make
    of the forecast drift is told, and exact Shapley values tell which parts of the errors make it. Source: Kramers
    1940, Physica 7, 284–304; Moyal 1949, Journal of the Royal Statistical Society B 11, 150–210; Shapley 1953.

    Args:
        kernel: K(x' | x), with a scale.
        trajectories: the data, or a function that gives its batches (then memory stays constant).
        quantity: a quantity, its command-line name, or any callable.
        by: which parts to attribute to: names among `time`, `channels`, `frequency`, `noise-levels`, or cuts such as
            `TimeSegments(6)`; () for none. Default: time, frequency, channels where there are several, and noise
            levels where the kernel's scale is one.
        intended, repeats, grid, group: as in `forecast`.
        sample: how many trajectories, chosen at random, the attributions and examples look at: each part doubles
            their cost.
        examples: how many trajectories to show.
        seed: of the deviations, and of the choice of the sample.
        settings: as in `forecast`.

    Raises:
        InputError: as `forecast`, and unknown parts, more than six of them, a sample of fewer than 2.
    """
    for name, number, least in (("sample", sample, 2), ("examples", examples, 0)):
        require(
            isinstance(number, int) and number >= least,
            f"{name}: got {printable(number, 40)}; expected a whole number of at least {least}",
        )
    request = Request.of(kernel, trajectories, quantity, intended, repeats, group, seed, settings, progress)
    cuts = parts_for(by, request.push.kernel, first_batch(trajectories).C)
    forecast = request.forecast(grid)
    tally = forecast._counted.tally
    wanted = None if request.law is None else tally.grid.by_bin(request.law.mass(tally.grid))
    weight = _weights(tally.origins.sum(axis=0).astype(np.float64), wanted)
    close = _CloseLook(request.push, cuts, tally.grid, weight, sampled(trajectories, sample, seed), examples)
    attributions, movers = close.look(request.settings.level, progress)
    bias, spread = bias_and_spread(tally, request.settings.level)
    arguments = (tally, wanted, request.push.repeats, request.settings.level)
    return Explanation(
        forecast, bias, spread, *expand(*arguments), net_flows(*arguments), attributions, movers
    )


def _weights(origins: Array, wanted: Array | None) -> Array:
    """(W,) what a trajectory of each bin stands for under a stated law."""
    if wanted is None:
        return np.ones_like(origins)
    return np.asarray(wanted * origins.sum() / np.maximum(origins, 1))


@final
@dataclass(frozen=True, eq=False)
class _CloseLook:
    """One pass over a sample: one deviation of each, cut in every way that was asked for."""

    push: Push
    cuts: tuple[AbstractParts, ...]
    grid: Grid
    weight: Array
    sample: Sampled
    examples: int

    def look(self, level: float, progress: Progress) -> tuple[tuple[Attribution, ...], Movers]:
        """Attributions and the examples that move most."""
        data, kernel, quantity = self.sample.trajectories, self.push.kernel, self.push.quantity
        tables = [Coalitions(cut, cut.labels(data), self.grid, self.weight) for cut in self.cuts]
        movers: Movers | None = None
        done = 0
        for number, block in enumerate(data.batches(max(kernel.block_values // (data.T * data.C), 1))):
            deviations, folds = (
                np.random.Generator(
                    np.random.SFC64(np.random.SeedSequence([self.push.seed, number, purpose]))
                )
                for purpose in (_PURPOSE, _PURPOSE + 1)
            )
            draw = drawing(kernel, block, deviations)
            fold = fold_of(cluster_ids(block, self.push.group), len(block), folds)
            q, moved = quantity(block), deviated(block, block.values + draw(None))
            for table in tables:
                table.add(block, table.parts.split(draw, block), quantity, q, fold)
            index = self.sample.index[done : done + len(block)]
            found = Movers.of(self.examples, index, q, quantity(moved), block, moved)
            movers = found if movers is None else movers.and_of(found, self.examples)
            done += len(block)
            progress(done, len(data))
        if movers is None or not movers.n:
            raise InputError(f"quantity {quantity.label!r}: not defined on any deviation of the sample")
        return tuple(table.attribution(level) for table in tables), movers
