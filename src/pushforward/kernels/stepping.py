"""A model's own steps after given ones, for each class that makes trajectories step by step."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.generators.adapters.one_step import OneStepModel
from pushforward.generators.asking import features_of, in_data_units, normalised, require_like_training
from pushforward.generators.hardware import Hardware
from pushforward.generators.networks.transformer_laws import TokenLaw
from pushforward.generators.stepwise import told_condition
from pushforward.kernels.trained import own_condition
from pushforward.trajectories import Trajectories

__all__ = ["rolled"]

_ROWS = 1_024


def rolled(
    model: Any, trajectories: Trajectories, kept: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """(N, T, C) trajectories whose first `kept` (N,) steps are given and whose others the model makes.

    Raises:
        InputError: trajectories that the model cannot take, or a step that fails.
    """
    if isinstance(model, OneStepModel):
        return _stepped(model, trajectories, kept, rng)
    require_like_training(model, trajectories)
    return _sampled(model, trajectories, kept, rng)


def _stepped(
    model: OneStepModel, trajectories: Trajectories, kept: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """By x_{t+1} = step(x_t), in data units."""
    width = model.start.shape[1]
    require(
        width == trajectories.C,
        f"{model.name}: got {trajectories.C} channels; expected {width}, as its states",
    )
    values = trajectories.values.astype(np.float64)
    for t in range(1, trajectories.T):
        rows = np.flatnonzero((kept <= t) & (t < trajectories.steps))
        if len(rows):
            values[rows, t] = model.predictor(values[rows, t - 1], rng)
    return values.astype(np.float32)


def _sampled(
    model: Any, trajectories: Trajectories, kept: NDArray[np.int64], rng: np.random.Generator
) -> NDArray[np.float32]:
    """By a network of this library that draws step after step and can be told steps."""
    T = min(trajectories.T, model.description.T)
    hardware = Hardware.of(model.settings)
    network = model.network.to(hardware.device)
    features = features_of(model, own_condition(model, trajectories), len(trajectories))
    lengths = torch.from_numpy(trajectories.steps.copy()) if model.description.lengths else None
    condition = told_condition(None if features is None else features.cpu(), lengths, model.description.T)
    made = trajectories.values.copy()
    for start in range(0, len(trajectories), _ROWS):
        rows = slice(start, start + _ROWS)
        x = trajectories.values[rows, :T]
        uniform, normal, within = (
            torch.from_numpy(draw(x.shape, dtype=np.float32)).to(hardware.device)
            for draw in (rng.random, rng.standard_normal, rng.random)
        )
        told = normalised(model, x).to(hardware.device)
        own = torch.from_numpy(np.arange(T) >= kept[rows, None]).to(hardware.device)
        told = told.masked_fill(own[:, :, None], float("nan"))
        with torch.inference_mode(), hardware.precision_context():
            asked = None if condition is None else condition[rows].to(hardware.device)
            drawn = network.sample(uniform, normal, asked, told)
            law = getattr(network, "law", None)
            if isinstance(law, TokenLaw):
                # Within its bin a value is uniform, as when the model samples.
                drawn = drawn + law.width(network.statistics) * (within - 0.5)
        made[rows, :T] = in_data_units(model, drawn)
    return made
