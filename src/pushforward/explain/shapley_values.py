"""Exact Shapley values of a few parts."""

from __future__ import annotations

from functools import cache
from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from pushforward.errors import require

__all__ = ["MOST_PARTS", "shapley", "shapley_weights"]

# 2⁶ = 64 forecasts.
MOST_PARTS = 6


def shapley(values: ArrayLike) -> NDArray[np.float64]:
    """φ_i = Σ over S without i of |S|!(n − |S| − 1)!/n! · (v(S ∪ i) − v(S)): (n, ...) from v (2ⁿ, ...).

    Coalition S is the entry whose binary digits are its members: v[0] is of none, v[0b101] of parts 0 and 2. The
    values sum to v(all) − v(none), parts that do the same get the same, and a part that changes nothing gets 0.
    Source: Shapley 1953, A value for n-person games, Contributions to the Theory of Games II, 307–317.

    Raises:
        InputError: the number of values is not a power of two up to 2⁶.
    """
    v = np.asarray(values, dtype=np.float64)
    n = len(v).bit_length() - 1 if v.ndim else -1
    require(
        n >= 0 and len(v) == 1 << n and n <= MOST_PARTS,
        f"shapley: got {v.shape[0] if v.ndim else 'no'} values; expected 2ⁿ of n parts, at most {MOST_PARTS}",
    )
    return np.tensordot(shapley_weights(n), v, axes=1)


@cache
def shapley_weights(n: int) -> NDArray[np.float64]:
    """(n, 2ⁿ) the weight of each coalition's value in each part's Shapley value."""
    weights = np.zeros((n, 1 << n))
    for S in range(1 << n):
        size = S.bit_count()
        for i in range(n):
            if S >> i & 1:
                weights[i, S] = factorial(size - 1) * factorial(n - size) / factorial(n)
            else:
                weights[i, S] = -factorial(size) * factorial(n - size - 1) / factorial(n)
    weights.flags.writeable = False
    return weights
