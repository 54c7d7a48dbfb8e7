"""A generator that needs no network: it remembers its data and repeats it with noise. It trains, saves and resumes."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar, Self

import numpy as np

from pushforward.errors import InputError
from pushforward.generators.base import AbstractGenerator
from pushforward.kernels.base import AbstractDeviationKernel
from pushforward.trajectories import Trajectories
from pushforward.writing import write_text


class Killed(BaseException):
    """What a test raises in the place of SIGKILL."""


@dataclass(frozen=True)
class JitterSettings:
    scale: float = 0.01
    steps: int = 3
    diverge: bool = False


class Jitter(AbstractGenerator):
    name: ClassVar[str] = "jitter"
    trained: ClassVar[list[int]] = []
    """The steps that were trained, of all instances: what resuming saves can be counted."""

    def __init__(self, **settings: Any) -> None:
        for name in settings:
            if name not in JitterSettings.__dataclass_fields__:
                raise InputError(f"unknown setting of Jitter {name!r}")
        self.settings = JitterSettings(**settings)
        if not self.settings.scale >= 0:
            raise InputError(f"scale: got {self.settings.scale}; expected 0 or more")

    def fit(self, trajectories, *, seed=0, progress=False, checkpoint=None, resume=False) -> Self:
        if self.settings.diverge:
            raise InputError("training stopped at step 1: the loss is nan")
        state = Path(checkpoint) / "settings.json"
        step, drawn = 0, 0.0
        if resume and state.exists():
            try:
                step, drawn = json.loads(state.read_text())
            except ValueError:
                raise InputError("settings.json: is not valid JSON") from None
        Path(checkpoint).mkdir(parents=True, exist_ok=True)
        while step < self.settings.steps:
            drawn += float(np.random.default_rng([seed, step]).normal())
            step += 1
            Jitter.trained.append(step)
            write_text(state, json.dumps([step, drawn]))
            if callable(progress):
                progress(step, self.settings.steps, "loss 0.1")
        self._data, self._shift = trajectories, 1e-3 * drawn
        return self

    def sample(self, n: int, seed: int = 0, *, progress=False, **settings: Any) -> Trajectories:
        return Trajectories.concat(list(self.sample_batches(n, seed, **settings)))

    def sample_batches(self, n: int, seed: int = 0, *, batch_size: int = 64):
        for start in range(0, n, batch_size):
            rng = np.random.default_rng([seed, start])
            part = self._data.select(rng.integers(len(self._data), size=min(batch_size, n - start)))
            noise = self._shift + self.settings.scale * rng.normal(size=part.values.shape)
            yield part.with_values(part.values * (1 + noise))

    def save(self, directory) -> None:
        write_text(Path(directory) / "saved.json", json.dumps(self._shift))

    @classmethod
    def load(cls, directory) -> Self:
        raise NotImplementedError


@dataclass(frozen=True)
class Broken(AbstractDeviationKernel):
    """A kernel that fails once it is used."""

    name: ClassVar[str] = "broken"

    def deviate(self, trajectories: Trajectories, rng: np.random.Generator) -> Trajectories:
        raise InputError("the kernel does not fit")
