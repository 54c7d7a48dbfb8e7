"""Draw more than wanted and keep those that follow the intended law."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self, final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, require
from pushforward.mitigations.account import Account
from pushforward.mitigations.base import Draw, learned
from pushforward.mitigations.law_bins import LawBins
from pushforward.mitigations.measuring import MOST_BINS, AbstractMeasuring
from pushforward.trajectories import Trajectories

__all__ = ["Select", "draws_until"]

# Generators draw their noise for so many at a time: fewer are hardly sooner made.
_FEW = 256
_BATCH = 16 * _FEW
_BLOCK = 16_384
_FEWEST = 16_384
_LOOSEST = 0.2
_LEAST = 1e-12
_STREAM = 0x5E1EC7


@final
@dataclass(frozen=True)
class Select(AbstractMeasuring):
    """Kept samples follow π over its bins: each bin's number is drawn from π, and filled from what the model makes.

    Drawing π's bin and then a made trajectory of that bin is rejection sampling with weights π/p̂ that need not be
    estimated: whatever the model's law p̂, the kept ones have bin masses π, and p̂'s law within each bin. The cost per
    kept trajectory tends to max π/p̂ over the bins. With a tolerance ε > 0 it tends to the least c for which
    Σ_b max(π_b − c p̂_b, 0) ≤ ε: of what the model makes too rarely, at most a share ε of all is left out, and
    trajectories of the other bins, as π has them, stand in. The rare ranges are often a law's tails: where these count,
    leave it at 0.

    Attributes:
        quantity: φ.
        intended: π; None: that of the data.
        bins: of about equal mass under π.
        most: draws per wanted trajectory after which the law is said to be out of the model's reach.
        tolerance: ε, total variation over the bins that the law of the kept ones may have from π.
    """

    name: ClassVar[str] = "select"
    level: ClassVar[str] = "interface"
    formula: ClassVar[str] = "keep N of M > N drawn with weights π/p̂"
    source: ClassVar[str] = "von Neumann, Applied Math Series 12 (1951), 36–38 (rejection)"
    cost: ClassVar[str] = "max π/p̂ draws for each one kept"
    needs_training: ClassVar[bool] = False

    bins: int = 64
    most: float = 50.0
    tolerance: float = 0.0
    law: LawBins | None = learned()

    def __post_init__(self) -> None:
        """Check the settings.

        Raises:
            InputError: fewer than two bins, fewer than one draw, or a tolerance that would allow any law.
        """
        super().__post_init__()
        require(2 <= self.bins <= MOST_BINS, f"select: got bins = {self.bins}; expected 2 to {MOST_BINS}")
        require(self.most >= 1, f"select: got most = {self.most:g}; expected at least 1")
        require(
            0 <= self.tolerance <= _LOOSEST,
            f"select: got tolerance = {self.tolerance:g}; expected a total variation from 0 to {_LOOSEST:g}",
        )

    def fitted(self, data: Trajectories) -> Self:
        """With π cut into bins."""
        return replace(self, law=LawBins.of(self.wanted(data), self.bins))

    def require_fitted(self) -> None:
        """Refuse to select by a law that is not known."""
        if self.law is None:
            raise InputError("mitigation 'select': is not fitted; call fit(data), or apply(generator, data)")

    def sampled(
        self, draw: Draw, n: int, seed: int, settings: Mapping[str, Any], account: Account
    ) -> Iterator[Trajectories]:
        """Blocks of kept trajectories, in random order within each."""
        require(
            settings.get("condition") is None or np.ndim(settings["condition"]) == 0,
            "select: got a condition for each trajectory; expected one for all, as not all drawn are kept",
        )
        self.require_fitted()
        assert self.law is not None
        account.wanted = self.law.mass
        account.made = np.zeros(len(self.law.mass), dtype=np.int64)
        source = _Source(self, self.law, draw, seed, settings, account)
        for number, start in enumerate(range(0, n, _BLOCK)):
            size = min(_BLOCK, n - start)
            rng = np.random.default_rng([seed, number, _STREAM])
            quota = rng.multinomial(size, self.law.mass)
            yield source.block(quota, rng)

    def state(self) -> dict[str, Any]:
        """The law's bins."""
        return {"law": None if self.law is None else self.law.to_json()}

    def with_state(self, state: Mapping[str, Any], where: str) -> Self:
        """With the law's bins."""
        record = state.get("law")
        return replace(self, law=None if record is None else LawBins.from_json(record, where))


class _Source:
    """Drawn trajectories waiting in the bins of their quantity; what one block leaves the next one uses."""

    def __init__(
        self,
        asked: Select,
        law: LawBins,
        draw: Draw,
        seed: int,
        settings: Mapping[str, Any],
        account: Account,
    ) -> None:
        self.asked, self.law, self.account = asked, law, account
        self.draw, self.seed, self.settings = draw, seed, settings
        self.waiting: Trajectories | None = None
        self.bins: NDArray[np.int64] = np.empty(0, dtype=np.int64)
        self.calls = self.drawn = 0

    def block(self, quota: NDArray[np.int64], rng: np.random.Generator) -> Trajectories:
        """As many of each bin as `quota` says.

        Raises:
            InputError: a bin stays short after `most` draws for each wanted trajectory.
        """
        drawn = 0
        most = max(self.asked.most * int(quota.sum()), _FEWEST)
        while True:
            short = (quota - np.bincount(self.bins, minlength=len(quota))).clip(0)
            if short.sum() <= self.asked.tolerance * quota.sum() and len(self.bins) >= quota.sum():
                return self._taken(self._with_others(quota, short, rng), rng)
            if drawn >= most:
                raise self._out_of_reach(quota, short, drawn)
            drawn += self._more(quota, self._enough(quota, short))

    def _enough(self, quota: NDArray[np.int64], short: NDArray[np.int64]) -> int:
        """Draws that would fill what is short, up to the tolerance, by how often each bin was met so far."""
        assert self.account.made is not None
        guess = float(quota.sum())
        if self.drawn:
            rate = np.maximum(self.account.made, 1) / self.drawn
            guess = draws_until(short, rate, self.asked.tolerance * float(quota.sum()))
        return min(_BATCH, max(-(-math.ceil(guess) // _FEW), 1) * _FEW)

    def _with_others(
        self, quota: NDArray[np.int64], short: NDArray[np.int64], rng: np.random.Generator
    ) -> NDArray[np.int64]:
        """The quota with what is short taken from other bins, as π has them, as far as trajectories wait there."""
        self.account.stand_ins += (missing := int(short.sum()))
        filled = quota - short
        spare = np.bincount(self.bins, minlength=len(quota)) - filled
        while missing:
            mass = np.maximum(self.law.mass, _LEAST) * (spare > 0)
            extra = np.minimum(rng.multinomial(missing, mass / mass.sum()), spare)
            filled, spare, missing = filled + extra, spare - extra, missing - int(extra.sum())
        return filled

    def _more(self, quota: NDArray[np.int64], n: int) -> int:
        start = int(np.random.SeedSequence([self.seed, self.calls, _STREAM]).generate_state(1)[0])
        self.calls += 1
        drawn = Trajectories.concat(list(self.draw(n, start, self.settings)))
        self.drawn += len(drawn)
        self._keep(drawn, quota)
        return len(drawn)

    def _keep(self, part: Trajectories, quota: NDArray[np.int64]) -> None:
        q = self.asked.phi(part)
        where = self.law.index(q)
        undefined = int((~np.isfinite(q)).sum())
        self.account.undefined += undefined
        self.account.outside += int((where < 0).sum()) - undefined
        assert self.account.made is not None
        self.account.made += np.bincount(where[where >= 0], minlength=len(quota))
        # No more of a bin waits than two blocks need, so that memory stays bounded whatever the law.
        rank = _rank_within(np.concatenate([self.bins, where]))[len(self.bins) :]
        keep = (where >= 0) & (rank < 2 * np.maximum(quota, 1)[where])
        chosen = part.select(keep)
        self.waiting = chosen if self.waiting is None else Trajectories.concat([self.waiting, chosen])
        self.bins = np.concatenate([self.bins, where[keep]])

    def _taken(self, quota: NDArray[np.int64], rng: np.random.Generator) -> Trajectories:
        assert self.waiting is not None
        taken = _rank_within(self.bins) < quota[self.bins]
        block = self.waiting.select(rng.permutation(np.flatnonzero(taken)))
        self.waiting, self.bins = self.waiting.select(~taken), self.bins[~taken]
        return block

    def _out_of_reach(self, quota: NDArray[np.int64], short: NDArray[np.int64], drawn: int) -> InputError:
        worst = int(np.argmax(short / np.maximum(quota, 1)))
        got, wanted = int(quota[worst] - short[worst]), int(quota[worst])
        return InputError(
            f"select: {self.asked.phi.label} in {self.law.shown(worst)}: got {got} of {wanted} wanted trajectories in "
            f"{drawn:,} draws; expected a law within what the model makes (narrow it, raise most or tolerance)"
        )


def draws_until(short: NDArray[Any], rate: NDArray[np.float64], left: float) -> float:
    """The least k with Σ_b max(short_b − k rate_b, 0) ≤ left.

    Args:
        short: (B,) how many are missing in each bin.
        rate: (B,) how many of one draw fall there, positive.
        left: how many may stay missing.
    """
    if short.sum() <= left:
        return 0.0
    # Bins are filled in the order of short / rate; between two of these the sum falls linearly.
    full = short / rate
    order = np.argsort(full)
    rest_short = np.cumsum(short[order][::-1])[::-1]
    rest_rate = np.cumsum(rate[order][::-1])[::-1]
    until = (rest_short - left) / rest_rate
    return float(until[np.argmax(until <= full[order])])


def _rank_within(where: NDArray[np.int64]) -> NDArray[np.int64]:
    """(n,) how many earlier entries have the same value."""
    order = np.argsort(where, kind="stable")
    ordered = where[order]
    first = (
        np.concatenate([[0], np.flatnonzero(np.diff(ordered)) + 1])
        if len(where)
        else np.empty(0, dtype=np.int64)
    )
    counts = np.diff(np.append(first, len(where)))
    rank = np.empty(len(where), dtype=np.int64)
    rank[order] = np.arange(len(where)) - np.repeat(first, counts)
    return rank
