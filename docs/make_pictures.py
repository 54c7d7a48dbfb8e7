"""The pictures of docs/systems.md and docs/explain.md, drawn into docs/images/.

`python docs/make_pictures.py` draws all, `python docs/make_pictures.py cone explain-logistic-map` those named.
"""

from __future__ import annotations

import io
import sys
from dataclasses import dataclass
from pathlib import Path

import matplotlib.image
import numpy as np

from pushforward.errors import InputError
from pushforward.explain import explain
from pushforward.kernels import parse
from pushforward.measure.intended import Intended
from pushforward.quantities import default_for
from pushforward.report import style
from pushforward.report.explanation_figures import moments_figure, profile_figure
from pushforward.report.explanation_flows import arrows_figure
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

# System -> the kernel that fits its drift.
EXPLAINED = {"logistic-map": "local-score(scale=0.03)", "double-pendulum": "shrinkage(scale=0.14)"}


def draw_explained(name: str) -> None:
    """Bias and spread, what they make of the drift, and net flows of 20,000 trajectories, side by side."""
    system = create(name)
    tracks = system.sample(20_000, Intended.parse(system.default_intended))
    found = explain(parse(EXPLAINED[name]), tracks, default_for(tracks)[0], by=(), sample=64)
    pictures = [
        matplotlib.image.imread(io.BytesIO(style.png(figure(found), dpi=110)))
        for figure in (profile_figure, moments_figure, arrows_figure)
    ]
    height = max(len(picture) for picture in pictures)
    padded = [np.pad(p, ((0, height - len(p)), (0, 24), (0, 0)), constant_values=1.0) for p in pictures]
    matplotlib.image.imsave(FOLDER.parent / f"explain-{name}.png", np.concatenate(padded, axis=1))


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
    """Draw all, or those named."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    for name in sys.argv[1:] or [*SYSTEMS, *(f"explain-{system}" for system in EXPLAINED)]:
        try:
            if name.startswith("explain-"):
                draw_explained(name.removeprefix("explain-"))
            else:
                draw(name)
        except InputError as error:
            sys.stderr.write(f"{name}: {error}\n")


if __name__ == "__main__":
    main()
