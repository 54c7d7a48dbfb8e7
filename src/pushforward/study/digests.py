"""What identifies a thing: canonical JSON and its SHA-256, the SHA-256 of a file or folder, seeds of their own."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path
from typing import Any

from pushforward.errors import InputError, printable

__all__ = ["canonical", "file_digest", "seed_for", "sha256"]


def canonical(value: Any) -> str:
    """JSON with one spelling for equal values: sorted keys, no spaces, no NaN.

    Raises:
        ValueError: something that JSON has no spelling for.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, ensure_ascii=False)


def sha256(content: str | bytes) -> str:
    """The SHA-256 of text (as UTF-8) or bytes, in hexadecimal."""
    return hashlib.sha256(content.encode() if isinstance(content, str) else content).hexdigest()


def file_digest(path: Path) -> str:
    """The SHA-256 of a file's content; of a folder, that of its files' names and digests in order.

    Raises:
        InputError: missing or not readable.
    """
    try:
        if not path.is_dir():
            with path.open("rb") as stream:
                return hashlib.file_digest(stream, "sha256").hexdigest()
        files = sorted(file for file in path.rglob("*") if file.is_file())
        return sha256(canonical([[str(file.relative_to(path)), file_digest(file)] for file in files]))
    except OSError as error:
        raise InputError(f"{printable(path)}: cannot be read: {error.strerror or error}") from error


def seed_for(seed: int, purpose: str) -> int:
    """A seed of its own for one purpose of a run, 48 bits of SHA-256(purpose, seed).

    So no two things that a run draws (data, weights, samples, resamples) share a random stream.
    """
    return int(sha256(f"{purpose}:{seed}")[:12], 16)
