"""`pushforward status`: where a study stands."""

from __future__ import annotations

import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import existing
from pushforward.errors import printable

if TYPE_CHECKING:
    from pushforward.study.results import Results

__all__ = ["Status"]

_EVERY = 2.0
_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class Status(AbstractCommand):
    """Show which runs of a study are done, running, failed and left. Changes nothing; asks no running process.

    On a terminal the table is live while runs are being worked on; Ctrl-C ends it, not the study.
    """

    study: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="STUDY")]
    """Folder of the study."""
    once: bool = False
    """Show the table once, also on a terminal."""

    def run(self) -> Outcome:
        """Look, once or until nothing runs any more."""
        results = self._look()
        if not (self.once or self.quiet) and sys.stdout.isatty() and _running(results):
            results = self._live(results)
        from pushforward.study.table import as_text, status_table

        record = {
            "study": str(self.study),
            "title": results.title,
            "states": {state: results.count(state) for state in ("done", "failed", "planned")},
            "running": _running(results),
            "errors": dict(results.errors),
        }
        return Outcome("\n".join([as_text(status_table(results)), *self._lines(results)]), record)

    def _look(self) -> Results:
        from pushforward.study.ledger import Ledger
        from pushforward.study.results import Results

        return Results.of(Ledger(existing(self.study)))

    def _live(self, results: Results) -> Results:
        from rich.live import Live

        from pushforward.study.table import status_table

        try:
            with Live(status_table(results), transient=True, auto_refresh=False) as live:
                while _running(results):
                    time.sleep(_EVERY)
                    results = self._look()
                    live.update(status_table(results), refresh=True)
        except KeyboardInterrupt:
            pass
        return results

    def _lines(self, results: Results) -> list[str]:
        done, failed = results.count("done"), results.count("failed")
        lines = [f"{printable(self.study)}: {done} of {len(results.runs)} runs are done, {failed} failed"]
        lines += [
            f"failed: {run}: {printable(error, 300)}" for run, error in list(results.errors.items())[:_SHOWN]
        ]
        if results.damaged:
            lines.append(
                f"{len(results.damaged)} damaged records; `pushforward study ... --resume` does these runs again"
            )
        return lines


def _running(results: Results) -> list[str]:
    """Ids of the runs whose worker's heart beats."""
    return sorted(run for run, beat in results.ledger.heartbeats().items() if beat.alive)
