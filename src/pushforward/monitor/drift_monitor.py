"""DriftMonitor: drift seen while a model trains, for any training loop."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self, final

from pushforward.errors import InputError, named
from pushforward.measure import Audit, AuditSettings
from pushforward.measure.audit import audit
from pushforward.monitor.budget import Budget
from pushforward.monitor.check import Check, score_of
from pushforward.monitor.sampling import MeasuredData, Sampler, as_trajectories, drawn
from pushforward.monitor.settings import MonitorSettings
from pushforward.monitor.trackers import Tracker, tracker_of
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.monitor.callbacks import AccelerateMonitor, ModelSampler
    from pushforward.quantities.base import AbstractQuantity

__all__ = ["DriftMonitor"]

_log = logging.getLogger(__name__)
_FIRST, _MORE = 16, 4


class Unusable(Exception):
    """Samples that cannot be measured."""


@final
class DriftMonitor:
    """Every k training steps: sample, audit against the data, log the drift with its band.

        monitor = DriftMonitor(data, quantities=["path-length"], tracker="drift.jsonl")
        for step in range(steps):
            ...                                        # one step of training
            monitor.step(step + 1, lambda n, seed: model.sample(n, seed))
        monitor.close()

    Checks never change the training: the global random states of Python, NumPy and torch are put back after each. By
    default they take at most 4 % of the time; `monitor.told()` says what they took and how many were left out.

    Attributes:
        history: all checks.
        best: the check with the lowest score so far.
        should_stop: whether the training should stop, by the settings.
        skipped: checks that were left out to keep to the share.
        failed: checks whose samples could not be measured.
    """

    def __init__(
        self,
        against: Trajectories,
        *,
        quantities: Sequence[AbstractQuantity | Callable[..., Any] | str]
        | AbstractQuantity
        | str
        | None = None,
        intended: Any = None,
        tolerance: float | Mapping[str, float] | None = None,
        group: str | None = None,
        tracker: Tracker | str | Path | Sequence[Tracker | str | Path] = (),
        keep: Callable[[Check], object] | None = None,
        settings: MonitorSettings | None = None,
        comparison: AuditSettings | None = None,
        clock: Callable[[], float] = time.monotonic,
        **changes: Any,
    ) -> None:
        """Watch against these data.

        Args:
            against: real trajectories.
            quantities, intended, tolerance, group: as for `pushforward.audit`.
            tracker: where to log: see `trackers.tracker_of`; one or several.
            keep: called with each check that has the lowest score so far, to keep the model.
            settings: or its fields as keywords: `every=200, n=2000`.
            comparison: settings of the audits; their seed is the check's.
            clock: seconds.

        Raises:
            InputError: settings that do not fit, an unknown tracker, quantities that the data does not have.
        """
        started = clock()
        for name in changes:
            if name not in MonitorSettings.__dataclass_fields__:
                raise named("setting of DriftMonitor", name, MonitorSettings.__dataclass_fields__)
        self.settings = replace(settings or MonitorSettings(), **changes)
        self.history: list[Check] = []
        self.best: Check | None = None
        self.should_stop = False
        self.skipped = self.failed = 0
        several: Sequence[Any] = tracker if isinstance(tracker, list | tuple) else [tracker]
        self._trackers = [tracker_of(one) for one in several]
        self._against, self._keep, self._clock = MeasuredData(against), keep, clock
        self._budget = Budget(self.settings.share, clock)
        self._asked: dict[str, Any] = {"quantities": quantities, "tolerance": tolerance, "group": group}
        self._asked |= {"intended": intended, "settings": comparison}
        self._last = self._number = self._since_best = 0
        self._begun = self._closed = False
        # What can be refused is refused now, not after hours of training.
        audit(against.select(slice(0, _FIRST)), self._reference(), **self._asked)
        self._budget.prepared(clock() - started)

    def step(self, step: int, sample: Sampler) -> Check | None:
        """Call after each training step, with the number of steps done; gives the check, if one was made.

        Args:
            step: steps done so far.
            sample: `sample(n, seed)`, which gives n trajectories of the model as it is now: `Trajectories`, or an
                array (n, T, C) in the data's own channels.

        Samples that cannot be measured (NaN, a quantity that none of them has) are told as a warning and counted as
        `failed`: the training goes on.

        Raises:
            InputError: `sample` gave another number of trajectories than it was asked for.
        """
        due = self.due(step)
        self.pass_over(step)
        if not due:
            return None
        seed = self.settings.seed + self._number
        self._number += 1
        try:
            if self._affordable(sample, seed):
                return self._check(step, sample, seed)
            self.skipped += 1
        except Unusable as error:
            self.failed += 1
            _log.warning("drift monitor: no check at step %d: %s", step, error)
        return None

    def due(self, step: int) -> bool:
        """Whether a check falls on this step, affordable or not."""
        return step > self._last and step // self.settings.every != self._last // self.settings.every

    def pass_over(self, step: int) -> None:
        """Take note of a step without a check, as the processes beside the main one do."""
        self._budget.start()
        self._last = max(step, self._last)

    def close(self) -> None:
        """End logging, and say where checks were left out."""
        if self._closed:
            return
        self._closed = True
        if self._begun:
            for tracker in self._trackers:
                tracker.end()
        if self.skipped:
            _log.warning("%s", self.told())

    def told(self) -> str:
        """What the monitor did, in one line."""
        budget, left = self._budget, ""
        if self.skipped:
            seconds = budget.cost_of(self.settings.n)
            left = (
                f"; {self.skipped} were left out to stay below {budget.share:.0%}, one takes {seconds:.2g} s"
            )
        return f"drift monitor: {len(self.history)} checks in {budget.spent_share():.1%} of the time{left}"

    def lightning(self, sample: ModelSampler, keep: str | Path | None = None) -> Any:
        """A callback for PyTorch Lightning's `Trainer(callbacks=[...])`: see `callbacks.lightning_callback`."""
        from pushforward.monitor.callbacks import lightning_callback

        return lightning_callback(self, sample, keep)

    def transformers(self, sample: ModelSampler, keep: str | Path | None = None) -> Any:
        """A callback for Hugging Face's `Trainer(callbacks=[...])`: see `callbacks.transformers_callback`."""
        from pushforward.monitor.callbacks import transformers_callback

        return transformers_callback(self, sample, keep)

    def accelerate(
        self, accelerator: Any, sample: ModelSampler, keep: str | Path | None = None
    ) -> AccelerateMonitor:
        """What to call after each step of a loop with Accelerate: see `callbacks.AccelerateMonitor`."""
        from pushforward.monitor.callbacks import AccelerateMonitor

        return AccelerateMonitor(self, accelerator, sample, keep)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *problem: object) -> None:
        self.close()

    def _affordable(self, sample: Sampler, seed: int) -> bool:
        """Whether a check now would keep all checks within their share of the time.

        What a check costs is found out by looks with few samples, then with more, none of which costs more than the
        share allows; only the very first, with 16, is made unseen.
        """
        budget, n = self._budget, self.settings.n
        if budget.share is None:
            return True
        if budget.known == 0:
            self._look(sample, min(_FIRST, n), seed)
        while not budget.allows(budget.cost_of(n)):
            more = _MORE * budget.known
            if more >= n or not budget.allows(budget.cost_of(more)):
                return False
            self._look(sample, more, seed)
        return True

    def _look(self, sample: Sampler, n: int, seed: int) -> tuple[Audit, float]:
        """An audit of n samples, and its seconds."""
        started = middle = self._clock()
        try:
            made = drawn(sample, n, seed)
            middle = self._clock()
            found = self._audited(made, seed)
        finally:
            ended = self._clock()
            self._budget.spend(n, middle - started, ended - middle)
        return found, ended - started

    def _check(self, step: int, sample: Sampler, seed: int) -> Check:
        found, seconds = self._look(sample, self.settings.n, seed)
        score = score_of(found)
        is_best = self.best is None or score < self.best.score
        check = Check(step, seed, self.settings.n, found, score, seconds, self._budget.spent_share(), is_best)
        self.history.append(check)
        self._decide(check)
        self._log(check)
        return check

    def _audited(self, made: Any, seed: int) -> Audit:
        try:
            return audit(
                as_trajectories(made, self._against.data), self._reference(), seed=seed, **self._asked
            )
        except InputError as error:
            raise Unusable(str(error)) from error

    def _reference(self) -> MeasuredData | None:
        """The data; None where one stated law is all that the samples are compared with."""
        intended = self._asked["intended"]
        return self._against if intended is None or isinstance(intended, Mapping) else None

    def _decide(self, check: Check) -> None:
        self._since_best = 0 if check.is_best else self._since_best + 1
        if check.is_best:
            self.best = check
            if self._keep is not None:
                self._keep(check)
        patience = self.settings.patience
        tired = patience is not None and self._since_best >= patience
        within = set(check.audit.verdicts.values()) == {"within tolerance"}
        self.should_stop = self.should_stop or tired or (self.settings.stop_within_tolerance and within)

    def _log(self, check: Check) -> None:
        if not self._begun:
            self._begun = True
            for tracker in self._trackers:
                tracker.begin({**asdict(self.settings), "quantities": list(check.audit.verdicts)})
        for tracker in self._trackers:
            tracker.log(check.step, check.metrics)
