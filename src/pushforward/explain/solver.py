"""The sampler's share: the same model from the same noise, with few steps and with many."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import printable, require
from pushforward.explain.jackknife import Jackknife
from pushforward.forecast.folds import FOLDS, fold_of
from pushforward.forecast.making import as_quantity
from pushforward.forecast.results import Estimate
from pushforward.measure.grid import Grid

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from pushforward.generators.base import AbstractGenerator
    from pushforward.quantities.base import AbstractQuantity
    from pushforward.trajectories import Trajectories

__all__ = ["SolverShare", "solver_share"]

Array = NDArray[np.float64]
_STREAM = 72


@final
@dataclass(frozen=True, eq=False)
class SolverShare:
    """The drift that few solver steps make, beside the drift of the model itself. `print(share)` shows a table.

    Attributes:
        name, unit: of the quantity.
        n: pairs of trajectories from the same noise on which it is defined; n_lost: pairs on which it is not.
        steps, converged_steps: of the solver.
        shift: E[q_few − q_many], paired, in the unit: the solver's shift of the mean.
        moved: E|q_few − q_many|, in the unit: how far the solver moves single trajectories.
        drift: (W,) p̂_few − p̂_many over the grid's bins and the two beyond; tv: half the sum of its size. Paired.
        model_shift, total_shift: mean of p̂_many and of p̂_few less the data's; None without data.
        share: ⟨drift, p̂_few − π⟩ / ‖p̂_few − π‖², freed of noise: what the solver makes of the whole drift; the model's
            is 1 less. None without data, not a number where the whole drift is not told from noise.
        grid: where it was counted.
    """

    name: str
    unit: str
    n: int
    n_lost: int
    steps: int
    converged_steps: int
    shift: Estimate
    moved: float
    drift: Array
    tv: float
    model_shift: Estimate | None
    total_shift: Estimate | None
    share: Estimate | None
    grid: Grid
    level: float
    seed: int

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, lists and strings."""
        plain = ("name", "unit", "n", "n_lost", "steps", "converged_steps", "moved", "tv", "level", "seed")
        estimates = {key: getattr(self, key) for key in ("shift", "model_shift", "total_shift", "share")}
        return {
            **{key: getattr(self, key) for key in plain},
            **{key: None if one is None else asdict(one) for key, one in estimates.items()},
            "drift": self.drift.tolist(),
            "grid": {**asdict(self.grid), "edges": self.grid.edges.tolist()},
        }

    def __str__(self) -> str:
        """A table."""
        from pushforward.explain.table import solver_table

        return solver_table(self)


def solver_share(
    model: AbstractGenerator,
    quantity: AbstractQuantity | Callable[..., Any] | str,
    n: int = 10_000,
    steps: int = 18,
    converged_steps: int = 80,
    seed: int = 0,
    *,
    data: Trajectories | None = None,
    grid: Grid | None = None,
    level: float = 0.05,
    **sampling: Any,
) -> SolverShare:
    """How much of a model's drift its solver makes: `steps` against `converged_steps` from the same noise.

    Common random numbers pair the two samples trajectory by trajectory, so that their difference is far better known
    than two independent samples would tell. That needs a sampler that is deterministic given its start.

    Args:
        model: a trained generator that is sampled by solving an equation, with a setting `sampler_steps`.
        quantity: a quantity, its command-line name, or any callable.
        n: how many pairs.
        steps, converged_steps: few and many; raise the latter until the answer stays.
        seed: of the noise.
        data: the demonstrations; then also the share of the whole drift.
        grid: where to count; default: 32 bins over the data's, or the samples', range.
        level: error level of the limits.
        sampling: further settings of the sampler.

    Raises:
        InputError: steps the wrong way round, a generator without that setting, a quantity that is not defined.
    """
    require(
        1 <= steps < converged_steps,
        f"steps: got {printable(steps, 20)} and {printable(converged_steps, 20)} converged ones; expected 1 or more, "
        "and more converged ones",
    )
    require(n >= 2, f"solver_share: got n = {n}; expected at least 2")
    measured = as_quantity(quantity)
    few, many = (
        model.sample(n, seed, sampler_steps=number, **sampling) for number in (steps, converged_steps)
    )
    pair = _pairs(measured, few, many)
    wanted, groups = (None, None) if data is None else _defined(measured, data)
    if grid is None:
        both = pair if wanted is None else wanted
        grid = Grid.covering(float(both.min()), float(both.max()))
    return SolverShare(
        name=measured.label,
        unit=measured.unit_of(few),
        n=pair.shape[1],
        n_lost=n - pair.shape[1],
        steps=steps,
        converged_steps=converged_steps,
        grid=grid,
        level=level,
        seed=seed,
        **_compared(_folded(pair, wanted, groups, grid, seed), pair[0] - pair[1], level),
    )


def _pairs(quantity: AbstractQuantity, few: Trajectories, many: Trajectories) -> Array:
    """(2, n) the values of both samples where both are defined."""
    pair = np.stack([quantity(few), quantity(many)])
    kept = np.isfinite(pair).all(axis=0)
    require(
        int(kept.sum()) >= 2, f"quantity {quantity.label!r}: not defined on at least two pairs of samples"
    )
    return np.asarray(pair[:, kept])


def _defined(quantity: AbstractQuantity, data: Trajectories) -> tuple[Array, NDArray[Any] | None]:
    """The data's values where they are defined, and their groups."""
    values = quantity(data)
    known = np.isfinite(values)
    require(
        int(known.sum()) >= 2,
        f"quantity {quantity.label!r}: not defined on at least two trajectories of the data",
    )
    return values[known], None if data.groups is None else data.groups[known]


def _folded(
    pair: Array, wanted: Array | None, groups: NDArray[Any] | None, grid: Grid, seed: int
) -> list[_Folded]:
    """Both samples in the same folds, so that they stay paired, and the data in folds that keep groups whole."""
    rng = np.random.default_rng([seed, _STREAM])
    J = min([FOLDS, pair.shape[1], *([] if wanted is None else [len(wanted)])])
    fold = rng.permutation(np.arange(pair.shape[1]) % J)
    folded = [_Folded.of(values, fold, J, grid) for values in pair]
    if wanted is not None:
        folded.append(_Folded.of(wanted, fold_of(groups, len(wanted), rng) % J, J, grid))
    return folded


def _compared(samples: Sequence[_Folded], few_less_many: Array, level: float) -> dict[str, Any]:
    """The numbers of few steps, many steps and, where there are any, the data; fold j is left out of all together."""
    folds = Jackknife(samples[0].size, level)

    def shift(a: int, b: int) -> Estimate:
        first, second = samples[a], samples[b]
        return folds.estimate(float(first.mean - second.mean), first.mean_without - second.mean_without)

    drift = samples[0].law - samples[1].law
    found: dict[str, Any] = {
        "shift": shift(0, 1),
        "moved": float(np.abs(few_less_many).mean()),
        "drift": drift,
        "tv": float(np.abs(drift).sum() / 2),
        "model_shift": None,
        "total_shift": None,
        "share": None,
    }
    if len(samples) > 2:
        total, without = samples[0].law - samples[2].law, samples[0].law_without - samples[2].law_without
        solver = samples[0].law_without - samples[1].law_without
        share = folds.ratio(
            (drift * total).sum(),
            (solver * without).sum(axis=-1),
            (total**2).sum(),
            (without**2).sum(axis=-1),
        )
        found |= {"model_shift": shift(1, 2), "total_shift": shift(0, 2), "share": share}
    return found


@final
@dataclass(frozen=True, eq=False)
class _Folded:
    """Law (W,) and mean of values, and the same without each of J folds."""

    size: Array
    law: Array
    mean: float
    law_without: Array
    mean_without: Array

    @classmethod
    def of(cls, values: Array, fold: NDArray[np.int64], J: int, grid: Grid) -> _Folded:
        """From (n,) values and their folds."""
        cell = grid.index(values)
        counts = np.stack([grid.by_bin(np.bincount(cell[fold == j], minlength=grid.size)) for j in range(J)])
        size = np.bincount(fold, minlength=J).astype(np.float64)
        sums = np.bincount(fold, values, minlength=J)
        n, rest = size.sum(), size.sum() - size
        law_without = (counts.sum(axis=0) - counts) / rest[:, None]
        mean_without = (sums.sum() - sums) / rest
        return cls(size, counts.sum(axis=0) / n, float(sums.sum() / n), law_without, mean_without)
