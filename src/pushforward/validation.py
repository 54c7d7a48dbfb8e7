"""Validation at the door of `Trajectories`: each function returns what fits, or raises a one-line `InputError`."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pushforward.errors import InputError, printable, require

__all__ = [
    "as_groups",
    "as_index",
    "as_lengths",
    "as_names",
    "as_numbers",
    "as_positive",
    "as_values",
    "frozen",
    "owned",
]

_LOOKED_AT = 256
_LARGEST_LOSS = 0.05


def frozen(array: NDArray[Any]) -> NDArray[Any]:
    """The array itself where nobody can write to it, else a copy that nobody can write to."""
    if array.flags.writeable:
        array = array.copy()
        array.flags.writeable = False
    return array


def owned(array: NDArray[Any]) -> NDArray[Any]:
    """An array that was just made here, closed to writing, so that `frozen` need not copy it."""
    array.flags.writeable = False
    return array


def as_index(index: ArrayLike, n: int) -> NDArray[Any]:
    """Indices that select from `n` trajectories: booleans (n,) or integers within the batch."""
    where = np.atleast_1d(np.asarray(index))
    if where.dtype.kind == "b":
        require(where.shape == (n,), f"select: got booleans of shape {where.shape}; expected ({n},)")
        return where
    # An empty list has no type of its own.
    where = where.astype(np.int64) if where.size == 0 else where
    require(
        where.dtype.kind in "iu" and where.ndim == 1,
        f"select: got {where.dtype} of shape {where.shape}; expected a list of integers or booleans, or a slice",
    )
    outside = where[(where >= n) | (where < -n)]
    if len(outside):
        raise InputError(f"select: got index {outside[0]} of {n} trajectories; expected {-n} to {n - 1}")
    return where


def as_values(values: ArrayLike) -> NDArray[np.float32]:
    """(N, T, C) float32 from any real numbers, that nobody else can write to."""
    array = np.asarray(values)
    require(
        array.dtype.kind in "fiub",
        f"values: got dtype {array.dtype}; expected real numbers",
    )
    require(
        array.ndim == 3,
        f"values: got shape {array.shape}; expected (N, T, C): trajectories, time steps, channels",
    )
    require(
        min(array.shape[1:]) >= 1,
        f"values: got shape {array.shape}; expected at least one time step and one channel",
    )
    if array.dtype == np.float32:
        return frozen(array)
    with np.errstate(over="ignore"):
        narrow = array.astype(np.float32)
    _check_steps_survive(array[:_LOOKED_AT], narrow[:_LOOKED_AT])
    return narrow


def _check_steps_survive(wide: NDArray[Any], narrow: NDArray[np.float32]) -> None:
    """Refuse values so far from zero that float32 rounds their steps away, as of map coordinates in metres."""
    if wide.shape[0] == 0 or wide.shape[1] < 2:
        return
    with np.errstate(all="ignore"):
        steps = np.diff(wide.astype(np.float64), axis=1)
        lost = np.diff(narrow.astype(np.float64), axis=1) - steps
        size, error = (np.sqrt(np.square(part).mean(axis=(0, 1))) for part in (steps, lost))
        poor = np.flatnonzero(np.isfinite(size) & (size > 0) & (error > _LARGEST_LOSS * size))
    if len(poor):
        c = int(poor[0])
        raise InputError(
            f"values: channel {c} has steps of about {size[c]:.2g} at magnitudes of {np.abs(wide[:, :, c]).max():.2g}, "
            "which float32 cannot hold; expected an offset to be subtracted first"
        )


def as_positive(name: str, value: object) -> float:
    """A positive finite number."""
    try:
        number = float(value)  # type: ignore[arg-type]
    except (TypeError, ValueError):
        raise InputError(f"{name}: got {printable(value)!r}; expected a positive number") from None
    require(bool(np.isfinite(number)) and number > 0, f"{name}: got {number}; expected a positive number")
    return number


def as_names(names: Sequence[str], width: int) -> tuple[str, ...]:
    """`width` distinct channel names; `x0`, `x1`, ... where none are given."""
    require(not isinstance(names, str), f"channels: got the text {names!r}; expected a list of names")
    given = tuple(str(name) for name in names) or tuple(f"x{i}" for i in range(width))
    require(len(given) == width, f"channels: got {len(given)} names for {width} channels")
    repeated = sorted({printable(name) for name in given if given.count(name) > 1})
    require(not repeated, f"channels: duplicate names {repeated}; expected distinct names")
    return given


def as_lengths(lengths: ArrayLike | None, n: int, steps: int) -> NDArray[np.int64] | None:
    """(n,) whole numbers from 1 to `steps`, or None."""
    if lengths is None:
        return None
    array = np.asarray(lengths)
    require(array.shape == (n,), f"lengths: got shape {array.shape}; expected ({n},)")
    require(array.dtype.kind in "iu" or n == 0, f"lengths: got dtype {array.dtype}; expected integers")
    whole = array.astype(np.int64)
    bad = np.flatnonzero((whole < 1) | (whole > steps))
    if len(bad):
        raise InputError(f"lengths: got {whole[bad[0]]} at index {bad[0]}; expected 1 to {steps}")
    return whole


def as_groups(groups: ArrayLike | None, n: int) -> NDArray[Any] | None:
    """(n,) integers or strings, or None."""
    if groups is None:
        return None
    array = np.asarray(groups)
    require(array.shape == (n,), f"groups: got shape {array.shape}; expected ({n},)")
    require(array.dtype.kind in "iuUb", f"groups: got dtype {array.dtype}; expected integers or strings")
    return array


def as_numbers(name: str, values: ArrayLike, n: int) -> NDArray[np.float64]:
    """(n, ...) float64."""
    try:
        array = np.asarray(values, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"{name}: expected numbers") from None
    require(array.ndim >= 1 and array.shape[0] == n, f"{name}: got shape {array.shape}; expected ({n}, ...)")
    return array
