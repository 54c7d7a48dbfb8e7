"""Does a claim, run again, give what was committed, within the uncertainty of both?"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, final

import numpy as np

from pushforward.reproduce.checks import Verdict
from pushforward.reproduce.measured import Number
from pushforward.reproduce.record import Reproduced

__all__ = ["Agreement", "Difference", "compared"]

LEVEL = 0.01
"""Error level of each number's comparison, by itself."""

_Z95 = 1.959964


@final
@dataclass(frozen=True)
class Difference:
    """One number, then and now.

    Attributes:
        key: which.
        committed, now: means over seeds; None where it is not defined.
        margin: how far they may be apart; see `compared`. None where a mean is missing.
        agrees: whether they are not.
    """

    key: str
    committed: float | None
    now: float | None
    margin: float | None
    agrees: bool


@final
@dataclass(frozen=True)
class Agreement:
    """A claim run again, beside what was committed.

    Attributes:
        committed, now: verdicts.
        differences: of the numbers that decide.
        same_runs: whether these are the very runs that were committed: data, settings, seeds.
    """

    committed: Verdict
    now: Verdict
    differences: tuple[Difference, ...]
    same_runs: bool

    @property
    def agrees(self) -> bool:
        """The same verdict, and every number within its margin."""
        return self.committed == self.now and all(one.agrees for one in self.differences)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "agrees": self.agrees,
            "committed": self.committed,
            "now": self.now,
            "same_runs": self.same_runs,
            "level": LEVEL,
            "differences": [asdict(one) for one in self.differences],
        }


def compared(committed: Reproduced, now: Reproduced) -> Agreement:
    """Compare the verdicts, and every number that decides, against the uncertainty of both.

    A mean over m seeds and one over n may differ by max(t s, z u) √(1/m + 1/n): s is the pooled standard deviation
    between seeds and t Student's quantile for its m + n − 2 degrees of freedom; u is the root mean square of the
    numbers' standard errors within their runs (from their 95 % limits) and z the normal quantile; both two-sided, at
    `LEVEL`. A number that is defined on one side only disagrees.
    """
    then, again = (dict(_deciding(one)) for one in (committed, now))
    differences = [_difference(key, then.get(key), again.get(key)) for key in dict.fromkeys([*then, *again])]
    same = set(committed.runs) == set(now.runs)
    return Agreement(committed.verdict, now.verdict, tuple(differences), same)


def _deciding(found: Reproduced) -> Iterator[tuple[str, Number]]:
    for check in found.checks:
        if check.role != "context":
            yield from ((number.key, number) for number in check.numbers)


def _difference(key: str, then: Number | None, again: Number | None) -> Difference:
    before, after = (None if number is None else number.mean for number in (then, again))
    if then is None or again is None or before is None or after is None:
        return Difference(key, before, after, None, before is None and after is None)
    margin = _margin(then, again)
    return Difference(key, before, after, margin, abs(after - before) <= margin + 1e-12)


def _margin(then: Number, again: Number) -> float:
    from scipy import special

    parts = [np.asarray(number.values) for number in (then, again)]
    freedom = sum(map(len, parts)) - 2
    squares = sum(float(np.square(part - part.mean()).sum()) for part in parts)
    between = 0.0
    if freedom > 0:
        between = float(special.stdtrit(freedom, 1 - LEVEL / 2)) * math.sqrt(squares / freedom)
    errors = [(high - low) / (2 * _Z95) for low, high in _limits(then, again)]
    within = float(special.ndtri(1 - LEVEL / 2)) * math.sqrt(float(np.mean(np.square(errors))))
    return max(between, within) * math.sqrt(sum(1 / len(part) for part in parts))


def _limits(*numbers: Number) -> Iterator[tuple[float, float]]:
    for number in numbers:
        yield from (one.limits for one in number.seeds if one.value is not None)
