"""The door: what `ReadSettings` asks of every format, in one place, from raw blocks to valid `Trajectories`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, require
from pushforward.formats._block import Block
from pushforward.formats.base import ReadSettings
from pushforward.trajectories import Trajectories
from pushforward.validation import owned

__all__ = ["admitted"]


@dataclass
class _Count:
    """What has passed so far; indices in messages are those of the file, not of the batch."""

    offered: int = 0
    invalid: int = 0
    unreported: int = 0
    longest: int = 0


def admitted(blocks: Iterator[Block], settings: ReadSettings) -> Iterator[Trajectories]:
    """Valid trajectories: channels chosen, dt overridden, cut, the short left out, NaN refused or dropped.

    Raises:
        InputError: an unknown channel, NaN or infinity without `drop_invalid`, or nothing left.
    """
    count, any_passed = _Count(), False
    for block in blocks:
        trajectories = _passed(_typed(block), settings, count)
        count.offered += len(block.values)
        if trajectories is not None:
            any_passed = True
            yield trajectories
    require(count.offered > 0, "holds no trajectories; expected at least one")
    if any_passed:
        return
    if count.invalid:
        raise InputError(f"values: {count.invalid} trajectories hold NaN or infinity; nothing is left")
    raise InputError(
        f"no trajectory has at least {settings.min_length} steps; the longest of {count.offered} has {count.longest}"
    )


def _typed(block: Block) -> Block:
    values = block.values
    require(values.dtype.kind in "fiub", f"values: got dtype {values.dtype}; expected real numbers")
    require(
        values.ndim == 3 and min(values.shape[1:]) >= 1,
        f"values: got shape {values.shape}; expected (N, T, C): trajectories, time steps, channels",
    )
    channels = block.channels or tuple(f"x{i}" for i in range(values.shape[2]))
    units = block.units or ("",) * len(channels)
    for name, given in (("channels", channels), ("units", units)):
        require(
            len(given) == values.shape[2],
            f"{name}: got {len(given)} for {values.shape[2]} channels of values",
        )
    return replace(block, channels=channels, units=units)


def _passed(block: Block, settings: ReadSettings, count: _Count) -> Trajectories | None:
    block = _chosen(block, settings.channels)
    lengths = _lengths(block, count.offered)
    values = block.values
    if settings.max_length is not None and values.shape[1] > settings.max_length:
        values = values[:, : settings.max_length]
        lengths = np.minimum(lengths, settings.max_length)
    with np.errstate(over="ignore", invalid="ignore"):
        values = np.asarray(values, dtype=np.float32)
    count.longest = max(count.longest, int(lengths.max(initial=0)))
    kept = lengths >= settings.min_length
    bad = _invalid(values, lengths, kept)
    if bad is not None:
        _refuse_unless(settings.drop_invalid, values, bad, count.offered)
        count.invalid += int(bad.any(axis=(1, 2)).sum())
        count.unreported += int(bad.any(axis=(1, 2)).sum())
        kept &= ~bad.any(axis=(1, 2))
    if not kept.any():
        return None
    everything = bool(kept.all())

    def part(array: NDArray[Any]) -> NDArray[Any]:
        return array if everything else array[kept]

    dropped, count.unreported = count.unreported, 0
    ragged = block.lengths is not None and not (lengths == values.shape[1]).all()
    return Trajectories(
        # The block is this function's alone.
        values=owned(part(values)),
        dt=block.dt if settings.dt is None else settings.dt,
        channels=block.channels,
        units=block.units,
        lengths=part(lengths) if ragged else None,
        groups=None if block.groups is None else part(block.groups),
        conditions={name: part(array) for name, array in block.conditions.items()},
        quantity=None if block.quantity is None else part(block.quantity),
        quantity_name=block.quantity_name,
        time_unit=block.time_unit,
        group_name=block.group_name,
        n_dropped=dropped,
    )


def _chosen(block: Block, names: tuple[str, ...]) -> Block:
    if not names:
        return block
    for name in names:
        if name not in block.channels:
            raise named("channel", name, block.channels)
    index = [block.channels.index(name) for name in names]
    return replace(
        block, values=block.values[:, :, index], channels=names, units=tuple(block.units[i] for i in index)
    )


def _lengths(block: Block, start: int) -> NDArray[np.int64]:
    n, steps = block.values.shape[:2]
    if block.lengths is None:
        return np.full(n, steps, dtype=np.int64)
    lengths = block.lengths
    require(
        lengths.dtype.kind in "iu" and lengths.shape == (n,),
        f"lengths: got dtype {lengths.dtype} of shape {lengths.shape}; expected ({n},) integers",
    )
    bad = np.flatnonzero((lengths < 1) | (lengths > steps))
    if len(bad):
        raise InputError(f"lengths: got {lengths[bad[0]]} at index {start + bad[0]}; expected 1 to {steps}")
    return lengths.astype(np.int64)


def _invalid(
    values: NDArray[np.float32], lengths: NDArray[np.int64], kept: NDArray[np.bool_]
) -> NDArray[np.bool_] | None:
    # A sum is one fast pass; only when it is not finite is every value looked at.
    with np.errstate(over="ignore", invalid="ignore"):
        if np.isfinite(values.sum(dtype=np.float64)):
            return None
    within = (np.arange(values.shape[1])[None, :] < lengths[:, None]) & kept[:, None]
    bad: NDArray[np.bool_] = ~np.isfinite(values) & within[:, :, None]
    return bad if bad.any() else None


def _refuse_unless(drop: bool, values: NDArray[np.float32], bad: NDArray[np.bool_], start: int) -> None:
    if drop:
        return
    n, t, c = (int(i) for i in np.argwhere(bad)[0])
    raise InputError(
        f"values: {int(bad.any(axis=(1, 2)).sum())} of {len(values)} trajectories hold NaN or infinity, first at "
        f"index ({start + n}, {t}, {c}) (trajectory, step, channel); expected finite float32 numbers (drop them "
        "with drop_invalid=True or --drop-invalid)"
    )
