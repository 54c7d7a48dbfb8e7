"""audit: does generated motion keep the distribution of a quantity?"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.measure.results import Audit
from pushforward.measure.streams import AuditSettings, Chunk, Stream, Wanted, audit_streams

if TYPE_CHECKING:
    from pushforward.quantities.base import AbstractQuantity
    from pushforward.trajectories import Trajectories

__all__ = ["audit", "measured_stream"]

_BATCH = 1 << 16


@runtime_checkable
class MeasuresItself(Protocol):
    """A source of batches that knows a better way to measure them than one after the other."""

    def __call__(self) -> Iterator[Trajectories]:
        """The batches, one after the other."""

    def measured(
        self, quantities: Sequence[AbstractQuantity], group: str | None, dropped: Callable[[int], None]
    ) -> Stream:
        """As `measured_stream`."""


def audit(
    made: Trajectories | Callable[[], Iterator[Trajectories]],
    against: Trajectories | Callable[[], Iterator[Trajectories]] | None = None,
    *,
    quantities: Sequence[AbstractQuantity | Callable[..., Any] | str] | AbstractQuantity | str | None = None,
    intended: Wanted | Mapping[str, Wanted] | None = None,
    tolerance: float | Mapping[str, float] | None = None,
    group: str | None = None,
    seed: int = 0,
    settings: AuditSettings | None = None,
    inputs: Mapping[str, str] | None = None,
) -> Audit:
    """Does generated motion keep the distribution of physical quantities?

    Args:
        made: generated trajectories, or a function that gives their batches (then memory stays constant).
        against: trajectories whose quantities have the intended law, likewise.
        quantities: what to measure: quantities, their command-line names, or any callables. Default: the data's
            own quantity where its maker recorded one, else path length, displacement and mean speed.
        intended: a stated law (`"uniform(1, 2)"`, a frozen scipy distribution), or several by quantity name.
        tolerance: accepted drift (W1) in the quantity's unit, or several by name.
        group: cluster ids: None uses the data's `groups`, `"none"` ignores them, another name takes that condition; a
            side that does not know the name has independent trajectories.
        seed: seed of the resampling.
        settings: grid, level and resamples; its seed is replaced by `seed`.

    Raises:
        InputError: nothing to compare with, undefined quantities, channels that disagree, unknown names.
    """
    first = _first(made, "made")
    reference_first = None if against is None else _first(against, "the reference")
    if reference_first is not None and reference_first.channels != first.channels:
        raise InputError(
            f"channels differ: made has {_listed(first.channels)}, the reference {_listed(reference_first.channels)}"
        )
    _check_group(group, [first] if reference_first is None else [first, reference_first])
    _check_units(first, reference_first)
    chosen = _chosen(quantities, first if reference_first is None else reference_first)
    units = {quantity.label: quantity.unit_of(first) for quantity in chosen}
    require(len(units) == len(chosen), "quantities: the same one was asked for twice")
    dropped: dict[str, int] = {}
    found = audit_streams(
        measured_stream(made, chosen, group, partial(dropped.__setitem__, "made")),
        None
        if against is None
        else measured_stream(against, chosen, group, partial(dropped.__setitem__, "against")),
        units=units,
        intended=_by_name("intended law", intended, units),
        tolerance=_by_name("tolerance", tolerance, units, every=True),
        settings=replace(settings or AuditSettings(), seed=seed),
        inputs=inputs,
    )
    return replace(found, n_dropped=dropped)


def measured_stream(
    source: Trajectories | Callable[[], Iterator[Trajectories]],
    quantities: Sequence[AbstractQuantity],
    group: str | None = None,
    dropped: Callable[[int], None] = lambda count: None,
) -> Stream:
    """The quantities of each batch of a source. Of trajectories in memory they are measured once and kept.

    A source that `MeasuresItself`, such as shards, says how.

    `dropped` is told, at the end of a pass, how many invalid trajectories the source had left out.
    """
    if isinstance(source, MeasuresItself):
        return source.measured(quantities, group, dropped)
    if callable(source):

        def passing() -> Iterator[Chunk]:
            count = 0
            for batch in source():
                count += batch.n_dropped
                yield _measure(batch, quantities, group)
            dropped(count)

        return passing
    dropped(source.n_dropped)
    kept: list[Chunk] = []

    def stream() -> Iterator[Chunk]:
        if not kept:
            kept.extend(_measure(batch, quantities, group) for batch in source.batches(_BATCH))
        return iter(kept)

    return stream


def _measure(batch: Trajectories, quantities: Sequence[AbstractQuantity], group: str | None) -> Chunk:
    return {quantity.label: quantity(batch) for quantity in quantities}, _groups(batch, group)


def _groups(batch: Trajectories, group: str | None) -> NDArray[Any] | None:
    """Cluster ids of a batch; None where this side knows no such groups and its trajectories are independent."""
    if group is None or group == batch.group_name:
        return batch.groups
    return _whole(batch.conditions[group], group) if group in batch.conditions else None


def _check_units(made: Trajectories, reference: Trajectories | None) -> None:
    """Refuse units that both sides state and that differ; a side without units is taken to have the other's."""
    if reference is None:
        return
    pairs = list(zip(made.channels, made.units, reference.units, strict=True))
    pairs.append(("time", made.time_unit, reference.time_unit))
    for name, unit, wanted in pairs:
        if unit and wanted and unit != wanted:
            raise InputError(
                f"units differ: {printable(name, 40)} of made is in {printable(unit, 20)}, of the reference in "
                f"{printable(wanted, 20)}; expected the same"
            )


def _check_group(group: str | None, sides: Sequence[Trajectories]) -> None:
    """Refuse a name that no side knows."""
    valid = {"none"}
    for side in sides:
        valid |= {*side.conditions, *([side.group_name] if side.groups is not None else [])}
    if group is not None and group not in valid:
        raise named("group", group, valid)


def _whole(ids: NDArray[np.float64], group: str) -> NDArray[np.int64]:
    require(
        ids.ndim == 1 and bool((ids == np.rint(ids)).all()),
        f"group {printable(group)!r}: expected whole numbers as cluster ids",
    )
    return ids.astype(np.int64)


def _first(source: Trajectories | Callable[[], Iterator[Trajectories]], side: str) -> Trajectories:
    batch = next(source(), None) if callable(source) else source
    if batch is None or len(batch) == 0:
        raise InputError(f"{side} holds no trajectories; expected at least 2")
    return batch


def _chosen(
    quantities: Sequence[AbstractQuantity | Callable[..., Any] | str] | AbstractQuantity | str | None,
    trajectories: Trajectories,
) -> list[AbstractQuantity]:
    from pushforward.quantities import default_for, parse
    from pushforward.quantities.base import AbstractQuantity, Quantity

    if quantities is None:
        return list(default_for(trajectories))
    if isinstance(quantities, str | AbstractQuantity) or callable(quantities):
        quantities = [quantities]
    chosen: list[AbstractQuantity] = []
    for quantity in quantities:
        if isinstance(quantity, str):
            chosen.append(parse(quantity))
        else:
            chosen.append(quantity if isinstance(quantity, AbstractQuantity) else Quantity(quantity))
    require(len(chosen) > 0, "quantities: got none; expected at least one")
    return chosen


def _by_name(what: str, given: Any, units: Mapping[str, str], every: bool = False) -> dict[str, Any] | None:
    if given is None:
        return None
    if isinstance(given, Mapping):
        return dict(given)
    if len(units) > 1 and not every:
        raise InputError(
            f"{what}: got one for {len(units)} quantities; name them, as in {next(iter(units))}=..."
        )
    return dict.fromkeys(units, given)


def _listed(channels: Sequence[str]) -> str:
    return ", ".join(printable(channel, 40) for channel in channels[:20])
