"""The candidates of a recommendation, each forecast from errors in its own codes."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError
from pushforward.forecast.making import forecast
from pushforward.forecast.results import Estimate, Forecast
from pushforward.forecast.settings import ForecastSettings
from pushforward.kernels import AbstractDeviationKernel
from pushforward.measure.grid import Grid
from pushforward.measure.intended import Intended
from pushforward.mitigations.condition import Condition
from pushforward.mitigations.deconvolve import Deconvolve
from pushforward.mitigations.reweight import Reweight
from pushforward.pilots.kernel import Account, Pilot
from pushforward.progress import Progress, silent
from pushforward.quantities.base import AbstractQuantity
from pushforward.recommend.mitigated import asked_for, piloted
from pushforward.recommend.results import Candidate
from pushforward.representations.base import AbstractRepresentation
from pushforward.representations.deviation import Represented
from pushforward.trajectories import Trajectories

__all__ = ["Candidates", "Check", "Label", "Tried"]

Check = Callable[[Trajectories], NDArray[np.bool_]]
_SEEN = 2048
_DRAW_BINS = 32
# A pilot's errors of so many take less time than its training.
_PILOTED = 16_384


@final
@dataclass(frozen=True, eq=False)
class Tried:
    """A candidate with what it rests on.

    Attributes:
        candidate: as it is told.
        ahead: its forecast.
        representation: the fitted ψ.
        kernel: the errors in its codes, as they were learned there.
    """

    candidate: Candidate
    ahead: Forecast
    representation: AbstractRepresentation
    kernel: AbstractDeviationKernel

    @property
    def account(self) -> Account | None:
        """What its pilot cost, where it has one."""
        return self.kernel.account if isinstance(self.kernel, Pilot) else None


@final
@dataclass(frozen=True)
class Label:
    """What a candidate is called, its kind and cost, and the mitigations that apply it, the innermost first."""

    name: str
    kind: str
    cost: str
    mitigations: tuple[str, ...]


@final
@dataclass(frozen=True, eq=False)
class Candidates:
    """What all candidates have in common, and how each is forecast.

    Attributes:
        trajectories: the data.
        phi: φ.
        kernel: of the local errors, made in each candidate's codes.
        law: π where it is a stated law; None: the data's own.
        valid: (N,) which trajectories are plausible.
        group: what makes trajectories dependent.
        repeats: deviations of each trajectory.
        seed: of the deviations.
        data: how the file is called in the commands.
        training: options of `train` that the commands have anyway.
    """

    trajectories: Trajectories
    phi: AbstractQuantity
    kernel: AbstractDeviationKernel
    law: Intended | None
    valid: Check | None
    group: str | None
    repeats: int
    seed: int
    data: str
    training: str = ""

    def tried(
        self, representation: AbstractRepresentation, grid: Grid | None = None, report: Progress = silent
    ) -> Tried:
        """One candidate, on the bins of `grid` or on bins of its own; `report` is told of its pilot's steps.

        Raises:
            InputError: the representation does not apply, or the class cannot be trained on its codes.
        """
        psi = (
            representation if representation.name == "identity" else representation.checked(self.trajectories)
        )
        kernel = Represented(kernel=self._kernel(report), representation=psi).fitted(self.trajectories)
        psi, ahead = kernel.representation, self._ahead(kernel, self.trajectories, grid)
        label = Label(psi.label, "representation", "one encoding", (f"represent({psi.label})",))
        if psi.name == "identity":
            label = Label(psi.label, "representation", "none", ())
        return Tried(self._candidate(label, kernel, self.trajectories, ahead), ahead, psi, kernel.kernel)

    @property
    def pilots_tell(self) -> bool:
        """Only a model of the class tells what becomes of a condition or guide, and only where π is the data's law."""
        return isinstance(self.kernel, Pilot) and self.law is None

    def conditioned(
        self, representation: AbstractRepresentation, grid: Grid, report: Progress = silent
    ) -> Tried:
        """Training with φ as a condition, in a representation's codes.

        Raises:
            InputError: φ is not defined everywhere, or the class takes no condition.
        """
        from pushforward.pilots.training import trained

        pilot = self._kernel(report)
        assert isinstance(pilot, Pilot)
        data, order = Condition(self.phi).fitted(self.trajectories).training(self.trajectories, self.seed)
        psi = representation.fitted(data)
        mixture, account = trained(pilot, psi.encode(data), order["condition"])
        fitted = replace(pilot, mixture=mixture, account=account)
        kernel = replace(Represented(kernel=fitted, representation=psi), is_fitted=True)
        ahead = self._ahead(kernel, data, grid)
        return Tried(self._candidate(self.conditioning(psi), kernel, data, ahead), ahead, psi, fitted)

    def conditioning(self, representation: AbstractRepresentation) -> Label:
        """How training with φ as a condition is told, in a representation's codes."""
        condition = Condition(self.phi).label
        if representation.name == "identity":
            return Label(condition, "mitigation", "one more input", (condition,))
        both = (f"represent({representation.label})", condition)
        return Label(" + ".join(both), "mitigation", "one encoding, one more input", both)

    def mitigated(self, text: str, nothing: Tried, report: Progress = silent) -> Tried:
        """A mitigation of the class's interface or training, told by what pilots that have it make.

        Raises:
            InputError: no such mitigation, or what it refuses.
        """
        assert isinstance(nothing.kernel, Pilot)
        mitigation = asked_for(text, self.phi)
        pilot = piloted(mitigation, replace(nothing.kernel, report=report), self.trajectories)
        kernel = replace(pilot, scale_error=0.0)
        ahead = self._ahead(kernel, self.trajectories, nothing.ahead.grid)
        label = Label(mitigation.label, "mitigation", mitigation.cost, (mitigation.label,))
        candidate = self._candidate(label, kernel, self.trajectories, ahead)
        return Tried(candidate, ahead, nothing.representation, pilot)

    def _kernel(self, report: Progress) -> AbstractDeviationKernel:
        return replace(self.kernel, report=report) if isinstance(self.kernel, Pilot) else self.kernel

    def _share(self, kernel: AbstractDeviationKernel) -> float:
        """Of the trajectories, those that the kernel moves: of a pilot's, the share of its drift that lasts."""
        return min(kernel.known_scale, 1.0) if isinstance(self.kernel, Pilot) else 1.0

    def _some(self, data: Trajectories, most: int) -> Trajectories:
        """At most so many, by chance: files are often sorted."""
        if len(data) <= most:
            return data
        return data.select(np.sort(np.random.default_rng([self.seed, most]).permutation(len(data))[:most]))

    def _ahead(self, kernel: AbstractDeviationKernel, data: Trajectories, grid: Grid | None) -> Forecast:
        return forecast(
            kernel,
            self._some(data, _PILOTED) if isinstance(self.kernel, Pilot) else data,
            self.phi,
            intended=self.law,
            repeats=self.repeats,
            grid=grid,
            group=self.group,
            seed=self.seed,
            settings=ForecastSettings(seed=self.seed),
        )

    def _candidate(
        self, label: Label, kernel: AbstractDeviationKernel, data: Trajectories, ahead: Forecast
    ) -> Candidate:
        seen = self._some(data, _SEEN)
        # A pilot's kernel leaves some trajectories as they are, which are the data's and say nothing of a model.
        whole = kernel.with_scale(1.0) if isinstance(self.kernel, Pilot) else kernel
        moved = whole.deviate(seen, np.random.default_rng([self.seed, _SEEN]))
        return Candidate(
            name=label.name,
            kind=label.kind,
            tv=ahead.tv,
            w1=ahead.w1,
            mean_shift=ahead.mean_shift,
            error=_relative(seen, moved),
            diversity=_spread(moved) / max(_spread(seen), 1e-300),
            validity=None if self.valid is None else float(np.mean(self.valid(moved))),
            draws=_draws(ahead.expected, _undamped(ahead.expected, ahead.mass, self._share(kernel))),
            cost=label.cost,
            command=self._command(*label.mitigations),
        )

    def resampled(self, nothing: Tried, report: Progress = silent) -> tuple[list[Candidate], list[Account]]:
        """Data-level mitigations, under the same errors as without any; and what judging them cost."""
        found, accounts = [], []
        try:
            asked = Deconvolve(self.phi, self.law, kernel=nothing.kernel, seed=self.seed)
            fitted = asked.fitted(self.trajectories)
        except InputError:
            pass
        else:
            judge = self._judge(nothing.kernel, report)
            accounts = [judge.account] if isinstance(judge, Pilot) and judge.account is not None else []
            found.append(self._deconvolved(nothing.candidate, fitted, judge))
        if self.law is not None:
            label = Reweight(self.phi, self.law).label
            identity = nothing.candidate
            found.append(self._resampled(identity, label, nothing.ahead.tv, "one resampling", identity.draws))
        return found, accounts

    def _judge(self, kernel: AbstractDeviationKernel, report: Progress) -> AbstractDeviationKernel:
        """The errors that a deconvolution of those of `kernel` meets: of a pilot, those of another one."""
        if not isinstance(kernel, Pilot):
            return kernel
        other = replace(kernel, seed=kernel.seed + kernel.pilots, mixture=None, account=None, report=report)
        return other.fitted(self.trajectories)

    def _deconvolved(
        self, identity: Candidate, fitted: Deconvolve, judge: AbstractDeviationKernel
    ) -> Candidate:
        half = identity.tv.high - identity.tv.value
        solution = fitted.judged(self.trajectories, self.seed + 1, judge)
        left, share = solution.remaining_over(judge.scale_error), fitted.effective_share(self.trajectories)
        return self._resampled(
            identity,
            fitted.label,
            Estimate(left, max(left - half, 0.0), left + half),
            f"{share:.0%} effective data, condition {solution.condition_number:.3g}",
            _draws(solution.intended, _undamped(solution.mass, solution.predicted, self._share(judge))),
        )

    def _resampled(self, identity: Candidate, name: str, tv: Estimate, cost: str, draws: float) -> Candidate:
        # A reweighted law is met by the errors as it is; of a deconvolved one only total variation is told.
        kept, unknown = name.startswith("reweight"), Estimate(*(3 * (np.nan,)))
        return Candidate(
            name=name,
            kind="mitigation",
            tv=tv,
            w1=identity.w1 if kept else unknown,
            mean_shift=identity.mean_shift if kept else unknown,
            error=identity.error,
            diversity=identity.diversity,
            validity=identity.validity,
            draws=draws,
            cost=cost,
            command=self._command(name),
        )

    def _command(self, *mitigations: str) -> str:
        applied = "".join(f' --mitigate "{one}"' for one in mitigations)
        return f"pushforward train {self.data}{self.training}{applied} -o RUN"


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


def _undamped(before: NDArray[np.float64], made: NDArray[np.float64], share: float) -> NDArray[np.float64]:
    """What a pilot itself makes of a law: its kernel moves a share of it, and so would never run out of a range."""
    return (before + (made - before) / share).clip(0.0) if share > 0 else made


def _draws(wanted: NDArray[np.float64], made: NDArray[np.float64]) -> float:
    """max π/p̃ over ranges of about equal π: draws for each one kept by `select`."""
    group = np.minimum((np.cumsum(wanted) - wanted / 2) * _DRAW_BINS, _DRAW_BINS - 1).astype(np.int64)
    inner = slice(1, -1)
    pi = np.bincount(group[inner], wanted[inner], minlength=_DRAW_BINS)
    p = np.bincount(group[inner], made[inner], minlength=_DRAW_BINS)
    asked = pi > 0
    return float((pi[asked] / np.maximum(p[asked], 1e-12)).max())
