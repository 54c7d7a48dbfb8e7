"""`pushforward sample`: trajectories from a trained generator."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Literal

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import counted, existing
from pushforward.commands.runs import remember_samples
from pushforward.errors import printable, require

__all__ = ["Sample", "Sampling"]


@dataclass(frozen=True)
class Sampling:
    """How to sample.

    Attributes:
        sampler: "heun" (accurate) or "dpm" (few steps).
        sampler_steps: steps of the sampler.
        batch_size: trajectories at once; the result does not depend on it.
    """

    sampler: Literal["heun", "dpm"] = "heun"
    sampler_steps: int = 18
    batch_size: int = 1024


@dataclass(frozen=True, kw_only=True)
class Sample(AbstractCommand):
    """Make trajectories with a trained generator, in memory that does not grow with their number."""

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN", name="run")]
    """Folder made by `train -o`."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = None
    """File to write, its suffix tells the format; default: RUN/made.npz."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"], metavar="N")] = 10_000
    """How many trajectories."""
    sampling: Sampling = Sampling()

    def run(self) -> Outcome:
        """Sample and write, batch by batch."""
        from pushforward.formats import write
        from pushforward.generators import load

        require(self.n >= 1, f"-n: got {self.n}; expected at least 1")
        model = load(existing(self.run_folder))
        require(
            self.sampling.sampler_steps >= 1,
            f"--sampler-steps: got {self.sampling.sampler_steps}; expected at least 1",
        )
        require(
            self.sampling.batch_size >= 1,
            f"--batch-size: got {self.sampling.batch_size}; expected at least 1",
        )
        output = self.output or self.run_folder / "made.npz"
        with self.progress("sampling") as report:
            parts = model.sample_batches(self.n, self.seed, **asdict(self.sampling))
            write(output, counted(parts, self.n, report))
        remember_samples(self.run_folder, output, {"n": self.n, "seed": self.seed, **asdict(self.sampling)})
        record = {"run": str(self.run_folder), "file": str(output), "n": self.n, "seed": self.seed}
        return Outcome(f"{printable(output)}: {self.n:,} trajectories, seed {self.seed}", record)
