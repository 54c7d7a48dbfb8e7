"""Minari datasets: a local folder, or an id such as `D4RL/pointmaze/umaze-v2` (extra `minari`)."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import ClassVar, final

from pushforward.errors import InputError, printable, require
from pushforward.formats._block import Block
from pushforward.formats._episode_groups import episode_blocks
from pushforward.formats._guard import missing_extra
from pushforward.formats._hdf5_access import opened
from pushforward.formats.base import AbstractFormat, ReadSettings

__all__ = ["Minari"]

_ID = re.compile(r"(?:[\w-]+/){0,4}[\w-]+-v\d{1,6}")
_DATA = "main_data.hdf5"
_LARGEST_METADATA = 1 << 24


@final
class Minari(AbstractFormat):
    """Episodes of a Minari dataset: observations by default, `key` for others (`actions`, `observations/pos`).

    Dictionary observations are concatenated in the order of their names. The folder's HDF5 file is read directly:
    Minari's own loader would make the environment that a stranger's metadata names.
    """

    name: ClassVar[str] = "minari"

    def recognises(self, path: Path, head: bytes) -> bool:
        """A folder with Minari's files, or an id where there is no such path."""
        if os.path.isdir(path):
            return any((path / part / "metadata.json").is_file() for part in ("data", "."))
        return not os.path.exists(path) and _ID.fullmatch(path.as_posix()) is not None

    def blocks(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Block]:
        """Blocks of episodes, in the order of their numbers."""
        folder = path if path.is_dir() else _local(path.as_posix())
        folder = folder / "data" if (folder / "data").is_dir() else folder
        data = folder / _DATA
        require(data.is_file(), f"holds no {_DATA}{_stored_as(folder)}")
        with opened(data) as (file, stored):
            yield from episode_blocks(file, "episode", "observations", settings, size, stored)


def _local(dataset_id: str) -> Path:
    require(
        _ID.fullmatch(dataset_id) is not None,
        f"{printable(dataset_id)}: no such folder, nor an id such as D4RL/pointmaze/umaze-v2",
    )
    try:
        from minari.storage.datasets_root_dir import get_dataset_path
    except ImportError as error:
        raise missing_extra("minari", f"the Minari dataset {printable(dataset_id)}", error) from error
    folder = Path(get_dataset_path(dataset_id))
    require(
        folder.is_dir(), f"not among the local Minari datasets; get it with: minari download {dataset_id}"
    )
    return folder


def _stored_as(folder: Path) -> str:
    """What the metadata says instead."""
    try:
        document = folder / "metadata.json"
        require(document.stat().st_size <= _LARGEST_METADATA, "metadata.json is too large")
        stored = json.loads(document.read_bytes()).get("data_format")
    except (OSError, ValueError, AttributeError, RecursionError, InputError):
        return ""
    return f"; it is stored as {printable(stored, longest=40)!r}; expected 'hdf5'"
