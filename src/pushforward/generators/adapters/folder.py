"""Samples that were saved before."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar, Unpack, final

import numpy as np

from pushforward import formats
from pushforward.errors import InputError, printable, require
from pushforward.formats.base import ReadSettings
from pushforward.generators.adapters.base import AbstractAdapter, check_request
from pushforward.generators.adapters.labels import LabelKeywords, Labels
from pushforward.trajectories import Trajectories

__all__ = ["SampleFolder"]

_RELABELLED = ("dt", "channels", "units", "time_unit", "quantity_name")


@final
class SampleFolder(AbstractAdapter):
    """A folder of saved samples, or one file of them, in any format that pushforward reads.

    `sample(n, seed)` draws n of the N saved ones without replacement, every set of n equally likely; they come in
    the order in which they were saved, so that they can be streamed. Every visible file of a folder is read, in
    order of names.

    Args:
        path: the folder (a folder that is itself a format, such as zarr, counts as one file) or file.
        like: trajectories whose names, units and dt replace those in the files.
        read: how to read the files.
        batch_size: trajectories in memory at a time.
        labels: names and units in place of those in the files; see `LabelKeywords`.

    Raises:
        InputError: nothing at `path`.
    """

    name: ClassVar[str] = "sample-folder"
    source: ClassVar[str] = "saved samples"
    feeds: ClassVar[tuple[str, ...]] = ()

    def __init__(
        self,
        path: str | Path,
        like: Trajectories | None = None,
        *,
        read: ReadSettings | None = None,
        batch_size: int = 4096,
        **labels: Unpack[LabelKeywords],
    ) -> None:
        self.path, self.batch_size = Path(path), batch_size
        require(self.path.exists(), f"{printable(path)}: no such file or folder")
        require(batch_size >= 1, f"batch_size: got {batch_size}; expected at least 1")
        self.labels = Labels.of(like, labels)
        self._given = set(_RELABELLED) if like is not None else set(labels) & set(_RELABELLED)
        self._read = read or ReadSettings()
        self._files = self._found()
        self._counts: tuple[int, ...] | None = None

    def __len__(self) -> int:
        """N, the saved trajectories; counted by reading the files once."""
        return sum(self._counted())

    def sample_batches(self, n: int, seed: int = 0, **settings: Any) -> Iterator[Trajectories]:
        """The trajectories of `sample(n, seed)`, in the order of the files.

        Raises:
            InputError: more than there are, a damaged file, or files that disagree on channels or units.
        """
        self.refuse(settings, ())
        check_request(n, seed)
        total = len(self)
        require(
            n <= total,
            f"{printable(self.path)}: got n = {n}; expected at most the {total} trajectories saved there (they are "
            "drawn without replacement)",
        )
        chosen = np.zeros(total, dtype=bool)
        chosen[np.random.default_rng(seed).permutation(total)[:n]] = True
        start = 0
        for file, count in zip(self._files, self._counted(), strict=True):
            there = 0
            for part in self._batches(file):
                kept = chosen[start + there : start + there + len(part)]
                there += len(part)
                if there <= count and kept.any():
                    yield part.select(kept)
            require(
                there == count,
                f"{printable(file)}: held {count} trajectories before, now {there}; read it anew",
            )
            start += count

    def _found(self) -> list[Path]:
        if not self.path.is_dir():
            return [self.path]
        files = sorted(p for p in self.path.iterdir() if p.is_file() and not p.name.startswith("."))
        if self._is_one_file(files):
            return [self.path]
        require(len(files) > 0, f"{printable(self.path)}: holds no files; expected files of saved samples")
        return files

    def _is_one_file(self, files: list[Path]) -> bool:
        """Whether the folder is itself a format (zarr, a parquet data set) and holds no file of another format."""
        try:
            whole = formats.recognise(self.path)
        except InputError:
            return False
        others = {
            s for name in formats.FORMATS if name != whole.name for s in formats.format_named(name).suffixes
        }
        return not any(file.suffix.lower() in others - set(whole.suffixes) for file in files)

    def _counted(self) -> tuple[int, ...]:
        if self._counts is None:
            counts, first = [], None
            for file in self._files:
                count = 0
                for part in self._batches(file):
                    count += len(part)
                    first = first or part
                    self._require_alike(part, first, file)
                counts.append(count)
            self._counts = tuple(counts)
        return self._counts

    def _batches(self, file: Path) -> Iterator[Trajectories]:
        for part in formats.batches(file, self.batch_size, settings=self._read):
            self._require_fitting(part, file)
            yield replace(part, **{name: getattr(self.labels, name) for name in self._given})

    def _require_fitting(self, part: Trajectories, file: Path) -> None:
        for name in ("T", "C"):
            wanted, got = getattr(self.labels, name), getattr(part, name)
            ragged = name == "T" and (part.lengths is not None or got < (wanted or got))
            require(
                wanted in (None, got) or ragged,
                f"{printable(file)}: got {name} = {got}; expected {wanted} as said by like= or {name}=",
            )

    @staticmethod
    def _require_alike(part: Trajectories, first: Trajectories, file: Path) -> None:
        for name in ("channels", "units", "dt", "time_unit"):
            got, wanted = getattr(part, name), getattr(first, name)
            require(
                got == wanted,
                f"{printable(file)}: got {name} {printable(got)}; expected {printable(wanted)} as in the first file",
            )
