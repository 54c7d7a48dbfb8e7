"""A picture of a system's trajectories."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from pushforward.errors import require
from pushforward.systems.base import AbstractSystem
from pushforward.trajectories import Trajectories
from pushforward.writing import atomic

if TYPE_CHECKING:
    from matplotlib.figure import Figure

__all__ = ["check_plot", "picture", "save_plot"]

_SUFFIXES = (".png", ".svg")


def picture(
    system: AbstractSystem, trajectories: Trajectories, size: tuple[float, float] = (4.8, 3.6)
) -> Figure:
    """Trajectories as the system draws them: over time, in phase space or in the plane; `size` is in inches."""
    # The object interface: no display is needed, no state shared.
    from matplotlib.figure import Figure

    figure = Figure(figsize=size, layout="constrained")
    axes = figure.add_subplot()
    system.draw(axes, trajectories)
    axes.set_title(f"{system.name}, {len(trajectories)} trajectories", fontsize=10)
    axes.spines[["top", "right"]].set_visible(False)
    return figure


def check_plot(path: Path) -> None:
    """Refuse a name whose ending is neither .png nor .svg.

    Raises:
        InputError: another ending.
    """
    require(
        path.suffix.lower() in _SUFFIXES,
        f"plot {path.name!r}: got ending {path.suffix!r}; expected .png or .svg",
    )


def save_plot(path: Path, system: AbstractSystem, trajectories: Trajectories, dpi: int = 120) -> None:
    """Write `picture` as PNG or SVG, by the ending of `path`, atomically.

    Raises:
        InputError: another ending, or a folder that cannot be written to.
    """
    check_plot(path)
    figure = picture(system, trajectories)
    with atomic(path) as temporary:
        figure.savefig(temporary, format=path.suffix.lower()[1:], dpi=dpi)
