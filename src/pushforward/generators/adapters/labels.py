"""What the trajectories of somebody else's model are called: shape, names, units, time step."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self, TypedDict

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.trajectories import Trajectories

__all__ = ["LabelKeywords", "Labels", "as_array"]


class LabelKeywords(TypedDict, total=False):
    """The labels as keywords of every adapter; each one overrides what `like` says."""

    T: int
    C: int
    dt: float
    channels: tuple[str, ...]
    units: tuple[str, ...]
    time_unit: str
    quantity_name: str | None


@dataclass(frozen=True)
class Labels:
    """Shape, names and units that a model's arrays do not carry themselves.

    Attributes:
        T: time steps, or None where the model's arrays tell.
        C: channels, or None where the model's arrays tell.
        dt: time between steps, in `time_unit`.
        channels: C distinct names, or none (`x0`, `x1`, ...).
        units: C units, or none.
        time_unit: unit of `dt`.
        quantity_name: the registered quantity that the system is about, or None.
    """

    T: int | None = None
    C: int | None = None
    dt: float = 1.0
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    time_unit: str = "s"
    quantity_name: str | None = None

    @classmethod
    def of(cls, like: Trajectories | None, given: LabelKeywords) -> Self:
        """The labels of `like`, with those in `given` in their place.

        Raises:
            InputError: an unknown keyword, a size that is not a positive whole number, names that do not fit C.
        """
        for name in given:
            if name not in cls.__dataclass_fields__:
                raise named("label", name, cls.__dataclass_fields__)
        known: dict[str, Any] = {}
        if like is not None:
            require(
                isinstance(like, Trajectories),
                f"like: got {type(like).__name__}; expected Trajectories whose names and units to take",
            )
            known = {name: getattr(like, name) for name in cls.__dataclass_fields__}
        known.update(given)
        known.update({name: tuple(known.get(name, ())) for name in ("channels", "units")})
        if known.get("C") is None and known["channels"]:
            known["C"] = len(known["channels"])
        labels = cls(**known)
        labels._check()
        return labels

    def _check(self) -> None:
        for name in ("T", "C"):
            size = getattr(self, name)
            fits = size is None or (
                isinstance(size, int | np.integer) and not isinstance(size, bool) and size >= 1
            )
            require(bool(fits), f"{name}: got {printable(size)!r}; expected a whole number, at least 1")
        if self.C is not None:
            # One trajectory of zeros goes through the door that the made ones will go through.
            self._trajectories(np.zeros((1, self.T or 1, self.C), dtype=np.float32))

    def shape(self, maker: str) -> tuple[int, int]:
        """(T, C), where the model itself cannot tell.

        Raises:
            InputError: either is not known.
        """
        if self.T is None or self.C is None:
            raise InputError(
                f"{maker}: got neither like= nor T= and C=; expected the shape of one trajectory"
            )
        return self.T, self.C

    def labelled(self, made: object, n: int, maker: str, groups: NDArray[Any] | None = None) -> Trajectories:
        """What a model returned for `n` trajectories, as trajectories.

        Raises:
            InputError: not an array of real numbers of shape (n, T, C), or NaN or infinity in it.
        """
        array = as_array(made, maker)
        wanted = f"({n}, {self.T or 'T'}, {self.C or 'C'})"
        fits = (
            array.ndim == 3
            and len(array) == n
            and self.T in (None, array.shape[1])
            and self.C in (None, array.shape[2])
        )
        require(
            fits,
            f"{maker}: returned shape {array.shape}; expected {wanted}: trajectories, time steps, channels",
        )
        bad = ~np.isfinite(array).all(axis=(1, 2))
        if bad.any():
            i, t, c = (int(index) for index in np.argwhere(~np.isfinite(array))[0])
            raise InputError(
                f"{maker}: returned NaN or infinity in {int(bad.sum())} of {n} trajectories, first at index "
                f"({i}, {t}, {c}) (trajectory, step, channel); expected finite numbers"
            )
        return self._trajectories(array, groups)

    def _trajectories(self, values: NDArray[Any], groups: NDArray[Any] | None = None) -> Trajectories:
        return Trajectories(
            values,
            dt=self.dt,
            channels=self.channels,
            units=self.units,
            time_unit=self.time_unit,
            quantity_name=self.quantity_name,
            groups=groups,
        )


def as_array(made: object, maker: str) -> NDArray[Any]:
    """A NumPy array of real numbers from what a model returned: NumPy, torch on any device, or lists.

    Raises:
        InputError: something else.
    """
    if hasattr(made, "detach") and hasattr(made, "cpu"):
        tensor: Any = made
        require(
            str(tensor.device) != "meta",
            f"{maker}: returned a tensor on the meta device, which holds no numbers; expected a real device",
        )
        tensor = tensor.detach().cpu()
        # NumPy has no bfloat16.
        made = tensor.float() if "bfloat16" in str(tensor.dtype) else tensor
    try:
        array = np.asarray(made)
    except (TypeError, ValueError) as error:
        raise InputError(
            f"{maker}: returned {type(made).__name__}, not an array ({printable(error)})"
        ) from error
    require(
        array.dtype.kind in "fiub",
        f"{maker}: returned {type(made).__name__} of dtype {array.dtype}; expected an array of real numbers",
    )
    return array
