"""What a claim is: a sentence, a plan of runs, and the rule by which its numbers become a verdict."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, final

from pushforward.reproduce.budget import FULL, Budget
from pushforward.reproduce.checks import Check
from pushforward.reproduce.evidence import Evidence

if TYPE_CHECKING:
    from pushforward.reproduce.probes import Probe
    from pushforward.study.plan import Plan

__all__ = ["Claim"]


@final
@dataclass(frozen=True)
class Claim:
    """A claim of the paper as a study.

    Attributes:
        name: on the command line.
        statement: the claim, in a sentence.
        rule: when it is confirmed, refuted or inconclusive; written before the run.
        plans: the study for a budget: the runs of all of them; kernels are those of the first.
        judge: the checks that the rule asks for.
        probes: what is looked at in the runs' own samples, beside their audits.
        budget: what the committed verdict comes from.
        remark: what was learned from the run; written after it, and no part of the verdict.
    """

    name: str
    statement: str
    rule: str
    plans: Callable[[Budget], tuple[Plan, ...]]
    judge: Callable[[Evidence], tuple[Check, ...]]
    probes: tuple[Probe, ...] = ()
    budget: Budget = FULL
    remark: str = ""
