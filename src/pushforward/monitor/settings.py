"""When a monitor looks at a model, and what it does about what it sees."""

from __future__ import annotations

from dataclasses import dataclass

from pushforward.errors import printable, require

__all__ = ["MonitorSettings"]


@dataclass(frozen=True)
class MonitorSettings:
    """When to look, and what to do about it.

    Attributes:
        every: training steps between checks.
        n: trajectories sampled for a check.
        share: largest share of the time since the first step that checks may take. A check that would exceed it is
            left out, and counted; None never leaves one out.
        seed: of the samples; check number i of a training uses seed + i, also where the one before was left out.
        patience: stop after so many checks in a row without a lower drift; None never does.
        stop_within_tolerance: stop once every quantity's verdict is `within tolerance`.

    Raises:
        InputError: a number out of range.
    """

    every: int = 500
    n: int = 1000
    share: float | None = 0.04
    seed: int = 0
    patience: int | None = None
    stop_within_tolerance: bool = False

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        for name, low in (("every", 1), ("n", 2), ("seed", 0)):
            value = getattr(self, name)
            fits = isinstance(value, int) and value >= low
            require(fits, f"{name}: got {printable(value, 40)}; expected a whole number, {low} or more")
        require(
            self.share is None or 0 < self.share < 1,
            f"share: got {printable(self.share, 40)}; expected between 0 and 1, or None",
        )
        require(
            self.patience is None or self.patience >= 1,
            f"patience: got {printable(self.patience, 40)}; expected 1 or more, or None",
        )
