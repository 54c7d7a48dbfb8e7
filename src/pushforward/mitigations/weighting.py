"""Choosing rows by weights."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

__all__ = ["effective_share", "systematic"]


def systematic(weight: NDArray[np.float64], n: int, rng: np.random.Generator) -> NDArray[np.int64]:
    """(n,) rows in order, row i about n wᵢ / Σw times: never off by one or more (systematic resampling).

    Of all ways to resample it adds the least noise (Douc, Cappé and Moulines 2005).
    """
    cumulative = np.cumsum(weight)
    places = (np.arange(n) + rng.random()) * (cumulative[-1] / n)
    rows = np.searchsorted(cumulative, places, side="right")
    return np.asarray(np.minimum(rows, len(weight) - 1), dtype=np.int64)


def effective_share(weight: NDArray[np.float64]) -> float:
    """(Σ w)² / (n Σ w²): the effective sample size of weighted rows over their number (Kish 1965)."""
    return float(weight.sum() ** 2 / (len(weight) * np.square(weight).sum()))
