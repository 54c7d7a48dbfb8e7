"""The shared core of every model class that learns: training, resuming, sampling, saving, loading, conditions."""

from __future__ import annotations

import contextlib
from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, ClassVar, Generic, Self, TypeVar, cast

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor, inference_mode, nn, no_grad

from pushforward.errors import InputError, named, printable, require
from pushforward.generators import checkpoint as store
from pushforward.generators import snapshot
from pushforward.generators.batches import Batch, Batches, held_out_rows
from pushforward.generators.blocks import Block, Order, Part, blocks, in_units
from pushforward.generators.conditions import Condition, ConditionLaw, measured
from pushforward.generators.description import Description
from pushforward.generators.features import Layout
from pushforward.generators.fitted import AbstractFitted, Fitted
from pushforward.generators.fixed import FixedDescription, FixedSteps
from pushforward.generators.hardware import Hardware
from pushforward.generators.interrupt import deferred_interrupt
from pushforward.generators.resuming import first_state, largest_file
from pushforward.generators.saved import Knowledge, Saved, law_from_tensors, tensors_of_law
from pushforward.generators.settings import SamplingSettings, TrainingSettings
from pushforward.generators.steering import Steering
from pushforward.generators.training import LogEntry, TrainingState, train
from pushforward.progress import Progress, silent
from pushforward.progress import progress as reporter
from pushforward.trajectories import Trajectories

__all__ = ["AbstractLearned"]

_Settings = TypeVar("_Settings", bound=TrainingSettings)
_Network = TypeVar("_Network", bound=nn.Module)
_Sampling = TypeVar("_Sampling", bound=SamplingSettings)


class AbstractLearned(AbstractFitted[_Network], Generic[_Settings, _Network, _Sampling]):
    """A class of networks over (T, C), trained by gradient steps.

    A concrete class declares `name`, `source`, `about`, `Settings`, `Sampling` and `scale`, and implements `build`,
    `loss` and `make`, and `draw` where its loss needs random numbers. Everything else is here and the same
    for all: what is random at step s comes from (seed, s); samples come from (seed, block of 256).

    Ragged trajectories: the lengths of the made ones are drawn from the training data's own distribution.

    Args:
        settings: of the class's `Settings`, or its fields as keywords: `Diffusion(steps=3000)`.
    """

    Settings: ClassVar[type[TrainingSettings]]
    Sampling: ClassVar[type[SamplingSettings]]
    scale: ClassVar[float] = 1.0
    """Standard deviation of the normalised values that the network sees."""
    fixes_any_step: ClassVar[bool] = False
    """Whether `make` respects fixed steps that the model was not trained to be given."""
    fixes_first_steps: ClassVar[bool] = False
    """Whether it respects fixed first steps (0, or 0 and 1, ...) without such training."""

    def __init__(self, settings: _Settings | None = None, **changes: Any) -> None:
        valid = self.Settings.__dataclass_fields__
        for name, value in changes.items():
            if name not in valid:
                raise named(f"setting of {type(self).__name__}", name, valid)
            if isinstance(value, list):
                changes[name] = tuple(value)
        self.settings = cast(_Settings, replace(settings or self.Settings(), **changes))

    # -- what a class declares -----------------------------------------------------------------------------

    @staticmethod
    @abstractmethod
    def build(settings: _Settings, about: Description, layout: Layout) -> _Network:
        """The network; its condition has `layout.n_features` features (0: it has none). See `initialize`."""

    def draw(
        self, clean: NDArray[np.float32], lengths: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.float32], ...]:
        """The random arrays of a training batch with clean values (B, T, C) and lengths (B,)."""
        return ()

    def begin(self, network: _Network, batches: Batches) -> None:
        """Called once before the first step: what the network keeps of the data, as parameters without gradient."""
        return

    def finish(self, network: _Network, batches: Batches) -> None:
        """Called on the network that makes samples before it is kept, also at checkpoints; as `begin`."""
        return

    @abstractmethod
    def loss(self, network: _Network, batch: Batch) -> Tensor:
        """The loss of a batch, one number. Padding must not change it."""

    @abstractmethod
    def make(self, network: _Network, block: Block, sampling: _Sampling) -> Tensor:
        """(n, T, C) normalised values of a block; what stands in the padding does not matter."""

    # -- training ------------------------------------------------------------------------------------------

    def fit(
        self,
        trajectories: Trajectories,
        *,
        condition: Condition | Sequence[Condition] | None = None,
        seed: int = 0,
        progress: Progress | bool = False,
        checkpoint: str | Path | None = None,
        resume: bool = False,
    ) -> Self:
        """Train on `trajectories`, which stay as given; returns self.

        Args:
            trajectories: at least two, of at least two steps.
            condition: what samples can be asked for: the name of a quantity, a key of `trajectories.conditions`,
                a quantity or another callable, (N,) or (N, k) numbers, or several of these in a list.
            seed: of the first weights, the batches and what is random in the loss.
            progress: a reporter, or True for a bar (or lines) on standard error.
            checkpoint: a directory to write to every `checkpoint_every` steps, at an interrupt and at the end.
            resume: go on from that directory where it holds an unfinished training of the same data, settings
                and seed; on the same machine the result is the same to the bit as without the break.

        Raises:
            InputError: unusable data or conditions, a checkpoint that does not fit, or a loss that stopped being
                finite (the model then keeps its last good state).
        """
        _check_seed(seed)
        require(not resume or checkpoint is not None, "resume: got no checkpoint directory to resume from")
        knowledge, law, batches = self._prepared(trajectories, condition, seed)
        hardware = Hardware.of(self.settings)
        if checkpoint is not None:
            store.make(checkpoint)  # now, not after an hour of training
        state = first_state(
            lambda: self._fresh(knowledge, batches),
            self.name,
            self.settings,
            knowledge,
            seed,
            hardware.device,
            checkpoint,
            resume,
        )
        try:
            with _reporting("training", progress) as report, deferred_interrupt() as poll:

                def after_step(state: TrainingState, loss: float) -> None:
                    if checkpoint is not None and state.step % self.settings.checkpoint_every == 0:
                        self._keep(state, knowledge, law, batches, checkpoint)
                    total = state.step if state.stopped else self.settings.steps
                    report(state.step, total, _note(loss, state))
                    poll()

                train(state, batches, hardware, self.loss, after_step)  # type: ignore[arg-type]
        finally:
            if state.step > 0 and state.is_whole():
                self._keep(state, knowledge, law, batches, checkpoint)
        return self

    def _prepared(
        self, trajectories: Trajectories, condition: Condition | Sequence[Condition] | None, seed: int
    ) -> tuple[Knowledge, ConditionLaw | None, Batches]:
        """What the model will know of its data, and its batches."""
        about = Description.of(trajectories)
        found = None if condition is None else measured(trajectories, condition)
        layout = Layout.of(len(found.about.names) if found else 0, self.settings.inpaint, about)
        inpaint, steps = self.settings.inpaint, trajectories.steps
        fixed = FixedDescription.of(trajectories.values, steps, inpaint) if inpaint else None
        rows, held_out = held_out_rows(trajectories, self.settings.holdout, seed)
        columns = found.about.standardised(found.values) if found else None
        batches = Batches(
            trajectories, about, self.settings, seed, self.draw, self.scale, layout, columns, rows, held_out
        )
        knowledge = Knowledge(about, found.about if found else None, fixed)
        return knowledge, found.law(steps) if found else None, batches

    def _keep(
        self,
        state: TrainingState,
        knowledge: Knowledge,
        law: ConditionLaw | None,
        batches: Batches,
        checkpoint: str | Path | None,
    ) -> None:
        """Remember the state as the fitted model, and on disk where a checkpoint is wanted."""
        best, chosen = state.best, cast(_Network, state.chosen)
        with no_grad():
            self.finish(chosen, batches)
        saved = Saved(
            settings=self.settings,
            knowledge=knowledge,
            seed=batches.seed,
            step=state.step,
            stopped=state.stopped,
            best_loss=best.loss if best.step else None,
            best_step=best.step,
            since=best.since,
        )
        self._fitted = Fitted(saved, law, chosen, tuple(state.history))
        if checkpoint is not None:
            tensors = snapshot.tensors_of(chosen, state) | tensors_of_law(law)
            log = [asdict(entry) for entry in state.history]
            store.write(checkpoint, saved.record(self.name), tensors, log)

    def _fresh(self, knowledge: Knowledge, batches: Batches) -> _Network:
        """The network before the first step."""
        layout = knowledge.layout(self.settings)
        network = snapshot.build(lambda: self.build(self.settings, knowledge.data, layout), batches.seed)
        with no_grad():
            self.begin(network, batches)
        return network

    # -- sampling ------------------------------------------------------------------------------------------

    def sample(
        self,
        n: int,
        seed: int = 0,
        *,
        condition: ArrayLike | None = None,
        fixed: Mapping[int, ArrayLike] | None = None,
        progress: Progress | bool = False,
        **settings: Any,
    ) -> Trajectories:
        """`n` new trajectories with the training data's names, units, dt and lengths.

        The first n of a larger sample of the same seed are the same trajectories; the same call gives the same
        bytes on the same machine. Conditions and fixed values come with the samples, in `conditions`.

        Args:
            n: how many.
            seed: of everything random.
            condition: of a conditional model, in its units: one value for all, or (n,); of K conditions (K,) or
                (n, K). Left out, conditions are drawn as they were in the training data.
            fixed: time step -> the values (C,) or (n, C) that the trajectories have there, in the data's units;
                -1 is the last step. They come out exactly.
            progress: a reporter, or True for a bar (or lines) on standard error.
            settings: the fields of the class's `Sampling`.

        Raises:
            InputError: the model is not trained yet, a setting is invalid, a condition is outside the trained
                range, or the model cannot be given what is asked.
        """
        about = self._trained().saved.knowledge.data
        parts = self._parts(n, seed, condition, fixed, settings)
        values = np.empty((n, about.T, len(about.channels)), dtype=np.float32)
        lengths = np.empty(n, dtype=np.int64) if about.lengths else None
        labels: list[Mapping[str, NDArray[np.float64]]] = []
        done = 0
        with _reporting("sampling", progress) as report:
            for part in parts:
                values[done : done + len(part)] = part.values
                if lengths is not None:
                    lengths[done : done + len(part)] = part.steps
                labels.append(part.conditions)
                done += len(part)
                report(done, n)
        joined = {name: np.concatenate([label[name] for label in labels]) for name in labels[0]}
        return about.labelled(values, lengths, joined)

    def sample_batches(
        self,
        n: int,
        seed: int = 0,
        *,
        condition: ArrayLike | None = None,
        fixed: Mapping[int, ArrayLike] | None = None,
        **settings: Any,
    ) -> Iterator[Trajectories]:
        """The trajectories of `sample(n, seed)`, in batches, in memory that does not grow with n.

        Raises:
            InputError: as `sample`.
        """
        return self._parts(n, seed, condition, fixed, settings)

    def _parts(
        self,
        n: int,
        seed: int,
        condition: ArrayLike | None,
        fixed: Mapping[int, ArrayLike] | None,
        settings: Mapping[str, Any],
    ) -> Iterator[Trajectories]:
        fitted = self._trained()
        knows = fitted.saved.knowledge
        _check_seed(seed)
        require(n >= 1, f"sample: got n = {n}; expected at least 1")
        sampling, steering = self._sampling_settings(settings)
        asked = None
        if condition is not None:
            if knows.conditions is None:
                raise InputError(
                    f"condition: this {self.name} was trained without; expected a model fitted with one"
                )
            asked = knows.conditions.asked(condition, n)
        steps = FixedSteps.of(fixed, n, knows.data)
        steps.allowed(fitted.saved.settings.inpaint, knows.fixed, self.name, self._free_steps(steps))
        order = Order(n, seed, asked, fitted.law, steps, steering and steering.of_sample(n, self))
        return self._made(fitted, order, cast(_Sampling, sampling))

    def _made(self, fitted: Fitted[_Network], order: Order, sampling: _Sampling) -> Iterator[Trajectories]:
        about, hardware = fitted.saved.knowledge.data, Hardware.of(self.settings)
        layout = fitted.saved.knowledge.layout(fitted.saved.settings)
        network = fitted.network.to(hardware.device)
        for part in blocks(order, about, layout, self.scale, sampling.batch_size, hardware):
            with inference_mode():
                made = self.make(network, part.block, sampling)
            values = in_units(made, part, about, self.scale)
            yield about.labelled(values, part.lengths, _labels(fitted, part))

    def _free_steps(self, asked: FixedSteps) -> frozenset[int]:
        """The asked steps that this class can fix without having been trained to."""
        steps = frozenset(asked.values)
        first = frozenset(step for step in steps if set(range(step + 1)) <= steps)
        return steps if self.fixes_any_step else first if self.fixes_first_steps else frozenset()

    def _sampling_settings(self, settings: Mapping[str, Any]) -> tuple[SamplingSettings, Steering | None]:
        valid, given = self.Sampling.__dataclass_fields__, dict(settings)
        steering = given.pop("steering", None)
        for name in given:
            if name not in valid:
                raise named(f"sampler setting of {self.name}", name, valid)
        return self.Sampling(**given), steering

    # -- saving --------------------------------------------------------------------------------------------

    def save(self, directory: str | Path) -> None:
        """Write settings.json, history.json and the weights that make samples (safetensors) into `directory`.

        Raises:
            InputError: the model is not trained yet, or the directory cannot be written.
        """
        fitted = self._trained()
        tensors = snapshot.tensors_of(fitted.network) | tensors_of_law(fitted.law)
        log = [asdict(entry) for entry in fitted.history]
        store.write(directory, fitted.saved.record(self.name), tensors, log)

    @classmethod
    def load(cls, directory: str | Path) -> Self:
        """Read what `save` or a checkpoint wrote, finished or not; the device is chosen anew.

        Raises:
            InputError: a file that is missing, damaged, of another program or of a newer version.
        """
        record, where = store.read_settings(directory), printable(directory)
        saved = Saved.of(record, cls.name, cls.Settings, directory)
        knows = saved.knowledge
        settings = cast(_Settings, saved.settings)

        def make() -> _Network:
            return cls.build(settings, knows.data, knows.layout(settings))

        tensors = store.read_tensors(directory, record, largest_file(snapshot.skeleton(make), knows))
        network = snapshot.chosen_network(make, tensors, where)
        law = law_from_tensors(tensors, knows.conditions, knows.data, where)
        history = tuple(
            entry for entry in store.read_history(directory, LogEntry) if entry.step <= saved.step
        )
        model = cls(replace(settings, device="auto", precision="auto", compile="auto"))
        model._fitted = Fitted(saved, law, network, history)
        return model


def _note(loss: float, state: TrainingState) -> str:
    """What the progress of a training says."""
    best = state.best
    held_out = f", lowest held-out {best.loss:.3f} at {best.step}" if best.step else ""
    return f"loss {loss:.3f}{held_out}{', stopped: it falls no more' if state.stopped else ''}"


def _labels(fitted: Fitted[Any], part: Part) -> dict[str, NDArray[np.float64]]:
    """The conditions and fixed values of a part, by name."""
    about = fitted.saved.knowledge.conditions
    labels: dict[str, NDArray[np.float64]] = {}
    if about is not None and part.conditions is not None:
        labels |= {name: part.conditions[:, i] for i, name in enumerate(about.names)}
    return labels | {f"fixed {step}": values.astype(np.float64) for step, values in part.fixed.items()}


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
