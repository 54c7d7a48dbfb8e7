"""HDF5: plain arrays (read and written), and the layouts of D4RL, robomimic and Minari (read)."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, printable, require
from pushforward.formats._arrays import CONDITION, FACTS, SIDES, Facts, agreeing, array_blocks, beside
from pushforward.formats._block import Block, Episode, gathered
from pushforward.formats._episode_groups import episode_blocks, episode_names, robomimic_dt
from pushforward.formats._hdf5_access import DatasetRows, attribute, dataset_in, group_in, names_in, opened
from pushforward.formats.base import AbstractFormat, ReadSettings
from pushforward.trajectories import Trajectories
from pushforward.writing import atomic

__all__ = ["Hdf5"]

_MAGIC = b"\x89HDF\r\n\x1a\n"
_ENDS = ("terminals", "timeouts")
_CHUNK_BYTES = 1 << 20
_MARGIN = 8 << 20
_FLAT_ROWS = 1 << 14


@final
class Hdf5(AbstractFormat):
    """`values` (N, T, C) and what goes beside it; or D4RL's flat arrays; or one group per episode.

    D4RL: `observations` (M, C) with `terminals` and `timeouts` (M,): an episode ends where either is true; what
    follows the last end is an episode too. Only hard links within the file are followed.
    """

    name: ClassVar[str] = "hdf5"
    suffixes: ClassVar[tuple[str, ...]] = (".hdf5", ".h5")
    writes: ClassVar[bool] = True

    def recognises(self, path: Path, head: bytes) -> bool:
        """HDF5's signature."""
        return head.startswith(_MAGIC)

    def blocks(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Block]:
        """Blocks of the layout that the file has."""
        with opened(path) as (file, stored):
            yield from _layout(file, stored, settings, size)

    def write(self, path: Path, parts: Iterable[Trajectories]) -> None:
        """Write `values` in chunks that grow with the parts; text is fixed-length UTF-8."""
        import h5py

        with atomic(path) as target:
            _reserve(target, 0)
            with h5py.File(target, "w", libver="latest") as file:
                _reserve(target, 0)
                for count, part in enumerate(agreeing(parts)):
                    if count == 0:
                        _create(file, part)
                    _reserve(target, file.id.get_filesize() + _bytes_of(part))
                    _append(file, part)
                _without_lengths_if_equal(file)
            _give_back(target)


def _layout(file: Any, stored: int, settings: ReadSettings, size: int) -> Iterator[Block]:
    names = names_in(file)
    if "values" in names:
        return _plain(file, stored, settings.key or "values", size)
    if "data" in names and episode_names(data := group_in(file, "data"), "demo"):
        return episode_blocks(data, "demo", "obs", settings, size, stored, robomimic_dt(data))
    if episode_names(file, "episode"):
        return episode_blocks(file, "episode", "observations", settings, size, stored)
    if any(name in names for name in _ENDS):
        return _flat(file, stored, settings, size)
    if settings.key is not None:
        return _plain(file, stored, settings.key, size)
    raise InputError(
        f"no known HDF5 layout among {printable(', '.join(names[:20])) or 'nothing'}; expected values (N, T, C), "
        "observations with terminals or timeouts (D4RL), data/demo_* (robomimic), episode_* (Minari), or a key"
    )


def _plain(file: Any, stored: int, key: str, size: int) -> Iterator[Block]:
    names = names_in(file)
    found: dict[str, Any] = {}
    for name in FACTS:
        given = attribute(file, name)
        if name in names:
            given = dataset_in(file, name, stored).whole()
        if given is not None:
            found[name] = given
    sides = {name: dataset_in(file, name, stored) for name in SIDES if name in names}
    if "condition" in names:
        group = group_in(file, "condition")
        sides |= {CONDITION + name: dataset_in(group, name, stored) for name in _flat_names(group)}
    values = dataset_in(file, key, stored)
    require(values.dtype.kind in "fiub", f"{values.name}: got dtype {values.dtype}; expected real numbers")
    return array_blocks(values, sides, Facts.of(found), size)


def _flat_names(group: Any) -> list[str]:
    return [name for name in names_in(group) if "/" not in name]


def _flat(file: Any, stored: int, settings: ReadSettings, size: int) -> Iterator[Block]:
    key = settings.key or "observations"
    values = dataset_in(file, key, stored)
    ends = [dataset_in(file, name, stored) for name in _ENDS if name in names_in(file)]
    require(
        len(values.shape) in (1, 2), f"{values.name}: got shape {values.shape}; expected (steps, channels)"
    )
    for end in ends:
        require(
            end.shape in ((values.shape[0],), (values.shape[0], 1)) and end.dtype.kind in "fiub",
            f"{end.name}: got {end.dtype} of shape {end.shape}; expected ({values.shape[0]},) flags",
        )
    width = values.shape[1] if len(values.shape) == 2 else 1
    channels = (key,) if width == 1 else tuple(f"{key}[{i}]" for i in range(width))
    like = Block(np.empty((0, 1, width)), channels=channels)
    yield from gathered(_episodes(values, ends, width), size, like, settings.max_length)


def _episodes(values: DatasetRows, ends: list[DatasetRows], width: int) -> Iterator[Episode]:
    """Consecutive rows up to and including each end; memory holds one episode and one stretch of rows."""
    open_parts: list[NDArray[Any]] = []
    for start in range(0, values.shape[0], _FLAT_ROWS):
        stop = min(start + _FLAT_ROWS, values.shape[0])
        rows = values.rows(start, stop).reshape(-1, width)
        over = np.zeros(stop - start, dtype=bool)
        for end in ends:
            over |= end.rows(start, stop).reshape(-1).astype(bool)
        begin = 0
        for last in np.flatnonzero(over):
            yield Episode(np.concatenate([*open_parts, rows[begin : last + 1]]))
            open_parts, begin = [], int(last) + 1
        if begin < len(rows):
            open_parts.append(rows[begin:])
    if open_parts:
        yield Episode(np.concatenate(open_parts))


def _without_lengths_if_equal(file: Any) -> None:
    if (file["lengths"][:] == file["values"].shape[1]).all():
        del file["lengths"]


def _bytes_of(part: Trajectories) -> int:
    return sum(array.nbytes for array in (part.values, *beside(part, ragged=True).values()))


def _reserve(target: Path, size: int) -> None:
    """Take the space for `size` bytes and a margin: the HDF5 library may crash where space ends while it writes.

    Raises:
        OSError: there is no such space.
    """
    if hasattr(os, "posix_fallocate"):
        with target.open("r+b") as stream:
            os.posix_fallocate(stream.fileno(), 0, size + size // 8 + _MARGIN)


def _give_back(target: Path) -> None:
    """Cut the file where HDF5's superblock (versions 2 and 3) says that it ends."""
    with target.open("r+b") as stream:
        head = stream.read(48)
        require(
            head.startswith(_MAGIC) and head[8] in (2, 3), "HDF5 wrote a superblock of an unknown version"
        )
        stream.truncate(int.from_bytes(head[28:36], "little"))


def _create(file: Any, part: Trajectories) -> None:
    file.attrs.update({name: getattr(part, name) for name in ("dt", "time_unit", "group_name")})
    file.attrs["format"] = "pushforward trajectories 1"
    if part.quantity_name is not None:
        file.attrs["quantity_name"] = part.quantity_name
    for name in ("channels", "units"):
        file[name] = _stored(np.array(getattr(part, name)))
    steps = max(1, min(part.T, _CHUNK_BYTES // (4 * part.C)))
    rows = max(1, min(_CHUNK_BYTES // (4 * steps * part.C), 1 << 16))
    file.create_dataset(
        "values",
        shape=(0, part.T, part.C),
        maxshape=(None, None, part.C),
        chunks=(rows, steps, part.C),
        dtype="<f4",
        fillvalue=np.float32(0),
    )
    group = file.create_group("condition")
    for name, array in beside(part, ragged=True).items():
        owner, label = (group, name.removeprefix(CONDITION)) if name.startswith(CONDITION) else (file, name)
        require(
            "/" not in label and label not in ("", "."),
            f"condition {printable(label)!r}: expected a name that is not empty and without '/' in HDF5",
        )
        _empty(owner, label, _stored(array))


def _empty(owner: Any, name: str, like: NDArray[Any]) -> Any:
    tail = like.shape[1:]
    return owner.create_dataset(name, (0, *tail), like.dtype, maxshape=(None, *tail), chunks=(1 << 12, *tail))


def _append(file: Any, part: Trajectories) -> None:
    values = file["values"]
    n, longest = values.shape[0], max(values.shape[1], part.T)
    values.resize((n + len(part), longest, part.C))
    values[n:, : part.T] = part.values
    for name, array in beside(part, ragged=True).items():
        rows = file[name]
        stored = _stored(array)
        if stored.dtype.kind == "S" and stored.dtype.itemsize > rows.dtype.itemsize:
            # A longer name than any before: text has a fixed length, so the earlier ones are stored anew.
            earlier = rows[:]
            del file[name]
            rows = _empty(file, name, stored)
            rows.resize((n,))
            rows[:] = earlier
        rows.resize((n + len(part), *array.shape[1:]))
        rows[n:] = stored


def _stored(array: NDArray[Any]) -> NDArray[Any]:
    return np.char.encode(array, "utf-8") if array.dtype.kind == "U" else array
