"""What a generator is: it learns from trajectories and makes new ones."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Self

from pushforward.progress import Progress
from pushforward.trajectories import Trajectories

__all__ = ["AbstractGenerator"]


class AbstractGenerator(ABC):
    """A class of generative models over (T, C).

    Attributes:
        name: in the registry and on the command line.
        about: what it is, in one line.
        source: the paper.
        feeds: the kernels that it can feed.
    """

    name: ClassVar[str] = ""
    about: ClassVar[str] = ""
    source: ClassVar[str] = ""
    feeds: ClassVar[tuple[str, ...]] = ()

    @abstractmethod
    def fit(
        self,
        trajectories: Trajectories,
        *,
        seed: int = 0,
        progress: Progress | bool = False,
        checkpoint: str | Path | None = None,
        resume: bool = False,
    ) -> Self:
        """Learn from `trajectories`; returns self. `checkpoint`: a directory to write to and resume from."""

    @abstractmethod
    def sample(
        self, n: int, seed: int = 0, *, progress: Progress | bool = False, **settings: Any
    ) -> Trajectories:
        """`n` new trajectories; the same seed gives the same bytes on the same machine."""

    @abstractmethod
    def sample_batches(self, n: int, seed: int = 0, **settings: Any) -> Iterator[Trajectories]:
        """The trajectories of `sample(n, seed)` in batches, in memory that does not grow with n."""

    @abstractmethod
    def save(self, directory: str | Path) -> None:
        """Write weights (safetensors) and settings (JSON) atomically."""

    @classmethod
    @abstractmethod
    def load(cls, directory: str | Path) -> Self:
        """Read what `save` wrote; clear errors for damaged, foreign or newer files."""
