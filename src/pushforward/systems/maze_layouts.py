"""Mazes as text: the layouts of D4RL and PointMaze, your own, and generated ones."""

from __future__ import annotations

from typing import Final

import numpy as np
from numpy.typing import NDArray

from pushforward.errors import InputError, named, printable, require

__all__ = ["GENERATED", "INTENDED", "LAYOUTS", "MOST_OPEN_CELLS", "generated", "parsed"]

GENERATED: Final = "generated"
# A table of the distances between all open cells is kept: 4096² two-byte numbers are 32 MB.
MOST_OPEN_CELLS: Final = 4096

# Fu et al., D4RL: Datasets for Deep Data-Driven Reinforcement Learning, arXiv 2004.07219 (2020), maze2d.
LAYOUTS: Final[dict[str, str]] = {
    "umaze": "#####/#...#/###.#/#...#/#####",
    "medium": "########/#..##..#/#..#...#/##...###/#..#...#/#.#..#.#/#...#..#/########",
    "large": (
        "############/#....#.....#/#.##.#.#.#.#/#......#...#/#.####.###.#/#..#.#.....#/"
        "##.#.#.#.###/#..#...#...#/############"
    ),
}

# Path lengths (m) that fit the default record; the first number is about two cells, the last a long detour.
INTENDED: Final[dict[str, str]] = {
    "umaze": "uniform(2, 12)",
    "medium": "uniform(3, 20)",
    "large": "uniform(4, 24)",
}


def parsed(layout: str) -> NDArray[np.bool_]:
    """(R, C) True at walls: a named layout, or rows of `#` (wall) and `.` (open) between slashes.

    Raises:
        InputError: neither a known name nor such rows, or a maze in which some cells have no route.
    """
    text = LAYOUTS.get(layout, layout)
    if not set(text) <= set("#./"):
        raise named("maze layout", layout, [*LAYOUTS, GENERATED, "rows of # and . between slashes"])
    rows = text.split("/")
    widths = {len(row) for row in rows}
    require(
        len(widths) == 1 and widths != {0},
        f"maze layout: got rows of {sorted(widths)[:4]} cells; expected rows of one length",
    )
    require(
        len(text) <= 4 * MOST_OPEN_CELLS, f"maze layout: got {len(text):,} cells; expected at most 16,384"
    )
    walls = np.array([[cell == "#" for cell in row] for row in rows])
    _require_routes(walls)
    return walls


def generated(rows: int, columns: int, openings: float, seed: int) -> NDArray[np.bool_]:
    """(2·rows + 1, 2·columns + 1) True at walls: a random spanning tree of rooms, with some more walls opened.

    The tree is grown depth first from a random room; then each remaining inner wall between two rooms is opened with
    probability `openings`, which makes loops.

    Raises:
        InputError: fewer than two rooms, too many, or a probability outside [0, 1].
    """
    require(
        rows >= 1 and columns >= 1 and rows * columns >= 2,
        f"generated maze: got {rows} rows × {columns} columns; expected at least 2 rooms",
    )
    require(
        rows * columns <= MOST_OPEN_CELLS // 2,
        f"generated maze: got {rows} × {columns} rooms; expected at most {MOST_OPEN_CELLS // 2} rooms",
    )
    require(0 <= openings <= 1, f"generated maze: got openings {openings:g}; expected 0 to 1")
    require(seed >= 0, f"generated maze: got seed {seed}; expected 0 or more")
    rng = np.random.default_rng(seed)
    walls = np.ones((2 * rows + 1, 2 * columns + 1), dtype=bool)
    walls[1::2, 1::2] = False
    _grow_tree(walls, rng)
    for between in (walls[2:-1:2, 1::2], walls[1::2, 2:-1:2]):
        between &= rng.random(between.shape) >= openings
    _require_routes(walls)
    return walls


def _grow_tree(walls: NDArray[np.bool_], rng: np.random.Generator) -> None:
    rows, columns = (size // 2 for size in walls.shape)
    trail = [(int(rng.integers(rows)), int(rng.integers(columns)))]
    seen = set(trail)
    while trail:
        row, column = trail[-1]
        beside = [(row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)]
        unseen = [
            room for room in beside if 0 <= room[0] < rows and 0 <= room[1] < columns and room not in seen
        ]
        if not unseen:
            trail.pop()
            continue
        new = unseen[int(rng.integers(len(unseen)))]
        walls[row + new[0] + 1, column + new[1] + 1] = False
        seen.add(new)
        trail.append(new)


def _require_routes(walls: NDArray[np.bool_]) -> None:
    open_cells = [(int(row), int(column)) for row, column in np.argwhere(~walls)]
    count = len(open_cells)
    require(
        2 <= count <= MOST_OPEN_CELLS,
        f"maze: got {count} open cells; expected 2 to {MOST_OPEN_CELLS:,}",
    )
    unreached = set(open_cells[1:])
    trail = [open_cells[0]]
    while trail:
        row, column = trail.pop()
        for beside in ((row + 1, column), (row - 1, column), (row, column + 1), (row, column - 1)):
            if beside in unreached:
                unreached.remove(beside)
                trail.append(beside)
    if unreached:
        row, column = min(unreached)
        raise InputError(
            printable(
                f"maze: no route from the open cell in row {open_cells[0][0]}, column {open_cells[0][1]} to the "
                f"one in row {row}, column {column}; expected a route between any two open cells"
            )
        )
