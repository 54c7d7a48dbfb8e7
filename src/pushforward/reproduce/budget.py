"""How much of everything a claim's study takes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

from pushforward.errors import printable, require

__all__ = ["FULL", "ONCE", "QUICK", "Budget"]


@final
@dataclass(frozen=True, kw_only=True)
class Budget:
    """How much is trained, made and repeated; claims state their plans in these terms.

    Attributes:
        seeds: one repetition of everything for each: data, weights and samples are drawn anew.
        n: training trajectories.
        samples: generated trajectories that an audit looks at.
        steps: training steps of the U-Net; the other classes take fixed multiples, so that each has minutes at most.
        batch_size: trajectories per training step.
        resamples: resamples without drift behind noise floors and p-values.

    Raises:
        InputError: no seed, one that is named twice, a number out of range.
    """

    seeds: tuple[int, ...] = (0, 1)
    n: int = 10_000
    samples: int = 4_000
    steps: int = 1_000
    batch_size: int = 64
    resamples: int = 999

    def __post_init__(self) -> None:
        """Refuse what cannot be a study."""
        object.__setattr__(self, "seeds", tuple(self.seeds))
        require(len(self.seeds) > 0, "seeds: got none; expected at least one")
        for seed in self.seeds:
            fits = isinstance(seed, int) and 0 <= seed < 10**9
            require(fits, f"seeds: got {printable(seed, 40)}; expected whole numbers, 0 to 999,999,999")
        require(
            len(set(self.seeds)) == len(self.seeds), "seeds: the same one is named twice; expected each once"
        )
        for name, least in (("n", 50), ("samples", 50), ("steps", 1), ("batch_size", 1), ("resamples", 99)):
            value = getattr(self, name)
            require(value >= least, f"{name}: got {value}; expected at least {least}")


FULL = Budget()
"""What the committed verdicts come from: some minutes of one core for each claim."""

ONCE = Budget(seeds=(0,))
"""The same for one seed, of claims whose models are many or large."""

QUICK = Budget(seeds=(0,), n=2_000, samples=1_000, steps=150, resamples=199)
"""To see a claim run; its verdicts are not those of `FULL`, since hardly trained models err in other ways."""
