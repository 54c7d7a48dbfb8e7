"""Diffusion: the EDM generator of trajectories."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, ClassVar, Self, final

import numpy as np

from pushforward.errors import InputError, named, printable, require
from pushforward.generators import checkpoint as store
from pushforward.generators import snapshot
from pushforward.generators.base import AbstractGenerator
from pushforward.generators.description import Description
from pushforward.generators.edm import Denoiser
from pushforward.generators.hardware import Hardware
from pushforward.generators.interrupt import deferred_interrupt
from pushforward.generators.records import from_json, to_json
from pushforward.generators.sampling import SamplerSettings, generate
from pushforward.generators.settings import DiffusionSettings
from pushforward.generators.training import Batches, LogEntry, TrainingState, train
from pushforward.progress import Progress, silent
from pushforward.progress import progress as reporter
from pushforward.trajectories import Trajectories

__all__ = ["Diffusion", "DiffusionSettings", "SamplerSettings"]

# Choices of the machine, not of the model: a run may go on with others.
_MACHINE = ("device", "precision", "compile", "checkpoint_every")


@dataclass(frozen=True)
class _Fitted:
    """What training leaves behind."""

    description: Description
    average: Denoiser
    seed: int
    step: int
    history: tuple[LogEntry, ...]


@final
class Diffusion(AbstractGenerator):
    """A diffusion model over (T, C) with a 1-D U-Net, after Karras et al. 2022 (EDM).

    It learns D(x; σ) = E[clean | x = clean + σ noise] by least squares over noise levels ln σ ~ N(P_mean, P_std²)
    and makes trajectories by solving dx/dσ = (x − D(x; σ)) / σ from σ_max down to 0.

    Ragged trajectories: the lengths of the made ones are drawn from the training data's own distribution.

    Args:
        settings: a `DiffusionSettings`, or its fields as keywords: `Diffusion(steps=3000)`.
    """

    name: ClassVar[str] = "diffusion"
    source: ClassVar[str] = (
        "Karras et al. 2022, Elucidating the design space of diffusion-based generative models"
    )
    Settings: ClassVar[type[DiffusionSettings]] = DiffusionSettings

    def __init__(self, settings: DiffusionSettings | None = None, **changes: Any) -> None:
        valid = DiffusionSettings.__dataclass_fields__
        for name in changes:
            if name not in valid:
                raise named("setting of Diffusion", name, valid)
        if "widths" in changes:
            changes["widths"] = tuple(changes["widths"])
        self.settings = replace(settings or DiffusionSettings(), **changes)
        self._fitted: _Fitted | None = None

    def fit(
        self,
        trajectories: Trajectories,
        *,
        seed: int = 0,
        progress: Progress | bool = False,
        checkpoint: str | Path | None = None,
        resume: bool = False,
    ) -> Self:
        """Train on `trajectories`, which stay as given; returns self.

        Args:
            trajectories: at least two, of at least two steps.
            seed: of the first weights, the batches and their noise.
            progress: a reporter, or True for a bar (or lines) on standard error.
            checkpoint: a directory to write to every `checkpoint_every` steps, at an interrupt and at the end.
            resume: go on from that directory where it holds an unfinished training of the same data, settings
                and seed; on the same machine the result is the same to the bit as without the break.

        Raises:
            InputError: unusable data, a checkpoint that does not fit, or a loss that stopped being finite (the
                model then keeps its last good state).
        """
        _check_seed(seed)
        require(not resume or checkpoint is not None, "resume: got no checkpoint directory to resume from")
        about = Description.of(trajectories)
        hardware = Hardware.of(self.settings)
        if checkpoint is not None:
            store.make(checkpoint)  # now, not after an hour of training
        state = self._first_state(about, seed, hardware, checkpoint, resume)
        batches = Batches(trajectories, about, self.settings, seed)
        try:
            with _reporting("training", progress) as report, deferred_interrupt() as poll:

                def after_step(state: TrainingState, loss: float) -> None:
                    if checkpoint is not None and state.step % self.settings.checkpoint_every == 0:
                        self._keep(state, about, seed, checkpoint)
                    report(state.step, self.settings.steps, f"loss {loss:.3f}")
                    poll()

                train(state, batches, hardware, after_step)
        finally:
            if state.step > 0 and state.is_whole():
                self._keep(state, about, seed, checkpoint)
        return self

    def sample(
        self, n: int, seed: int = 0, *, progress: Progress | bool = False, **settings: Any
    ) -> Trajectories:
        """`n` new trajectories with the training data's names, units, dt and lengths.

        The first n of a larger sample of the same seed are the same trajectories; the same call gives the same
        bytes on the same machine. `settings` are the fields of `SamplerSettings`.

        Raises:
            InputError: the model is not trained yet, or a setting is invalid.
        """
        about = self._trained().description
        _check_seed(seed)
        require(n >= 1, f"sample: got n = {n}; expected at least 1")
        values = np.empty((n, about.T, len(about.channels)), dtype=np.float32)
        lengths = np.empty(n, dtype=np.int64) if about.lengths else None
        done = 0
        with _reporting("sampling", progress) as report:
            for part in self.sample_batches(n, seed, **settings):
                values[done : done + len(part)] = part.values
                if lengths is not None:
                    lengths[done : done + len(part)] = part.steps
                done += len(part)
                report(done, n)
        return about.labelled(values, lengths)

    def sample_batches(self, n: int, seed: int = 0, **settings: Any) -> Iterator[Trajectories]:
        """The trajectories of `sample(n, seed)`, in batches, in memory that does not grow with n.

        Raises:
            InputError: as `sample`.
        """
        fitted = self._trained()
        _check_seed(seed)
        chosen = _sampler_settings(settings)
        hardware = Hardware.of(self.settings)
        denoiser = fitted.average.to(hardware.device)
        for values, lengths in generate(denoiser, fitted.description, n, seed, chosen, hardware):
            yield fitted.description.labelled(values, lengths)

    def save(self, directory: str | Path) -> None:
        """Write settings.json, history.json and the averaged weights (safetensors) into `directory`.

        Raises:
            InputError: the model is not trained yet, or the directory cannot be written.
        """
        fitted = self._trained()
        tensors = snapshot.tensors_of(fitted.average)
        store.write(directory, self._record(fitted), tensors, [asdict(entry) for entry in fitted.history])

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """Read what `save` or a checkpoint wrote, finished or not; the device is chosen anew.

        Raises:
            InputError: a file that is missing, damaged, of another program or of a newer version.
        """
        record = store.read_settings(directory)
        settings, about, seed, step = _parsed(record, directory)
        model = cls(replace(settings, device="auto", precision="auto", compile="auto"))
        tensors = store.read_tensors(directory, record, snapshot.largest_file(settings, len(about.channels)))
        average = snapshot.build(settings, len(about.channels), seed=0)
        snapshot.load_average(average, tensors, printable(directory)).requires_grad_(False).eval()
        history = tuple(entry for entry in store.read_history(directory, LogEntry) if entry.step <= step)
        model._fitted = _Fitted(about, average, seed, step, history)
        return model

    @property
    def history(self) -> tuple[LogEntry, ...]:
        """The training log."""
        return self._trained().history

    @property
    def trained_steps(self) -> int:
        """Steps trained; fewer than `settings.steps` after an interrupt."""
        return self._trained().step

    @property
    def description(self) -> Description:
        """What the model remembers of its training data."""
        return self._trained().description

    @property
    def denoiser(self) -> Denoiser:
        """D(x; σ) with the averaged weights, over values normalised to a standard deviation of 0.5."""
        return self._trained().average

    @property
    def n_parameters(self) -> int:
        """Weights of the network."""
        return sum(parameter.numel() for parameter in self.denoiser.parameters())

    def _trained(self) -> _Fitted:
        if self._fitted is None:
            raise InputError(
                "diffusion: the model is not trained yet; call fit(trajectories) or load(directory) first"
            )
        return self._fitted

    def _record(self, fitted: _Fitted) -> dict[str, Any]:
        return {
            "generator": self.name,
            "seed": fitted.seed,
            "step": fitted.step,
            "settings": to_json(self.settings),
            "data": to_json(fitted.description),
        }

    def _keep(
        self, state: TrainingState, about: Description, seed: int, checkpoint: str | Path | None
    ) -> None:
        """Remember the state as the fitted model, and on disk where a checkpoint is wanted."""
        self._fitted = _Fitted(about, state.average, seed, state.step, tuple(state.history))
        if checkpoint is not None:
            log = [asdict(entry) for entry in state.history]
            store.write(
                checkpoint, self._record(self._fitted), snapshot.tensors_of(state.average, state), log
            )

    def _first_state(
        self, about: Description, seed: int, hardware: Hardware, checkpoint: str | Path | None, resume: bool
    ) -> TrainingState:
        fresh = snapshot.build(self.settings, len(about.channels), seed).to(hardware.device)
        if checkpoint is None or not store.exists(checkpoint):
            return TrainingState.start(fresh, self.settings)
        where = printable(checkpoint)
        record = store.read_settings(checkpoint)
        settings, trained_on, old_seed, step = _parsed(record, checkpoint)
        if not resume:
            require(
                step >= settings.steps,
                f"{where}: holds a training interrupted at step {step} of {settings.steps}; resume it (resume=True), "
                "or choose or empty another directory",
            )
            return TrainingState.start(fresh, self.settings)
        for name, mine in to_json(self.settings).items():
            theirs = to_json(settings)[name]
            same = mine == theirs or name in _MACHINE
            require(
                same, f"{where}: was trained with {name} = {theirs}; got {mine}; expected the same to resume"
            )
        require(
            old_seed == seed,
            f"{where}: was trained with seed {old_seed}; got {seed}; expected the same to resume",
        )
        require(trained_on == about, f"{where}: was trained on other data; expected the same data to resume")
        tensors = store.read_tensors(checkpoint, record, snapshot.largest_file(settings, len(about.channels)))
        state = snapshot.resume_state(fresh, self.settings, tensors, step, where)
        state.history = [entry for entry in store.read_history(checkpoint, LogEntry) if entry.step <= step]
        return state


def _parsed(record: dict[str, Any], directory: str | Path) -> tuple[DiffusionSettings, Description, int, int]:
    where = printable(Path(directory) / "settings.json")
    kind = record.get("generator")
    require(kind == Diffusion.name, f"{where}: got generator {kind!r}; expected {Diffusion.name!r}")
    settings = from_json(DiffusionSettings, record.get("settings"), where)
    about = from_json(Description, record.get("data"), where)
    seed, step = record.get("seed"), record.get("step")
    for name, value in (("seed", seed), ("step", step)):
        require(
            type(value) is int and 0 <= value < 2**128,
            f"{where}: got {name} {value!r}; expected a whole number",
        )
    return settings, about, int(str(seed)), int(str(step))


def _sampler_settings(settings: dict[str, Any]) -> SamplerSettings:
    valid = SamplerSettings.__dataclass_fields__
    for name in settings:
        if name not in valid:
            raise named("sampler setting", name, valid)
    return SamplerSettings(**settings)


def _check_seed(seed: int) -> None:
    require(
        isinstance(seed, int | np.integer) and seed >= 0,
        f"seed: got {seed!r}; expected a whole number, 0 or more",
    )


@contextlib.contextmanager
def _reporting(label: str, progress: Progress | bool) -> Iterator[Progress]:
    if isinstance(progress, bool):
        with reporter(label) if progress else contextlib.nullcontext(silent) as report:
            yield report
    else:
        yield progress
