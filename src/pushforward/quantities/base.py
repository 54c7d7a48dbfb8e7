"""What a quantity is: a named, unit-bearing measurement of each trajectory."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pushforward.errors import InputError, printable, require
from pushforward.quantities.settings import fit_settings
from pushforward.trajectories import Trajectories

__all__ = ["AbstractFunction", "AbstractQuantity", "Quantity"]


@dataclass(frozen=True)
class AbstractQuantity(ABC):
    """φ: a scalar measurement of one trajectory, q = φ(x), over a whole batch at once.

    A concrete quantity is a frozen dataclass of its settings, with `name`, `formula` and `source` declared
    on the class, and implements `measure` and `unit_of`. NaN in the result means "not defined here".
    """

    name: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    source: ClassVar[str] = ""

    def __post_init__(self) -> None:
        """Make the settings fit their declared types: lists become tuples, whole numbers floats.

        Raises:
            InputError: a setting of another type.
        """
        fit_settings(self, f"quantity {self.name!r}")

    @abstractmethod
    def measure(self, trajectories: Trajectories) -> NDArray[np.floating[Any]]:
        """(N,) values; NaN where the quantity is not defined for a trajectory."""

    @abstractmethod
    def unit_of(self, trajectories: Trajectories) -> str:
        """The unit of the values for this data ("" where dimensionless or unknown)."""

    @property
    def label(self) -> str:
        """How the quantity is shown and spelled: its name, and the settings that differ from the defaults."""
        given = [(f.name, getattr(self, f.name)) for f in fields(self) if getattr(self, f.name) != f.default]
        return self.name + (f"({', '.join(f'{k}={_spelled(v)}' for k, v in given)})" if given else "")

    def __call__(self, trajectories: Trajectories) -> NDArray[np.float64]:
        """(N,) float64 values; NaN exactly where the quantity is not defined.

        Raises:
            InputError: the measurement did not give one real number per trajectory.
        """
        with np.errstate(all="ignore"):
            values = np.asarray(self.measure(trajectories))
        require(
            values.shape == (len(trajectories),) and values.dtype.kind in "fiub",
            f"quantity {self.label!r}: got {values.dtype} of shape {values.shape}; expected "
            f"({len(trajectories)},) real numbers, one per trajectory",
        )
        numbers = np.asarray(values, dtype=np.float64)
        defined = np.isfinite(numbers)
        return numbers if defined.all() else np.where(defined, numbers, np.nan)


@dataclass(frozen=True)
class AbstractFunction(AbstractQuantity):
    """A function as a quantity, called as the function is unless it is named.

    Attributes:
        fn: what is called.
        name: how the quantity is called.
        unit: of its values.
    """

    fn: Callable[..., Any]
    # Keyword-only: a field that hides a class-level name would otherwise come before `fn`.
    name: str = field(default="", kw_only=True)  # type: ignore[misc]
    unit: str = field(default="", kw_only=True)

    def __post_init__(self) -> None:
        """Take the function's own name where none is given."""
        if not self.name:
            object.__setattr__(self, "name", str(getattr(self.fn, "__name__", "quantity")).replace("_", "-"))

    @property
    def label(self) -> str:
        """The name alone: a function has no printable settings."""
        return printable(self.name)

    def unit_of(self, trajectories: Trajectories) -> str:
        """The unit as given."""
        return self.unit


@final
@dataclass(frozen=True)
class Quantity(AbstractFunction):
    """Any callable as a quantity: `Quantity(fn, name="energy", unit="J")`.

    `fn` takes `Trajectories` and returns (N,) numbers, NaN where it is not defined.
    """

    fn: Callable[[Trajectories], ArrayLike]

    def measure(self, trajectories: Trajectories) -> NDArray[np.floating[Any]]:
        """fn(trajectories), with its failures named."""
        try:
            return np.asarray(self.fn(trajectories))
        except InputError:
            raise
        except Exception as error:
            raise InputError(
                f"quantity {self.label!r} failed: {type(error).__name__}: {printable(error)}"
            ) from error


def _spelled(value: object) -> str:
    """A setting as `parse` reads it back."""
    if isinstance(value, tuple):
        return f"({','.join(_inner(item) for item in value)}{',' if len(value) == 1 else ''})"
    return value if isinstance(value, str) else repr(value)


def _inner(value: object) -> str:
    return repr(value) if isinstance(value, str) else _spelled(value)
