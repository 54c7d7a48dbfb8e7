"""Runs that another claim's study has done already, taken over instead of done again."""

from __future__ import annotations

import contextlib
import shutil
from collections.abc import Iterable
from pathlib import Path

from pushforward.study.ledger import Ledger, remove_tree
from pushforward.study.runs import Run

__all__ = ["adopted"]


def adopted(ledger: Ledger, runs: Iterable[Run], folder: Path) -> int:
    """Copy runs that are done in another study below `folder` into this ledger; gives how many.

    A run's ID is the hash of all that determines it, so the same ID is the same run. Whole ones only: everything that
    a record names is checked against its SHA-256, and the record is written last.
    """
    others = [Ledger(path.parent) for path in sorted(folder.glob("*/study.json"))]
    others = [other for other in others if other.folder.resolve() != ledger.folder.resolve()]
    return sum(_adopt(ledger, run.id, others) for run in runs if not ledger.is_done(run.id))


def _adopt(ledger: Ledger, run: str, others: Iterable[Ledger]) -> bool:
    source = next((other for other in others if other.is_done(run)), None)
    if source is None:
        return False
    with ledger.claimed(run) as claim:
        record = source.record(run)
        if claim is None or record is None or ledger.is_done(run):
            return False
        here = ledger.run_folder(run)
        remove_tree(here)
        # What cannot be copied is done again.
        with contextlib.suppress(OSError):
            shutil.copytree(source.run_folder(run), here)
        if ledger.damage(record) or not here.is_dir():
            remove_tree(here)
            return False
        ledger.write(record)
    return True
