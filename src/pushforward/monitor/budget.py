"""The share of the training time that a monitor may take."""

from __future__ import annotations

from collections.abc import Callable
from typing import final

__all__ = ["Budget"]


@final
class Budget:
    """Keeps what is spent on checks, and on getting ready for them, within a share of all time since the first step.

    Attributes:
        share: the largest share; None for no limit.
        known: samples of the largest look that was timed so far; 0 before the first.
    """

    def __init__(self, share: float | None, clock: Callable[[], float]) -> None:
        self.share = share
        self.known = 0
        self._sampling = self._auditing = self._spent = 0.0
        self._clock = clock
        self._started: float | None = None

    def start(self) -> None:
        """Start counting time, if that has not happened yet."""
        if self._started is None:
            self._started = self._clock()

    def prepared(self, seconds: float) -> None:
        """Take note of what was spent before the first step."""
        self._spent += seconds

    def spend(self, n: int, sampling: float, auditing: float) -> None:
        """Take note of a look with n samples: the seconds of sampling and of auditing them."""
        self._spent += sampling + auditing
        if n >= self.known:
            self.known, self._sampling, self._auditing = n, sampling, auditing

    def cost_of(self, n: int) -> float:
        """Seconds that a look with n samples is expected to take at most: as the largest one, each sample as dear.

        Nothing for the very first look, of which nothing is known.
        """
        return self._sampling * max(n / self.known, 1.0) + self._auditing if self.known else 0.0

    def allows(self, cost: float) -> bool:
        """Whether that cost now keeps the share: (spent + cost) ≤ share · (elapsed + cost)."""
        return self.share is None or self._spent + cost <= self.share * (self._elapsed() + cost)

    def spent_share(self) -> float:
        """Share of the time so far that was spent."""
        elapsed = self._elapsed()
        return self._spent / elapsed if elapsed > 0 else 0.0

    def _elapsed(self) -> float:
        return 0.0 if self._started is None else self._clock() - self._started
