"""What a format is: a reader that knows its files by content and streams them in batches, and perhaps a writer."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar, final

from pushforward.errors import require
from pushforward.trajectories import Trajectories

if TYPE_CHECKING:
    from pushforward.formats._block import Block

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
        id_column: column of a long table that tells which trajectory a row belongs to.
        time_column: column of a long table that holds the time.

    Raises:
        InputError: a limit or `dt` that is not positive, or `max_length` below `min_length`.
    """

    channels: tuple[str, ...] = ()
    dt: float | None = None
    drop_invalid: bool = False
    min_length: int = 1
    max_length: int | None = None
    key: str | None = None
    id_column: str | None = None
    time_column: str | None = None

    def __post_init__(self) -> None:
        """Refuse limits that no trajectory can meet."""
        object.__setattr__(self, "channels", tuple(self.channels))
        require(self.min_length >= 1, f"min_length: got {self.min_length}; expected at least 1")
        longest = self.max_length
        require(
            longest is None or longest >= self.min_length,
            f"max_length: got {longest}; expected at least min_length = {self.min_length}",
        )
        require(
            self.dt is None or 0 < self.dt < float("inf"), f"dt: got {self.dt}; expected a positive number"
        )


class AbstractFormat(ABC):
    """One file format. `name` is its name on the command line, `suffixes` what its files are usually called.

    A concrete format finds its files by content and yields what they hold as raw blocks; what `ReadSettings`
    asks for, and what no file may do, is the same for all formats and lives here.
    """

    name: ClassVar[str] = ""
    suffixes: ClassVar[tuple[str, ...]] = ()
    writes: ClassVar[bool] = False

    @abstractmethod
    def recognises(self, path: Path, head: bytes) -> bool:
        """Whether the content (first 4 KiB, or the folder's files) is of this format."""

    @abstractmethod
    def blocks(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Block]:
        """The file's trajectories as they stand there, at most `size` at a time, in bounded memory."""

    @final
    def batches(self, path: Path, settings: ReadSettings, size: int) -> Iterator[Trajectories]:
        """The file's trajectories, at most `size` at a time, in bounded memory.

        Raises:
            InputError: the file is missing, damaged, not of this format or holds no valid trajectory; NaN or
                infinity without `drop_invalid`; an unknown channel.
        """
        from pushforward.formats._door import admitted
        from pushforward.formats._guard import guarded

        require(size >= 1, f"batch size: got {size}; expected at least 1")

        def blocks() -> Iterator[Block]:
            # Within a generator, so that what `blocks` does before its first `yield` is guarded as well.
            yield from self.blocks(path, settings, size)

        return guarded(path, self.name, admitted(blocks(), settings))

    def write(self, path: Path, parts: Iterable[Trajectories]) -> None:
        """Write batches of trajectories atomically; only where `writes`."""
        raise NotImplementedError
