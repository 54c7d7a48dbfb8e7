"""What reproducing a claim gave: the verdict, its numbers, and what it took; as JSON, also the committed ones."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from importlib import resources
from typing import Any, Self, cast, final

from pushforward.errors import InputError, printable
from pushforward.reproduce.budget import Budget
from pushforward.reproduce.checks import Check, Verdict, verdict_of

__all__ = ["Reproduced", "committed"]

_FORMAT, _VERSION = "pushforward-claim", 1


@final
@dataclass(frozen=True)
class Reproduced:
    """A claim's verdict and all that it rests on.

    Attributes:
        claim, statement, rule: as the claim was stated when it was run.
        checks: what the rule asks, and what the numbers say.
        budget: what it was run with.
        data, arms, kernels: what was compared, as labels.
        runs: IDs of the runs, each the hash of all that determines it.
        versions: of pushforward, python, torch and numpy.
        cpu_seconds: processor time of all that was done in the claim's folder; runs taken over from another claim's
            count there.
        date: of the run.
    """

    claim: str
    statement: str
    rule: str
    checks: tuple[Check, ...]
    budget: Budget
    data: tuple[str, ...]
    arms: tuple[str, ...]
    kernels: tuple[str, ...]
    runs: tuple[str, ...]
    versions: Mapping[str, str]
    cpu_seconds: float
    date: str

    @property
    def verdict(self) -> Verdict:
        """What follows from the checks."""
        return verdict_of(self.checks)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        return {
            "format": _FORMAT,
            "format_version": _VERSION,
            "claim": self.claim,
            "verdict": self.verdict,
            "statement": self.statement,
            "rule": self.rule,
            "budget": {**asdict(self.budget), "seeds": list(self.budget.seeds)},
            "data": list(self.data),
            "arms": list(self.arms),
            "kernels": list(self.kernels),
            "versions": dict(self.versions),
            "cpu_seconds": round(self.cpu_seconds, 1),
            "date": self.date,
            "checks": [check.to_json() for check in self.checks],
            "runs": list(self.runs),
        }

    @classmethod
    def from_json(cls, record: object) -> Self:
        """Read back what `to_json` gave.

        Raises:
            InputError: something else, of a newer version, or damaged.
        """
        if not isinstance(record, dict) or record.get("format") != _FORMAT:
            raise InputError(
                "not the result of a claim: expected what `pushforward reproduce CLAIM --json` wrote"
            )
        if record.get("format_version") != _VERSION:
            got = printable(record.get("format_version"), 20)
            raise InputError(f"result of a claim of format version {got}; this pushforward reads {_VERSION}")
        try:
            texts: dict[str, Any] = {
                name: str(record[name]) for name in ("claim", "statement", "rule", "date")
            }
            labels: dict[str, Any] = {
                name: tuple(map(str, record[name])) for name in ("data", "arms", "kernels", "runs")
            }
            return cls(
                checks=tuple(Check.from_json(check) for check in record["checks"]),
                budget=Budget(**record["budget"]),
                versions=dict(record["versions"]),
                cpu_seconds=float(record["cpu_seconds"]),
                **texts,
                **labels,
            )
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise InputError(
                f"damaged result of a claim: {type(error).__name__}: {printable(error)}"
            ) from error


def committed(claim: str) -> Reproduced | None:
    """The result that came with this version of the library; None for a claim that was not run."""
    path = resources.files("pushforward.reproduce") / "results" / f"{claim}.json"
    if not path.is_file():
        return None
    return Reproduced.from_json(cast(Any, json.loads(path.read_text(encoding="utf-8"))))
