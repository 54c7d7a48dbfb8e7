"""What the demo's page and its last lines say: whether a repair helped, and how sure that is."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Literal, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import require
from pushforward.forecast.results import Estimate
from pushforward.measure.results import QuantityAudit

__all__ = ["Effect", "effect", "floored", "shared"]

_DRAWS = 999
_LEVEL = 0.05
Word = Literal["less drift", "more drift", "no clear difference"]


@final
@dataclass(frozen=True)
class Effect:
    """What a repair did to the drift.

    Attributes:
        change: of the total variation, after − before, with its 95 % confidence limits.
        word: what these allow to say.
    """

    change: Estimate
    word: Word


def effect(before: QuantityAudit, after: QuantityAudit, seed: int = 0) -> Effect:
    """Whether a repaired model drifts less than the one before, as told from their counts.

    Both were compared with the same reference in the same bins. All three counts are drawn anew, and the change of the
    total variation is freed of what the counts' noise adds to it (basic bootstrap: Davison and Hinkley 1997,
    chapter 5).

    Raises:
        InputError: audits in different bins.
    """
    first, second = before.bins, after.bins
    require(
        np.array_equal(first.edges, second.edges),
        "effect of a repair: the two audits were counted in different bins; expected the same",
    )
    rng = np.random.default_rng([seed, _DRAWS])
    expected = _drawn(
        first.expected, before.n_groups_reference or before.n_reference, before.n_reference is None, rng
    )
    change = _tv(second.made, second.expected) - _tv(first.made, first.expected)
    drawn = _tv(_drawn(second.made, after.n_made, False, rng), expected) - _tv(
        _drawn(first.made, before.n_made, False, rng), expected
    )
    low, high = np.quantile(2 * change - drawn, [_LEVEL / 2, 1 - _LEVEL / 2])
    found = Estimate(float(change), min(float(low), float(change)), max(float(high), float(change)))
    word: Word = "less drift" if found.high < 0 else "more drift" if found.low > 0 else "no clear difference"
    return Effect(found, word)


def _drawn(
    mass: NDArray[np.float64], n: int | None, exact: bool, rng: np.random.Generator
) -> NDArray[np.float64]:
    if exact or not n:
        return mass
    p = np.clip(mass, 0, None)
    return rng.multinomial(n, p / p.sum(), size=_DRAWS) / n


def _tv(made: NDArray[np.float64], expected: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(0.5 * np.abs(made - expected).sum(axis=-1))


def floored(quantity: QuantityAudit) -> str:
    """The total variation beside its noise floor: `0.115 (noise floor 0.042)`."""
    return f"{quantity.tv.value:.3f} (noise floor {quantity.tv.null_95:.3f})"


def shared(value: float | None) -> str:
    """A share as per cent; a dash where it is not known."""
    return "–" if value is None or not math.isfinite(value) else f"{100 * value:.1f}\u202f%"
