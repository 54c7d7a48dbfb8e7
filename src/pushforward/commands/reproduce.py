"""`pushforward reproduce`: the claims of the paper, each with its verdict."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import tyro

from pushforward.commands.base import AbstractCommand, Outcome
from pushforward.errors import InputError, printable, require
from pushforward.reproduce import CLAIMS, claim_named

if TYPE_CHECKING:
    from pushforward.reproduce.budget import Budget
    from pushforward.reproduce.claim import Claim
    from pushforward.reproduce.record import Reproduced

__all__ = ["Reproduce"]


@dataclass(frozen=True, kw_only=True)
class Reproduce(AbstractCommand):
    """Run a claim of the paper as a study, and reach its verdict by a rule that was stated before.

    Without a claim: all of them with the verdicts that came with this version. With --check the claim is run again and
    compared with these; exits with 1 where the verdict differs, or a number by more than its uncertainty.
    """

    claim: Annotated[tyro.conf.Positional[str], tyro.conf.arg(metavar="CLAIM")] = ""
    """Which claim; without one they are listed."""
    seeds: tuple[int, ...] = ()
    """Repeat everything for each of these; default: those of the committed verdict (counted from --seed)."""
    output: Annotated[Path, tyro.conf.arg(aliases=["-o"], metavar="FOLDER")] = Path("reproduction")
    """Folder of all claims; each has its own study in it, and takes over what another has done already."""
    resume: bool = False
    """Go on with a claim that is in the folder already."""
    check: bool = False
    """Compare with the committed result."""
    quick: bool = False
    """A smaller budget, to see it run; its verdict is not that of the full one."""
    workers: int | None = None
    """Runs at a time; default: as many as there are cores."""
    page: Annotated[Path | None, tyro.conf.arg(metavar="FILE")] = None
    """Write the page of all committed verdicts, in Markdown."""

    def run(self) -> Outcome:
        """List the claims, or run one."""
        if self.page is not None:
            return self._page(self.page)
        if not self.claim:
            given = [name for name in ("check", "quick", "resume") if getattr(self, name)]
            if given:
                raise InputError(f"--{given[0]}: expected a claim to run, one of {', '.join(CLAIMS)}")
            return self._listed()
        claim = claim_named(self.claim)
        before = self._committed(claim)
        budget = self._budget(claim)
        found = self._reproduced(claim, budget)
        return self._told(found, before)

    def _page(self, page: Path) -> Outcome:
        from pushforward.reproduce.page import claims_page
        from pushforward.writing import write_text

        require(not self.claim, f"--page: shows all claims; got {printable(self.claim, 60)!r}")
        write_text(page, claims_page())
        return Outcome(f"page: {printable(page)}", {"page": str(page)})

    def _listed(self) -> Outcome:
        from pushforward.reproduce.record import committed
        from pushforward.reproduce.table import NOT_RUN, overview_text

        found = {name: committed(name) for name in CLAIMS}
        verdicts: dict[str, Any] = {
            name: {"verdict": NOT_RUN} if one is None else one.to_json() for name, one in found.items()
        }
        return Outcome(overview_text(found), {"claims": verdicts})

    def _committed(self, claim: Claim) -> Reproduced | None:
        """What to compare with, where it is asked for.

        Raises:
            InputError: nothing is, or --quick is asked for too.
        """
        if not self.check:
            return None
        require(not self.quick, "--check: compares with the full budget; got --quick too")
        from pushforward.reproduce.record import committed

        before = committed(claim.name)
        if before is None:
            raise InputError(f"--check: no verdict of {claim.name!r} came with this version; run it without")
        return before

    def _budget(self, claim: Claim) -> Budget:
        from pushforward.reproduce.budget import QUICK

        budget = QUICK if self.quick else claim.budget
        return replace(budget, seeds=self.seeds or tuple(self.seed + one for one in budget.seeds))

    def _reproduced(self, claim: Claim, budget: Budget) -> Reproduced:
        from pushforward.reproduce.running import reproduce

        with self.progress(claim.name) as report:
            return reproduce(
                claim, self.output, budget, workers=self.workers, resume=self.resume, progress=report
            )

    def _told(self, found: Reproduced, before: Reproduced | None) -> Outcome:
        from pushforward.reproduce.agreement import compared
        from pushforward.reproduce.table import agreement_text, claim_text

        if before is None:
            return Outcome(claim_text(found), found.to_json())
        agreement = compared(before, found)
        record = {**found.to_json(), "agreement": agreement.to_json()}
        text = f"{claim_text(found)}\n{agreement_text(agreement)}"
        return Outcome(text, record, exit_code=0 if agreement.agrees else 1)
