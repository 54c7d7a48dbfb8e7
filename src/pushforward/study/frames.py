"""How a study and its worker processes talk: JSON with its length before it, over pipes. Nothing is unpickled."""

from __future__ import annotations

import json
import struct
from typing import IO, Any

__all__ = ["read_frame", "write_frame"]

_LENGTH = struct.Struct(">Q")
_LARGEST = 1 << 32


def write_frame(stream: IO[bytes], message: Any) -> None:
    """Send a message of JSON types.

    Raises:
        OSError: nobody reads any more.
    """
    payload = json.dumps(message, allow_nan=False).encode()
    stream.write(_LENGTH.pack(len(payload)) + payload)
    stream.flush()


def read_frame(stream: IO[bytes]) -> Any:
    """The next message; None at the end of the stream, also where it ends within a message."""
    head = stream.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    size = _LENGTH.unpack(head)[0]
    payload = stream.read(size) if size <= _LARGEST else b""
    return json.loads(payload) if len(payload) == size else None
