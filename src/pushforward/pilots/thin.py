"""Thin models: the settings of a class with narrower and fewer layers, and as many steps as a budget allows."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from pushforward.errors import InputError, require
from pushforward.generators.learned import AbstractLearned
from pushforward.pilots.cost import step_cost
from pushforward.trajectories import Trajectories

__all__ = ["thinned"]

_BATCH = 4
_SMALLEST_BATCH = 8
_SMALLEST_WIDTH = 4
Changes = dict[str, Any]


def _unet(settings: Any) -> Changes:
    return {"widths": tuple(max(width // 2, _SMALLEST_WIDTH) for width in settings.widths), "blocks": 1}


def _transformer(settings: Any) -> Changes:
    multiple = 2 * settings.attention_heads
    return {
        "width": max(settings.width // 2 // multiple, 1) * multiple,
        "blocks": max(settings.blocks // 2, 1),
        "hidden": max(settings.hidden // 2, _SMALLEST_WIDTH),
    }


def _vae(settings: Any) -> Changes:
    return {
        "width": max(settings.width // 2, _SMALLEST_WIDTH),
        "widest": max(settings.widest // 2, _SMALLEST_WIDTH),
        "blocks": max(settings.blocks // 2, 1),
    }


def _mlp(settings: Any) -> Changes:
    return {"width": max(settings.width // 2, _SMALLEST_WIDTH), "blocks": max(settings.blocks // 2, 1)}


_THIN: dict[str, Callable[[Any], Changes]] = {
    "diffusion": _unet,
    "flow": _unet,
    "transformer": _transformer,
    "vae": _vae,
    "mlp": _mlp,
}


def thinned(
    model: AbstractLearned[Any, Any, Any], trajectories: Trajectories, flops: float
) -> tuple[AbstractLearned[Any, Any, Any], float]:
    """A thin model of the same class whose training takes at most so many FLOPs, and how many it takes.

    Layers are half as wide and half as many, batches a quarter; steps are as many as that leaves, at most those of
    the model itself, and what is then left makes batches larger.

    Raises:
        InputError: a class without a recipe, or a budget below one step.
    """
    if model.name not in _THIN:
        raise InputError(f"pilot: got generator {model.name!r}; expected one of {', '.join(_THIN)}")
    settings = model.settings
    batch = max(settings.batch_size // _BATCH, min(_SMALLEST_BATCH, settings.batch_size))
    changes = _THIN[model.name](settings) | {"batch_size": batch}
    kind = type(model)
    thin = kind(settings, **changes)
    per_step = step_cost(thin, trajectories).flops
    steps = min(int(flops // per_step), settings.steps)
    require(
        steps >= 1,
        f"pilot: the budget of {flops:.3g} FLOPs does not pay for one step of {per_step:.3g}; expected a larger share "
        "or a longer training",
    )
    # Whole trajectories: the cost of a step is in proportion to its batch.
    batch = min(max(math.floor(batch * flops / (steps * per_step)), batch), settings.batch_size)
    thin = kind(settings, **(changes | {"batch_size": batch, "steps": steps}))
    total = step_cost(thin, trajectories).flops * steps
    return thin, total
