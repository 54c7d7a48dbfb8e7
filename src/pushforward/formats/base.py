"""What a format is: a reader that knows its files by content and streams them in batches, and perhaps a writer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from pushforward.trajectories import Trajectories

__all__ = ["AbstractFormat", "ReadSettings"]


@dataclass(frozen=True)
class ReadSettings:
    """How to read a file of trajectories.

    Attributes:
        channels: only these, in this order (default: all numeric ones that the format offers).
        dt: time between steps; overrides what the file says.
        drop_invalid: leave out, and count, trajectories that hold NaN or infinity.
        min_length: leave out trajectories with fewer steps.
        max_length: cut trajectories after this many steps.
        key: the array, group or column to read where a file holds several (`observation.state`, `obs/ee_pos`).
        id_column, time_column: of long tables.
    """

    channels: tuple[str, ...] = ()
    dt: float | None = None
    drop_invalid: bool = False
    min_length: int = 1
    max_length: int | None = None
    key: str | None = None
    id_column: str | None = None
    time_column: str | None = None


class AbstractFormat(ABC):
    """One file format. `name` is its name on the command line, `suffixes` what its files are usually called."""

    name: ClassVar[str] = ""
    suffixes: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the content (first 4 KiB, or the folder's files) is of this format."""

    @abstractmethod
    def batches(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Trajectories]:
        """The file's trajectories, at most `size` at a time, in bounded memory."""

    def write(self, path: Path, parts: Iterable[Trajectories]) -> None:
        """Write batches of trajectories atomically; only where `writes`."""
        raise NotImplementedError
