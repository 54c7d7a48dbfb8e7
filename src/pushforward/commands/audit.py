"""`pushforward audit`: does generated motion keep a quantity's distribution?"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import tyro

from pushforward.commands.base import AbstractCommand, Outcome, command_line
from pushforward.commands.files import FileOptions, described, distinct, stream
from pushforward.errors import InputError, printable, require
from pushforward.measure import Audit, AuditSettings, audit, audit_streams
from pushforward.measure.streams import Chunk, Stream
from pushforward.progress import Progress
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.study.pools import AbstractPool

__all__ = ["AuditFiles", "AuditOptions", "by_quantity", "outcome_of"]

_SHOWN = 400
# Bytes below which starting processes takes longer than measuring.
_SMALL = 64 << 20


@dataclass(frozen=True, kw_only=True)
class AuditOptions:
    """What to measure and how to compare."""

    quantity: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """What to measure: a name from `pushforward list quantities`, with settings as in "path-length(unit=km)", or
    your own "module:function". Default: the data's own quantity, else path length, displacement and mean speed."""
    intended: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """A stated law such as "uniform(1, 2)"; for one of several quantities "path-length=uniform(1, 2)"."""
    tolerance: tyro.conf.UseAppendAction[tuple[str, ...]] = ()
    """Accepted drift (Wasserstein distance) in the quantity's unit; for one of several "path-length=0.05"."""
    group: Annotated[str | None, tyro.conf.arg(metavar="NAME")] = None
    """What makes trajectories dependent: the file's groups by default, "none", or a recorded condition."""
    bins: int = 32
    """Bins of the reported masses."""
    range: tuple[float, float] | None = None
    """Range of the bins, in the quantity's unit; found from the data by default."""
    resamples: int = 999
    """Resamples without drift, behind p-values and noise floors."""
    level: float = 0.05
    """Error level of tests and bands."""

    def settings(self, seed: int) -> AuditSettings:
        """The comparison's settings."""
        return AuditSettings(
            level=self.level, resamples=self.resamples, bins=self.bins, seed=seed, range=self.range
        )

    def laws(self) -> Any:
        """The stated laws: None, one, or several by quantity."""
        return by_quantity("--intended", self.intended)

    def limits(self) -> Any:
        """The tolerances: None, one, or several by quantity."""
        given = by_quantity("--tolerance", self.tolerance)
        if isinstance(given, dict):
            return {name: _number(text) for name, text in given.items()}
        return None if given is None else _number(given)


@dataclass(frozen=True, kw_only=True)
class SpreadOptions:
    """Where data in many files is measured."""

    runner: Literal["local", "ray"] = "local"
    """Processes of this machine, or a Ray cluster."""
    workers: int | None = None
    """Files at a time; default: as many as the cores hold."""
    address: str | None = None
    """Of an existing Ray cluster; without one a local one is started."""


@dataclass(frozen=True, kw_only=True)
class AuditFiles(AbstractCommand):
    """Does generated motion keep the distribution of physical quantities?

    Compares generated trajectories with real ones, or with a stated law, in constant memory. Exits with 1 when
    drift is found, so that it can guard a pipeline. Tables with one measured value per trajectory work too. Data in
    many files ("made/*.npz", or a folder of files) is measured file by file by many processes.
    """

    made: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="MADE")]
    """Generated trajectories: a file or folder of any known format, or a pattern that names many."""
    against: Annotated[Path | None, tyro.conf.arg(metavar="DATA")] = None
    """Trajectories whose quantities have the intended law."""
    comparison: AuditOptions = AuditOptions()
    files: FileOptions = FileOptions()
    spread: SpreadOptions = SpreadOptions()
    against_key: Annotated[str | None, tyro.conf.arg(metavar="KEY")] = None
    """As --key, for DATA; --key then holds for MADE alone."""
    report: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write a report (HTML)."""
    figures: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Also write every figure as SVG and PNG."""

    def run(self) -> Outcome:
        """Audit, and write what was asked for."""
        from pushforward.formats.measurements import is_measurements
        from pushforward.study.shards import shards_of

        sides = {"made": self.made} if self.against is None else {"made": self.made, "against": self.against}
        files = {side: shards_of(path) for side, path in sides.items()}
        distinct(
            [self.json, self.report],
            [self.made, self.against, *(path for paths in files.values() for path in paths)],
        )
        named = {side: _described(sides[side], paths) for side, paths in files.items()}
        tables = is_measurements(files["made"][0])
        with self.progress("reading") as report:
            measured = self._tables if tables else self._trajectories
            found = measured(files["made"], files.get("against"), named, report)
        first = [
            (paths[0], inputs)
            for paths, inputs in zip(files.values(), (self.files, self._against_files()), strict=False)
        ]
        shown = [None, None] if tables else [_some(path, inputs) for path, inputs in first]
        return outcome_of(found, [*shown, None][:2], self.report, self.figures, {})

    def _against_files(self) -> FileOptions:
        if self.against_key is None:
            return self.files
        return replace(self.files, reading=replace(self.files.reading, key=self.against_key))

    def _trajectories(
        self, made: list[Path], against: list[Path] | None, named: dict[str, str], report: Progress
    ) -> Audit:
        return audit(
            self._source(made, self.files, report),
            None if against is None else self._source(against, self._against_files(), report),
            quantities=self.comparison.quantity or None,
            intended=self.comparison.laws(),
            tolerance=self.comparison.limits(),
            group=self.comparison.group,
            seed=self.seed,
            settings=self.comparison.settings(self.seed),
            inputs=named,
        )

    def _source(
        self, paths: list[Path], inputs: FileOptions, report: Progress
    ) -> Callable[[], Iterator[Trajectories]]:
        """One file is streamed here; many are measured where the options say."""
        if len(paths) == 1:
            return stream(paths[0], inputs, report)
        from pushforward.quantities import parse
        from pushforward.study.shards import TrajectoryShards

        spelled = {parse(text).label: text for text in self.comparison.quantity}
        return TrajectoryShards(paths, self._pool(paths), inputs.reading, inputs.format, spelled, report)

    def _pool(self, paths: list[Path]) -> AbstractPool:
        from pushforward.study.pools import Here, create_pool

        spread = self.spread
        small = sum(path.stat().st_size for path in paths) < _SMALL
        if small and spread == SpreadOptions():
            return Here()
        return create_pool(spread.runner, workers=spread.workers, address=spread.address)

    def _tables(
        self, made: list[Path], against: list[Path] | None, named: dict[str, str], report: Progress
    ) -> Audit:
        from pushforward.formats.measurements import value_columns

        columns = self.comparison.quantity or value_columns(made[0])
        grouped = self.comparison.group != "none"
        require(
            self.comparison.group in (None, "none", "group"),
            f"--group: got {printable(self.comparison.group, 40)!r}; a table of measured values has its groups in the "
            "column 'group'; expected 'group' or 'none'",
        )
        law, limit = self.comparison.laws(), self.comparison.limits()
        require(
            law is None or isinstance(law, dict) or len(columns) == 1,
            "--intended: name the column, as in q=...",
        )
        return audit_streams(
            self._columns(made, columns, grouped, report),
            None if against is None else self._columns(against, columns, grouped, report),
            units=_units(made[0], None if against is None else against[0], columns),
            intended=law if law is None or isinstance(law, dict) else dict.fromkeys(columns, law),
            tolerance=limit if limit is None or isinstance(limit, dict) else dict.fromkeys(columns, limit),
            settings=self.comparison.settings(self.seed),
            inputs=named,
        )

    def _columns(self, paths: list[Path], columns: Sequence[str], grouped: bool, report: Progress) -> Stream:
        if len(paths) == 1:
            return _columns(paths[0], columns, grouped, report)
        from pushforward.study.shards import TableShards

        return TableShards.of(paths, self._pool(paths), columns, grouped, report)


def outcome_of(
    found: Audit,
    shown: Sequence[Trajectories | None],
    page: Path | None,
    figures: Path | None,
    settings: dict[str, Any],
) -> Outcome:
    """The audit's table, JSON and exit code; writes the report and the figures where asked."""
    lines = [str(found)]
    if page is not None or figures is not None:
        from pushforward.report import report

        made, reference = shown
        finished = report(found, made=made, reference=reference, settings=settings, command=command_line())
        if page is not None:
            lines.append(f"report: {finished.save(page)}")
        if figures is not None:
            lines.append(f"figures: {len(finished.save_figures(figures))} files in {printable(figures)}")
    return Outcome("\n".join(lines), json.loads(found.to_text()), exit_code=1 if found.drifted else 0)


def by_quantity(flag: str, given: Sequence[str]) -> dict[str, str] | str | None:
    """Values of a flag: none, one for all, or `name=value` pairs."""
    if not given:
        return None
    split = [_name_and_value(text) for text in given]
    if len(split) == 1 and split[0][0] is None:
        return split[0][1]
    pairs: dict[str, str] = {}
    for name, value in split:
        require(
            name is not None and name not in pairs,
            f"{flag}: got several; expected each as quantity=value, once",
        )
        pairs[str(name)] = value
    return pairs


def _name_and_value(text: str) -> tuple[str | None, str]:
    """Split `name=value` at the first = outside brackets; a law's own `scale=3` stays inside it."""
    depth = 0
    for i, character in enumerate(text):
        depth += (character in "([") - (character in ")]")
        if character == "=" and depth == 0:
            return text[:i].strip(), text[i + 1 :].strip()
    return None, text.strip()


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        raise InputError(
            f"--tolerance: got {printable(text, 40)!r}; expected a number in the quantity's unit"
        ) from None


def _some(path: Path | None, inputs: FileOptions) -> Trajectories | None:
    """The first few trajectories of a file, to be drawn."""
    if path is None:
        return None
    from pushforward.formats import batches

    return next(batches(path, _SHOWN, inputs.format, inputs.reading))


def _described(path: Path, files: Sequence[Path]) -> str:
    if len(files) == 1:
        return described(files[0])
    size = sum(file.stat().st_size for file in files)
    return f"{printable(path)} ({len(files):,} files, {size:,} bytes)"


def _units(made: Path, against: Path | None, columns: Sequence[str]) -> dict[str, str]:
    """The unit of each column as its headers state it; a side without one is taken to have the other's."""
    from pushforward.formats.measurements import value_units

    stated, wanted = value_units(made), {} if against is None else value_units(against)
    for name in columns:
        unit, other = stated.get(name, ""), wanted.get(name, "")
        if unit and other and unit != other:
            raise InputError(
                f"units differ: {printable(name, 40)} of made is in {printable(unit, 20)}, of the reference in "
                f"{printable(other, 20)}; expected the same"
            )
    return {name: stated.get(name, "") or wanted.get(name, "") for name in columns}


def _columns(path: Path, columns: Sequence[str], grouped: bool, report: Progress) -> Stream:
    from pushforward.formats.measurements import value_batches

    def source() -> Iterator[Chunk]:
        done = 0
        for parts in zip(*(value_batches(path, column) for column in columns), strict=True):
            done += len(parts[0][0])
            report(done, None, printable(path.name, 40))
            values = {name: part[0] for name, part in zip(columns, parts, strict=True)}
            yield values, parts[0][1] if grouped else None

    return source
