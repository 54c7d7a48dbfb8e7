"""What a data deviation kernel is: it draws deviated trajectories."""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass, field, fields, replace
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.quantities.settings import fit_settings
from pushforward.trajectories import Trajectories
from pushforward.validation import owned

__all__ = ["AbstractDeviationKernel", "learned", "standard_deviations"]

_BLOCK_VALUES = 1 << 16


def learned(default: Any = None) -> Any:
    """A field that `fitted` fills from data: keyword-only, no setting, not part of the kernel's name."""
    return field(default=default, kw_only=True, repr=False, compare=False, metadata={"learned": True})


@dataclass(frozen=True)
class AbstractDeviationKernel(ABC):
    """K(x' | x): the law of the trajectory that a model class tends to make where the data has x.

    A concrete kernel is a frozen dataclass of its settings (with `eq=False` where it holds arrays), declares the
    names below on the class, and implements `deviate`. Where it needs something from the data first (each
    channel's spread, local means, a neighbour search) it implements `fitted` and keeps that in `learned` fields.

    Attributes:
        scale: size of the deviations: relative to each channel's standard deviation where the kernel says so. None
            where it is not known yet: forecasts are then made as a dose–response over `scales`. 0 must give back
            exactly the values of x.
        scale_error: standard deviation of ln(scale), where the scale was estimated; 0 where it is given.

    Class attributes:
        name: in kebab-case, as in the registry.
        formula: the law in one line.
        source: where it is from.
        cost: what `fitted` and `deviate` take, in words.
        needs: what it needs besides data and a scale, such as residuals or a trained model; "" where nothing.
        scales: the scales of a dose–response when none are given.
        repeats: deviations of each trajectory in a forecast when no number is given: 1 where they are expensive.
        parallel: whether `deviate` may run in several threads at once (NumPy kernels may; torch has its own threads).
        block_values: about how many values (N·T·C) `deviate` likes to get at once.
    """

    name: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""
    cost: ClassVar[str] = ""
    needs: ClassVar[str] = ""
    scales: ClassVar[tuple[float, ...]] = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2)
    repeats: ClassVar[int] = 4
    parallel: ClassVar[bool] = True
    block_values: ClassVar[int] = 1 << 18

    scale: float | None = None
    scale_error: float = field(default=0.0, kw_only=True)

    def __post_init__(self) -> None:
        """Make the settings fit their declared types.

        Raises:
            InputError: a setting of another type, a scale that is negative or not finite.
        """
        owner = f"kernel {self.name!r}"
        for one in fields(self):
            if one.type == "bool":
                object.__setattr__(
                    self, one.name, _switch(f"{owner}, setting {one.name!r}", getattr(self, one.name))
                )
        fit_settings(self, owner)
        if self.scale is not None:
            object.__setattr__(self, "scale", _size(f"{owner}, setting 'scale'", self.scale))
        object.__setattr__(self, "scale_error", _size(f"{owner}, setting 'scale_error'", self.scale_error))

    @abstractmethod
    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        """One deviated trajectory for each given one: the same N, lengths, channels and units, row by row.

        Every random number comes from `rng`. A kernel that `fitted` has not seen takes what it needs from
        `trajectories` themselves.

        Raises:
            InputError: no scale, or trajectories of another shape than `fitted` saw.
        """

    def fitted(self, trajectories: Trajectories) -> Self:
        """The same kernel with what it takes from the data (a sample of it where data is streamed); else itself."""
        return self

    def with_scale(self, scale: float) -> Self:
        """The same kernel elsewhere on its dose–response; what it has learned stays."""
        return replace(self, scale=scale)

    @property
    def known_scale(self) -> float:
        """The scale.

        Raises:
            InputError: none was given.
        """
        if self.scale is None:
            raise InputError(
                f"kernel {self.name!r}: has no scale; give one, such as scale={self.scales[len(self.scales) // 2]:g}, "
                "or ask for the dose–response"
            )
        return self.scale

    @property
    def settings(self) -> dict[str, Any]:
        """The settings by name, without what was learned: plain numbers, words and tuples of them.

        Another kernel, or what else has a label, is spelled.
        """
        return {f.name: _plain(getattr(self, f.name)) for f in fields(self) if not f.metadata.get("learned")}

    @property
    def label(self) -> str:
        """How the kernel is shown and spelled: its name, and the settings that differ from the defaults."""
        defaults = {f.name: f.default for f in fields(self)}
        given = [(key, value) for key, value in self.settings.items() if getattr(self, key) != defaults[key]]
        shown = ", ".join(
            f"{key}={value:g}" if isinstance(value, float) else f"{key}={value}" for key, value in given
        )
        return printable(self.name + (f"({shown})" if shown else ""))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return tuple(_plain(item) for item in value)
    label = getattr(value, "label", None)
    return label if isinstance(label, str) else value


def standard_deviations(trajectories: Trajectories) -> NDArray[np.float64]:
    """(C,) standard deviation of each channel over all valid steps of all trajectories; 0 of a constant channel."""
    require(
        len(trajectories) > 0, "kernel: got no trajectories; expected at least one to take the scale from"
    )
    T, C = trajectories.T, trajectories.C
    steps, rows = trajectories.steps, max(_BLOCK_VALUES // (T * C), 1)
    # Around the first point, so that sums of squares do not cancel. Sums over few rows are exact enough in float32.
    origin = np.tile(trajectories.values[0, 0], T)
    first, second = np.zeros(T * C), np.zeros(T * C)
    for start in range(0, len(trajectories), rows):
        part = trajectories.values[start : start + rows]
        block = part.reshape(len(part), T * C) - origin
        if trajectories.lengths is not None:
            block *= np.repeat(np.arange(T) < steps[start : start + rows, None], C, axis=1)
        first += block.sum(axis=0)
        second += np.einsum("nk,nk->k", block, block)
    n = float(steps.sum())
    mean, square = (total.reshape(T, C).sum(axis=0) / n for total in (first, second))
    return np.asarray(np.sqrt(np.maximum(square - mean**2, 0.0)))


def deviated(trajectories: Trajectories, values: NDArray[np.float32]) -> Trajectories:
    """The same batch holding `values`, an array made for it that nobody else writes to."""
    return trajectories.with_values(owned(values))


def _size(where: str, value: object) -> float:
    try:
        number = math.nan if isinstance(value, bool) else float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        number = math.nan
    require(
        math.isfinite(number) and number >= 0,
        f"{where}: got {printable(value, 40)!r}; expected a number of at least 0",
    )
    return number


def _switch(where: str, value: object) -> bool:
    words = {"true": True, "false": False, "yes": True, "no": False}
    found = words.get(str(value).lower())
    if found is None:
        raise InputError(f"{where}: got {printable(value, 40)!r}; expected true or false")
    return found
