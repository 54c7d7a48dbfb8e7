"""Means and covariances of whole trajectories, over steps and channels."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pushforward.trajectories import Trajectories

__all__ = ["covariance_root", "flattened_moments", "step_means"]

_BLOCK_VALUES = 1 << 20


def step_means(trajectories: Trajectories) -> NDArray[np.float64]:
    """(T, C) mean of each channel at each step over the trajectories that are that long; beyond all, the last one."""
    total = np.zeros((trajectories.T, trajectories.C))
    rows = max(_BLOCK_VALUES // total.size, 1)
    for start in range(0, len(trajectories), rows):
        block = trajectories.values[start : start + rows]
        if trajectories.lengths is None:
            total += block.sum(axis=0, dtype=np.float64)
        else:
            valid = np.arange(trajectories.T) < trajectories.lengths[start : start + rows, None]
            total += np.einsum("ntc,nt->tc", block, valid, dtype=np.float64)
    count = (trajectories.steps[:, None] > np.arange(trajectories.T)).sum(axis=0)
    longest = int(np.count_nonzero(count))
    mean = total[:longest] / count[:longest, None]
    return np.concatenate([mean, np.repeat(mean[-1:], trajectories.T - longest, axis=0)])


def flattened_moments(
    trajectories: Trajectories,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Mean (T·C,) and covariance (T·C, T·C) of whole trajectories, padding as it is held, in two passes over blocks."""
    flat = trajectories.values.reshape(len(trajectories), -1)
    rows = max(_BLOCK_VALUES // flat.shape[1], 1)
    mean = flat.mean(axis=0, dtype=np.float64)
    covariance = np.zeros((flat.shape[1], flat.shape[1]))
    for start in range(0, len(flat), rows):
        centred = flat[start : start + rows] - mean
        covariance += centred.T @ centred
    return mean, covariance / len(flat)


def covariance_root(covariance: NDArray[np.float64]) -> NDArray[np.float32]:
    """(k, d) R with RᵀR = Σ: directions whose variance is below 1e-12 of the largest are left out."""
    variance, direction = np.linalg.eigh(covariance)
    kept = variance > 1e-12 * max(float(variance[-1]), 0.0)
    return np.ascontiguousarray((direction[:, kept] * np.sqrt(variance[kept])).T, dtype=np.float32)
