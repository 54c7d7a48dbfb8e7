"""How far the measured factor of every dysts system is from the truth: the table of docs/systems.md.

`python -m benchmarks.dysts_accuracy` takes some minutes of one core, and more for the slowest systems, which come last
and are measured on less. Factor and law are the defaults.
"""

from __future__ import annotations

import sys
import time

import numpy as np

from pushforward.measure.intended import Intended
from pushforward.systems import Dysts, dysts_systems

# dysts evaluates these one state at a time, or sums a series for every state.
SLOWEST = (
    "MacArthur",
    "BelousovZhabotinsky",
    "BlinkingVortexMap",
    "BeerRNN",
    "BickleyJet",
    "InteriorSquirmer",
)
# Trajectories of each and their steps, None being the default.
SIZES: dict[str, tuple[int, int | None]] = {
    "flow": (20, None),
    "map": (1_000, None),
    "delay equation": (100, None),
    "slowest": (1, 12),
}


def error_and_validity(name: str, n: int, T: int | None) -> tuple[float, float]:
    """Largest relative error of the factor, and the share of trajectories that is valid."""
    system = Dysts(system=name)
    made = system.sample(n, Intended.parse(system.default_intended), T=T, seed=0)
    assert made.quantity is not None
    error = np.abs(system.quantity(made) / made.quantity - 1)
    return float(np.where(np.isnan(error), np.inf, error).max()), float(system.valid(made).mean())


def row(label: str, names: list[str]) -> str:
    """A line of the table; systems that err by more than 1e-4 or have invalid trajectories are named."""
    n, T = SIZES[label]
    found = {}
    for name in names:
        begin = time.process_time()
        found[name] = error_and_validity(name, n, T)
        seconds = time.process_time() - begin
        print(f"{name}: {found[name]}, {seconds:.1f} s of CPU", file=sys.stderr, flush=True)
    within = [sum(error <= bar for error, _ in found.values()) for bar in (1e-6, 1e-4)]
    told = [f"{name} {e:.1e} ({v:.0%} valid)" for name, (e, v) in found.items() if e > 1e-4 or v < 1]
    cells = [
        f"{len(names)} × {label}",
        n,
        *within,
        f"{max(e for e, _ in found.values()):.1e}",
        ", ".join(told),
    ]
    return "| " + " | ".join(str(cell) for cell in cells) + " |"


def main() -> int:
    """Measure all and print the table, line by line."""
    kinds = dysts_systems()
    for kind in ("map", "delay equation", "flow"):
        print(row(kind, [name for name in kinds if kinds[name] == kind and name not in SLOWEST]), flush=True)
    print(row("slowest", list(SLOWEST)), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
