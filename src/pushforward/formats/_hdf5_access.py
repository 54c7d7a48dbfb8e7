"""HDF5 files of strangers: only hard links inside the file, known filters, sizes in proportion to the file."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.formats._compressed import check_deflated
from pushforward.formats._guard import allowance, check_size, real_size

__all__ = ["DatasetRows", "attribute", "dataset_in", "group_in", "names_in", "opened"]

# Filters built into HDF5 and h5py: gzip, shuffle, fletcher32, szip, nbit, scale-offset, LZF. Any other one would
# make HDF5 look for a plugin to load.
_FILTERS = {1, 2, 3, 4, 5, 6, 32000}
_DEFLATE, _CHECKSUM = 1, 3
_CACHE = 16 << 20
_LARGEST_FACT = 1 << 20
_MOST_NAMES = 1_000_000
_TEXT_ROWS = 64


@contextlib.contextmanager
def opened(path: Path) -> Iterator[tuple[Any, int]]:
    """The file, read-only, and its size in bytes."""
    import h5py

    stored = real_size(path)
    with h5py.File(path, "r", rdcc_nbytes=_CACHE) as file:
        yield file, stored


def names_in(group: Any) -> list[str]:
    """Names of the links in a group, in HDF5's order."""
    require(len(group) <= _MOST_NAMES, f"a group holds {len(group)} links; expected at most {_MOST_NAMES}")
    return [str(name) for name in group]


def group_in(group: Any, name: str) -> Any:
    """The group `name` within `group`."""
    import h5py

    found = _linked(group, name)
    require(isinstance(found, h5py.Group), f"{printable(name)}: expected a group")
    return found


def dataset_in(group: Any, name: str, stored: int) -> DatasetRows:
    """The dataset `name` within `group` (a path such as `obs/pos` is followed step by step)."""
    *parents, last = name.strip("/").split("/")
    for parent in parents:
        group = group_in(group, parent)
    return DatasetRows(_linked(group, last), name, stored)


def attribute(owner: Any, name: str) -> Any:
    """A small attribute, or None where there is none."""
    if name not in owner.attrs:
        return None
    found = owner.attrs.get_id(name)
    size = math.prod(found.shape) * found.dtype.itemsize
    require(
        found.get_storage_size() <= _LARGEST_FACT and size <= _LARGEST_FACT,
        f"attribute {printable(name)}: declares {size} bytes; expected at most {_LARGEST_FACT}",
    )
    return owner.attrs[name]


class DatasetRows:
    """Rows of a dataset whose size, storage and filters have been checked."""

    def __init__(self, dataset: Any, name: str, stored: int) -> None:
        import h5py

        self.name, self._stored = printable(name), stored
        require(isinstance(dataset, h5py.Dataset), f"{self.name}: expected a dataset")
        require(dataset.shape is not None, f"{self.name}: is empty (a null dataspace); expected an array")
        self.shape: tuple[int, ...] = tuple(int(d) for d in dataset.shape)
        self.dtype: np.dtype[Any] = dataset.dtype
        self._text = h5py.check_string_dtype(self.dtype) is not None
        require(
            self.dtype.kind in "fiub" or self._text,
            f"{self.name}: got dtype {printable(self.dtype, longest=60)}; expected real numbers or text",
        )
        check_size(self.name, self.shape, self.dtype.itemsize, stored)
        _check_storage(dataset, self.name, stored)
        self._dataset = dataset

    def rows(self, start: int, stop: int) -> NDArray[Any]:
        """Rows start to stop."""
        if self.dtype.kind != "O":
            return np.asarray(self._dataset[start:stop])
        # Text of any length: many entries may share one long string, so what is read is counted.
        texts: list[bytes] = []
        total = 0
        for at in range(start, stop, _TEXT_ROWS):
            found = self._dataset[at : min(at + _TEXT_ROWS, stop)].tolist()
            total += sum(map(len, found))
            require(total <= allowance(self._stored), f"{self.name}: text larger than the file allows")
            texts += found
        return np.array(texts, dtype=object)

    def whole(self) -> NDArray[Any]:
        """A small dataset, scalars included."""
        size = math.prod(self.shape) * self.dtype.itemsize
        require(size <= _LARGEST_FACT, f"{self.name}: has {size} bytes; expected at most {_LARGEST_FACT}")
        return np.asarray(self._dataset[()]) if self.shape == () else self.rows(0, self.shape[0])


def _linked(group: Any, name: str) -> Any:
    import h5py

    link = group.get(name, getlink=True)
    if link is None:
        raise named("HDF5 name", name, names_in(group)[:1000])
    if not isinstance(link, h5py.HardLink):
        raise InputError(
            f"{printable(name)}: is a {type(link).__name__}; links out of the file or by name are refused"
        )
    return group[name]


def _check_storage(dataset: Any, name: str, stored: int) -> None:
    properties = dataset.id.get_create_plist()
    require(not dataset.is_virtual, f"{name}: is a virtual dataset; only data in the file itself is read")
    require(
        properties.get_external_count() == 0, f"{name}: lies in external files; only the file itself is read"
    )
    filters = [properties.get_filter(index)[0] for index in range(properties.get_nfilters())]
    for code in filters:
        require(code in _FILTERS, f"{name}: filter {code} is not one of HDF5's own; save it with gzip")
    if dataset.chunks is not None:
        largest = check_size(f"{name} (one chunk)", dataset.chunks, dataset.dtype.itemsize, stored)
        if _DEFLATE in filters:
            _check_inflated(dataset, name, filters, largest)


def _check_inflated(dataset: Any, name: str, filters: list[int], largest: int) -> None:
    place = filters.index(_DEFLATE)
    require(set(filters[place + 1 :]) <= {_CHECKSUM}, f"{name}: a filter follows gzip; expected gzip last")
    chunks: list[tuple[int, int]] = []

    def note(chunk: Any) -> None:
        # A chunk's mask tells the filters that were not applied to it.
        if not chunk.filter_mask >> place & 1 and chunk.byte_offset is not None:
            chunks.append((chunk.byte_offset, chunk.size))

    dataset.id.chunk_iter(note)
    with Path(dataset.file.filename).open("rb") as stream:
        check_deflated(name, stream, chunks, largest)
