"""How to forecast."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from pushforward.errors import printable, require
from pushforward.measure.grid import Grid

__all__ = ["MOST_BINS", "ForecastSettings"]

MOST_BINS = 254
_MOST = 1000


@dataclass(frozen=True)
class ForecastSettings:
    """How to forecast.

    Attributes:
        level: error level of bands and tests.
        repeats: deviations drawn of each trajectory; None takes the kernel's own number.
        bins: bins of the masses and of the flow.
        subdivisions: fine cells per bin, for W1.
        range: (low, high) of the grid in the quantity's unit; found from data and deviations when None.
        seed: seed of the deviations.
        threads: threads that draw and measure; None takes the cores of this process. The result does not depend on it.

    Raises:
        InputError: a level outside (0, 1), too few or too many bins, a range upside down, a number below 1.
    """

    level: float = 0.05
    repeats: int | None = None
    bins: int = 32
    subdivisions: int = 32
    range: tuple[float, float] | None = None
    seed: int = 0
    threads: int | None = None

    def __post_init__(self) -> None:
        """Validate."""
        whole = {"bins": self.bins, "subdivisions": self.subdivisions, "seed": self.seed}
        whole |= {n: v for n, v in (("repeats", self.repeats), ("threads", self.threads)) if v is not None}
        for name, value in whole.items():
            require(
                isinstance(value, int | np.integer) and not isinstance(value, bool),
                f"{name}: got {printable(value, 40)}; expected a whole number",
            )
            least = 0 if name == "seed" else 1
            require(value >= least, f"{name}: got {value}; expected at least {least}")
        require(
            isinstance(self.level, int | float) and 0 < self.level < 1,
            f"level: got {printable(self.level, 40)}; expected between 0 and 1",
        )
        for name, most in (("bins", MOST_BINS), ("repeats", _MOST), ("threads", _MOST)):
            require(
                whole.get(name, 1) <= most,
                f"{name}: got {whole.get(name)}; expected at most {most} in a forecast",
            )
        Grid(*(self.range or (0.0, 1.0)), self.bins, self.subdivisions)
