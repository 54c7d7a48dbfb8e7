"""What a saved model says of itself beside its weights, to JSON and back."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

import torch
from torch import Tensor

from pushforward.errors import InputError, printable, require
from pushforward.generators.conditions import ConditionDescription, ConditionLaw
from pushforward.generators.description import Description
from pushforward.generators.features import Layout
from pushforward.generators.fixed import FixedDescription
from pushforward.generators.records import from_json, to_json
from pushforward.generators.settings import TrainingSettings
from pushforward.generators.training import Best

__all__ = ["Knowledge", "Saved", "law_from_tensors", "tensors_of_law"]

_VALUES, _LENGTHS = "law.values", "law.lengths"


@dataclass(frozen=True)
class Knowledge:
    """What a model knows of its training data.

    Attributes:
        data: shape, names, units, scale, lengths.
        conditions: of a conditional model.
        fixed: ranges of the steps that it was trained to be given.
    """

    data: Description
    conditions: ConditionDescription | None = None
    fixed: FixedDescription | None = None

    def layout(self, settings: TrainingSettings) -> Layout:
        """The features that the network is told."""
        n_columns = len(self.conditions.names) if self.conditions else 0
        return Layout.of(n_columns, settings.inpaint, self.data)


@dataclass(frozen=True)
class Saved:
    """The content of settings.json.

    Attributes:
        settings: of the training.
        knowledge: of the training data.
        seed: of the training.
        step: steps done.
        stopped: whether the held-out loss ended the training.
        best: the lowest held-out loss.
    """

    settings: TrainingSettings
    knowledge: Knowledge
    seed: int
    step: int
    stopped: bool = False
    best_loss: float | None = None
    best_step: int = 0
    since: int = 0

    @property
    def finished(self) -> bool:
        """Whether there is nothing to resume."""
        return self.stopped or self.step >= self.settings.steps

    def best(self) -> Best:
        """The lowest held-out loss, without its weights."""
        return Best(math.inf if self.best_loss is None else self.best_loss, self.best_step, self.since)

    def record(self, generator: str) -> dict[str, Any]:
        """As JSON types."""
        knows = self.knowledge
        return {
            "generator": generator,
            "seed": self.seed,
            "step": self.step,
            "settings": to_json(self.settings),
            "data": to_json(knows.data),
            **({"conditions": to_json(knows.conditions)} if knows.conditions else {}),
            **({"fixed": to_json(knows.fixed)} if knows.fixed else {}),
            **({"stopped": True} if self.stopped else {}),
            **(
                {"best_loss": self.best_loss, "best_step": self.best_step, "since": self.since}
                if self.best_step
                else {}
            ),
        }

    @classmethod
    def of(
        cls, record: Mapping[str, Any], generator: str, kind: type[TrainingSettings], directory: str | Path
    ) -> Self:
        """From parsed JSON that may come from anyone.

        Raises:
            InputError: another generator's, or a field that is missing, unknown or wrong.
        """
        where = printable(Path(directory) / "settings.json")
        got = record.get("generator")
        require(got == generator, f"{where}: got generator {got!r}; expected {generator!r}")
        settings = from_json(kind, record.get("settings"), where)
        data = from_json(Description, record.get("data"), where)
        conditions = _optional(ConditionDescription, record.get("conditions"), where)
        fixed = _optional(FixedDescription, record.get("fixed"), where)
        width = len(settings.inpaint) * len(data.channels)
        if settings.inpaint:
            got = (len(fixed.low), len(fixed.high)) if fixed else None
            require(got == (width, width), f"{where}: got {got} ranges of fixed steps; expected {width}")
        knowledge = Knowledge(data, conditions, fixed)
        knowledge.layout(settings)
        whole = {name: _whole(record.get(name, 0), name, where) for name in ("best_step", "since")}
        whole |= {name: _whole(record.get(name), name, where) for name in ("seed", "step")}
        loss, stopped = record.get("best_loss"), record.get("stopped", False)
        require(
            loss is None or (type(loss) is float and not math.isnan(loss)),
            f"{where}: got best_loss {loss!r}; expected a number",
        )
        require(type(stopped) is bool, f"{where}: got stopped {stopped!r}; expected true or false")
        return cls(settings, knowledge, stopped=stopped, best_loss=loss, **whole)


def tensors_of_law(law: ConditionLaw | None) -> dict[str, Tensor]:
    """The law of a conditional model as tensors."""
    if law is None:
        return {}
    return {
        _VALUES: torch.from_numpy(law.values.copy()),
        _LENGTHS: torch.from_numpy(law.lengths.copy()),
    }


def law_from_tensors(
    tensors: Mapping[str, Tensor], about: ConditionDescription | None, data: Description, where: str
) -> ConditionLaw | None:
    """The law of a conditional model.

    Raises:
        InputError: tensors that are missing, of another shape or dtype, or hold what no training data can.
    """
    if about is None:
        return None
    shapes = {_VALUES: (about.rows, len(about.names)), _LENGTHS: (about.rows,)}
    kinds = {_VALUES: torch.float64, _LENGTHS: torch.int64}
    for name, shape in shapes.items():
        require(name in tensors, f"{where}: the tensor {name} is missing")
        tensor = tensors[name]
        require(
            tuple(tensor.shape) == shape and tensor.dtype == kinds[name],
            f"{where}: tensor {name}: got {tensor.dtype} {tuple(tensor.shape)}; expected {kinds[name]} {shape}",
        )
    values, lengths = tensors[_VALUES].numpy(), tensors[_LENGTHS].numpy()
    if not (values >= about.low).all() or not (values <= about.high).all():
        raise InputError(f"{where}: tensor {_VALUES}: got values outside the trained range")
    valid = set(data.lengths or (data.T,))
    require(set(lengths.tolist()) <= valid, f"{where}: tensor {_LENGTHS}: got lengths that no trajectory had")
    return ConditionLaw(about, values, lengths)


def _optional(kind: Any, fields: object, where: str) -> Any:
    return None if fields is None else from_json(kind, fields, where)


def _whole(value: object, name: str, where: str) -> int:
    require(
        type(value) is int and 0 <= value < 2**128,
        f"{where}: got {name} {value!r}; expected a whole number",
    )
    return int(str(value))
