"""Rows of a benchmark and how they are shown."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TypedDict

__all__ = ["Row", "fastest", "table"]


class Row(TypedDict):
    """One comparison: what was done, our figure, the peer's, their ratio (above 1: ours is better)."""

    what: str
    ours: str
    peer: str
    ratio: str


def fastest(call: Callable[[], object], repeats: int = 3) -> float:
    """Seconds of the fastest of a few runs: what the machine can do when nothing disturbs it."""
    best = float("inf")
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        best = min(best, time.perf_counter() - start)
    return best


def table(rows: Sequence[Row]) -> str:
    """Aligned columns of plain text."""
    cells = [
        ("what", "pushforward", "peer", "ratio"),
        *((r["what"], r["ours"], r["peer"], r["ratio"]) for r in rows),
    ]
    widths = [max(len(row[i]) for row in cells) for i in range(4)]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in cells
    ]
    return "\n".join([lines[0], "  ".join("-" * width for width in widths), *lines[1:]])
