"""A run on disk: beside the generator's own files, what it was trained on and how to repeat it."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

from pushforward import __version__
from pushforward.commands.base import command_line
from pushforward.commands.files import FileOptions, described
from pushforward.errors import InputError, printable
from pushforward.formats.base import ReadSettings
from pushforward.writing import write_text

__all__ = ["RunRecord", "remember_samples", "samples_of"]

_FILE = "run.json"
_SAMPLES = "samples.json"
_LARGEST = 1 << 20


@dataclass(frozen=True)
class RunRecord:
    """What a run was trained on.

    Attributes:
        data: the file, as an absolute path.
        inputs: how it was read.
        described: the file's name, size and hash at the time.
        command: the command line that trained it.
    """

    data: Path
    inputs: FileOptions
    described: str
    command: str

    @classmethod
    def of(cls, data: Path, inputs: FileOptions) -> Self:
        """The record of a training that starts now."""
        return cls(data.resolve(), inputs, described(data), command_line())

    @staticmethod
    def exists(run: Path) -> bool:
        """Whether a folder holds the record of a run."""
        return (run / _FILE).exists()

    @staticmethod
    def remove_alone(run: Path) -> None:
        """Take back a folder that holds the record and nothing else: nothing was trained."""
        if [found.name for found in run.iterdir()] == [_FILE]:
            (run / _FILE).unlink()
            run.rmdir()

    def save(self, run: Path) -> None:
        """Write run.json atomically."""
        record = {
            "format": "pushforward-run",
            "format_version": 1,
            "version": __version__,
            "data": str(self.data),
            "described": self.described,
            "read_format": self.inputs.format,
            "reading": dataclasses.asdict(self.inputs.reading),
            "command": self.command,
        }
        write_text(run / _FILE, json.dumps(record, indent=1) + "\n")

    @classmethod
    def load(cls, run: Path) -> Self:
        """Read run.json back.

        Raises:
            InputError: missing, damaged, or of a newer version.
        """
        path = run / _FILE
        where = printable(path)
        try:
            if path.stat().st_size > _LARGEST:
                raise InputError(f"{where}: got {path.stat().st_size:,} bytes; expected the record of a run")
            record: Any = json.loads(path.read_text(encoding="utf-8"))
        except OSError:
            raise InputError(
                f"{printable(run)}: holds no run.json; expected a folder made by `train -o`"
            ) from None
        except (ValueError, RecursionError):
            raise InputError(f"{where}: is damaged; expected JSON") from None
        if not isinstance(record, dict) or record.get("format") != "pushforward-run":
            raise InputError(f"{where}: is not the record of a run; expected a folder made by `train -o`")
        if record.get("format_version") != 1:
            raise InputError(
                f"{where}: has version {printable(record.get('format_version'), 20)!r}; expected 1"
            )
        try:
            reading: dict[str, Any] = {
                name: tuple(value) if isinstance(value, list) else value
                for name, value in record["reading"].items()
            }
            inputs = FileOptions(reading=ReadSettings(**reading), format=record["read_format"])
            return cls(Path(record["data"]), inputs, str(record["described"]), str(record["command"]))
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            raise InputError(f"{where}: is damaged: {type(error).__name__}: {printable(error)}") from None


def remember_samples(run: Path, file: Path, settings: Mapping[str, Any]) -> None:
    """Keep in the run how a file of samples was made, so that a report of it can say so."""
    known = _all_samples(run)
    known[str(file.resolve())] = {**settings, "command": command_line(), "model": _model(run)}
    write_text(run / _SAMPLES, json.dumps(known, indent=1) + "\n")


def samples_of(run: Path, file: Path) -> dict[str, Any]:
    """How a file of samples was made, as far as the run knows; else nothing.

    Raises:
        InputError: it was made by a model that the run does not hold any more.
    """
    found = _all_samples(run).get(str(file.resolve()), {})
    if not isinstance(found, dict) or not found:
        return {}
    if found.pop("model", None) != _model(run):
        raise InputError(
            f"{printable(file)}: was sampled from an earlier model of {printable(run)}; sample again, or name another "
            "file with --made"
        )
    return found


def _model(run: Path) -> str:
    """What tells a run's model from another: the hash of its settings, which name its weights by theirs."""
    return hashlib.sha256((run / "settings.json").read_bytes()).hexdigest()


def _all_samples(run: Path) -> dict[str, Any]:
    """The run's record of its samples; one that is missing or damaged is no reason not to sample again."""
    path = run / _SAMPLES
    try:
        if path.stat().st_size > _LARGEST:
            return {}
        record = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError, RecursionError):
        return {}
    return record if isinstance(record, dict) else {}
