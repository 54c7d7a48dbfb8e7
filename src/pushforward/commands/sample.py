"""`pushforward sample`: trajectories from a trained generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Annotated, Any, Self

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import counted, existing
from pushforward.commands.options import require_options, with_settings
from pushforward.commands.runs import remember_samples
from pushforward.errors import printable, require
from pushforward.generators.settings import SamplingSettings

__all__ = ["Sample"]

_DEFAULT = "diffusion"


@dataclass(frozen=True, kw_only=True)
class Sample(AbstractCommand):
    """Make trajectories with a trained generator, in memory that does not grow with their number."""

    run_folder: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN", name="run")]
    """Folder made by `train -o`."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = None
    """File to write, its suffix tells the format; default: RUN/made.npz."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"], metavar="N")] = 10_000
    """How many trajectories."""
    condition: tuple[float, ...] = ()
    """Of a run trained with --condition: what to ask for. Left out, conditions are drawn as they were in the data."""
    start: tuple[float, ...] = ()
    """Values of all channels at the first step, which every trajectory then has."""
    goal: tuple[float, ...] = ()
    """Values of all channels at the last step, likewise."""
    sampling: SamplingSettings = field(default_factory=SamplingSettings)

    @classmethod
    def chosen(cls, arguments: Sequence[str]) -> type[Self]:
        """With the sampler settings of the generator in the run."""
        from pushforward.generators import generator_class

        name = _generator_of(arguments) or _DEFAULT
        settings = getattr(generator_class(name), "Sampling", SamplingSettings)
        note = f"The settings of the sampler shown are those of {name}; a run's own are shown by `sample RUN --help`."
        command = with_settings(cls, "sampling", settings, note)
        require_options(command, arguments, f"sample for a run of {name}")
        return command

    def run(self) -> Outcome:
        """Sample and write, batch by batch."""
        from pushforward.formats import write
        from pushforward.generators import load

        require(self.n >= 1, f"-n: got {self.n}; expected at least 1")
        model = load(existing(self.run_folder))
        output = self.output or self.run_folder / "made.npz"
        settings = asdict(self.sampling)
        asked = self._asked()
        with self.progress("sampling") as report:
            parts = model.sample_batches(self.n, self.seed, **asked, **settings)
            write(output, counted(parts, self.n, report))
        told = {name: str(value) for name, value in asked.items()}
        remember_samples(self.run_folder, output, {"n": self.n, "seed": self.seed, **told, **settings})
        record = {"run": str(self.run_folder), "file": str(output), "n": self.n, "seed": self.seed, **told}
        return Outcome(f"{printable(output)}: {self.n:,} trajectories, seed {self.seed}", record)

    def _asked(self) -> dict[str, Any]:
        """The condition and the fixed steps, where they are asked for."""
        fixed = {step: values for step, values in ((0, self.start), (-1, self.goal)) if values}
        condition = self.condition[0] if len(self.condition) == 1 else self.condition
        return {
            **({"condition": condition} if self.condition else {}),
            **({"fixed": fixed} if fixed else {}),
        }


def _generator_of(arguments: Sequence[str]) -> str | None:
    """The generator of the first argument that is the folder of a run."""
    from pushforward.generators.checkpoint import exists, read_settings

    for argument in arguments:
        if not argument.startswith("-") and exists(argument):
            name = read_settings(argument).get("generator")
            return name if isinstance(name, str) else None
    return None
