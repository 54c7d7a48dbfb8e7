"""Quantities whose gradient is known: torch functions of a trajectory's values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.quantities.base import AbstractFunction, AbstractQuantity
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from torch import Tensor

    from pushforward.generators.steering import Phi

__all__ = [
    "Differentiable",
    "as_differentiable",
    "frame_from_json",
    "frame_of",
    "frame_to_json",
    "gradient_of",
]

_BLOCK = 4096


@final
@dataclass(frozen=True)
class Differentiable(AbstractFunction):
    """A torch function as a quantity: `Differentiable(lambda x: x[:, -1, 0], name="end", unit="m")`.

    Attributes:
        fn: values (N, T, C) in the data's units, float64, to (N,); behind a trajectory's end its last values stand.
    """

    fn: Callable[[Tensor], Tensor]

    def measure(self, trajectories: Trajectories) -> NDArray[np.floating[Any]]:
        """(N,) values, without gradient.

        Raises:
            InputError: the function fails, or does not return (N,) numbers.
        """
        import torch

        parts = []
        with torch.no_grad():
            for part in trajectories.batches(_BLOCK):
                parts.append(self.called(torch.from_numpy(part.values.astype(np.float64))).cpu().numpy())
        return np.concatenate(parts) if parts else np.empty(0)

    def called(self, values: Tensor) -> Tensor:
        """(N,) values of (N, T, C), with gradient where that is asked for.

        Raises:
            InputError: the function fails, or does not return (N,) numbers.
        """
        import torch

        try:
            made = self.fn(values)
        except Exception as error:
            raise InputError(
                f"quantity {self.label!r} failed: {type(error).__name__}: {printable(error)}; expected a torch "
                "function of values (N, T, C)"
            ) from error
        good = isinstance(made, torch.Tensor) and made.shape == values.shape[:1]
        got = tuple(made.shape) if isinstance(made, torch.Tensor) else type(made).__name__
        require(good, f"quantity {self.label!r}: got {got}; expected a tensor of shape ({len(values)},)")
        return made


def as_differentiable(quantity: Any) -> Any:
    """A torch function as a quantity; anything else as it is."""
    plain = callable(quantity) and not isinstance(quantity, AbstractQuantity | str)
    return Differentiable(quantity) if plain else quantity


def gradient_of(quantity: AbstractQuantity, frame: Trajectories, owner: str) -> Phi:
    """φ as a torch function of values in the units of `frame`, and of valid steps.

    Raises:
        InputError: a quantity without one; `owner` is the mitigation that asked.
    """
    from pushforward.quantities.torch_quantities import BUILDERS, held

    if isinstance(quantity, Differentiable):
        return lambda values, steps: quantity.called(held(values, steps))
    known = ", ".join(sorted(kind.name for kind in BUILDERS))
    if type(quantity) not in BUILDERS:
        raise InputError(
            f"{owner}: {quantity.label} is a non-differentiable quantity here; expected one of {known}, or a torch "
            "function values (N, T, C) -> (N,)"
        )
    return BUILDERS[type(quantity)](quantity, frame)


def frame_of(data: Trajectories) -> Trajectories:
    """What a quantity needs to know of data beside its values: names, units and time step."""
    return Trajectories(
        np.zeros((1, 2, data.C), dtype=np.float32),
        dt=data.dt,
        channels=data.channels,
        units=data.units,
        time_unit=data.time_unit,
        quantity_name=data.quantity_name,
    )


def frame_to_json(frame: Trajectories) -> dict[str, Any]:
    """Names, units and time step."""
    return {
        "dt": frame.dt,
        "channels": list(frame.channels),
        "units": list(frame.units),
        "time_unit": frame.time_unit,
    }


def frame_from_json(record: Any, where: str) -> Trajectories:
    """What `frame_to_json` gave.

    Raises:
        InputError: anything else; `where` names the file.
    """
    try:
        channels, units = ([str(one) for one in record[key]] for key in ("channels", "units"))
        return Trajectories(
            np.zeros((1, 2, len(channels)), dtype=np.float32),
            dt=float(record["dt"]),
            channels=tuple(channels),
            units=tuple(units),
            time_unit=str(record["time_unit"]),
        )
    except (InputError, KeyError, TypeError, ValueError) as error:
        raise InputError(
            f"{where}: is damaged: expected channels, units and a time step ({printable(error, 60)})"
        ) from None
