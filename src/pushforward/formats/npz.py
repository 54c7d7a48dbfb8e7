"""NumPy's own files: `.npz` archives (read and written) and plain `.npy` arrays (read). Never unpickled."""

from __future__ import annotations

import contextlib
import math
import tempfile
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, ClassVar, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.formats._arrays import CONDITION, FACTS, SIDES, Facts, agreeing, array_blocks, beside
from pushforward.formats._block import Block
from pushforward.formats._guard import check_size
from pushforward.formats.base import AbstractFormat, ReadSettings
from pushforward.trajectories import Trajectories
from pushforward.writing import atomic

__all__ = ["Npy", "Npz"]

_NPY = b"\x93NUMPY"
_MOST_MEMBERS = 10_000
_LARGEST_FACT = 1 << 20
_WRITE_BYTES = 1 << 22


@final
class Npz(AbstractFormat):
    """`values` (N, T, C) and optional `dt, channels, units, lengths, groups, quantity, quantity_name, time_unit`.

    Conditions are arrays named `condition/<name>`. Members are read in order from the archive, so memory is
    bounded by the batch; a member in Fortran order is read whole.
    """

    name: ClassVar[str] = "npz"
    suffixes: ClassVar[tuple[str, ...]] = (".npz",)
    writes: ClassVar[bool] = True

    def recognises(self, path: Path, head: bytes) -> bool:
        """A zip archive."""
        return head.startswith((b"PK\x03\x04", b"PK\x05\x06"))

    def blocks(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Block]:
        """Rows of `values` (or of the array named by `key`) and of what stands beside it."""
        stored = path.stat().st_size
        with contextlib.ExitStack() as stack:
            archive = stack.enter_context(zipfile.ZipFile(path))
            members = _members(archive)
            key = settings.key or "values"
            if key not in members:
                raise named("array", key, members)

            def member(name: str) -> NpyRows:
                info = members[name]
                check_size(name, (info.file_size,), 1, stored)
                return NpyRows(stack.enter_context(archive.open(info)), info.file_size, name)

            facts = {name: member(name).whole(_LARGEST_FACT) for name in FACTS if name in members}
            beside = [name for name in members if name in SIDES or name.startswith(CONDITION)]
            values, sides = member(key), {name: member(name) for name in beside if name != key}
            yield from array_blocks(values.with_channel(), sides, Facts.of(facts), size)

    def write(self, path: Path, parts: Iterable[Trajectories]) -> None:
        """Write one archive; parts that come from an iterator are spooled to disk beside `path` first."""
        with contextlib.ExitStack() as stack:
            target = stack.enter_context(atomic(path))
            in_memory = isinstance(parts, Sequence)
            spool = None if in_memory else stack.enter_context(tempfile.TemporaryFile(dir=path.parent))
            facts, pieces = _pieces(parts, spool)
            with zipfile.ZipFile(target, "w", zipfile.ZIP_STORED, allowZip64=True) as archive:
                _write_members(archive, facts, pieces, spool)


@final
class Npy(AbstractFormat):
    """One array (N, T, C), or (N, T) as one channel."""

    name: ClassVar[str] = "npy"
    suffixes: ClassVar[tuple[str, ...]] = (".npy",)

    def recognises(self, path: Path, head: bytes) -> bool:
        """NumPy's magic bytes."""
        return head.startswith(_NPY)

    def blocks(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Block]:
        """Rows in order."""
        with path.open("rb") as stream:
            values = NpyRows(stream, path.stat().st_size, "values")
            require(
                len(values.shape) in (2, 3),
                f"values: got shape {values.shape}; expected (N, T, C), or (N, T) for one channel",
            )
            yield from array_blocks(values.with_channel(), {}, Facts(), size)


@final
class NpyRows:
    """Rows of one `.npy` stream of `size` bytes, read in order."""

    def __init__(self, stream: IO[bytes], size: int, name: str) -> None:
        self._stream, self._name = stream, name
        self.shape, fortran, self.dtype = _header(stream, name)
        self._row_shape = self.shape[1:]
        declared = math.prod(self.shape) * self.dtype.itemsize
        left = size - stream.tell()
        require(
            declared == left,
            f"{name}: declares {self.dtype} of shape {self.shape}, {declared} bytes, but {left} follow; "
            "truncated or damaged",
        )
        self._array = self._all(fortran) if fortran and len(self.shape) > 1 else None

    def with_channel(self) -> NpyRows:
        """The same, with (N, T) seen as (N, T, 1)."""
        if len(self.shape) == 2:
            self.shape = (*self.shape, 1)
            self._row_shape = self.shape[1:]
            self._array = None if self._array is None else self._array[:, :, None]
        return self

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """The next stop - start rows."""
        if self._array is not None:
            return self._array[start:stop]
        count = (stop - start) * math.prod(self._row_shape)
        array = self._take(count).reshape(stop - start, *self._row_shape)
        if stop == self.shape[0]:
            # Only at the end of a member does zipfile compare its checksum.
            self._stream.read(1)
        return array

    def whole(self, limit: int) -> NDArray[Any]:
        """The whole array, where it has at most `limit` bytes."""
        size = math.prod(self.shape) * self.dtype.itemsize
        require(size <= limit, f"{self._name}: has {size} bytes; expected at most {limit}")
        require(
            math.prod(self.shape) <= limit, f"{self._name}: got shape {self.shape}; expected fewer elements"
        )
        array = self._take(math.prod(self.shape)).reshape(self.shape)
        self._stream.read(1)
        return array

    def _all(self, fortran: bool) -> NDArray[Any]:
        flat = self._take(math.prod(self.shape))
        self._stream.read(1)
        return flat.reshape(self.shape, order="F" if fortran else "C")

    def _take(self, count: int) -> NDArray[Any]:
        wanted = count * self.dtype.itemsize
        if wanted == 0:
            return np.empty(count, dtype=self.dtype)
        data = self._stream.read(wanted)
        require(
            len(data) == wanted, f"{self._name}: ends {wanted - len(data)} bytes early; truncated or damaged"
        )
        return np.frombuffer(data, dtype=self.dtype)


def _header(stream: IO[bytes], name: str) -> tuple[tuple[int, ...], bool, np.dtype[Any]]:
    try:
        version = np.lib.format.read_magic(stream)
        require(version in ((1, 0), (2, 0)), f"{name}: npy version {version}; expected 1.0 or 2.0")
        read = (
            np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
        )
        shape, fortran, dtype = read(stream, max_header_size=10_000)
    except InputError:
        raise
    except Exception as error:
        text = (str(error) or type(error).__name__).splitlines()[0]
        raise InputError(f"{name}: not a valid npy header: {printable(text)}") from error
    shape = tuple(int(d) for d in shape)
    require(min(shape, default=0) >= 0, f"{name}: got shape {shape}; expected no negative dimension")
    require(
        dtype.kind in "fiubUS" and dtype.subdtype is None,
        f"{name}: got dtype {printable(dtype, longest=60)}; expected real numbers or text (never pickled objects)",
    )
    return shape, fortran, dtype


def _members(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos = archive.infolist()
    require(len(infos) <= _MOST_MEMBERS, f"holds {len(infos)} members; expected at most {_MOST_MEMBERS}")
    members: dict[str, zipfile.ZipInfo] = {}
    for info in infos:
        if not info.filename.endswith(".npy"):
            continue
        name = info.filename.removesuffix(".npy")
        require(name not in members, f"two arrays are named {printable(name)!r}; expected distinct names")
        require(
            info.compress_type in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED),
            f"{printable(name)}: compression {info.compress_type}; expected stored or deflated",
        )
        members[name] = info
    require(len(members) > 0, "a zip archive without npy arrays; expected an npz file that holds `values`")
    return members


@dataclass(frozen=True)
class _Piece:
    """Values of `shape` (n, T, C), in memory or from `offset` on in the spool, and the arrays beside them."""

    shape: tuple[int, int, int]
    values: NDArray[np.float32] | None
    offset: int
    sides: dict[str, NDArray[Any]]

    def rows(self, start: int, stop: int, spool: IO[bytes] | None) -> NDArray[np.float32]:
        """Trajectories start to stop."""
        if self.values is not None or spool is None:
            return np.asarray(self.values)[start:stop]
        _, steps, width = self.shape
        spool.seek(self.offset + 4 * start * steps * width)
        data = spool.read(4 * (stop - start) * steps * width)
        return np.frombuffer(data, dtype=np.float32).reshape(-1, steps, width)


def _pieces(parts: Iterable[Trajectories], spool: IO[bytes] | None) -> tuple[Facts, list[_Piece]]:
    """All parts; with a spool their values lie on disk, so that memory does not grow with their number."""
    found: list[_Piece] = []
    facts, ragged = Facts(), False
    for part in agreeing(parts):
        offset = 0
        if spool is not None:
            offset = spool.tell()
            spool.write(np.ascontiguousarray(part.values).data)
        facts = Facts(part.dt, part.channels, part.units, part.quantity_name, part.time_unit, part.group_name)
        ragged = ragged or part.lengths is not None or (bool(found) and found[0].shape[1] != part.T)
        shape = (len(part), part.T, part.C)
        values = part.values if spool is None else None
        found.append(_Piece(shape, values, offset, beside(part, ragged=True)))
    if not ragged:
        for piece in found:
            del piece.sides["lengths"]
    return facts, found


def _write_members(
    archive: zipfile.ZipFile, facts: Facts, pieces: Sequence[_Piece], spool: IO[bytes] | None
) -> None:
    found = {"dt": np.float64(facts.dt), "channels": facts.channels, "units": facts.units}
    found |= {name: getattr(facts, name) for name in ("time_unit", "group_name", "quantity_name")}
    for name, fact in found.items():
        if fact is not None:
            array = np.asarray(fact)
            _write_member(archive, name, array.shape, array.dtype, [array])
    for name in pieces[0].sides:
        joined = np.concatenate([piece.sides[name] for piece in pieces])
        _write_member(archive, name, joined.shape, joined.dtype, [joined])
    longest, width = max(piece.shape[1] for piece in pieces), len(facts.channels)
    shape = (sum(piece.shape[0] for piece in pieces), longest, width)
    _write_member(archive, "values", shape, np.dtype(np.float32), _padded(pieces, longest, spool))


def _padded(pieces: Sequence[_Piece], longest: int, spool: IO[bytes] | None) -> Iterator[NDArray[Any]]:
    for piece in pieces:
        n, steps, width = piece.shape
        rows = max(1, _WRITE_BYTES // (4 * longest * width))
        for start in range(0, n, rows):
            values = piece.rows(start, min(start + rows, n), spool)
            yield np.pad(values, ((0, 0), (0, longest - steps), (0, 0)), mode="edge")


def _write_member(
    archive: zipfile.ZipFile,
    name: str,
    shape: tuple[int, ...],
    dtype: np.dtype[Any],
    chunks: Iterable[NDArray[Any]],
) -> None:
    # A fixed date: the same trajectories give the same bytes.
    info = zipfile.ZipInfo(f"{name}.npy", date_time=(1980, 1, 1, 0, 0, 0))
    size = math.prod(shape) * dtype.itemsize
    with archive.open(info, "w", force_zip64=size > 1 << 30) as stream:
        header = {"descr": np.lib.format.dtype_to_descr(dtype), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(stream, header)
        for chunk in chunks:
            stream.write(np.ascontiguousarray(chunk).tobytes())
