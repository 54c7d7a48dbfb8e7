"""Checks: a condition on numbers, whether it holds, and the verdict that follows from all of a claim's."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, Self, final

from pushforward.reproduce.measured import Number

__all__ = [
    "Check",
    "Outcome",
    "Role",
    "Verdict",
    "below_noise",
    "beyond_noise",
    "quiet",
    "surely_above",
    "surely_less",
    "verdict_of",
]

Outcome = Literal["holds", "fails", "unclear"]
Role = Literal["claim", "premise", "context"]
Verdict = Literal["confirmed", "refuted", "inconclusive"]


@final
@dataclass(frozen=True)
class Check:
    """A condition that was stated before the run, and what the numbers say.

    Attributes:
        name: the condition, in words.
        outcome: `holds` or `fails` in every seed, else `unclear`.
        numbers: what it was read from.
        role: of the `claim`; a `premise`, without which there is nothing to test; or `context`, which decides nothing.
    """

    name: str
    outcome: Outcome
    numbers: tuple[Number, ...]
    role: Role = "claim"

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        numbers = [number.to_json() for number in self.numbers]
        return {"name": self.name, "role": self.role, "outcome": self.outcome, "numbers": numbers}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `to_json` gave."""
        numbers = tuple(Number.from_json(number) for number in record["numbers"])
        return cls(record["name"], record["outcome"], numbers, record["role"])


def verdict_of(checks: Iterable[Check]) -> Verdict:
    """The verdict that a claim's checks give together.

    Inconclusive where a premise does not hold; else refuted where a check of the claim fails, confirmed where all hold;
    else, and without any check of the claim, inconclusive.
    """
    found = [check for check in checks if check.role != "context"]
    claims = [check.outcome for check in found if check.role == "claim"]
    if not claims or any(check.outcome != "holds" for check in found if check.role == "premise"):
        return "inconclusive"
    if "fails" in claims:
        return "refuted"
    return "confirmed" if set(claims) == {"holds"} else "inconclusive"


def beyond_noise(ratio: Number) -> Outcome:
    """Whether a distance over its noise floor, which 95 % of comparisons without drift stay below, exceeds 1."""
    return _every(ratio, [value > 1 for value in ratio.values], [value <= 1 for value in ratio.values])


def below_noise(ratio: Number) -> Outcome:
    """Whether a distance over its noise floor stays below 1: no drift can be told from chance."""
    found: Outcome = beyond_noise(ratio)
    return {"holds": "fails", "fails": "holds"}.get(found, "unclear")  # type: ignore[return-value]


def quiet(ratio: Number) -> Outcome:
    """Whether a distance over its noise floor is at most 1 on average over seeds: of a control, which is just chance.

    Without drift one seed in twenty exceeds its floor, but hardly ever the mean over two.
    """
    if not ratio.whole or ratio.mean is None:
        return "unclear"
    return "holds" if ratio.mean <= 1 else "fails"


def surely_above(number: Number, threshold: float | Number) -> Outcome:
    """Whether all of a number's limits lie above a threshold (fails: below), seed by seed."""
    pairs: list[tuple[float, float, float]] = []
    for one in number.seeds:
        bar = threshold if isinstance(threshold, int | float) else _of_seed(threshold, one.seed)
        if one.value is None or bar is None:
            return "unclear"
        pairs.append((*one.limits, bar))
    return _every(number, [low > bar for low, _, bar in pairs], [high <= bar for _, high, bar in pairs])


def surely_less(number: Number, other: Number) -> Outcome:
    """Whether a number is less than another beyond the limits of both, seed by seed (fails: surely greater)."""
    others = {one.seed: one.limits for one in other.seeds if one.value is not None}
    pairs = [
        (one.limits, others[one.seed]) for one in number.seeds if one.value is not None and one.seed in others
    ]
    if len(pairs) != len(number.seeds):
        return "unclear"
    holds = [high < low for (_, high), (low, _) in pairs]
    return _every(number, holds, [low > high for (low, _), (_, high) in pairs])


def _every(number: Number, holds: Sequence[bool], fails: Sequence[bool]) -> Outcome:
    if not number.whole:
        return "unclear"
    if all(holds):
        return "holds"
    return "fails" if all(fails) else "unclear"


def _of_seed(number: Number, seed: int) -> float | None:
    return next((one.value for one in number.seeds if one.seed == seed), None)
