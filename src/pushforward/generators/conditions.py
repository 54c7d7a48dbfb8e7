"""What a model may be asked for: numbers per trajectory, with the law that they had in training."""

from __future__ import annotations

import functools
import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.trajectories import Trajectories

__all__ = ["Condition", "ConditionDescription", "ConditionLaw", "Measured", "measured"]

Condition = str | Callable[[Trajectories], ArrayLike] | ArrayLike
"""A key of `conditions`, the name of a quantity, a quantity or any callable, or (N,) or (N, k) numbers."""

_MOST_ROWS = 2**20
_NEIGHBOURS = 64
_LAW_STREAM = 5


@dataclass(frozen=True)
class ConditionDescription:
    """The K numbers that a conditional model knows a trajectory by.

    Attributes:
        names: K names.
        units: K units, "" where unknown.
        mean: K means over the training data.
        std: K standard deviations.
        low: the smallest of each in training.
        high: the largest.
        rows: how many training values the law keeps.
        digest: SHA-256 of names and values.
    """

    names: tuple[str, ...]
    units: tuple[str, ...]
    mean: tuple[float, ...]
    std: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    rows: int
    digest: str

    def __post_init__(self) -> None:
        """Refuse what no training can have (the numbers may come from a damaged file)."""
        width = len(self.names)
        require(1 <= width <= 4096, f"conditions: got {width}; expected 1 to 4096")
        for name in ("units", "mean", "std", "low", "high"):
            got = len(getattr(self, name))
            require(
                got == width,
                f"condition {name}: got {got} for {width} conditions; expected one per condition",
            )
        require(min(self.std) > 0, f"condition std: got {min(self.std)}; expected positive numbers")
        require(2 <= self.rows <= _MOST_ROWS, f"condition rows: got {self.rows}; expected 2 to {_MOST_ROWS}")

    def standardised(self, values: NDArray[np.float64]) -> NDArray[np.float32]:
        """(n, K) values − mean, over std."""
        return np.asarray((values - np.asarray(self.mean)) / np.asarray(self.std), dtype=np.float32)

    def asked(self, condition: ArrayLike, n: int) -> NDArray[np.float64]:
        """(n, K) what `sample(n, condition=...)` asks for: one value (or K) for all, or one (or K) for each.

        Raises:
            InputError: another shape, NaN or infinity, or a value outside the trained range.
        """
        width = len(self.names)
        try:
            given = np.asarray(condition, dtype=np.float64)
        except (TypeError, ValueError):
            raise InputError(f"condition: got {printable(condition, 60)}; expected numbers") from None
        if width == 1 and given.shape == (n,):
            given = given[:, None]
        fits = given.shape in ((width,), (n, width)) or (width == 1 and given.ndim == 0)
        every = f"({n},) or ({n}, 1)" if width == 1 else f"({n}, {width})"
        one = "a number" if width == 1 else f"({width},)"
        require(fits, f"condition: got shape {given.shape}; expected {one} for all, or {every}")
        require(bool(np.isfinite(given).all()), "condition: got NaN or infinity; expected finite numbers")
        values = np.broadcast_to(given, (n, width))
        for i, name in enumerate(self.names):
            least, most = float(values[:, i].min()), float(values[:, i].max())
            worst = least if least < self.low[i] else most
            require(
                self.low[i] <= least and most <= self.high[i],
                f"condition {printable(name, 60)}: got {worst:g}; expected a value in the trained range, "
                f"{self.low[i]:.6g} to {self.high[i]:.6g}{' ' + printable(self.units[i], 20) if self.units[i] else ''}",
            )
        return values


@dataclass(frozen=True)
class Measured:
    """The conditions of the training data: what they are, and their (N, K) values."""

    about: ConditionDescription
    values: NDArray[np.float64]

    def law(self, lengths: NDArray[np.int64]) -> ConditionLaw:
        """The joint law of conditions and lengths; of the largest data sets a part, drawn at random."""
        chosen: NDArray[np.int64] | slice = slice(None)
        if len(self.values) > self.about.rows:
            chosen = np.random.default_rng([0, _LAW_STREAM]).permutation(len(self.values))[: self.about.rows]
        return ConditionLaw(self.about, self.values[chosen], lengths[chosen])


@dataclass(frozen=True)
class ConditionLaw:
    """The joint law of conditions and lengths in training: M rows of values (M, K) and lengths (M,)."""

    about: ConditionDescription
    values: NDArray[np.float64]
    lengths: NDArray[np.int64]

    def draw(self, n: int, rng: np.random.Generator) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
        """(n, K) conditions and (n,) lengths of training trajectories, drawn with replacement."""
        row = rng.integers(len(self.values), size=n)
        return self.values[row], self.lengths[row]

    def lengths_near(self, asked: NDArray[np.float64], rng: np.random.Generator) -> NDArray[np.int64]:
        """(n,) for each asked condition the length of one of the training trajectories nearest to it.

        Nearest in standardised conditions, among at most 64 and at most 1 % (at least one) of them.
        """
        count = int(np.clip(len(self.values) // 100, 1, _NEIGHBOURS))
        _, nearest = self._tree.query(self.about.standardised(asked), k=[*range(1, count + 1)])
        choice = rng.integers(count, size=len(asked))
        return np.asarray(self.lengths[nearest[np.arange(len(asked)), choice]])

    @functools.cached_property
    def _tree(self) -> Any:
        from scipy.spatial import cKDTree

        return cKDTree(self.about.standardised(self.values))


def measured(trajectories: Trajectories, condition: Condition | Sequence[Condition]) -> Measured:
    """The conditions of training data.

    Raises:
        InputError: an unknown name, other than one number (or row) per trajectory, a value that is not finite, or
            a condition that is the same for all trajectories.
    """
    several = isinstance(condition, list | tuple) and any(
        isinstance(c, str) or callable(c) for c in condition
    )
    parts = [_columns(trajectories, part) for part in (condition if several else [condition])]  # type: ignore[union-attr, list-item]
    names = [name for part, _, _ in parts for name in part]
    values = np.concatenate([columns for _, columns, _ in parts], axis=1)
    require(len(set(names)) == len(names), f"condition: got {', '.join(names)}; expected distinct conditions")
    finite = np.isfinite(values)
    if not finite.all():
        row, column = np.argwhere(~finite)[0]
        raise InputError(
            f"condition {printable(names[column], 60)}: is not defined for {int((~finite[:, column]).sum())} of "
            f"{len(values)} trajectories, first at index {row}; expected finite numbers (leave these out)"
        )
    std = values.std(axis=0)
    for name, spread, center in zip(names, std, values.mean(axis=0), strict=True):
        require(
            bool(spread > 1e-12 * abs(center)),
            f"condition {printable(name, 60)}: is {center:g} for all trajectories; expected one that varies",
        )
    digest = hashlib.sha256(repr(names).encode() + np.ascontiguousarray(values).tobytes()).hexdigest()
    about = ConditionDescription(
        names=tuple(names),
        units=tuple(unit for part, _, unit in parts for _ in part),
        mean=tuple(values.mean(axis=0).tolist()),
        std=tuple(std.tolist()),
        low=tuple(values.min(axis=0).tolist()),
        high=tuple(values.max(axis=0).tolist()),
        rows=min(len(values), _MOST_ROWS),
        digest=digest,
    )
    return Measured(about, values)


def _columns(trajectories: Trajectories, condition: Any) -> tuple[list[str], NDArray[np.float64], str]:
    """Names, (N, k) values and the unit of one condition."""
    name, unit = "condition", ""
    found: Any = condition
    if isinstance(condition, str) and condition in trajectories.conditions:
        name, found = condition, trajectories.conditions[condition]
    elif isinstance(condition, str) and _is_truth(trajectories, condition):
        name, found = condition, trajectories.quantity
    elif isinstance(condition, str) or callable(condition):
        quantity = _quantity(trajectories, condition) if isinstance(condition, str) else condition
        name = str(getattr(quantity, "label", "") or getattr(quantity, "__name__", "condition"))
        unit = str(quantity.unit_of(trajectories)) if hasattr(quantity, "unit_of") else ""
        found = quantity(trajectories)
    try:
        values = np.asarray(found, dtype=np.float64)
    except (TypeError, ValueError):
        raise InputError(f"condition {printable(name, 60)}: expected numbers, one per trajectory") from None
    n = len(trajectories)
    require(
        values.ndim >= 1 and len(values) == n and values.size >= n,
        f"condition {printable(name, 60)}: got shape {values.shape} for {n} trajectories; expected ({n},) or ({n}, k)",
    )
    if values.ndim == 1:
        return [name], values[:, None], unit
    columns = values.reshape(n, -1)
    return [f"{name}[{i}]" for i in range(columns.shape[1])], columns, unit


def _is_truth(trajectories: Trajectories, name: str) -> bool:
    """Whether `name` means the true quantity that the data carries."""
    return trajectories.quantity is not None and name in ("quantity", trajectories.quantity_name)


def _quantity(trajectories: Trajectories, name: str) -> Callable[[Trajectories], ArrayLike]:
    # Only a name needs the registry, so that generators go without quantities otherwise.
    from pushforward.quantities import parse

    try:
        return parse(name)
    except InputError:
        if trajectories.conditions and name.isidentifier():
            raise named("condition", name, trajectories.conditions) from None
        raise
