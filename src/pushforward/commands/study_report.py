"""`pushforward report STUDY`: the page of a study."""

from __future__ import annotations

import shutil
import sys
from pathlib import Path

from pushforward.commands.base import Outcome
from pushforward.errors import InputError, printable

__all__ = ["is_study", "outcome_of_study", "terminal_columns"]


def is_study(folder: Path) -> bool:
    """Whether a folder holds a study."""
    from pushforward.study.ledger import Ledger

    return Ledger.exists(folder)


def outcome_of_study(folder: Path, page: Path, others: dict[str, bool]) -> Outcome:
    """Write the page of a study; `others` are flags of `report` that a study does not have, and whether they are set.

    Raises:
        InputError: such a flag is set, nothing is done yet, or the page cannot be written.
    """
    from pushforward.study.ledger import Ledger
    from pushforward.study.page import study_page
    from pushforward.study.results import Results
    from pushforward.study.table import result_text
    from pushforward.writing import write_text

    for flag, is_set in others.items():
        if is_set:
            raise InputError(f"{flag}: belongs to the report of a run; {printable(folder)} is a study")
    results = Results.of(Ledger(folder))
    write_text(page, study_page(results))
    record = {
        "study": str(folder),
        "report": str(page),
        "summary": results.summary_table().to_pylist(),
        "forecasts": list(results.forecasts),
    }
    return Outcome(f"{result_text(results, terminal_columns())}\n\nreport: {printable(page)}", record)


def terminal_columns() -> int | None:
    """How wide the terminal is; None where the output goes elsewhere."""
    return shutil.get_terminal_size().columns if sys.stdout.isatty() else None
