"""`pushforward study`: many runs from one plan, in a folder that survives crashes."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import existing
from pushforward.commands.study_report import terminal_columns
from pushforward.errors import printable

if TYPE_CHECKING:
    from pushforward.study.study import Ended

__all__ = ["RunStudy"]

_SHOWN = 5


@dataclass(frozen=True, kw_only=True)
class RunStudy(AbstractCommand):
    """Run a plan: systems or files × generators × seeds, with a fresh sample of the data as the control of each.

    Everything is checked before the first run. A run that is done is never done again; after a crash, an interrupt
    or a change of the plan go on with --resume. Exits with 2 when runs failed.
    """

    plan: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="PLAN")]
    """The plan, a TOML file."""
    output: Annotated[Path | None, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")] = None
    """Folder of the study; default: the plan's name without its suffix."""
    runner: Literal["local", "ray"] = "local"
    """Where runs are worked on: processes of this machine, or a Ray cluster."""
    workers: int | None = None
    """Runs at a time; default: as many as the cores hold."""
    address: str | None = None
    """Of an existing Ray cluster; without one a local one is started."""
    resume: bool = False
    """Go on with a study that is in the folder already."""
    check: bool = False
    """Only check the plan and list its runs."""

    def run(self) -> Outcome:
        """Check the plan, do what is left to do, show the results."""
        from pushforward.study import Study
        from pushforward.study.table import result_text

        study = Study.read(existing(self.plan), self.output)
        if self.check:
            lines = [run.described for run in study.runs]
            text = "\n".join([*lines, f"{len(lines)} runs; nothing was run"])
            return Outcome(text, {"runs": [{"id": run.id, **dict(run.content)} for run in study.runs]})
        with self.progress("runs") as report:
            ended = study.run(
                self.runner, workers=self.workers, address=self.address, resume=self.resume, progress=report
            )
        results = study.results()
        lines = [result_text(results, terminal_columns()), "", self._ended(study.folder, ended)]
        lines += [f"failed: {printable(error, 300)}" for error in list(ended.failed.values())[:_SHOWN]]
        record = {
            "study": str(study.folder),
            "runs": ended.n_runs,
            "worked": ended.n_worked,
            "failed": ended.failed,
            "rows": list(results.rows),
            "summary": results.summary_table().to_pylist(),
            "forecasts": list(results.forecasts),
        }
        return Outcome("\n".join(lines), record, exit_code=2 if ended.failed else 0)

    def _ended(self, folder: Path, ended: Ended) -> str:
        before = ended.n_runs - ended.n_worked
        known = f", {before} were done before" if before else ""
        failed = f", {len(ended.failed)} failed" if ended.failed else ""
        where = printable(folder)
        return (
            f"{where}: {ended.n_worked} runs in {ended.seconds:.0f} s{known}{failed}; tables in results.parquet and "
            f"summary.parquet, a page by `pushforward report {where}`"
        )
