"""`pushforward report`: a page to read and print, of a run or of an audit."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any

import tyro

from pushforward.commands.audit import AuditOptions, outcome_of
from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import described, distinct, existing, stream
from pushforward.commands.runs import RunRecord, samples_of
from pushforward.commands.study_report import is_study, outcome_of_study
from pushforward.errors import InputError, printable
from pushforward.measure import Audit, audit
from pushforward.trajectories import Trajectories

__all__ = ["MakeReport"]

_LARGEST_AUDIT = 64 << 20
_SHOWN = 400


@dataclass(frozen=True, kw_only=True)
class MakeReport(AbstractCommand):
    """Write a report: of a run (its samples against its data), of a study, or of an audit saved with `audit --json`."""

    source: Annotated[tyro.conf.Positional[Path], tyro.conf.arg(metavar="RUN")]
    """Folder made by `train -o` or by `study`, or a file made by `audit --json`."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FILE")] = Path("report.html")
    """The page to write."""
    made: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """The run's samples; default: RUN/made.npz, and where there are none some are made."""
    n: Annotated[int, tyro.conf.arg(aliases=["-n"], metavar="N")] = 10_000
    """How many samples to make where there are none."""
    comparison: AuditOptions = AuditOptions()
    figures: Annotated[Path | None, tyro.conf.arg(metavar="FOLDER")] = None
    """Also write every figure as SVG and PNG."""

    def run(self) -> Outcome:
        """Audit where needed, and write the page. Always exits with 0: the gate is `audit`."""
        existing(self.source)
        distinct([self.output, self.json], [self.source, self.made])
        if is_study(self.source):
            others = {
                "--made": self.made is not None,
                "--figures": self.figures is not None,
                "--comparison": self.comparison != AuditOptions(),
            }
            return outcome_of_study(self.source, self.output, others)
        outcome = self._of_run() if self.source.is_dir() else self._of_audit()
        return Outcome(outcome.text, outcome.record)

    def _of_audit(self) -> Outcome:
        where = printable(self.source)
        if self.comparison != AuditOptions() or self.made is not None:
            raise InputError(
                f"{where}: is a finished audit; --quantity, --made and the like belong to `audit`"
            )
        if self.source.stat().st_size > _LARGEST_AUDIT:
            raise InputError(f"{where}: got more than {_LARGEST_AUDIT >> 20} MB; expected an audit's JSON")
        try:
            found = Audit.from_json(json.loads(self.source.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            said = str(error) if isinstance(error, InputError) else "not JSON"
            raise InputError(
                f"{where}: {said}; expected a run's folder or a file made by `audit --json`"
            ) from None
        return outcome_of(found, [None, None], self.output, self.figures, {})

    def _of_run(self) -> Outcome:
        from pushforward.formats import read

        record = RunRecord.load(self.source)
        if not record.data.exists():
            raise InputError(
                f"{printable(self.source)}: was trained on {printable(record.data)}, which is not there any more"
            )
        now = described(record.data)
        if now != record.described.replace(record.described.split(" (")[0], now.split(" (")[0], 1):
            raise InputError(
                f"{printable(record.data)}: is not the file any more that {printable(self.source)} was trained on; "
                f"got {now}; expected {printable(record.described)}"
            )
        made_file = self._samples()
        settings = self._settings(record, made_file)
        made = read(made_file)
        with self.progress("reading") as progress:
            found = audit(
                made,
                stream(record.data, record.inputs, progress),
                quantities=self.comparison.quantity or None,
                intended=self.comparison.laws(),
                tolerance=self.comparison.limits(),
                group=self.comparison.group,
                seed=self.seed,
                settings=self.comparison.settings(self.seed),
                inputs={"made": described(made_file), "against": record.described},
            )
        shown = [made.select(slice(0, _SHOWN)), _first(record)]
        return outcome_of(found, shown, self.output, self.figures, settings)

    def _samples(self) -> Path:
        if self.made is not None:
            return existing(self.made)
        usual = self.source / "made.npz"
        if not usual.exists():
            from pushforward.commands.sample import Sample

            Sample(run_folder=self.source, n=self.n, seed=self.seed, quiet=self.quiet).run()
        return usual

    def _settings(self, record: RunRecord, made_file: Path) -> dict[str, Any]:
        from pushforward.generators.checkpoint import read_settings

        stored = read_settings(self.source)
        kept = {name: stored.get(name) for name in ("generator", "seed", "step", "settings")}
        sampling = samples_of(self.source, made_file)
        return {**kept, "trained by": record.command, **({"sampling": sampling} if sampling else {})}


def _first(record: RunRecord) -> Trajectories:
    from pushforward.formats import batches

    return next(batches(record.data, _SHOWN, record.inputs.format, record.inputs.reading))
