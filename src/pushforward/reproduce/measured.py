"""Numbers that a verdict rests on: per seed, each with its limits."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self, final

__all__ = ["Measured", "Number"]


@final
@dataclass(frozen=True)
class Measured:
    """One number of one seed.

    Attributes:
        seed: of the run.
        value: what was measured; None where it is not defined.
        low, high: its 95 % limits for this run, from its sampling; None where there are none.
    """

    seed: int
    value: float | None
    low: float | None = None
    high: float | None = None

    @property
    def limits(self) -> tuple[float, float]:
        """The limits, or the value where there are none; NaN where it is not defined."""
        value = math.nan if self.value is None else self.value
        return (value if self.low is None else self.low, value if self.high is None else self.high)


@final
@dataclass(frozen=True)
class Number:
    """A number over seeds.

    Attributes:
        of: what it was measured on, such as `logistic-map, diffusion`.
        name: what was measured, such as `W1 / noise floor`.
        seeds: one value for each.
    """

    of: str
    name: str
    seeds: tuple[Measured, ...]

    @property
    def key(self) -> str:
        """What tells it from the others of a claim."""
        return f"{self.of}: {self.name}"

    @property
    def values(self) -> tuple[float, ...]:
        """The values that are defined."""
        return tuple(one.value for one in self.seeds if one.value is not None)

    @property
    def mean(self) -> float | None:
        """Over the seeds for which it is defined; None for none."""
        return sum(self.values) / len(self.values) if self.values else None

    @property
    def whole(self) -> bool:
        """Whether it is defined for every seed, and there is one."""
        return len(self.seeds) > 0 and len(self.values) == len(self.seeds)

    def to_json(self) -> dict[str, Any]:
        """Plain JSON types."""
        seeds = [
            {"seed": one.seed, "value": one.value, "low": one.low, "high": one.high} for one in self.seeds
        ]
        return {"of": self.of, "name": self.name, "mean": self.mean, "seeds": seeds}

    @classmethod
    def from_json(cls, record: Mapping[str, Any]) -> Self:
        """Read back what `to_json` gave."""
        return cls(record["of"], record["name"], tuple(Measured(**one) for one in record["seeds"]))
