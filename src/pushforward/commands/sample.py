"""`pushforward sample`: trajectories from a trained generator."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import counted, existing
from pushforward.commands.options import require_options, with_settings
from pushforward.commands.runs import RunRecord, remember_samples
from pushforward.errors import printable, require
from pushforward.generators.settings import SamplingSettings

if TYPE_CHECKING:
    from pushforward.generators.base import AbstractGenerator

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
    mitigate: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="MITIGATION")] = ()
    """What to do to a trained model's samples: "select(path-length)", "select(path-length, intended='uniform(1,2)')".
    Those that the run was trained with are applied in any case."""
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
        from pushforward.mitigations import load

        require(self.n >= 1, f"-n: got {self.n}; expected at least 1")
        model = self._mitigated(load(existing(self.run_folder)))
        output = self.output or self.run_folder / "made.npz"
        settings = asdict(self.sampling)
        asked = self._asked()
        with self.progress("sampling") as report:
            parts = model.sample_batches(self.n, self.seed, **asked, **settings)
            write(output, counted(parts, self.n, report))
        told = {name: str(value) for name, value in asked.items()}
        account = getattr(model, "account", None)
        if self.mitigate:
            told["mitigate"] = " ".join(self.mitigate)
        remember_samples(self.run_folder, output, {"n": self.n, "seed": self.seed, **told, **settings})
        record = {"run": str(self.run_folder), "file": str(output), "n": self.n, "seed": self.seed, **told}
        text = f"{printable(output)}: {self.n:,} trajectories, seed {self.seed}"
        if account is not None:
            record["account"] = account.to_json()
            text += f"; {account}" if account.drawn != account.kept else ""
        return Outcome(text, record)

    def _mitigated(self, model: AbstractGenerator) -> AbstractGenerator:
        """With what is asked for here, learned from the data that the run was trained on."""
        from pushforward.formats import read
        from pushforward.mitigations import parse

        asked = [parse(text) for text in self.mitigate]
        if not asked:
            return model
        trained_on = RunRecord.load(self.run_folder)
        data = read(existing(trained_on.data), trained_on.inputs.format, trained_on.inputs.reading)
        for one in asked:
            model = one.apply(model, data)
        return model

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
