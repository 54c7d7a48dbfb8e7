"""What a sampling with mitigations cost."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, final

import numpy as np
from numpy.typing import NDArray

__all__ = ["Account"]


@final
@dataclass
class Account:
    """Counts of one sampling, filled while it goes on.

    Attributes:
        drawn: trajectories that the model made.
        kept: trajectories that were given on.
        undefined: drawn ones on which the quantity is not defined.
        outside: drawn ones outside the range of the intended law.
        stand_ins: kept ones in the place of others, of ranges made too rarely, as a tolerance allows.
        wanted: (B,) intended mass of each bin of a selection; None without one.
        made: (B,) how many were drawn in each.
    """

    drawn: int = 0
    kept: int = 0
    undefined: int = 0
    outside: int = 0
    stand_ins: int = 0
    wanted: NDArray[np.float64] | None = None
    made: NDArray[np.int64] | None = None

    @property
    def acceptance(self) -> float:
        """Kept over drawn; 1 without a selection, NaN before the first draw."""
        return self.kept / self.drawn if self.drawn else float("nan")

    @property
    def cost(self) -> float:
        """Trajectories drawn for each one kept."""
        return self.drawn / self.kept if self.kept else float("nan")

    @property
    def effective_share(self) -> float:
        """Effective sample size of the drawn ones as weighted to the intended law, over their number.

        (Σ w)² / (M Σ w²) with w = π/p̂ in the drawn trajectory's bin, 0 outside (Kish 1965, section 11.7).
        """
        if self.wanted is None or self.made is None or not self.drawn:
            return 1.0 if self.drawn else float("nan")
        seen = self.made > 0
        weight = self.wanted[seen] / self.made[seen]
        return float(self.wanted[seen].sum() ** 2 / (self.drawn * (weight**2 * self.made[seen]).sum()))

    def to_json(self) -> dict[str, Any]:
        """Plain numbers; null where not known."""
        numbers = {name: getattr(self, name) for name in ("acceptance", "cost", "effective_share")}
        return {
            **{name: getattr(self, name) for name in ("drawn", "kept", "undefined", "outside", "stand_ins")},
            **{name: value if np.isfinite(value) else None for name, value in numbers.items()},
        }

    def __str__(self) -> str:
        """One line."""
        lost = f", {self.undefined:,} undefined" if self.undefined else ""
        out = f", {self.outside:,} outside the intended range" if self.outside else ""
        missed = (
            f", {self.stand_ins / self.kept:.2%} stand in for others made too rarely"
            if self.stand_ins
            else ""
        )
        return (
            f"drew {self.drawn:,}, kept {self.kept:,} ({self.acceptance:.1%}, {self.cost:.2f} draws each), effective "
            f"sample size {self.effective_share:.1%} of the draws{lost}{out}{missed}"
        )
