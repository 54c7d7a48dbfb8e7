"""`pushforward train`: a generator from a file of trajectories."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import FileOptions, existing
from pushforward.commands.runs import RunRecord
from pushforward.errors import InputError, named, printable
from pushforward.generators import GENERATORS
from pushforward.generators.diffusion import DiffusionSettings

if TYPE_CHECKING:
    from pushforward.generators.diffusion import Diffusion

__all__ = ["Train"]


@dataclass(frozen=True, kw_only=True)
class Train(AbstractCommand):
    """Train a generator. The run's folder holds its weights, settings, training log, and what it was trained on."""

    data: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DATA")]
    """Trajectories: a file or folder of any known format."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="RUN")]
    """Folder of the run."""
    generator: str = "diffusion"
    """A name from `pushforward list generators`."""
    resume: bool = False
    """Go on from the run's checkpoint, with the same result as without the break."""
    settings: DiffusionSettings = field(default_factory=DiffusionSettings)
    files: FileOptions = FileOptions()

    def run(self) -> Outcome:
        """Train, with a checkpoint every few hundred steps."""
        if self.generator not in GENERATORS:
            raise named("generator", self.generator, GENERATORS)
        from pushforward.formats import read

        data = read(existing(self.data), self.files.format, self.files.reading)
        model = self._create()
        self._make_folder()
        record_of_run = RunRecord.of(self.data, self.files)
        if not RunRecord.exists(self.output):
            record_of_run.save(self.output)
        with self.progress("training") as report:
            model.fit(data, seed=self.seed, progress=report, checkpoint=self.output, resume=self.resume)
        # An older run's record is replaced only when its model has been: a refused training leaves both alone.
        record_of_run.save(self.output)
        last = model.history[-1]
        text = (
            f"{printable(self.output)}: {self.generator} with {model.n_parameters:,} parameters, "
            f"{model.trained_steps:,} steps on {data!r}, loss {last.loss:.4f}"
        )
        record = {
            "run": str(self.output),
            "generator": self.generator,
            "n_parameters": model.n_parameters,
            "steps": model.trained_steps,
            "n_trajectories": len(data),
            "n_dropped": data.n_dropped,
            "seed": self.seed,
            "history": [asdict(entry) for entry in model.history],
        }
        dropped = f"\n{data.n_dropped} invalid trajectories were left out" if data.n_dropped else ""
        return Outcome(text + dropped, record)

    def _create(self) -> Diffusion:
        from pushforward.generators.diffusion import Diffusion

        return Diffusion(self.settings)

    def _make_folder(self) -> None:
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{printable(self.output)}: cannot be made: {error.strerror or error}") from None
