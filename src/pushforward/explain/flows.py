"""Who loses to whom: the net flow of mass between ranges of a quantity."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import special

from pushforward.explain.jackknife import Jackknife, without_each
from pushforward.forecast.noise import Law, conditional, law_of
from pushforward.forecast.tally import FlowTally
from pushforward.measure.inference import benjamini_hochberg

__all__ = ["MOST_RANGES", "NetFlow", "net_flows"]

Array = NDArray[np.float64]
# Between more ranges the flows are many and each is small.
MOST_RANGES = 12


@dataclass(frozen=True)
class NetFlow:
    """Mass that moves from one range to another, less what moves back.

    Attributes:
        source, target: (low, high) of the two ranges in the quantity's unit; infinite beyond the grid.
        mass: net mass, positive; `low` and `high` are its limits.
        gross: all that moves from source to target.
        p_adjusted: p-value of no net flow, Benjamini–Hochberg over all pairs.
    """

    source: tuple[float, float]
    target: tuple[float, float]
    mass: float
    low: float
    high: float
    gross: float
    p_adjusted: float


def net_flows(tally: FlowTally, wanted: Array | None, repeats: int, level: float) -> tuple[NetFlow, ...]:
    """All net flows that are told from noise, the largest first, between at most 12 ranges and the two beyond them."""
    starts = _starts(tally)
    held = np.flatnonzero(tally.origins.sum(axis=1))
    folds = Jackknife(tally.origins.sum(axis=1)[held].astype(np.float64), level)
    rest = without_each(tally, held)
    whole = _merged(law_of(tally, wanted, repeats), tally.joint.sum(axis=0), starts)
    without = _merged(law_of(rest, wanted, repeats), rest.joint.sum(axis=0), starts)
    a, b = np.triu_indices(len(starts), 1)
    net = whole[a, b] - whole[b, a]
    error = np.sqrt(
        np.square(folds.components(net, without[:, a, b] - without[:, b, a])).sum(axis=0) + 1 / tally.n**2
    )
    degrees = len(held) - 1
    p = benjamini_hochberg(np.minimum(2 * special.stdtr(degrees, -np.abs(net) / error), 1.0))
    half = float(special.stdtrit(degrees, 1 - level / 2)) * error
    limits = np.concatenate([[-math.inf], tally.grid.edges, [math.inf]])
    ends = np.append(starts[1:], len(limits) - 1)

    def flow(i: int) -> NetFlow:
        source, target = (int(a[i]), int(b[i])) if net[i] > 0 else (int(b[i]), int(a[i]))
        mass = abs(float(net[i]))
        return NetFlow(
            (float(limits[starts[source]]), float(limits[ends[source]])),
            (float(limits[starts[target]]), float(limits[ends[target]])),
            mass,
            mass - float(half[i]),
            mass + float(half[i]),
            float(whole[source, target]),
            float(p[i]),
        )

    clear = np.flatnonzero((p <= level) & (np.abs(net) > 1e-12))
    return tuple(flow(int(i)) for i in clear[np.argsort(-np.abs(net[clear]), kind="stable")])


def _starts(tally: FlowTally) -> NDArray[np.int64]:
    """First of the W bins of each range: those beyond the grid by themselves, the populated ones merged evenly."""
    met = tally.joint.sum(axis=0)
    held = np.flatnonzero((met.sum(axis=0) + met.sum(axis=1))[1:-1]) + 1
    first, last = (int(held[0]), int(held[-1]) + 1) if len(held) else (1, tally.grid.bins + 1)
    inner = np.arange(first, last, math.ceil((last - first) / MOST_RANGES))
    return np.unique(
        np.concatenate([[0], inner, [last] * (last < tally.grid.bins + 1), [tally.grid.bins + 1]]).astype(
            np.int64
        )
    )


def _merged(law: Law, joint: NDArray[np.int64], starts: NDArray[np.int64]) -> Array:
    """(..., K, K) mass by the range where it starts and the one where it ends."""
    moved = conditional(joint) * law.share[..., None]
    return np.asarray(np.add.reduceat(np.add.reduceat(moved, starts, axis=-2), starts, axis=-1))
