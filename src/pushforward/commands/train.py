"""`pushforward train`: a generator from a file of trajectories."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Self

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import FileOptions, existing
from pushforward.commands.options import given_option, require_options, with_settings
from pushforward.commands.runs import RunRecord
from pushforward.errors import InputError, printable
from pushforward.generators.settings import TrainingSettings

if TYPE_CHECKING:
    from pushforward.generators.base import AbstractGenerator
    from pushforward.generators.learned import AbstractLearned
    from pushforward.trajectories import Trajectories

__all__ = ["Train"]

_DEFAULT = "diffusion"


@dataclass(frozen=True, kw_only=True)
class Train(AbstractCommand):
    """Train a generator. The run's folder holds its weights, settings, training log, and what it was trained on."""

    data: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="DATA")]
    """Trajectories: a file or folder of any known format."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="RUN")]
    """Folder of the run."""
    generator: str = _DEFAULT
    """A name from `pushforward list generators`; the settings below are those of the one named."""
    condition: tuple[str, ...] = ()
    """What samples can be asked for: quantities (path-length) or conditions that the data carries."""
    mitigate: Annotated[tyro.conf.UseAppendAction[tuple[str, ...]], tyro.conf.arg(metavar="MITIGATION")] = ()
    """What to do against drift, the innermost first: "represent(speed-heading)", "condition(path-length)",
    "select(path-length)", ...; may be given several times. `pushforward list mitigations` names them."""
    resume: bool = False
    """Go on from the run's checkpoint, with the same result as without the break."""
    settings: TrainingSettings = field(default_factory=TrainingSettings)
    files: FileOptions = FileOptions()

    @classmethod
    def chosen(cls, arguments: Sequence[str]) -> type[Self]:
        """With the settings of the generator that is asked for."""
        from pushforward.generators import generator_class

        name = given_option(arguments, "generator") or _DEFAULT
        settings = getattr(generator_class(name), "Settings", TrainingSettings)
        command = with_settings(cls, "settings", settings, f"The settings shown are those of {name}.")
        require_options(command, arguments, f"train --generator {name}")
        return command

    def run(self) -> Outcome:
        """Train, with a checkpoint every few hundred steps."""
        from pushforward.formats import read

        model = self._create()
        trained = self._mitigated(model)
        data = read(existing(self.data), self.files.format, self.files.reading)
        is_new = not self.output.exists()
        self._make_folder()
        record_of_run = RunRecord.of(self.data, self.files)
        if not RunRecord.exists(self.output):
            record_of_run.save(self.output)
        try:
            self._fit(trained, data)
        except InputError:
            if is_new:
                RunRecord.remove_alone(self.output)
            raise
        # An older run's record is replaced only when its model has been: a refused training leaves both alone.
        record_of_run.save(self.output)
        last = model.history[-1]
        text = (
            f"{printable(self.output)}: {self._named(trained)} with {model.n_parameters:,} parameters, "
            f"{model.trained_steps:,} steps on {data!r}, loss {last.loss:.4f}{_held_out(model)}"
        )
        record = {
            "run": str(self.output),
            "generator": self.generator,
            "n_parameters": model.n_parameters,
            "steps": model.trained_steps,
            "stopped_early": model.stopped_early,
            "n_trajectories": len(data),
            "n_dropped": data.n_dropped,
            "mitigations": [one.label for one in getattr(trained, "mitigations", ())],
            "conditions": list(model.knowledge.conditions.names) if model.knowledge.conditions else [],
            "seed": self.seed,
            "history": [asdict(entry) for entry in model.history],
        }
        dropped = f"\n{data.n_dropped} invalid trajectories were left out" if data.n_dropped else ""
        return Outcome(text + dropped, record)

    def _fit(self, trained: AbstractGenerator, data: Trajectories) -> None:
        with self.progress("training") as report:
            trained.fit(
                data,
                **({"condition": list(self.condition)} if self.condition else {}),
                seed=self.seed,
                progress=report,
                checkpoint=self.output,
                resume=self.resume,
            )

    def _create(self) -> AbstractLearned[Any, Any, Any]:
        from pushforward.generators import generator_class
        from pushforward.generators.learned import AbstractLearned

        kind = generator_class(self.generator)
        if not issubclass(kind, AbstractLearned):
            raise InputError(f"--generator: {self.generator} cannot be trained")
        return kind(self.settings) if isinstance(self.settings, kind.Settings) else kind()

    def _mitigated(self, model: AbstractLearned[Any, Any, Any]) -> AbstractGenerator:
        if not self.mitigate:
            return _unmitigated(model, self.output)
        from pushforward.mitigations import mitigate

        return mitigate(model, self.mitigate)

    def _named(self, trained: AbstractGenerator) -> str:
        return printable(getattr(trained, "label", self.generator))

    def _make_folder(self) -> None:
        try:
            self.output.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise InputError(f"{printable(self.output)}: cannot be made: {error.strerror or error}") from None


def _unmitigated(model: AbstractLearned[Any, Any, Any], run: Path) -> AbstractGenerator:
    """The model itself; over a run that has mitigations with the note that it has none."""
    from pushforward.mitigations.saving import has_mitigations

    if not has_mitigations(run):
        return model
    from pushforward.mitigations.mitigated import Mitigated

    return Mitigated(model, ())


def _held_out(model: AbstractLearned[Any, Any, Any]) -> str:
    """What the held-out loss said, in a few words."""
    losses = {entry.step: entry.held_out for entry in model.history if entry.held_out is not None}
    if not losses:
        return ""
    step = min(losses, key=lambda s: losses[s])
    stopped = ""
    if model.stopped_early:
        stopped = (
            f"; stopped early at step {model.trained_steps:,} with the weights of step {model.best_step:,}"
        )
    return f", lowest held-out loss {losses[step]:.4f} at step {step:,}{stopped}"
