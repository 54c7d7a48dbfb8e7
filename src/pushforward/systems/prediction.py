"""Whether recorded states follow from each other and keep what they should: how plausibility is judged."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pushforward.quantities.energy import AbstractStateMean
from pushforward.trajectories import Trajectories

__all__ = ["conserves_and_predicts"]

_Array = NDArray[np.float64]


def conserves_and_predicts(
    energy: AbstractStateMean,
    trajectories: Trajectories,
    advance: Callable[[_Array], _Array],
    energy_scale: ArrayLike,
    state_scale: ArrayLike,
    tolerance: float,
) -> NDArray[np.bool_]:
    """(N,) whether every |E_t − ⟨E⟩| ≤ tolerance · energy_scale and |x_{t+1} − advance(x_t)| ≤ tolerance · state_scale.

    Args:
        energy: the conserved quantity; its channels are the state.
        trajectories: what is judged, each by its own valid steps.
        advance: the exact states (m, C) one time step after given ones (m, C). It only gets states whose energy is
            kept, so that no wild one costs much.
        energy_scale: one number or (N,).
        state_scale: one number, (C,) or (N, C).
        tolerance: relative to both scales.
    """
    states = trajectories.values[:, :, list(energy.index(trajectories))].astype(np.float64)
    values, mask = energy.over_time(trajectories), trajectories.mask
    mean = energy(trajectories)
    scale = np.broadcast_to(np.asarray(energy_scale, dtype=np.float64), mean.shape)
    valid = np.isfinite(mean)
    valid &= ((np.abs(values - mean[:, None]) <= tolerance * scale[:, None]) | ~mask).all(axis=1)
    judged = valid[:, None] & mask[:, 1:]
    before, after = states[:, :-1][judged], states[:, 1:][judged]
    follows = np.ones(judged.shape, dtype=bool)
    if len(before):
        shape = (len(states), states.shape[2])
        each = np.broadcast_to(np.asarray(state_scale, dtype=np.float64), shape)[:, None]
        bound = tolerance * np.broadcast_to(each, states[:, 1:].shape)[judged]
        follows[judged] = (np.abs(advance(before) - after) <= bound).all(axis=1)
    return np.asarray(valid & follows.all(axis=1))
