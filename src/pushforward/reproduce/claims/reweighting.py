"""Reweighting the demonstrations does not stop the drift."""

from __future__ import annotations

from pushforward.reproduce.budget import Budget
from pushforward.reproduce.checks import Check, beyond_noise, quiet
from pushforward.reproduce.claim import Claim
from pushforward.reproduce.claims.arms import diffusion, plan_of, system
from pushforward.reproduce.evidence import Evidence
from pushforward.reproduce.probes import Probe
from pushforward.study.plan import Plan

__all__ = ["CLAIM"]

SYSTEM = "logistic-map"
INTENDED = "uniform(3.5, 4)"
# Three times as many demonstrations for an r below 3.75 as above.
SKEWED = "0.5*uniform(3.5, 3.75) + 0.5*uniform(3.5, 4)"
_ARM = "diffusion on reweighted data"


def _plans(budget: Budget) -> tuple[Plan, ...]:
    mitigations = (f"reweight(logistic-map-r, intended='{INTENDED}')",)
    arms = (diffusion(budget, _ARM, mitigations),)
    data = system(SYSTEM, budget, intended=SKEWED)
    return (plan_of("Does reweighting the demonstrations stop the drift?", budget, (data,), arms),)


def _judge(evidence: Evidence) -> tuple[Check, ...]:
    made = evidence.ratio(SYSTEM, f"{_ARM}, against the intended law")
    shown = evidence.ratio(SYSTEM, f"{_ARM}, its demonstrations against the intended law")
    return (
        Check("the reweighted demonstrations follow the intended law", quiet(shown), (shown,), "premise"),
        Check("the model drifts from the intended law beyond noise", beyond_noise(made), (made,)),
    )


CLAIM = Claim(
    name="reweighting-does-not-stop-it",
    statement="Demonstrations that are reweighted to the intended law do not keep the model from drifting from it.",
    rule="Demonstrations of the logistic map with too many small r are resampled to r uniform on [3.5, 4]; W1 of "
    "what a diffusion model then makes, against that law, exceeds its noise floor. Confirmed where it does in "
    "every seed, refuted where it does in none, else inconclusive. Premise: the resampled demonstrations "
    "themselves stay at the floor or below, on average over seeds.",
    plans=_plans,
    judge=_judge,
    probes=(Probe("stated", {"intended": INTENDED}),),
)
