"""Sums of floating-point numbers without rounding, so that the order of merging can never change a result."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
from numpy.typing import NDArray

__all__ = ["UNIT", "exact_sum", "exact_sum_of_squares"]

# The smallest positive double is 2^-1074, with 52 bits of mantissa below the exponent that frexp gives it.
_LOWEST_BIT = 1126
UNIT = Fraction(1, 1 << _LOWEST_BIT)
_BLOCK = 1 << 16
_HALF = 27


def exact_sum(values: NDArray[np.float64]) -> int:
    """Σ values exactly, as an integer multiple of `UNIT`.

    Every double is m·2^e with a 53-bit integer m. The mantissas are summed by exponent in two halves, each
    below 2⁵³ and so exact in double precision, then joined as Python integers.

    Args:
        values: finite numbers.
    """
    total = 0
    for start in range(0, len(values), _BLOCK):
        fraction, exponent = np.frexp(values[start : start + _BLOCK])
        if not len(exponent):
            continue
        mantissa = np.ldexp(fraction, 53).astype(np.int64)
        lowest = int(exponent.min())
        slot = exponent - lowest
        high = np.bincount(slot, weights=mantissa >> _HALF)
        low = np.bincount(slot, weights=mantissa & ((1 << _HALF) - 1))
        for i in np.flatnonzero((high != 0) | (low != 0)):
            part = (int(high[i]) << _HALF) + int(low[i])
            total += part << (lowest + int(i) - 53 + _LOWEST_BIT)
    return total


def exact_sum_of_squares(values: NDArray[np.float64]) -> int:
    """Σ values² exactly, as an integer multiple of `UNIT`, for 1e-140 < |values| < 1e150 or 0.

    Each square is a rounded product and its rounding error, both doubles (Dekker's product).
    Source: Dekker 1971, Numerische Mathematik 18, 224–242.
    """
    product = values * values
    scaled = values * 134217729.0  # 2²⁷ + 1 splits 53 bits into two halves
    high = scaled - (scaled - values)
    low = values - high
    error = ((high * high - product) + 2 * high * low) + low * low
    return exact_sum(product) + exact_sum(error)
