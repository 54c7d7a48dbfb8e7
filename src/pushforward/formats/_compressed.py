"""What compressed chunks expand to, before a C library without a limit of its own expands them."""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from pathlib import Path
from typing import BinaryIO

from pushforward.errors import printable, require
from pushforward.formats._guard import allowance

__all__ = ["check_deflated", "check_frames"]

_DEFLATE_RATIO = 1032
_PIECE = 1 << 16
_HEADER = 1024
_ZSTD = b"\x28\xb5\x2f\xfd"
_MOST_CHUNK = 64 << 20


def check_deflated(what: str, stream: BinaryIO, chunks: Iterable[tuple[int, int]], largest: int) -> None:
    """Inflate chunks (offset, size) piece by piece, keeping nothing, to see that none exceeds `largest` bytes.

    HDF5 grows its buffer until a chunk ends, however long that is. Chunks that cannot reach 64 MiB are skipped.

    Raises:
        InputError: a chunk that expands to more.
    """
    for offset, size in chunks:
        if size * _DEFLATE_RATIO <= _MOST_CHUNK:
            continue
        stream.seek(offset)
        inflate, total, left = zlib.decompressobj(), 0, size
        while (left > 0 or inflate.unconsumed_tail) and not inflate.eof:
            data = inflate.unconsumed_tail or stream.read(min(_PIECE, left))
            left -= 0 if inflate.unconsumed_tail else len(data)
            if not data:
                break
            total += len(inflate.decompress(data, _PIECE * 16))
            require(
                total <= largest,
                f"{what}: a chunk expands to over {largest} bytes, which is its declared size",
            )


def check_frames(folder: Path, stored: int) -> None:
    """Hold the sizes that Zstandard and Blosc chunks of a folder declare against the folder's real size.

    Raises:
        InputError: a chunk that declares more than `allowance(stored)`.
    """
    limit = allowance(stored)
    for path in folder.rglob("*"):
        if not path.is_file() or path.name == "zarr.json":
            continue
        with path.open("rb") as stream:
            declared = _declared(stream.read(18))
        require(
            declared <= limit,
            f"{printable(path.name)}: a chunk declares {declared} bytes; expected at most {limit} "
            f"(the store has {stored})",
        )


def _declared(head: bytes) -> int:
    """The content size in a Zstandard frame's header (RFC 8878, section 3.1.1.1), or in Blosc 1's; 0 if neither."""
    if head[:4] != _ZSTD or len(head) < 6:
        # Blosc 1: version 2, its codec's version 1, then flags, item size and the number of bytes.
        return int.from_bytes(head[4:8], "little") if head[:2] == b"\x02\x01" and len(head) >= 16 else 0
    flag, single = head[4] >> 6, head[4] >> 5 & 1
    size = (1 if single else 0, 2, 4, 8)[flag]
    start = 5 + (0 if single else 1) + (0, 1, 2, 4)[head[4] & 3]
    return int.from_bytes(head[start : start + size], "little") + (256 if flag == 1 else 0)
