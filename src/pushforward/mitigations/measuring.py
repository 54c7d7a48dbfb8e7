"""What mitigations that look at a quantity have in common: φ, and the law that it is to follow."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.measure.intended import Intended
from pushforward.mitigations.base import AbstractMitigation
from pushforward.quantities.base import AbstractQuantity, Quantity
from pushforward.trajectories import Trajectories

__all__ = ["MOST_BINS", "AbstractMeasuring", "as_quantity"]

MOST_BINS = 4096


def as_quantity(quantity: AbstractQuantity | Callable[..., Any] | str) -> AbstractQuantity:
    """A quantity from itself, its name, or any callable.

    Raises:
        InputError: anything else.
    """
    if isinstance(quantity, str):
        from pushforward.quantities import parse

        return parse(quantity)
    if isinstance(quantity, AbstractQuantity):
        return quantity
    require(
        callable(quantity),
        f"quantity: got {printable(type(quantity).__name__)}; expected a quantity or its name",
    )
    return Quantity(quantity)


@dataclass(frozen=True)
class AbstractMeasuring(AbstractMitigation):
    """A mitigation that looks at a quantity.

    Attributes:
        quantity: φ, its name, or any callable.
        intended: π, the law that it is to follow; None: that of the data.
    """

    quantity: AbstractQuantity | Callable[..., Any] | str
    intended: Intended | str | None = None

    def __post_init__(self) -> None:
        """Look up what is named.

        Raises:
            InputError: an unknown quantity, or text that is not a law.
        """
        super().__post_init__()
        object.__setattr__(self, "quantity", as_quantity(self.quantity))
        if self.intended is not None:
            object.__setattr__(self, "intended", Intended.of(self.intended))

    @property
    def phi(self) -> AbstractQuantity:
        """The quantity."""
        assert isinstance(self.quantity, AbstractQuantity)
        return self.quantity

    def wanted(self, data: Trajectories) -> NDArray[np.float64] | Intended:
        """π: the stated law, or the (n,) values of the data.

        Raises:
            InputError: the quantity is not defined on two trajectories.
        """
        if self.intended is not None:
            assert isinstance(self.intended, Intended)
            return self.intended
        return self.values(data)

    def values(self, data: Trajectories) -> NDArray[np.float64]:
        """(n,) values where the quantity is defined.

        Raises:
            InputError: fewer than two.
        """
        q = self.phi(data)
        q = q[np.isfinite(q)]
        if len(q) < 2:
            raise InputError(
                f"mitigation {self.name!r}: {self.phi.label} is defined on {len(q)} of {len(data)} trajectories; "
                "expected at least 2"
            )
        return q
