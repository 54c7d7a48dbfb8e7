"""The pictures of docs/systems.md: `python docs/make_pictures.py` draws every system into docs/images/systems/."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from pushforward.errors import InputError
from pushforward.measure.intended import Intended
from pushforward.report.systems import save_plot
from pushforward.systems import SYSTEMS, create

FOLDER = Path(__file__).parent / "images" / "systems"


@dataclass(frozen=True)
class Shown:
    """How many trajectories a picture shows, and of how many steps (default: the system's own)."""

    n: int = 6
    T: int | None = None
    dt: float | None = None


SHOWN = {
    "logistic-map": Shown(n=3),
    "sinusoid": Shown(n=4, T=128, dt=1 / 128),
    "cone": Shown(n=12, T=128),
    "bouncing-ball": Shown(n=3, T=320, dt=0.01),
    "colliding-disks": Shown(n=1, T=256, dt=0.05),
    "lotka-volterra": Shown(n=6, T=200, dt=0.05),
    "lorenz-63": Shown(n=2, T=1000, dt=0.01),
    "dysts": Shown(n=2, T=1000, dt=0.015),
}


def draw(name: str) -> None:
    """One picture, of at most 60 kB."""
    system, shown = create(name), SHOWN.get(name, Shown())
    law = Intended.parse(system.default_intended)
    path = FOLDER / f"{name}.png"
    for dpi in (110, 90, 70, 50):
        save_plot(path, system, system.sample(shown.n, law, T=shown.T, dt=shown.dt), dpi=dpi)
        if path.stat().st_size <= 60_000:
            return


def main() -> None:
    """Draw all systems, or those named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or SYSTEMS:
        try:
            draw(name)
        except InputError as error:
            sys.stderr.write(f"{name}: {error}\n")


if __name__ == "__main__":
    main()
