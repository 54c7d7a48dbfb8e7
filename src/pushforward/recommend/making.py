"""recommend: forecast every candidate, before any training, and rank them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.forecast.making import forecast
from pushforward.forecast.results import Estimate, Forecast
from pushforward.forecast.settings import ForecastSettings
from pushforward.kernels import AbstractDeviationKernel, Gaussian
from pushforward.kernels import parse as parse_kernel
from pushforward.measure.grid import Grid
from pushforward.measure.intended import Intended
from pushforward.mitigations.deconvolve import Deconvolve
from pushforward.mitigations.measuring import as_quantity
from pushforward.mitigations.reweight import Reweight
from pushforward.progress import Progress, silent
from pushforward.quantities.base import AbstractQuantity
from pushforward.recommend.results import Candidate, Recommendation
from pushforward.representations import REPRESENTATIONS, parse
from pushforward.representations.base import AbstractRepresentation
from pushforward.representations.deviation import Represented
from pushforward.trajectories import Trajectories

__all__ = ["recommend"]

_SEEN = 2048
_DRAW_BINS = 16
Check = Callable[[Trajectories], NDArray[np.bool_]]


def recommend(
    trajectories: Trajectories,
    quantity: AbstractQuantity | Callable[..., Any] | str,
    *,
    kernel: AbstractDeviationKernel | str | None = None,
    intended: Intended | str | None = None,
    representations: Sequence[AbstractRepresentation | str] | None = None,
    valid: Check | None = None,
    group: str | None = None,
    repeats: int = 2,
    seed: int = 0,
    data: str = "DATA",
    progress: Progress = silent,
) -> Recommendation:
    """Which coordinates to train in, and which demonstrations to train on, so that φ keeps its law?

    Each candidate's local errors are made where its model makes them, in its codes, and pushed through φ: the forecast
    drift ranks them. What is forecast rests on the kernel: errors of one size relative to each code's spread.

    Args:
        trajectories: the data.
        quantity: φ, its name, or any callable.
        kernel: of the local errors; default: white, 4 % of each code's standard deviation.
        intended: π where it is a stated law; else the data's own.
        representations: to try, as objects or spelled ("increments + whitened"); default: all registered ones.
        valid: (N,) which trajectories are plausible, such as a system's `valid`.
        group: what makes trajectories dependent, as in `forecast`.
        repeats: deviations of each trajectory.
        seed: of the deviations; all candidates get the same.
        data: how the file is called in the commands.
        progress: told after each candidate.

    Raises:
        InputError: a quantity that is not defined, an unknown name, or a kernel without a scale.
    """
    push = _Push(
        trajectories,
        as_quantity(quantity),
        _kernel(kernel),
        None if intended is None else Intended.of(intended),
        valid,
        group,
        repeats,
        seed,
        data,
    )
    tried = [parse(one) if isinstance(one, str) else one for one in representations or REPRESENTATIONS]
    identity = parse("identity")
    ahead = push.forecast(identity, None)
    candidates, refused = push.represented(
        [one for one in tried if one.name != "identity"], ahead.grid, progress
    )
    same = push.candidate(identity, ahead)
    candidates += [same, *push.resampled(same, ahead)]
    progress(1, 1)
    return Recommendation(
        quantity=ahead.name,
        unit=ahead.unit,
        kernel=push.kernel.label,
        intended=ahead.intended,
        n=ahead.n,
        seed=seed,
        candidates=tuple(sorted(candidates, key=lambda one: one.tv.value)),
        refused=tuple(refused),
        level=ahead.level,
    )


def _kernel(kernel: AbstractDeviationKernel | str | None) -> AbstractDeviationKernel:
    if kernel is None:
        return Gaussian(0.04)
    made = parse_kernel(kernel) if isinstance(kernel, str) else kernel
    require(made.scale is not None, f"kernel {made.name!r}: has no scale; expected one, such as scale=0.04")
    return made


@final
@dataclass(frozen=True, eq=False)
class _Push:
    """What all candidates have in common."""

    trajectories: Trajectories
    phi: AbstractQuantity
    kernel: AbstractDeviationKernel
    law: Intended | None
    valid: Check | None
    group: str | None
    repeats: int
    seed: int
    data: str

    def forecast(self, representation: AbstractRepresentation, grid: Grid | None) -> Forecast:
        kernel = Represented(kernel=self.kernel, representation=representation)
        return forecast(
            kernel,
            self.trajectories,
            self.phi,
            intended=self.law,
            repeats=self.repeats,
            grid=grid,
            group=self.group,
            seed=self.seed,
            settings=ForecastSettings(seed=self.seed),
        )

    def represented(
        self, tried: Sequence[AbstractRepresentation], grid: Grid, progress: Progress
    ) -> tuple[list[Candidate], list[tuple[str, str]]]:
        """Those that the data can be put in, and the others, each with the reason."""
        found, refused = [], []
        for done, one in enumerate(tried, 1):
            progress(done, len(tried) + 2)
            try:
                fitted = one.checked(self.trajectories)
                found.append(self.candidate(fitted, self.forecast(fitted, grid)))
            except InputError as error:
                refused.append((one.label, printable(str(error).partition(": ")[2] or error, 200)))
        return found, refused

    def candidate(self, representation: AbstractRepresentation, ahead: Forecast) -> Candidate:
        kernel = Represented(kernel=self.kernel, representation=representation).fitted(self.trajectories)
        seen = self.trajectories.select(slice(0, _SEEN))
        moved = kernel.deviate(seen, np.random.default_rng([self.seed, _SEEN]))
        name = representation.label
        nothing = representation.name == "identity"
        option = f'--mitigate "represent({name})" '
        return Candidate(
            name=name,
            kind="representation",
            tv=ahead.tv,
            mean_shift=ahead.mean_shift,
            error=_relative(seen, moved),
            diversity=_spread(moved) / max(_spread(seen), 1e-300),
            validity=None if self.valid is None else float(np.mean(self.valid(moved))),
            draws=_draws(ahead.expected, ahead.mass),
            cost="none" if nothing else "one encoding",
            command=f"pushforward train {self.data} {'' if nothing else option}-o RUN",
        )

    def resampled(self, identity: Candidate, ahead: Forecast) -> list[Candidate]:
        """Data-level mitigations, under the same errors as `identity`."""
        made = [Deconvolve(self.phi, self.law, kernel=self.kernel, seed=self.seed)]
        found = []
        for one in made:
            try:
                fitted = one.fitted(self.trajectories)
            except InputError:
                continue
            solution = fitted.solution
            assert solution is not None
            half = identity.tv.high - identity.tv.value
            share = fitted.effective_share(self.trajectories)
            found.append(
                self._resampled(
                    identity,
                    one.label,
                    Estimate(
                        solution.remaining, max(solution.remaining - half, 0.0), solution.remaining + half
                    ),
                    f"{share:.0%} effective data, condition {solution.condition_number:.3g}",
                    _draws(solution.intended, solution.predicted),
                )
            )
        if self.law is not None:
            label = Reweight(self.phi, self.law).label
            found.append(self._resampled(identity, label, ahead.tv, "one resampling", identity.draws))
        return found

    def _resampled(self, identity: Candidate, name: str, tv: Estimate, cost: str, draws: float) -> Candidate:
        return Candidate(
            name=name,
            kind="mitigation",
            tv=tv,
            mean_shift=identity.mean_shift if name.startswith("reweight") else Estimate(*(3 * (np.nan,))),
            error=identity.error,
            diversity=identity.diversity,
            validity=identity.validity,
            draws=draws,
            cost=cost,
            command=f'pushforward train {self.data} --mitigate "{name}" -o RUN',
        )


def _relative(before: Trajectories, after: Trajectories) -> float:
    """Root mean square of the difference over valid steps, in standard deviations of each channel."""
    mask = before.mask
    spread = before.values[mask].std(axis=0)
    difference = (after.values[mask] - before.values[mask]) / np.where(spread > 0, spread, 1.0)
    return float(np.sqrt(np.mean(np.square(difference, dtype=np.float64))))


def _spread(trajectories: Trajectories) -> float:
    """Root of the total variance about the mean trajectory, over valid steps."""
    mask = trajectories.mask[:, :, None]
    count = np.maximum(mask.sum(axis=0), 1)
    mean = np.where(mask, trajectories.values, 0.0).sum(axis=0) / count
    square = np.where(mask, np.square(trajectories.values - mean, dtype=np.float64), 0.0)
    return float(np.sqrt(square.sum() / count.sum()))


def _draws(wanted: NDArray[np.float64], made: NDArray[np.float64]) -> float:
    """max π/p̃ over ranges of about equal π: draws for each one kept by `select`."""
    group = np.minimum((np.cumsum(wanted) - wanted / 2) * _DRAW_BINS, _DRAW_BINS - 1).astype(np.int64)
    inner = slice(1, -1)
    pi = np.bincount(group[inner], wanted[inner], minlength=_DRAW_BINS)
    p = np.bincount(group[inner], made[inner], minlength=_DRAW_BINS)
    asked = pi > 0
    return float((pi[asked] / np.maximum(p[asked], 1e-12)).max())
