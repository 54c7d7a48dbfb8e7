"""What was recommended: plain, frozen, and written as JSON."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Self, final

from pushforward.errors import printable
from pushforward.forecast.results import Estimate, finite
from pushforward.forecast.table import aligned
from pushforward.measure.table import number

if TYPE_CHECKING:
    from pushforward.pilots.kernel import Account

__all__ = ["NOTABLE", "OUT_OF_REACH", "Candidate", "Pilots", "Recommendation"]

# More draws than this for one kept trajectory are no way to sample.
OUT_OF_REACH = 1000
# Of some 2,000 trajectories, a difference of shares that is no chance.
NOTABLE = 0.05


@final
@dataclass(frozen=True)
class Candidate:
    """One way to train, with the drift that is forecast for it.

    Attributes:
        name: as `train --mitigate` spells it; `identity` does nothing.
        kind: `representation` or `mitigation`.
        tv: forecast total variation between what is made and what is intended, with its limits.
        w1: forecast Wasserstein distance between them, in the quantity's unit.
        mean_shift: forecast shift of the quantity's mean, in its unit.
        error: root mean square of x' − x over trajectories, in standard deviations of each channel: how far single
            trajectories move. It and the next two are of a pilot's own trajectories, where there is one.
        diversity: spread of what is made over the spread of the data, root of the ratio of total variances.
        validity: share of what is made that passes the check that the caller gave; None without one.
        draws: trajectories to draw for each one kept, if `select` is put on top to restore the law exactly; where there
            is a pilot, of the pilot itself, so that a training in full needs fewer.
        cost: what it takes.
        command: that applies it.
    """

    name: str
    kind: str
    tv: Estimate
    w1: Estimate
    mean_shift: Estimate
    error: float
    diversity: float
    validity: float | None
    draws: float
    cost: str
    command: str

    @property
    def drawn(self) -> str:
        """`draws`, to be shown."""
        return f"{self.draws:.2f}" if self.draws < OUT_OF_REACH else "out of reach"


@final
@dataclass(frozen=True)
class Pilots:
    """What the pilots of all candidates cost together.

    Attributes:
        n: how many.
        share: of one training's FLOPs.
        seconds: of processor time.
        training_seconds: what one training in full would take here, by the time of a few of its steps.
    """

    n: int
    share: float
    seconds: float
    training_seconds: float

    @classmethod
    def of(cls, accounts: Sequence[Account]) -> Self | None:
        """The sum; None where there are none."""
        if not accounts:
            return None
        whole = sum(one.intended_seconds for one in accounts) / len(accounts)
        return cls(
            len(accounts), sum(one.share for one in accounts), sum(one.seconds for one in accounts), whole
        )

    def __str__(self) -> str:
        """One line."""
        return (
            f"{self.n} pilots: {self.share:.0%} of the FLOPs of one training, {self.seconds:.0f} s of processor time "
            f"where that would take about {self.training_seconds:.0f} s"
        )


@final
@dataclass(frozen=True)
class Recommendation:
    """Candidates by forecast drift, the best first. `print(recommendation)` shows a table.

    Attributes:
        quantity, unit: what is to keep its law.
        kernel: local errors, made in each candidate's own codes.
        intended: π: `data` or a stated law.
        n: trajectories.
        seed: of the deviations.
        candidates: ranked.
        refused: candidates that do not apply to these data, with the reason.
        level: error level of the limits.
        pilots: what they cost, where the errors are those of pilots.
    """

    quantity: str
    unit: str
    kernel: str
    intended: str
    n: int
    seed: int
    candidates: tuple[Candidate, ...]
    refused: tuple[tuple[str, str], ...]
    level: float
    pilots: Pilots | None = None

    @property
    def best(self) -> Candidate:
        """The least forecast drift; `identity` where no candidate is better than it beyond its uncertainty.

        Where pilots of the class tell how often what is made is valid, those that are not told apart from the least are
        compared by that first: a difference of 5 % or more counts.
        """
        first, nothing = self.candidates[0], self["identity"]
        if first.tv.high >= nothing.tv.value:
            return nothing
        alike = [
            one for one in self.candidates if one.tv.value <= first.tv.high and one.tv.high < nothing.tv.value
        ]
        if self.pilots is None or any(one.validity is None for one in alike):
            return first
        most = max(one.validity or 0.0 for one in alike)
        return next(one for one in alike if (one.validity or 0.0) >= most - NOTABLE)

    @property
    def for_selection(self) -> Candidate:
        """The representation (`identity` among them) of which `select` is forecast to draw least for each one kept."""
        return min(
            (one for one in self.candidates if one.kind == "representation"), key=lambda one: one.draws
        )

    @property
    def warning(self) -> str:
        """One sentence where the best is forecast to be less often valid than what is made as it is; else empty."""
        best, nothing = self.best.validity, self["identity"].validity
        if best is None or nothing is None or best >= nothing - NOTABLE:
            return ""
        return (
            f"Fewer trajectories are forecast to be valid with {printable(self.best.name, 80)} than as it is, "
            f"{best:.1%} for {nothing:.1%}: compare candidates."
        )

    @property
    def selection(self) -> str:
        """One sentence: where selection costs least."""
        one, nothing = self.for_selection, self["identity"]
        instead = "" if one is nothing else f", {nothing.drawn} as it is"
        whose = "" if self.pilots is None else " of a pilot"
        return (
            f"to restore the law exactly, select({printable(self.quantity, 60)}): fewest draws{whose} for each one "
            f"kept in {printable(one.name, 80)} ({one.drawn}{instead})"
        )

    def __getitem__(self, name: str) -> Candidate:
        """A candidate by name."""
        for candidate in self.candidates:
            if candidate.name == name:
                return candidate
        raise KeyError(name)

    def to_json(self) -> dict[str, Any]:
        """Plain numbers, lists and strings."""
        rows = [
            {
                "name": one.name,
                "kind": one.kind,
                "forecast_drift": one.tv.value,
                "low": one.tv.low,
                "high": one.tv.high,
                "w1": asdict(one.w1),
                "mean_shift": asdict(one.mean_shift),
                "error": one.error,
                "diversity": one.diversity,
                "validity": one.validity,
                "draws_per_kept": one.draws,
                "cost": one.cost,
                "command": one.command,
            }
            for one in self.candidates
        ]
        record = {
            "format": "pushforward-recommendation",
            "format_version": 1,
            "quantity": self.quantity,
            "unit": self.unit,
            "kernel": self.kernel,
            "intended": self.intended,
            "n": self.n,
            "seed": self.seed,
            "level": self.level,
            "best": self.best.name,
            "for_selection": self.for_selection.name,
            "candidates": rows,
            "refused": [{"name": name, "why": why} for name, why in self.refused],
            "pilots": None if self.pilots is None else asdict(self.pilots),
        }
        found: dict[str, Any] = finite(record)
        return found

    def __str__(self) -> str:
        """The table, and the command that applies the winner."""
        valid = any(one.validity is not None for one in self.candidates)
        unit = printable(self.unit, 20) or "no unit"
        head: tuple[str, ...] = (
            "candidate",
            "forecast TV [limits]",
            f"W1 [{unit}]",
            f"shift of mean [{unit}]",
        )
        head += ("error", "diversity", *(("valid",) if valid else ()), "draws if selected", "cost")
        rows = [head]
        for one in self.candidates:
            share = (f"{one.validity:.1%}" if one.validity is not None else "",) if valid else ()
            rows.append(
                (
                    one.name,
                    f"{one.tv.value:.4f} [{one.tv.low:.4f}, {one.tv.high:.4f}]",
                    f"{one.w1.value:.4g}" if math.isfinite(one.w1.value) else "",
                    f"{one.mean_shift.value:+.4g}" if math.isfinite(one.mean_shift.value) else "",
                    number(one.error),
                    f"{one.diversity:.3f}",
                    *share,
                    one.drawn,
                    one.cost,
                )
            )
        notes = [
            f"{printable(self.quantity, 60)} of {self.n:,} trajectories, intended: {printable(self.intended, 60)}; "
            f"errors {self.kernel} in each candidate's own codes, seed {self.seed}",
            *(() if self.pilots is None else (str(self.pilots),)),
            *(f"{name} does not apply: {why}" for name, why in self.refused),
            self.selection,
            self._advice(),
        ]
        return "\n".join([*aligned(rows), *notes])

    def _advice(self) -> str:
        best = self.best
        if best.name == "identity":
            return "recommended: nothing, as no candidate is better than identity beyond its uncertainty"
        warning = f"\n  {self.warning}" if self.warning else ""
        return f"recommended: {best.name}\n  {best.command}{warning}"
