"""Arrays in the data's units to what a network is given, and back: for the questions that kernels ask of a model."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from pushforward.errors import InputError, require
from pushforward.generators.learned import AbstractLearned
from pushforward.trajectories import Trajectories

__all__ = ["features_of", "in_data_units", "normalised", "require_like_training"]


def normalised(model: AbstractLearned[Any, Any, Any], values: ArrayLike) -> Tensor:
    """(…, C) values in the data's units as the network sees them, on its device.

    Raises:
        InputError: the model is not trained yet, another number of channels, NaN or infinity.
    """
    about = model.description
    array = np.asarray(values, dtype=np.float64)
    C = len(about.channels)
    require(
        array.ndim >= 2 and array.shape[-1] == C,
        f"{model.name}: got shape {array.shape}; expected {C} channels last, as in training",
    )
    require(bool(np.isfinite(array).all()), f"{model.name}: got NaN or infinity; expected finite numbers")
    scaled = (array - np.asarray(about.mean)) * (model.scale / about.scale)
    return torch.from_numpy(scaled.astype(np.float32)).to(_device(model))


def in_data_units(model: AbstractLearned[Any, Any, Any], values: Tensor) -> NDArray[np.float64]:
    """The way back; constant channels come out constant."""
    about = model.description
    made = values.float().cpu().numpy().astype(np.float64)
    return np.asarray(made * (np.asarray(about.std) / model.scale) + np.asarray(about.mean))


def features_of(model: AbstractLearned[Any, Any, Any], condition: ArrayLike | None, n: int) -> Tensor | None:
    """(n, K) features of a condition in its units; of None: nothing is told. None for a model without conditions.

    Raises:
        InputError: a condition that the model does not have, of another shape, or outside the trained range.
    """
    knows = model.knowledge
    layout = knows.layout(model.settings)
    columns = None
    if condition is not None:
        if knows.conditions is None:
            raise InputError(
                f"condition: this {model.name} was trained without; expected a model fitted with one"
            )
        columns = knows.conditions.standardised(knows.conditions.asked(condition, n))
    features = layout.sampling(columns, {}, n)
    return None if features is None else torch.from_numpy(features).to(_device(model))


def require_like_training(model: AbstractLearned[Any, Any, Any], trajectories: Trajectories) -> None:
    """Refuse trajectories that the model cannot take.

    Raises:
        InputError: other channels, or more steps than in training.
    """
    about = model.description
    require(
        trajectories.channels == about.channels,
        f"{model.name}: got channels {', '.join(trajectories.channels)}; expected {', '.join(about.channels)}",
    )
    longest = int(trajectories.steps.max(initial=0))
    require(
        longest <= about.T, f"{model.name}: got trajectories of {longest} steps; expected at most {about.T}"
    )


def _device(model: AbstractLearned[Any, Any, Any]) -> torch.device:
    device: torch.device = next(model.network.parameters()).device
    return device
