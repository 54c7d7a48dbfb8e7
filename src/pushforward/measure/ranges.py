"""The grid's range, found in one pass over values of which nothing is known, in constant memory."""

from __future__ import annotations

from collections.abc import Sequence
from typing import final

import numpy as np
from numpy.typing import NDArray

__all__ = ["RangeScan", "common_range"]

_KEPT = 1 << 16
_OUTER_SHARE = 0.005
_MARGIN = 0.25


@final
class RangeScan:
    """Smallest and largest value, and every k-th value, of a stream.

    k doubles as the stream grows, so that at most 2¹⁷ values are kept; which ones does not depend on how the
    stream was cut into parts.
    """

    def __init__(self) -> None:
        self.n = 0
        self.low = np.inf
        self.high = -np.inf
        self.stride = 1
        self.kept: NDArray[np.float64] = np.empty(0)
        self._seen = 0

    def add(self, values: NDArray[np.float64]) -> None:
        """Take note of (n,) values; what is not finite is passed over."""
        first = -self._seen % self.stride
        self._seen += len(values)
        picked = values[first :: self.stride]
        self.kept = np.concatenate([self.kept, picked])
        while len(self.kept) > 2 * _KEPT:
            self.kept, self.stride = self.kept[::2], self.stride * 2
        finite = values[np.isfinite(values)]
        self.n += len(finite)
        if len(finite):
            self.low, self.high = min(self.low, float(finite.min())), max(self.high, float(finite.max()))


def common_range(scans: Sequence[RangeScan]) -> tuple[float, float]:
    """One range for all samples: their extremes, but no further out than outliers deserve.

    With a, b the pooled 0.5 % and 99.5 % quantiles, the range is kept within a − (b − a)/4 and b + (b − a)/4, so
    that a few wild values do not squeeze everything else into few bins. What lies outside is still counted, in
    the outer cells, at its mean distance. The rule is the same for all samples, so permutation tests stay exact.
    """
    low, high = min(scan.low for scan in scans), max(scan.high for scan in scans)
    kept = [scan.kept[np.isfinite(scan.kept)] for scan in scans]
    values = np.concatenate(kept)
    if not len(values):
        return low, high
    strides = [scan.stride for scan in scans]
    if len(set(strides)) == 1:
        # Equal weights: sorting values is twenty times faster than sorting their indices.
        values, cumulative = np.sort(values), np.arange(1.0, len(values) + 1)
    else:
        order = np.argsort(values, kind="stable")
        weight = np.repeat(np.array(strides, dtype=np.float64), [len(k) for k in kept])
        values, cumulative = values[order], np.cumsum(weight[order])
    at = np.searchsorted(cumulative, np.array([_OUTER_SHARE, 1 - _OUTER_SHARE]) * cumulative[-1])
    inner_low, inner_high = values[np.minimum(at, len(values) - 1)]
    margin = _MARGIN * (inner_high - inner_low)
    if margin <= 0:
        return low, high
    return max(low, float(inner_low - margin)), min(high, float(inner_high + margin))
