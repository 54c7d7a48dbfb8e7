"""Time steps whose values are given when sampling: a start, a goal, anything between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pushforward.errors import InputError, printable, require
from pushforward.generators.description import Description
from pushforward.generators.features import place

__all__ = ["FixedDescription", "FixedSteps", "Known"]


@dataclass(frozen=True)
class FixedDescription:
    """What a model trained with `inpaint` remembers of these steps.

    Attributes:
        low: the smallest value of each channel at each step of `inpaint`, step by step.
        high: the largest.
    """

    low: tuple[float, ...]
    high: tuple[float, ...]

    @classmethod
    def of(
        cls, values: NDArray[np.float32], lengths: NDArray[np.int64], inpaint: tuple[int, ...]
    ) -> FixedDescription:
        """The ranges in the training data.

        Raises:
            InputError: a step that no trajectory reaches.
        """
        low: list[float] = []
        high: list[float] = []
        for step in inpaint:
            where = place(step, lengths)
            reached = np.flatnonzero((where >= 0) & (where < lengths))
            require(len(reached) > 0, f"inpaint: no trajectory has step {step}")
            found = values[reached, where[reached]]
            low += found.min(axis=0).tolist()
            high += found.max(axis=0).tolist()
        return cls(tuple(low), tuple(high))


@dataclass(frozen=True)
class Known:
    """Fixed steps of the trajectories being made, normalised: mask (n, T, 1) of booleans and values (n, T, C)."""

    mask: Tensor
    values: Tensor

    def clamp(self, x: Tensor) -> Tensor:
        """`x` (n, T, C) with the fixed steps as given."""
        return self.values.where(self.mask, x)


@dataclass(frozen=True)
class FixedSteps:
    """What `sample(n, fixed=...)` asks for: step -> (n, C) float32 in the data's units."""

    values: Mapping[int, NDArray[np.float32]]

    @classmethod
    def of(cls, fixed: Mapping[int, ArrayLike] | None, n: int, about: Description) -> FixedSteps:
        """Check and broadcast.

        Raises:
            InputError: a step that not every length has, two that are the same, a wrong width, NaN or infinity.
        """
        width, shortest = len(about.channels), min(about.lengths, default=about.T)
        values: dict[int, NDArray[np.float32]] = {}
        for step, given in (fixed or {}).items():
            require(
                isinstance(step, int | np.integer) and -shortest <= step < shortest,
                f"fixed: got step {printable(step, 30)}; expected {-shortest} to {shortest - 1}"
                + (f", as the shortest trajectory has {shortest} steps" if about.lengths else ""),
            )
            try:
                array = np.asarray(given, dtype=np.float32)
            except (TypeError, ValueError):
                raise InputError(f"fixed step {step}: got {printable(given, 60)}; expected numbers") from None
            require(
                array.shape in ((width,), (n, width)),
                f"fixed step {step}: got shape {array.shape}; expected ({width},) for all, or ({n}, {width}); "
                f"channels: {printable(', '.join(about.channels), 80)}",
            )
            require(
                bool(np.isfinite(array).all()),
                f"fixed step {step}: got NaN or infinity; expected finite numbers",
            )
            values[int(step)] = np.broadcast_to(array, (n, width))
        for length in about.lengths or (about.T,):
            places = [step if step >= 0 else length + step for step in values]
            require(
                len(set(places)) == len(places),
                f"fixed: got steps {', '.join(map(str, values))}, which meet where there are {length} steps; expected "
                "distinct ones",
            )
        return cls(values)

    def allowed(
        self, inpaint: tuple[int, ...], ranges: FixedDescription | None, name: str, free: frozenset[int]
    ) -> None:
        """Refuse steps that this model cannot fix, and values outside the trained range of those it was trained for.

        `inpaint` are the steps that it was trained to be given, `free` those that it can fix without.

        Raises:
            InputError: names the step and what was expected.
        """
        for step, values in self.values.items():
            if step not in inpaint:
                trained = f"steps {', '.join(map(str, inpaint))}" if inpaint else "no step"
                require(
                    step in free,
                    f"fixed: got step {step}; this {name} was trained to be given {trained} "
                    f"(train it with inpaint {step}, or fix any step with diffusion or flow)",
                )
                continue
            if ranges is None:
                continue
            width, start = values.shape[1], inpaint.index(step) * values.shape[1]
            low = np.asarray(ranges.low[start : start + width])
            high = np.asarray(ranges.high[start : start + width])
            outside = (values < low) | (values > high)
            if outside.any():
                row, channel = np.argwhere(outside)[0]
                raise InputError(
                    f"fixed step {step}: channel {channel} got {values[row, channel]:g}; expected a value in the "
                    f"trained range, {low[channel]:.6g} to {high[channel]:.6g}"
                )

    def part(self, start: int, count: int) -> dict[int, NDArray[np.float32]]:
        """The values of some of the trajectories, by step."""
        return {step: values[start : start + count] for step, values in self.values.items()}
