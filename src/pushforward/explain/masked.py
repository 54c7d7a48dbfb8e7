"""A kernel of which only some parts are left: x + (the kept part of x' − x)."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np

from pushforward.errors import InputError, printable
from pushforward.explain.parts import AbstractParts, Deviation, Draw
from pushforward.kernels.base import AbstractDeviationKernel, deviated
from pushforward.trajectories import Trajectories

__all__ = ["Masked", "drawing"]


@final
@dataclass(frozen=True, eq=False)
class Masked(AbstractDeviationKernel):
    """x' = x + Σ_{k kept} δ_k, where δ = Σ_k δ_k are the parts of another kernel's deviation.

    From the same random numbers: with all parts kept it is the kernel itself, with none it is the data.

    Attributes:
        scale: the kernel's.
        kernel: whose deviations.
        parts: how they are cut.
        keep: which parts are left on, counted from 0.
    """

    name: ClassVar[str] = "masked"
    formula: ClassVar[str] = "x' = x + Σ_{k kept} δ_k, δ = x'_K − x = Σ_k δ_k"
    source: ClassVar[str] = "Shapley 1953; a coalition of parts"
    cost: ClassVar[str] = "the kernel's"
    needs: ClassVar[str] = "a kernel"

    kernel: AbstractDeviationKernel | None = None
    parts: AbstractParts | None = None
    keep: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        """Take the kernel's ways.

        Raises:
            InputError: no kernel or no parts.
        """
        if not isinstance(self.kernel, AbstractDeviationKernel) or not isinstance(self.parts, AbstractParts):
            raise InputError(
                f"kernel {self.name!r}: got {printable(type(self.kernel).__name__)} and "
                f"{printable(type(self.parts).__name__)}; expected a kernel and its parts"
            )
        for name in ("scale", "scale_error", "repeats", "parallel", "block_values"):
            object.__setattr__(self, name, getattr(self.kernel, name))

    @property
    def settings(self) -> dict[str, Any]:
        """The kernel as it is spelled, the parts by name, and which are kept."""
        assert self.kernel is not None
        assert self.parts is not None
        return {
            "scale": self.scale,
            "kernel": self.kernel.label,
            "parts": self.parts.name,
            "keep": self.keep,
            "scale_error": self.scale_error,
        }

    def fitted(self, trajectories: Trajectories) -> Self:
        """The same parts of the fitted kernel."""
        assert self.kernel is not None
        return replace(self, kernel=self.kernel.fitted(trajectories))

    def with_scale(self, scale: float) -> Self:
        """The same parts of the kernel at another scale."""
        assert self.kernel is not None
        return replace(self, kernel=self.kernel.with_scale(scale))

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One draw for each trajectory.

        Raises:
            InputError: a part that there is not, or as the kernel does.
        """
        assert self.kernel is not None
        assert self.parts is not None
        found = self.parts.split(drawing(self.kernel, trajectories, rng), trajectories)
        if any(not 0 <= k < len(found) for k in self.keep):
            raise InputError(
                f"kernel {self.name!r}: got keep = {printable(self.keep, 40)}; expected parts 0 to {len(found) - 1}"
            )
        return (
            trajectories if not self.keep else deviated(trajectories, summed(trajectories, found, self.keep))
        )


def summed(trajectories: Trajectories, parts: Sequence[Deviation], keep: Sequence[int]) -> Deviation:
    """x and the kept parts."""
    values = trajectories.values.copy()
    for k in sorted(set(keep)):
        values += parts[k]
    return values


def drawing(kernel: AbstractDeviationKernel, block: Trajectories, rng: np.random.Generator) -> Draw:
    """δ of one draw, at any scale from the same random numbers; `rng` is left where one draw leaves it."""
    before = copy.deepcopy(rng)
    own = kernel.deviate(block, rng).values - block.values

    def draw(scale: float | None) -> Deviation:
        if scale is None:
            return own
        return np.asarray(
            kernel.with_scale(scale).deviate(block, copy.deepcopy(before)).values - block.values,
            dtype=np.float32,
        )

    return draw
