"""Kernels whose errors are those of a model that is there: which model, and what it is told of each trajectory."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require
from pushforward.generators.base import AbstractGenerator
from pushforward.kernels.base import AbstractDeviationKernel, learned
from pushforward.trajectories import Trajectories

__all__ = ["AbstractTrainedKernel", "own_condition"]


@dataclass(frozen=True, eq=False)
class AbstractTrainedKernel(AbstractDeviationKernel):
    """A kernel that asks a trained generator, or an adapter of somebody else's model, for its errors.

    Attributes:
        run: a folder made by `train` or `save`, from which the generator is loaded; "" where it is given.
        generator: the generator itself.

    Class attributes:
        name: of the kernel, which the generator must name among those that it `feeds`.
    """

    repeats: ClassVar[int] = 1
    parallel: ClassVar[bool] = False
    block_values: ClassVar[int] = 1 << 22

    run: str = ""
    generator: AbstractGenerator | None = learned()

    def __post_init__(self) -> None:
        """Load the run, where one is named.

        Raises:
            InputError: a folder that holds no generator, or a generator that does not feed this kernel.
        """
        super().__post_init__()
        if self.generator is None and self.run:
            from pushforward.generators import load

            require(Path(self.run).is_dir(), f"{printable(self.run)}: no such folder; expected a trained run")
            object.__setattr__(self, "generator", load(self.run))
        if self.generator is not None and self.name not in self.generator.feeds:
            feeds = ", ".join(self.generator.feeds) or "none"
            raise InputError(
                f"kernel {self.name!r}: got generator {self.generator.name!r}, which feeds {feeds}; expected one "
                f"that feeds {self.name}"
            )

    @property
    def model(self) -> Any:
        """The generator.

        Raises:
            InputError: none was given.
        """
        if self.generator is None:
            raise InputError(
                f"kernel {self.name!r}: has no trained generator; expected generator=, or run= with the folder of a "
                "trained run (--run RUN)"
            )
        return self.generator


def own_condition(model: Any, trajectories: Trajectories) -> NDArray[np.float64] | None:
    """(N, K) the condition of each trajectory, as a conditional model names it; None of one without.

    Values beyond the range that the model was trained on are held at its ends.

    Raises:
        InputError: the trajectories carry no such condition, or it is not defined for one of them.
    """
    about = model.knowledge.conditions
    if about is None:
        return None
    columns = np.stack([_column(name, trajectories) for name in about.names], axis=1)
    bad = int((~np.isfinite(columns)).any(axis=1).sum())
    require(
        bad == 0,
        f"condition: is not defined for {bad} of {len(trajectories)} trajectories; expected finite numbers",
    )
    return np.asarray(np.clip(columns, np.asarray(about.low), np.asarray(about.high)))


def _column(name: str, trajectories: Trajectories) -> NDArray[np.float64]:
    """(N,) one condition: a column that the data carries, its true quantity, or a quantity measured."""
    base, _, place = name.partition("[")
    column = place.removesuffix("]")
    if name in trajectories.conditions:
        found = trajectories.conditions[name]
    elif column.isdigit() and base in trajectories.conditions:
        found = trajectories.conditions[base].reshape(len(trajectories), -1)[:, int(column) : int(column) + 1]
    elif trajectories.quantity is not None and name in ("quantity", trajectories.quantity_name):
        found = trajectories.quantity
    else:
        found = _measured(name, trajectories)
    require(
        found.size == len(trajectories),
        f"condition {printable(name, 60)}: got shape {found.shape} for {len(trajectories)} trajectories; expected one "
        "number for each",
    )
    return np.asarray(found, dtype=np.float64).reshape(len(trajectories))


def _measured(name: str, trajectories: Trajectories) -> NDArray[np.float64]:
    from pushforward.quantities import parse

    try:
        # A name from a file is measured only where it is a registered quantity; it imports nothing.
        quantity = parse(name) if ":" not in name else None
    except InputError:
        quantity = None
    if quantity is None:
        raise named("condition that the model was trained with", name, trajectories.conditions)
    return quantity(trajectories)
