"""`pushforward simulate`: trajectories of a system whose quantity is known."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import counted
from pushforward.errors import printable

__all__ = ["Simulate"]


@dataclass(frozen=True, kw_only=True)
class Simulate(AbstractCommand):
    """Make trajectories of a system; the true quantity is kept in the file, so that an audit knows what to measure."""

    system: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="SYSTEM")]
    """A name from `pushforward list systems`."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE")]
    """File to write; its suffix tells the format."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"], metavar="N")] = 10_000
    """How many trajectories."""
    intended: str | None = None
    """Law of the quantity, such as "uniform(3.5, 4)"; default: the system's own."""
    T: int | None = None
    """Time steps; default: the system's own."""
    dt: float | None = None
    """Time between steps; default: the system's own."""

    def run(self) -> Outcome:
        """Simulate and write."""
        from pushforward.formats import write
        from pushforward.measure import Intended
        from pushforward.systems import create

        system = create(self.system)
        law = Intended.parse(self.intended or system.default_intended)
        parts = system.sample_batches(self.n, law, T=self.T, dt=self.dt, seed=self.seed)
        with self.progress("simulating") as report:
            write(self.output, counted(parts, self.n, report))
        record = {
            "system": self.system,
            "n": self.n,
            "intended": law.text,
            "seed": self.seed,
            "file": str(self.output),
        }
        made = f"{printable(self.output)}: {self.n:,} trajectories of {self.system}"
        return Outcome(f"{made}, {system.quantity.label} ~ {law.text}", record)
