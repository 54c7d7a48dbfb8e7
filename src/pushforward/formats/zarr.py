"""Zarr version 3 groups (extra `zarr`): `values` (N, T, C) and what goes beside it, read and written."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
import warnings
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.formats._arrays import CONDITION, FACTS, SIDES, Facts, agreeing, array_blocks, beside
from pushforward.formats._block import Block
from pushforward.formats._compressed import check_frames
from pushforward.formats._guard import check_size, missing_extra, real_size
from pushforward.formats.base import AbstractFormat, ReadSettings
from pushforward.trajectories import Trajectories

__all__ = ["Zarr"]

_MARK = "zarr.json"
_CHUNK_BYTES = 1 << 20
_MOST_TRIES = 40
_LARGEST_DOCUMENT = 1 << 24
_DEEPEST_DOCUMENT = 64
_CODECS = {"bytes", "zstd", "blosc", "crc32c", "transpose", "sharding_indexed"}


@final
class Zarr(AbstractFormat):
    """A Zarr v3 group folder: arrays as in HDF5's plain layout, facts and text as attributes.

    String groups are an array (N, bytes) of UTF-8 padded with zeros, because Zarr v3 has no stable text type.
    """

    name: ClassVar[str] = "zarr"
    suffixes: ClassVar[tuple[str, ...]] = (".zarr",)
    writes: ClassVar[bool] = True

    def recognises(self, path: Path, head: bytes) -> bool:
        """A folder with `zarr.json`."""
        return path.is_dir() and (path / _MARK).is_file()

    def blocks(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Block]:
        """Rows of `values` (or of the array named by `key`) and of what stands beside it."""
        stored = real_size(path)
        for document in path.rglob(_MARK):
            _check_document(document, stored)
        check_frames(path, stored)
        group = _zarr().open_group(path, mode="r", zarr_format=3)
        arrays = dict(group.arrays())
        key = settings.key or "values"
        if key not in arrays:
            raise named("array", key, arrays)
        facts = {name: group.attrs[name] for name in FACTS if name in group.attrs}
        sides = {
            name: ArrayRows(arrays[name], name, stored) for name in SIDES if name in arrays and name != key
        }
        if "condition" in group:
            conditions = dict(group["condition"].arrays())
            sides |= {CONDITION + name: ArrayRows(array, name, stored) for name, array in conditions.items()}
        yield from array_blocks(ArrayRows(arrays[key], key, stored), sides, Facts.of(facts), size)

    def write(self, path: Path, parts: Iterable[Trajectories]) -> None:
        """Write a folder under a temporary name, then rename it; only an older Zarr store is replaced."""
        zarr = _zarr()
        require(
            not path.exists() or self.recognises(path, b""),
            f"{printable(path)}: exists and is not a Zarr store; expected a new name",
        )
        with _replacing(path) as target:
            root = zarr.create_group(target, zarr_format=3)
            ragged = False
            for count, part in enumerate(agreeing(parts)):
                if count == 0:
                    _create(root, part)
                ragged |= part.lengths is not None or root["values"].shape[1] not in (0, part.T)
                _append(root, part)
            if not ragged:
                del root["lengths"]


class ArrayRows:
    """Rows of a Zarr array whose size has been checked against the store's real size."""

    def __init__(self, array: Any, name: str, stored: int) -> None:
        self.name, self._array = printable(name), array
        self.dtype: np.dtype[Any] = array.dtype
        text = name == "groups" and self.dtype == np.uint8 and len(array.shape) == 2
        require(
            self.dtype.kind in "fiub",
            f"{self.name}: got dtype {printable(self.dtype)}; expected real numbers",
        )
        check_size(self.name, array.shape, self.dtype.itemsize, stored)
        check_size(f"{self.name} (one chunk)", array.chunks, self.dtype.itemsize, stored)
        self._text = text
        self.shape: tuple[int, ...] = array.shape[:1] if text else tuple(array.shape)

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start to stop."""
        found = np.asarray(self._array[start:stop])
        if not self._text:
            return found
        packed = np.ascontiguousarray(found)
        return (
            packed.view(f"S{packed.shape[1]}").reshape(-1) if packed.shape[1] else np.zeros(len(packed), "S1")
        )


def _zarr() -> Any:
    try:
        import zarr
    except ImportError as error:
        raise missing_extra("zarr", "Zarr", error) from error
    return zarr


def _check_document(document: Path, stored: int) -> None:
    """Refuse metadata that would make a codec of some plugin run, or that is absurdly large or deep."""
    import json

    name = printable(document.parent.name)
    require(
        document.stat().st_size <= _LARGEST_DOCUMENT, f"{name}/{_MARK}: larger than {_LARGEST_DOCUMENT} bytes"
    )
    found = json.loads(document.read_bytes())
    require(isinstance(found, dict), f"{name}/{_MARK}: expected a JSON object")
    codecs = found.get("codecs", [])
    require(isinstance(codecs, list), f"{name}/{_MARK}: expected a list of codecs")
    for codec in codecs:
        label = codec.get("name") if isinstance(codec, dict) else codec
        require(
            label in _CODECS,
            f"{name}: codec {printable(label)}; expected one of {', '.join(sorted(_CODECS))}",
        )


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """A temporary sibling folder that takes the place of `path` when the body ends well."""
    require(path.parent.is_dir(), f"{printable(path)}: the folder {printable(path.parent)} does not exist")
    try:
        holder = Path(tempfile.mkdtemp(prefix=f".{path.name[:40]}.", dir=path.parent))
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be written: {error.strerror or error}") from error
    target, old = holder / "new", holder / "old"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield target
        if path.exists():
            path.rename(old)
        target.rename(path)
    except OSError as error:
        if old.exists() and not path.exists():
            old.rename(path)
        raise InputError(f"{printable(path)}: cannot be written: {error.strerror or error}") from error
    finally:
        _removed(holder)


def _removed(holder: Path) -> None:
    """Remove a folder into which Zarr's own threads may still be writing after one of them has failed."""
    for _ in range(_MOST_TRIES):
        shutil.rmtree(holder, ignore_errors=True)
        if not holder.exists():
            return
        time.sleep(0.05)


def _create(root: Any, part: Trajectories) -> None:
    facts: dict[str, Any] = {name: getattr(part, name) for name in FACTS if getattr(part, name) is not None}
    facts |= {
        "channels": list(part.channels),
        "units": list(part.units),
        "format": "pushforward trajectories 1",
    }
    root.attrs.update(facts)
    steps = max(1, min(part.T, _CHUNK_BYTES // (4 * part.C)))
    rows = max(1, min(_CHUNK_BYTES // (4 * steps * part.C), 1 << 16))
    root.create_array("values", shape=(0, part.T, part.C), chunks=(rows, steps, part.C), dtype="float32")
    root.create_group("condition")
    for name, array in beside(part, ragged=True).items():
        label = name.removeprefix(CONDITION)
        require(
            label not in ("", ".", "..", _MARK)
            and "/" not in label
            and os.sep not in label
            and label[:2] != "__",
            f"condition {printable(label)!r}: expected a name that can be a folder's",
        )
        stored = _stored(array)
        tail = stored.shape[1:]
        chunks = (max(1, 65536 // max(1, int(np.prod(tail)))), *(max(1, d) for d in tail))
        root.create_array(name, shape=(0, *tail), chunks=chunks, dtype=stored.dtype)


def _append(root: Any, part: Trajectories) -> None:
    values = root["values"]
    n, longest = values.shape[0], max(values.shape[1], part.T)
    values.resize((n + len(part), longest, part.C))
    values[n:, : part.T] = part.values
    for name, array in beside(part, ragged=True).items():
        rows, stored = root[name], _stored(array)
        tail = stored.shape[1:]
        if array.dtype.kind == "U":
            tail = (max(rows.shape[1], stored.shape[1]),)
        rows.resize((n + len(part), *tail))
        if stored.size:
            rows[(slice(n, None), *(slice(0, d) for d in stored.shape[1:]))] = stored


def _stored(array: NDArray[Any]) -> NDArray[Any]:
    if array.dtype.kind != "U":
        return array
    encoded = np.char.encode(array, "utf-8")
    return encoded.view(np.uint8).reshape(len(array), encoded.dtype.itemsize)
