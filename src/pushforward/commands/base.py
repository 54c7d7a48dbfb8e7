"""What a command is: a frozen dataclass of its options, whose `run` does the work and returns what to show."""

from __future__ import annotations

import shlex
import sys
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

import tyro

from pushforward.progress import Progress, progress

__all__ = ["AbstractCommand", "Outcome", "command_line"]


@dataclass(frozen=True)
class Outcome:
    """What a command gives back: text for the terminal, a record for `--json`, an exit code."""

    text: str
    record: Mapping[str, Any] = field(default_factory=dict)
    exit_code: int = 0


@dataclass(frozen=True, kw_only=True)
class AbstractCommand(ABC):
    """Options that every command has."""

    seed: int = 0
    """Seed of everything random in this command."""
    json: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Also write the result to FILE, machine-readable."""
    quiet: bool = False
    """Show nothing but errors."""

    @classmethod
    def chosen(cls, arguments: Sequence[str]) -> type[Self]:
        """The command for these arguments: itself, unless its options depend on them.

        Raises:
            InputError: the arguments ask for what there is not.
        """
        return cls

    @abstractmethod
    def run(self) -> Outcome:
        """Do the work.

        Raises:
            InputError: bad usage or bad input; the command line shows its one line and exits with 2.
        """

    def progress(self, label: str) -> AbstractContextManager[Progress]:
        """A progress bar on a terminal, plain lines elsewhere, nothing when quiet."""
        return progress(label, quiet=self.quiet)


def command_line() -> str:
    """The command line that is running, to be shown in reports and kept in runs."""
    return shlex.join(["pushforward", *sys.argv[1:]])
