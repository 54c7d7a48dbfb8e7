"""What training costs, before it is done: FLOPs by counting those of one step, seconds by timing a few."""

from __future__ import annotations

import time
from dataclasses import dataclass
from typing import Any

import torch
from torch.utils.flop_counter import FlopCounterMode

from pushforward.generators.batches import Batches
from pushforward.generators.description import Description
from pushforward.generators.features import Layout
from pushforward.generators.hardware import Hardware
from pushforward.generators.learned import AbstractLearned
from pushforward.generators.snapshot import build
from pushforward.trajectories import Trajectories

__all__ = ["StepCost", "step_cost"]

_LOOKED_AT = 1024
_TIMED = 3


@dataclass(frozen=True)
class StepCost:
    """One training step of a model.

    Attributes:
        flops: of matrix products and convolutions, forward and backward.
        seconds: of processor time, without the optimizer's.
    """

    flops: float
    seconds: float


def step_cost(model: AbstractLearned[Any, Any, Any], trajectories: Trajectories) -> StepCost:
    """The cost of one of the model's training steps on such data, without a condition; nothing is kept.

    Raises:
        InputError: data that cannot be trained on.
    """
    # An even choice: of ragged trajectories the first may be the shortest.
    stride = max(len(trajectories) // _LOOKED_AT, 1)
    part = trajectories.select(slice(None, None, stride))
    about = Description.of(part)
    layout = Layout.of(0, model.settings.inpaint, about)
    batches = Batches(part, about, model.settings, 0, model.draw, model.scale, layout)
    network = build(lambda: model.build(model.settings, about, layout), 0)
    with torch.no_grad():
        model.begin(network, batches)
    device = Hardware.of(model.settings).device
    network = network.to(device)
    batch = batches(0).to(device)
    with FlopCounterMode(display=False) as counter:
        torch.autograd.backward(model.loss(network, batch))
    start = time.process_time()
    for _ in range(_TIMED):
        torch.autograd.backward(model.loss(network, batch))
    return StepCost(float(counter.get_total_flops()), (time.process_time() - start) / _TIMED)
