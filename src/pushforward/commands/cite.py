"""`pushforward cite`: the BibTeX of the methods used."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.commands.files import existing
from pushforward.errors import InputError, printable, require

if TYPE_CHECKING:
    from pushforward.measure.results import Audit

__all__ = ["Cite"]

_LARGEST = 64 << 20


@dataclass(frozen=True, kw_only=True)
class Cite(AbstractCommand):
    """Print the BibTeX of the methods behind an audit, or of the paper and all methods there are."""

    audit: Annotated[tyro.conf.Positional[Path | None], tyro.conf.arg(metavar="AUDIT")] = None
    """A file written by `audit --json`: exactly the methods behind it. Left out: all of them."""

    def run(self) -> Outcome:
        """Look the keys up."""
        from pushforward.report.references import REFERENCES, cite, used

        keys = list(REFERENCES) if self.audit is None else used(self._audit(self.audit))
        return Outcome(cite(keys), {"keys": keys})

    @staticmethod
    def _audit(path: Path) -> Audit:
        from pushforward.measure.results import Audit

        where = printable(existing(path))
        require(path.is_file() and path.stat().st_size <= _LARGEST, f"{where}: expected an audit's JSON")
        try:
            return Audit.from_json(json.loads(path.read_text(encoding="utf-8")))
        except (OSError, ValueError, RecursionError) as error:
            said = str(error) if isinstance(error, InputError) else "not JSON"
            raise InputError(f"{where}: {said}; expected a file made by `audit --json`") from None
