"""The ledger of a study: a folder with a record per run, which no crash and no neighbour can corrupt."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self, final

from pushforward import __version__
from pushforward.errors import InputError, printable, require
from pushforward.study.digests import canonical, sha256
from pushforward.study.locks import Claim, Heartbeat, heartbeat, is_held
from pushforward.study.records import LARGEST, Record
from pushforward.study.runs import Run
from pushforward.writing import write_text

__all__ = ["DAMAGED", "Ledger", "Listed"]

_STUDY, _RECORDS, _RUNS, _LOCKS = "study.json", "records", "runs", "locks"
_FORMAT, _VERSION = "pushforward-study", 1
_SUFFIX = ".jsonl"
DAMAGED = ".damaged-"
Listed = dict[str, Any]


@final
class Ledger:
    """One folder per study.

        study.json            the title, the control arm and the list of runs
        records/ID.jsonl      the record of each finished run, with its checksum
        runs/ID/              its artefacts: audit.json, tallies.json, model/
        locks/ID.lock         held while a process works on the run
        results.parquet, summary.parquet

    Everything is written under a temporary name and renamed. A run is worked on only by whoever holds its lock,
    and its record is written last: a run with a whole record is done, any other has left at most a checkpoint.
    """

    def __init__(self, folder: str | Path) -> None:
        self.folder = Path(folder)

    # -- the study ------------------------------------------------------------------------------------------

    @classmethod
    def exists(cls, folder: str | Path) -> bool:
        """Whether the folder holds a study."""
        return (Path(folder) / _STUDY).is_file()

    @classmethod
    def make(
        cls,
        folder: str | Path,
        title: str,
        control: str,
        runs: Sequence[Run],
        plan: str = "",
        kernels: Sequence[Listed] = (),
    ) -> Self:
        """Make or open the ledger and write down which runs, and forecasts of which kernels, belong to the study now.

        Raises:
            InputError: the folder cannot be made or written, or holds something else.
        """
        ledger = cls(folder)
        try:
            for name in (_RECORDS, _RUNS, _LOCKS):
                (ledger.folder / name).mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{printable(folder)}: cannot be made: {error.strerror or error}") from error
        record = {
            "format": _FORMAT,
            "format_version": _VERSION,
            "version": __version__,
            "title": title,
            "control": control,
            "plan": plan,
            "runs": [_listed(run) for run in runs],
            "kernels": list(kernels),
        }
        write_text(ledger.folder / _STUDY, json.dumps(record, ensure_ascii=False) + "\n")
        return ledger

    def study(self) -> dict[str, Any]:
        """`title`, `control`, `plan` (its text), `runs` and `kernels`.

        Raises:
            InputError: missing, damaged or of a newer version.
        """
        path = self.folder / _STUDY
        where = printable(path)
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except OSError:
            message = f"{printable(self.folder)}: holds no study.json; expected a folder made by `pushforward study`"
            raise InputError(message) from None
        except (ValueError, RecursionError):
            raise InputError(
                f"{where}: is damaged; expected JSON (`pushforward study` writes it anew)"
            ) from None
        known = isinstance(found, dict) and found.get("format") == _FORMAT
        require(known, f"{where}: is not a study; expected a folder made by `pushforward study`")
        version = found.get("format_version")
        require(version == _VERSION, f"{where}: has version {printable(version, 20)!r}; expected {_VERSION}")
        fields = {"id": str, "data": str, "arm": str, "samples": int, "seed": int, "control": bool}
        whole = isinstance(found.get("runs"), list) and all(
            isinstance(run, dict) and all(type(run.get(k)) is kind for k, kind in fields.items())
            for run in found["runs"]
        )
        texts = all(isinstance(found.get(name), str) for name in ("title", "control", "plan"))
        kernels = found.setdefault("kernels", [])  # which studies of earlier versions lack
        whole = whole and isinstance(kernels, list) and all(map(_is_kernel, kernels))
        require(whole and texts, f"{where}: is damaged; expected the runs of a study")
        return dict(found)

    # -- records --------------------------------------------------------------------------------------------

    def records(self) -> tuple[dict[str, Record], list[str]]:
        """Every whole record by run, and the runs whose record is damaged. Nothing is changed."""
        folder, found, damaged = self.folder / _RECORDS, {}, []
        try:
            names = [name for name in os.listdir(folder) if name.endswith(_SUFFIX) and name[0] != "."]
        except OSError as error:
            raise InputError(f"{printable(folder)}: cannot be read: {error.strerror or error}") from error
        for name in names:
            run = name.removesuffix(_SUFFIX)
            record = Record.from_bytes(run, _content(folder / name))
            if record is None:
                damaged.append(run)
            else:
                found[run] = record
        return found, sorted(damaged)

    def record(self, run: str) -> Record | None:
        """The record of a run, if it has a whole one."""
        return Record.from_bytes(run, _content(self._record_path(run)))

    def is_done(self, run: str) -> bool:
        """Whether a run is done: a whole record that says so, and every artefact that it names as it was."""
        record = self.record(run)
        return record is not None and record.state == "done" and not self.damage(record)

    def damage(self, record: Record) -> list[str]:
        """The artefacts of a done run that are missing or not as its record says."""
        folder, found = self.run_folder(record.run), []
        for name, expected in record.body.get("artefacts", {}).items():
            content = _content(folder / name, limit=None)
            if sha256(content) != expected.get("sha256"):
                found.append(str(name))
        return found

    def write(self, record: Record) -> None:
        """Write a record atomically; the caller holds the run's claim.

        Raises:
            InputError: it cannot be written, or no space is left.
        """
        write_text(self._record_path(record.run), record.to_text())

    def run_folder(self, run: str) -> Path:
        """Where a run's artefacts are."""
        return self.folder / _RUNS / run

    def _record_path(self, run: str) -> Path:
        return self.folder / _RECORDS / f"{run}{_SUFFIX}"

    # -- work -----------------------------------------------------------------------------------------------

    @contextmanager
    def claimed(self, run: str) -> Iterator[Claim | None]:
        """The claim to a run for the body; None where another process has it.

        What a killed process left half-written there is removed, and a damaged record set aside.
        """
        claim = Claim.take(self._lock_path(run))
        if claim is None:
            yield None
            return
        with claim:
            self._clean(run)
            yield claim

    def is_held(self, run: str) -> bool:
        """Whether a process works on a run now."""
        return is_held(self._lock_path(run))

    def _lock_path(self, run: str) -> Path:
        return self.folder / _LOCKS / f"{run}.lock"

    def _clean(self, run: str) -> None:
        path = self._record_path(run)
        left = [*path.parent.glob(f".{path.name[:40]}.*")]
        folder = self.run_folder(run)
        if folder.is_dir():
            left += [file for file in folder.rglob(".*") if file.is_file() and DAMAGED not in file.name]
        for file in left:
            with contextlib.suppress(OSError):
                file.unlink()
        if path.exists() and self.record(run) is None:
            set_aside(path)

    def heartbeats(self) -> dict[str, Heartbeat]:
        """Who works on which run, as far as lock files tell; those of killed processes are among them."""
        found = {}
        with contextlib.suppress(OSError):
            for path in (self.folder / _LOCKS).glob("*.lock"):
                beat = heartbeat(path)
                if beat is not None:
                    found[path.stem] = beat
        return found


def _listed(run: Run) -> Listed:
    return {
        "id": run.id,
        "data": run.data,
        "arm": run.arm,
        "samples": run.samples,
        "seed": run.seed,
        "control": run.control,
    }


def _is_kernel(listed: object) -> bool:
    fields = {"label": str, "content": dict, "arms": list, "of_model": bool}
    try:
        canonical(listed)  # Not a number has no spelling there, and so no hash.
    except (ValueError, RecursionError):
        return False
    return isinstance(listed, dict) and all(type(listed.get(k)) is kind for k, kind in fields.items())


def set_aside(path: Path) -> Path | None:
    """Rename what is damaged, so that it is out of the way but not lost; None where it is gone already."""
    name = f"{DAMAGED}{time.strftime('%Y%m%dT%H%M%S')}-{os.getpid()}-{path.name}"
    aside = path.with_name(name)
    try:
        path.rename(aside)
    except FileNotFoundError:
        return None
    except OSError as error:
        raise InputError(
            f"{printable(path)}: is damaged and cannot be set aside: {error.strerror}"
        ) from error
    return aside


def write_artefacts(folder: Path, artefacts: Mapping[str, bytes]) -> dict[str, dict[str, Any]]:
    """Write files into a run's folder atomically; gives the SHA-256 and size of each, for the record.

    Raises:
        InputError: they cannot be written, or no space is left.
    """
    from pushforward.writing import atomic

    for name, content in artefacts.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with atomic(path) as temporary:
            temporary.write_bytes(content)
    return {name: {"sha256": sha256(content), "bytes": len(content)} for name, content in artefacts.items()}


def _content(path: Path, limit: int | None = LARGEST) -> bytes:
    """The bytes of a file, nothing where it is missing, not readable or larger than `limit`."""
    try:
        handle = os.open(path, os.O_RDONLY)
    except OSError:
        return b""
    try:
        size = os.fstat(handle).st_size
        if limit is not None and size > limit:
            return b""
        parts, left = [], size
        while left > 0 and (part := os.read(handle, left)):
            parts.append(part)
            left -= len(part)
        return b"".join(parts)
    except OSError:
        return b""
    finally:
        os.close(handle)


def remove_tree(path: Path) -> None:
    """Remove a folder and all in it, if it is there."""
    shutil.rmtree(path, ignore_errors=True)
