"""Data in many files, audited by many processes: each file is scanned and counted by itself, then all are merged."""

from __future__ import annotations

import glob
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.formats.base import ReadSettings
from pushforward.measure.audit import measured_stream
from pushforward.measure.grid import Grid
from pushforward.measure.ranges import RangeScan
from pushforward.measure.shards import AbstractShards, ShardScan, TallySum, merged_scan
from pushforward.measure.streams import Chunk, Stream
from pushforward.measure.tally import Tally
from pushforward.measure.tally_json import tally_from_json, tally_to_json
from pushforward.progress import Progress, silent
from pushforward.study.local import Finished, Told
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.quantities.base import AbstractQuantity

__all__ = ["AbstractSpread", "TableShards", "TrajectoryShards", "count_shard", "scan_shard", "shards_of"]

_BATCH = 8192


class AbstractSpread(Protocol):
    """Where shards are worked on."""

    def run(self, work: str, tasks: Sequence[Mapping[str, Any]]) -> Iterator[Finished | Told]:
        """Do all tasks and give their answers as they come, in any order."""


def shards_of(path: Path) -> list[Path]:
    """The files that a path names, in the order of their names: those that a pattern such as `made/*.npz` matches, the
    files of a folder that is no data set by itself, or just the path.

    Raises:
        InputError: nothing by that name.
    """
    if not path.exists():
        found = (
            sorted(Path(name) for name in glob.glob(str(path), recursive=True))
            if glob.has_magic(str(path))
            else []
        )
        require(len(found) > 0, f"{printable(path)}: no such file or folder")
        return found
    if not path.is_dir():
        return [path]
    files = sorted(file for file in path.iterdir() if file.is_file() and not file.name.startswith((".", "_")))
    return files if len(files) > 1 and _is_many(path, files) else [path]


def _is_many(folder: Path, files: Sequence[Path]) -> bool:
    """Whether a folder's files are data each by itself: tables of measured values, or of a folder of no format."""
    from pushforward.formats import recognise
    from pushforward.formats.measurements import is_measurements

    if is_measurements(files[0]):
        return True
    try:
        recognise(folder)
    except InputError:
        return True
    return False


@dataclass(frozen=True, eq=False)
class _Shards(AbstractShards):
    """Parts, what to measure of each, and where."""

    paths: Sequence[Path]
    pool: AbstractSpread
    task: Mapping[str, Any]
    report: Progress = silent
    dropped: Callable[[int], None] = lambda count: None

    def __call__(self) -> Iterator[Chunk]:
        for path in self.paths:
            yield from _stream({**self.task, "path": str(path)})()

    def scan(self, names: Sequence[str]) -> dict[str, RangeScan]:
        answers = self._answers("scan", {"names": list(names), "n_shards": len(self.paths)})
        parts = [answer["scans"] for _, answer in sorted(answers)]
        return {name: merged_scan([part[name] for part in parts]) for name in names}

    def count(self, grids: Mapping[str, Grid]) -> dict[str, Tally]:
        sums = {name: TallySum(grid) for name, grid in grids.items()}
        dropped = 0
        for _, answer in self._answers(
            "count", {"grids": {name: asdict(grid) for name, grid in grids.items()}}
        ):
            dropped += int(answer["n_dropped"])
            for name in sums:
                sums[name].add(tally_from_json(answer["tallies"][name]))
        self.dropped(dropped)
        return {name: found.total() for name, found in sums.items()}

    def _answers(self, work: str, what: Mapping[str, Any]) -> Iterator[tuple[int, dict[str, Any]]]:
        tasks = [{**self.task, **what, "path": str(path)} for path in self.paths]
        done, label = 0, {"scan": "shards scanned", "count": "shards counted"}[work]
        alike: tuple[int, Any] | None = None
        self.report(0, len(tasks), label)
        for answer in self.pool.run(work, tasks):
            if isinstance(answer, Told):
                continue
            where = printable(self.paths[answer.index])
            if answer.error:
                # Formats name the file by themselves.
                raise InputError(answer.error if where in answer.error else f"{where}: {answer.error}")
            alike = alike or (answer.index, answer.value["kind"])
            if answer.value["kind"] != alike[1]:
                first = printable(self.paths[alike[0]])
                raise InputError(
                    f"{where}: holds {answer.value['kind']}; expected {alike[1]} as {first} does"
                )
            done += 1
            self.report(done, len(tasks), label)
            yield answer.index, answer.value


@final
@dataclass(frozen=True, eq=False)
class TrajectoryShards:
    """Files of trajectories as one source for `audit`.

    Attributes:
        paths: the files, in order.
        pool: where they are measured.
        reading: how to read them.
        format: name of their format, where the content does not tell it.
        spelled: quantity's label -> how `quantities.parse` spells it, where that is not the label.
        report: told how many are done.
    """

    paths: Sequence[Path]
    pool: AbstractSpread
    reading: ReadSettings = field(default_factory=ReadSettings)
    format: str | None = None
    spelled: Mapping[str, str] = field(default_factory=dict)
    report: Progress = silent

    def __call__(self) -> Iterator[Trajectories]:
        """The batches of all files, one after the other."""
        from pushforward.formats import batches

        for path in self.paths:
            yield from batches(path, _BATCH, self.format, self.reading)

    def measured(
        self, quantities: Sequence[AbstractQuantity], group: str | None, dropped: Callable[[int], None]
    ) -> AbstractShards:
        """The stream of these quantities, which measures every file where the pool is."""
        task = {
            "format": self.format,
            "reading": asdict(self.reading),
            "quantities": {
                quantity.label: self.spelled.get(quantity.label, quantity.label) for quantity in quantities
            },
            "group": group,
        }
        return _Shards(self.paths, self.pool, task, self.report, dropped)


@final
class TableShards(_Shards):
    """Tables of measured values, one row per trajectory, as one stream for `audit_streams`."""

    @classmethod
    def of(
        cls,
        paths: Sequence[Path],
        pool: AbstractSpread,
        columns: Sequence[str],
        grouped: bool,
        report: Progress = silent,
    ) -> TableShards:
        """The `columns` of the tables `paths`; their groups are used where `grouped`."""
        return cls(paths, pool, {"columns": list(columns), "grouped": grouped}, report)


# -- what workers do --------------------------------------------------------------------------------------------


def scan_shard(task: Mapping[str, Any], progress: Progress = silent) -> dict[str, Any]:
    """The first pass over one part: {"scans": {name: ...}, "kind": what it holds}."""
    scans = {name: ShardScan(task["n_shards"]) for name in task["names"]}
    told: dict[str, Any] = {}
    for values, _ in _stream(task, told, progress)():
        for name, scan in scans.items():
            scan.add(values[name])
    return {"scans": {name: scan.to_json() for name, scan in scans.items()}, "kind": told.get("kind", "")}


def count_shard(task: Mapping[str, Any], progress: Progress = silent) -> dict[str, Any]:
    """The second pass over one part: {"tallies": {name: ...}, "n_dropped", "kind"}."""
    tallies = {name: Tally.zero(Grid(**grid)) for name, grid in task["grids"].items()}
    told: dict[str, Any] = {}
    for values, groups in _stream(task, told, progress)():
        for name in tallies:
            try:
                tallies[name] = tallies[name].add(values[name], groups)
            except InputError as error:
                raise InputError(f"quantity {printable(name)!r}: {error}") from None
    return {
        "tallies": {name: tally_to_json(tally) for name, tally in tallies.items()},
        "n_dropped": told.get("n_dropped", 0),
        "kind": told.get("kind", ""),
    }


def _stream(
    task: Mapping[str, Any], told: dict[str, Any] | None = None, progress: Progress = silent
) -> Stream:
    """The chunks of one part; `told` takes what must be alike in all parts, and how many were dropped."""
    notes: dict[str, Any] = {} if told is None else told
    if "columns" in task:
        return _table(task, notes, progress)
    from pushforward.formats import batches
    from pushforward.quantities import parse

    quantities = [parse(text) for text in task["quantities"].values()]
    reading: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in task["reading"].items()}

    def source() -> Iterator[Trajectories]:
        done = 0
        for batch in batches(task["path"], _BATCH, task["format"], ReadSettings(**reading)):
            units = ", ".join(
                f"{printable(c, 20)} [{printable(u, 12)}]"
                for c, u in zip(batch.channels, batch.units, strict=True)
            )
            notes["kind"] = f"the channels {units}, time in {printable(batch.time_unit, 12)}"
            done += len(batch)
            progress(done)
            yield batch

    labels = list(task["quantities"])
    inner = measured_stream(
        source, quantities, task["group"], lambda count: notes.__setitem__("n_dropped", count)
    )

    def chunks() -> Iterator[Chunk]:
        for values, groups in inner():
            yield dict(zip(labels, values.values(), strict=True)), groups

    return chunks


def _table(task: Mapping[str, Any], notes: dict[str, Any], progress: Progress) -> Stream:
    from pushforward.formats.measurements import value_batches, value_units

    path, columns = Path(task["path"]), list(task["columns"])

    def chunks() -> Iterator[Chunk]:
        units, done = value_units(path), 0
        notes["kind"] = ", ".join(f"{printable(c, 20)} [{printable(units.get(c, ''), 12)}]" for c in columns)
        for parts in zip(*(value_batches(path, column) for column in columns), strict=True):
            values: dict[str, NDArray[np.float64]] = {
                c: part[0] for c, part in zip(columns, parts, strict=True)
            }
            done += len(parts[0][0])
            progress(done)
            yield values, parts[0][1] if task["grouped"] else None

    return chunks
