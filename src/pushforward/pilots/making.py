"""pilot: from data and a class of generators to a kernel that forecasts its training."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

from pushforward.errors import InputError, printable, require
from pushforward.generators.base import AbstractGenerator
from pushforward.generators.conditions import Condition
from pushforward.pilots.kernel import Pilot
from pushforward.progress import Progress, silent
from pushforward.quantities.base import AbstractQuantity
from pushforward.trajectories import Trajectories

__all__ = ["pilot", "require_defined", "untrained"]


def pilot(
    trajectories: Trajectories,
    generator: AbstractGenerator | str = "diffusion",
    quantity: AbstractQuantity | Callable[..., Any] | str | None = None,
    *,
    share: float = 0.05,
    seed: int = 0,
    pilots: int = 1,
    condition: Condition | Sequence[Condition] | None = None,
    by_level: bool = False,
    progress: Progress = silent,
) -> Pilot:
    """A kernel that forecasts the drift of a training from a small share of it.

    Thin models of the class are trained on the data; their own errors, at half of their size, are the kernel. What
    they cost is counted in `account`. Next: `forecast(kernel, trajectories, quantity)`.

    Args:
        trajectories: what the model is to be trained on.
        generator: a generator with the settings of the training in full, which is not trained here; or its name.
        quantity: what will be forecast; where given, it is checked on the data before anything is trained.
        share: the most that the pilots take of the training's FLOPs.
        seed: of the first pilot.
        pilots: how many share the budget.
        condition: as the training in full will be given it (`fit`).
        by_level: leave out those coarse errors that will not last, as a smaller pilot within the same share tells;
            needs the quantity and a class that feeds the denoise kernel.
        progress: told of each pilot's steps.

    Raises:
        InputError: data that the class cannot be trained on, a quantity that none of them has, a budget too small;
            `by_level` without a quantity or for another class.
    """
    kernel = untrained(generator, share=share, seed=seed, pilots=pilots, progress=progress)
    if quantity is not None:
        require_defined(trajectories, quantity)
    if by_level:
        return _by_level(kernel, trajectories, quantity, condition)
    if condition is None:
        return kernel.fitted(trajectories)
    from pushforward.pilots.training import trained

    mixture, account = trained(kernel, trajectories, condition)
    return replace(kernel, mixture=mixture, account=account)


def untrained(
    generator: AbstractGenerator | str,
    *,
    share: float,
    seed: int,
    pilots: int = 1,
    progress: Progress = silent,
) -> Pilot:
    """The kernel before its pilots are trained, which `fitted` does on any data; arguments are those of `pilot`.

    Raises:
        InputError: what is no generator, or a share, seed or number that cannot be.
    """
    intended = None if isinstance(generator, str) else _required(generator)
    return Pilot(
        generator=str(generator) if intended is None else intended.name,
        steps=int(getattr(getattr(intended, "settings", None), "steps", 0)),
        share=share,
        seed=seed,
        pilots=pilots,
        intended=intended,
        report=progress,
    )


def _by_level(
    kernel: Pilot,
    trajectories: Trajectories,
    quantity: AbstractQuantity | Callable[..., Any] | str | None,
    condition: Condition | Sequence[Condition] | None,
) -> Pilot:
    if quantity is None:
        raise InputError(
            "pilot: got by_level without a quantity; expected one, as levels differ by what they move"
        )
    from pushforward.forecast.making import as_quantity
    from pushforward.pilots import levels

    return levels.by_level(kernel, trajectories, as_quantity(quantity), condition)


def _required(generator: Any) -> AbstractGenerator:
    if not isinstance(generator, AbstractGenerator):
        raise InputError(
            f"generator: got {printable(type(generator).__name__)}; expected one such as "
            "generators.Diffusion(steps=3000), or its name"
        )
    return generator


def require_defined(
    trajectories: Trajectories, quantity: AbstractQuantity | Callable[..., Any] | str
) -> None:
    """Refuse a quantity that none of the trajectories has, before anything is trained.

    Raises:
        InputError: it is defined for none, or does not apply to their channels.
    """
    from pushforward.forecast.making import as_quantity

    measured = as_quantity(quantity)
    values = measured(trajectories)
    require(
        bool((values == values).any()),
        f"quantity {printable(measured.label, 60)!r}: is defined for none of the trajectories",
    )
