"""Generators on disk: settings.json, history.json and one safetensors file, written atomically and versioned."""

from __future__ import annotations

import hashlib
import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeVar

import safetensors.torch
from safetensors import SafetensorError
from torch import Tensor

from pushforward.errors import InputError, printable, require
from pushforward.generators.records import from_json
from pushforward.writing import atomic, write_text

__all__ = [
    "FORMAT",
    "FORMAT_VERSION",
    "exists",
    "make",
    "read_history",
    "read_settings",
    "read_tensors",
    "write",
]

FORMAT = "pushforward-generator"
FORMAT_VERSION = 1
_SETTINGS = "settings.json"
_HISTORY = "history.json"
_LARGEST_JSON = 16 * 2**20
_Entry = TypeVar("_Entry")


def exists(directory: str | Path) -> bool:
    """True when the directory holds a generator, whole or not."""
    return (Path(directory) / _SETTINGS).exists()


def make(directory: str | Path) -> Path:
    """The directory, made where it is missing.

    Raises:
        InputError: it cannot be made, or nothing can be written there.
    """
    directory = Path(directory)
    try:
        directory.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise InputError(f"{printable(directory)}: cannot be made: {error.strerror or error}") from error
    require(
        os.access(directory, os.W_OK),
        f"{printable(directory)}: cannot be written; expected a writable folder",
    )
    return directory


def write(
    directory: str | Path, settings: Mapping[str, Any], tensors: Mapping[str, Tensor], history: list[Any]
) -> None:
    """Write or replace a generator.

    The tensors go to a file named by their SHA-256; settings.json, written last, points to it. So an interrupt at
    any moment leaves either the old generator or the new one.

    Raises:
        InputError: the directory cannot be made or written, or no space is left.
    """
    directory = make(directory)
    payload = safetensors.torch.save({name: tensor.detach().cpu() for name, tensor in tensors.items()})
    digest = hashlib.sha256(payload).hexdigest()
    with atomic(directory / _tensor_name(digest)) as temporary:
        temporary.write_bytes(payload)
    write_text(directory / _HISTORY, json.dumps(history, indent=0) + "\n")
    header = {"format": FORMAT, "format_version": FORMAT_VERSION, "tensors": digest}
    write_text(directory / _SETTINGS, json.dumps({**header, **settings}, indent=2, ensure_ascii=False) + "\n")
    for old in directory.glob("tensors-*.safetensors"):
        if old.name != _tensor_name(digest):
            old.unlink(missing_ok=True)


def read_settings(directory: str | Path) -> dict[str, Any]:
    """The parsed settings.json of a generator.

    Raises:
        InputError: there is none, it is damaged, or it is from another program or a newer version.
    """
    path = Path(directory) / _SETTINGS
    where = printable(path)
    parsed = _parsed_json(path)
    kind = parsed.get("format") if isinstance(parsed, dict) else None
    require(kind == FORMAT, f"{where}: got format {kind!r}; expected {FORMAT!r}")
    version = parsed.get("format_version")
    require(
        version == FORMAT_VERSION and type(version) is int,
        f"{where}: got format version {version!r}; this version of pushforward reads version {FORMAT_VERSION}",
    )
    return dict(parsed)


def read_history(directory: str | Path, entry: type[_Entry]) -> list[_Entry]:
    """The training log, or nothing where the file is missing.

    Raises:
        InputError: the file is damaged.
    """
    path = Path(directory) / _HISTORY
    if not path.exists():
        return []
    lines = _parsed_json(path)
    require(
        isinstance(lines, list),
        f"{printable(path)}: got {type(lines).__name__}; expected a list of log entries",
    )
    return [from_json(entry, line, printable(path)) for line in lines]


def read_tensors(directory: str | Path, settings: Mapping[str, Any], largest: int) -> dict[str, Tensor]:
    """The tensors that `settings` (of `read_settings`) points to, at most `largest` bytes of them.

    Raises:
        InputError: the file is missing, larger than the model can be, damaged or truncated.
    """
    digest = settings.get("tensors")
    require(
        isinstance(digest, str) and re.fullmatch("[0-9a-f]{64}", digest) is not None,
        f"{printable(directory)}: got tensors {digest!r} in settings.json; expected a SHA-256",
    )
    path = Path(directory) / _tensor_name(str(digest))
    where = printable(path)
    try:
        size = path.stat().st_size
        require(size <= largest, f"{where}: got {size} bytes; expected at most {largest} for this model")
        payload = path.read_bytes()
    except OSError as error:
        raise InputError(f"{where}: cannot be read: {error.strerror or error}") from error
    require(
        hashlib.sha256(payload).hexdigest() == digest,
        f"{where}: is damaged (its SHA-256 differs from its name)",
    )
    try:
        return safetensors.torch.load(payload)
    except (SafetensorError, ValueError, KeyError, RuntimeError) as error:
        raise InputError(f"{where}: is not a valid safetensors file: {error}") from error


def _parsed_json(path: Path) -> Any:
    where = printable(path)
    try:
        size = path.stat().st_size
        require(size <= _LARGEST_JSON, f"{where}: got {size} bytes; expected at most {_LARGEST_JSON}")
        text = path.read_bytes()
    except OSError as error:
        raise InputError(
            f"{where}: cannot be read: {error.strerror or error}; expected a saved generator"
        ) from error
    try:
        return json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(f"{where}: is not valid JSON: {error}; expected a saved generator") from error


def _tensor_name(digest: str) -> str:
    return f"tensors-{digest[:16]}.safetensors"
