"""Trajectories: an immutable batch of motion with its units."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import InitVar, dataclass, field, replace
from types import MappingProxyType
from typing import Any, Self, final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.validation import (
    as_groups,
    as_index,
    as_lengths,
    as_names,
    as_numbers,
    as_positive,
    as_values,
    frozen,
    owned,
)

__all__ = ["Trajectories"]


@final
@dataclass(frozen=True, eq=False)
class Trajectories:
    """A batch of N trajectories of T time steps and C channels, immutable, with its units.

    Attributes:
        values: (N, T, C) float32. Beyond a ragged trajectory's length its last valid value is held, so that
            padding is finite and canonical.
        dt: time between steps, in `time_unit`.
        channels: C distinct names; default `x0`, `x1`, ...
        units: C units, "" where unknown.
        lengths: (N,) int64, valid steps of each trajectory, or None when all have T.
        groups: (N,) cluster ids (integers or strings): trajectories that share a start, a storm, an episode.
        group_name: what a group is (`storm`, `episode`), for the reader.
        conditions: further numbers per trajectory, name -> (N, ...) float64.
        quantity: (N,) float64, the true quantity where the data's maker knows it, or None.
        quantity_name: the registered quantity that measures it from the trajectory alone, or None.
        time_unit: unit of `dt`.
        n_dropped: invalid trajectories left out by `drop_invalid=True`.

    Raises:
        InputError: a wrong shape or dtype, NaN or infinity (unless `drop_invalid`), duplicate channels,
            lengths outside 1..T, dt that is not positive.
    """

    values: NDArray[np.float32]
    dt: float = 1.0
    channels: tuple[str, ...] = ()
    units: tuple[str, ...] = ()
    lengths: NDArray[np.int64] | None = None
    groups: NDArray[Any] | None = None
    conditions: Mapping[str, NDArray[np.float64]] = field(default_factory=dict)
    quantity: NDArray[np.float64] | None = None
    quantity_name: str | None = None
    time_unit: str = "s"
    group_name: str = "group"
    n_dropped: int = 0
    drop_invalid: InitVar[bool] = False

    def __post_init__(self, drop_invalid: bool) -> None:
        """Validate at the door and freeze every array."""
        self._set("values", as_values(self.values))
        n, steps, width = self.values.shape
        self._set("dt", as_positive("dt", self.dt))
        self._set("channels", as_names(self.channels, width))
        units = tuple(str(unit) for unit in self.units) or ("",) * width
        require(
            len(units) == width, f"units: got {len(units)} for {width} channels; expected one per channel"
        )
        self._set("units", units)
        self._set("lengths", as_lengths(self.lengths, n, steps))
        self._set("groups", as_groups(self.groups, n))
        conditions = {
            str(k): frozen(as_numbers(f"condition {k!r}", v, n)) for k, v in self.conditions.items()
        }
        self._set("conditions", MappingProxyType(conditions))
        if self.quantity is not None:
            truth = as_numbers("quantity", self.quantity, n)
            require(truth.ndim == 1, f"quantity: got shape {truth.shape}; expected ({n},)")
            self._set("quantity", truth)
        self._hold_last_value()
        self._refuse_or_drop_invalid(drop_invalid)
        self.values.flags.writeable = False

    # -- shape ---------------------------------------------------------------------------------------------

    def __len__(self) -> int:
        """N, the number of trajectories."""
        return int(self.values.shape[0])

    @property
    def T(self) -> int:
        """Time steps of the batch (the longest trajectory's, where lengths are ragged)."""
        return int(self.values.shape[1])

    @property
    def C(self) -> int:
        """Channels."""
        return int(self.values.shape[2])

    @property
    def steps(self) -> NDArray[np.int64]:
        """(N,) valid steps of each trajectory, also where `lengths` is None."""
        if self.lengths is not None:
            return self.lengths
        return np.full(len(self), self.T, dtype=np.int64)

    @property
    def mask(self) -> NDArray[np.bool_]:
        """(N, T) True at valid steps."""
        return np.arange(self.T)[None, :] < self.steps[:, None]

    def channel_index(self, name: str) -> int:
        """Position of a channel by name.

        Raises:
            InputError: no such channel; lists the valid ones.
        """
        if name not in self.channels:
            raise named("channel", name, self.channels)
        return self.channels.index(name)

    # -- parts ---------------------------------------------------------------------------------------------

    def select(self, index: ArrayLike | slice) -> Self:
        """The trajectories at `index` (integers, booleans or a slice), with everything that belongs to them.

        Raises:
            InputError: an index outside the batch, or booleans of another length.
        """
        where = index if isinstance(index, slice) else as_index(index, len(self))

        def part(array: NDArray[Any] | None) -> NDArray[Any] | None:
            return None if array is None else array[where]

        return replace(
            self,
            values=owned(self.values[where]),
            lengths=part(self.lengths),
            groups=part(self.groups),
            conditions={name: array[where] for name, array in self.conditions.items()},
            quantity=part(self.quantity),
        )

    def select_channels(self, names: Sequence[str]) -> Self:
        """The same trajectories with only the named channels, in that order."""
        index = [self.channel_index(name) for name in names]
        return replace(
            self,
            values=owned(np.ascontiguousarray(self.values[:, :, index])),
            channels=tuple(names),
            units=tuple(self.units[i] for i in index),
        )

    def batches(self, size: int) -> Iterator[Self]:
        """Consecutive parts of at most `size` trajectories (views, not copies)."""
        require(size >= 1, f"batch size: got {size}; expected at least 1")
        for start in range(0, len(self), size):
            part = self.select(slice(start, start + size))
            # Trajectories left out are counted once, so that joining the batches counts them once.
            yield replace(part, n_dropped=0) if start and self.n_dropped else part

    def with_values(self, values: ArrayLike) -> Self:
        """The same batch (channels, units, lengths, groups) holding other values of the same shape."""
        array = np.asarray(values, dtype=np.float32)
        require(
            array.shape == self.values.shape,
            f"values: got shape {array.shape}; expected {self.values.shape} as in the original",
        )
        return replace(self, values=array)

    @classmethod
    def concat(cls, parts: Sequence[Trajectories]) -> Trajectories:
        """One batch from many; shorter ones are padded and keep their lengths.

        Conditions and true quantities that not all parts have are left out.

        Raises:
            InputError: nothing to join, or parts that disagree on channels, units, dt or time unit, on
                whether there are groups, or on a condition's shape.
        """
        require(len(parts) > 0, "concat: got no trajectories; expected at least one batch")
        first, longest = parts[0], max(part.T for part in parts)
        for part in parts[1:]:
            _require_alike(part, first)
        same_quantity = all(part.quantity_name == first.quantity_name for part in parts)
        ragged = any(part.lengths is not None or longest != part.T for part in parts)
        values = np.empty((sum(map(len, parts)), longest, first.C), dtype=np.float32)
        start = 0
        for part in parts:
            values[start : start + len(part), : part.T] = part.values
            values[start : start + len(part), part.T :] = part.values[:, -1:]
            start += len(part)
        shared = [name for name in first.conditions if all(name in part.conditions for part in parts)]
        return cls(
            values=owned(values),
            dt=first.dt,
            channels=first.channels,
            units=first.units,
            lengths=np.concatenate([part.steps for part in parts]) if ragged else None,
            groups=_join([part.groups for part in parts]),
            conditions={name: np.concatenate([part.conditions[name] for part in parts]) for name in shared},
            quantity=_join([part.quantity for part in parts]) if same_quantity else None,
            quantity_name=first.quantity_name if same_quantity else None,
            time_unit=first.time_unit,
            group_name=first.group_name,
            n_dropped=sum(part.n_dropped for part in parts),
        )

    def longer_than(self, minimum: int) -> Self:
        """Only the trajectories with at least `minimum` valid steps."""
        kept = self.select(self.steps >= minimum)
        require(len(kept) > 0, f"no trajectory has at least {minimum} steps; the longest has {self._longest}")
        return kept

    # -- time ----------------------------------------------------------------------------------------------

    def resample(self, T: int) -> Trajectories:
        """Every trajectory over its own duration at `T` equally spaced times, by linear interpolation.

        The result is not ragged. Where durations differ one `dt` cannot be true for all, so ragged input
        is refused unless all lengths agree.
        """
        require(T >= 2, f"resample: got T = {T}; expected at least 2")
        require(len(self) > 0, "resample: got no trajectories; expected at least one")
        steps = np.unique(self.steps)
        require(
            len(steps) == 1,
            f"resample: lengths run from {steps[0]} to {steps[-1]}; expected one length (use windows first)",
        )
        length = int(steps[0])
        require(length >= 2, f"resample: got trajectories of {length} step; expected at least 2")
        position = np.linspace(0.0, length - 1.0, T)
        left = np.minimum(position.astype(np.int64), length - 2)
        weight = (position - left)[None, :, None]
        values = self.values[:, left] * (1 - weight) + self.values[:, left + 1] * weight
        return replace(
            self, values=owned(values.astype(np.float32)), lengths=None, dt=self.dt * (length - 1) / (T - 1)
        )

    def windows(self, length: int, stride: int | None = None) -> Trajectories:
        """All windows of `length` valid steps, `stride` apart (default: not overlapping).

        Windows of one trajectory share its group (its own index where no groups were given), since they
        are not independent; conditions and the true quantity, which describe the whole, are left out.
        """
        stride = length if stride is None else stride
        require(
            length >= 1 and stride >= 1, f"windows: got length {length}, stride {stride}; expected at least 1"
        )
        counts = np.maximum((self.steps - length) // stride + 1, 0)
        require(
            int(counts.sum()) > 0,
            f"windows: no trajectory has {length} steps; the longest has {self._longest}",
        )
        owner = np.repeat(np.arange(len(self)), counts)
        offset = (np.arange(len(owner)) - np.repeat(np.cumsum(counts) - counts, counts)) * stride
        values = self.values[owner[:, None], offset[:, None] + np.arange(length)[None, :]]
        groups = owner if self.groups is None else self.groups[owner]
        return replace(self, values=owned(values), lengths=None, groups=groups, conditions={}, quantity=None)

    def split(self, fraction: float, seed: int = 0) -> tuple[Self, Self]:
        """Two disjoint parts, the first of about `fraction`; a group never falls into both.

        Raises:
            InputError: a fraction outside (0, 1), or fewer than two groups.
        """
        require(0 < fraction < 1, f"split fraction: got {fraction}; expected between 0 and 1")
        cluster = (
            np.arange(len(self)) if self.groups is None else np.unique(self.groups, return_inverse=True)[1]
        )
        n_clusters = int(cluster.max()) + 1 if len(self) else 0
        require(n_clusters >= 2, f"split: got {n_clusters} independent groups; expected at least 2")
        order = np.random.default_rng(seed).permutation(n_clusters)
        n_first = min(max(round(fraction * n_clusters), 1), n_clusters - 1)
        first = np.isin(cluster, order[:n_first])
        return self.select(first), self.select(~first)

    def equals(self, other: Trajectories) -> bool:
        """True when both hold the same trajectories: valid values, lengths, names, units, groups, truth."""
        if (len(self), self.channels, self.units, self.dt) != (
            len(other),
            other.channels,
            other.units,
            other.dt,
        ):
            return False
        if (self.quantity_name, self.time_unit) != (other.quantity_name, other.time_unit):
            return False
        if set(self.conditions) != set(other.conditions) or not np.array_equal(self.steps, other.steps):
            return False
        common = min(self.T, other.T)
        pairs: list[tuple[Any, Any]] = [(self.values[:, :common], other.values[:, :common])]
        pairs += [(array, other.conditions[name]) for name, array in self.conditions.items()]
        for name in ("groups", "quantity"):
            mine, theirs = getattr(self, name), getattr(other, name)
            if (mine is None) != (theirs is None):
                return False
            pairs += [] if mine is None else [(mine, theirs)]
        return all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in pairs)

    def __repr__(self) -> str:
        """One line: shape, channels with units, dt."""
        shown = ", ".join(f"{c} [{u}]" if u else c for c, u in zip(self.channels, self.units, strict=True))
        ragged = ""
        if self.lengths is not None and len(self):
            ragged = f", lengths {self.lengths.min()}–{self.lengths.max()}"
        text = f"Trajectories(N={len(self)}, T={self.T}, C={self.C}{ragged}, dt={self.dt:g} {self.time_unit}: {shown})"
        return printable(text)

    @property
    def _longest(self) -> int:
        return int(self.steps.max(initial=0))

    # -- validation ----------------------------------------------------------------------------------------

    def _set(self, name: str, value: object) -> None:
        if isinstance(value, np.ndarray) and name != "values":
            value = frozen(value)
        object.__setattr__(self, name, value)

    def _hold_last_value(self) -> None:
        """Overwrite padding by the last valid value, so that padding is canonical."""
        if self.lengths is None or bool((self.lengths == self.T).all()):
            return
        last = np.take_along_axis(self.values, (self.lengths - 1)[:, None, None], axis=1)
        held = np.where(self.mask[:, :, None], self.values, last)
        object.__setattr__(self, "values", held)

    def _refuse_or_drop_invalid(self, drop: bool) -> None:
        # A sum is one fast pass; only when it is not finite is every value looked at.
        with np.errstate(over="ignore", invalid="ignore"):
            if np.isfinite(self.values.sum(dtype=np.float64)):
                return
        bad = ~np.isfinite(self.values).all(axis=(1, 2))
        if not bad.any():
            return
        n, t, c = (int(i) for i in np.argwhere(~np.isfinite(self.values))[0])
        message = (
            f"values: {int(bad.sum())} of {len(self)} trajectories hold NaN or infinity, first at index "
            f"({n}, {t}, {c}) (trajectory, step, channel); expected finite float32 numbers (drop them with "
            "drop_invalid=True or --drop-invalid)"
        )
        if not drop:
            raise InputError(message)
        require(not bad.all(), f"values: all {len(self)} trajectories hold NaN or infinity; nothing is left")
        kept = ~bad
        for name in ("values", "lengths", "groups", "quantity"):
            array = getattr(self, name)
            if array is not None:
                self._set(name, array[kept])
        kept_conditions = {name: frozen(array[kept]) for name, array in self.conditions.items()}
        self._set("conditions", MappingProxyType(kept_conditions))
        self._set("n_dropped", self.n_dropped + int(bad.sum()))


def _require_alike(part: Trajectories, first: Trajectories) -> None:
    for name in ("channels", "units", "dt", "time_unit"):
        got, wanted = getattr(part, name), getattr(first, name)
        require(got == wanted, f"concat: {name} differ: got {got!r}; expected {wanted!r}")
    # Without the groups of some, the others' clusters would count as independent.
    require(
        (part.groups is None) == (first.groups is None),
        "concat: some parts have groups and others have none; expected all or none",
    )
    for name in set(part.conditions) & set(first.conditions):
        got, wanted = part.conditions[name].shape[1:], first.conditions[name].shape[1:]
        require(
            got == wanted, f"concat: condition {name!r} has shapes {got} and {wanted}; expected one shape"
        )


def _join(arrays: Sequence[NDArray[Any] | None]) -> NDArray[Any] | None:
    present = [array for array in arrays if array is not None]
    return np.concatenate(present) if present and len(present) == len(arrays) else None
