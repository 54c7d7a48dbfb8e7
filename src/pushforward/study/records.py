"""The record of a run on disk: two lines of JSON, the first of which tells whether the second is whole."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, Self, cast, final

from pushforward.study.digests import canonical, sha256

__all__ = ["LARGEST", "Record", "State"]

State = Literal["done", "failed"]
LARGEST = 16 << 20
_FORMAT, _VERSION = "pushforward-study-record", 1


@final
@dataclass(frozen=True)
class Record:
    """What is kept of a finished run.

    Attributes:
        run: its id.
        state: `done`, or `failed` with the reason in the body's `error`.
        text: the body as canonical JSON, parsed only when it is asked for.
    """

    run: str
    state: State
    text: str

    @classmethod
    def of(cls, run: str, state: State, body: Mapping[str, Any]) -> Self:
        """A record of `body`, which must hold JSON types."""
        return cls(run, state, canonical(body))

    @property
    def body(self) -> dict[str, Any]:
        """`content`, `labels`, `metrics`, `artefacts`, `timings`, `error` and where it ran."""
        return cast(dict[str, Any], json.loads(self.text))

    def to_text(self) -> str:
        """The file's content: format, run, state and the checksum of all of it; then the body."""
        header = {"format": _FORMAT, "format_version": _VERSION, "run": self.run, "state": self.state}
        return f"{canonical({**header, 'sha256': self._checksum()})}\n{self.text}\n"

    @classmethod
    def from_bytes(cls, run: str, content: bytes) -> Self | None:
        """Read back what `to_text` gave for `run`; None where it is damaged, of another run or of a newer version."""
        head, _, rest = content.partition(b"\n")
        try:
            header, text = json.loads(head), rest.decode("utf-8")
        except (ValueError, RecursionError):
            return None
        known = isinstance(header, dict) and (header.get("format"), header.get("format_version")) == (
            _FORMAT,
            _VERSION,
        )
        if not known or header.get("run") != run or header.get("state") not in ("done", "failed"):
            return None
        found = cls(run, header["state"], text.removesuffix("\n"))
        return found if text.endswith("\n") and header.get("sha256") == found._checksum() else None

    def _checksum(self) -> str:
        return sha256(f"{self.run} {self.state}\n{self.text}")
