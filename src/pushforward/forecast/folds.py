"""Folds: a fixed number of random parts of the data, whose spread gives every uncertainty of a forecast."""

from __future__ import annotations

import zlib
from typing import Any

import numpy as np
from numpy.typing import NDArray

__all__ = ["FOLDS", "fold_of"]

# More folds make bands steadier (their width is uncertain by 1/√(2·folds)) and cost memory.
FOLDS = 128


def fold_of(groups: NDArray[Any] | None, n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(n,) fold of each trajectory: drawn where they are independent, else the same for a whole group.

    A group's fold follows from its id alone, so that a group in several batches stays together.
    """
    if groups is None:
        # As many in each fold as can be, from a random one on, so that few trajectories fall into different folds.
        return rng.permutation((np.arange(n, dtype=np.int64) + rng.integers(FOLDS)) % FOLDS)
    labels, where = np.unique(groups, return_inverse=True)
    if labels.dtype.kind == "U":
        keys = np.array([zlib.crc32(str(label).encode()) for label in labels], dtype=np.uint64)
    else:
        keys = labels.astype(np.int64).view(np.uint64)
    return (_mixed(keys)[where] % np.uint64(FOLDS)).astype(np.int64)


def _mixed(keys: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Keys that look random even where ids count 0, 1, 2, ...

    Source: SplitMix64; Steele, Lea & Flood 2014, OOPSLA.
    """
    with np.errstate(over="ignore"):
        z = keys + np.uint64(0x9E3779B97F4A7C15)
        z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
        z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return np.asarray(z ^ (z >> np.uint64(31)))
