"""Drift occurs across model classes although single trajectories are valid."""

from __future__ import annotations

from typing import Any

from pushforward.reproduce.budget import Budget
from pushforward.reproduce.checks import Check, Outcome, beyond_noise, quiet
from pushforward.reproduce.claim import Claim
from pushforward.reproduce.claims.arms import diffusion, plan_of, system
from pushforward.reproduce.evidence import Evidence
from pushforward.reproduce.measured import Number
from pushforward.reproduce.probes import Probe
from pushforward.study.plan import FRESH, GeneratorArm, Plan

__all__ = ["CLAIM", "LEAST_CLASSES", "LEAST_VALID"]

SYSTEM = "cone"
LEAST_CLASSES = 3
LEAST_VALID = 0.5
# Steps of each class, relative to those of the U-Net, so that each trains for less than a minute.
_STEPS = {"flow": 1.0, "transformer": 0.75, "vae": 0.75, "mlp": 3.0}
# White noise on every step is what no trajectory of a VAE is meant to be shown with.
_SAMPLING: dict[str, dict[str, Any]] = {"vae": {"decoder_noise": False}}


def _plans(budget: Budget) -> tuple[Plan, ...]:
    others = (
        GeneratorArm(
            name=name,
            settings={"steps": max(int(budget.steps * share), 1), "batch_size": budget.batch_size},
            sampling=_SAMPLING.get(name, {}),
        )
        for name, share in _STEPS.items()
    )
    title = "Does drift occur across model classes although single trajectories are valid?"
    return (plan_of(title, budget, (system(SYSTEM, budget),), (diffusion(budget), *others)),)


def _judge(evidence: Evidence) -> tuple[Check, ...]:
    control = evidence.ratio(SYSTEM, FRESH)
    checks = [Check("a fresh sample of the data stays within noise", quiet(control), (control,), "premise")]
    shown: list[Outcome] = []
    drifts: list[Number] = []
    for arm in (arm for arm in evidence.arms if arm != FRESH):
        valid, drift = evidence.valid(SYSTEM, arm), evidence.ratio(SYSTEM, f"{arm}, only the valid")
        outcome = _shown(drift, valid)
        shown.append(outcome)
        drifts.append(drift)
        numbers = (drift, valid, evidence.ratio(SYSTEM, arm))
        checks.append(
            Check(f"{arm}: most are valid, and these alone drift beyond noise", outcome, numbers, "context")
        )
    return (*checks, _together(shown, drifts))


def _shown(drift: Number, valid: Number) -> Outcome:
    """Whether a class shows it; it fails where its valid trajectories do not drift in any seed."""
    outcome = beyond_noise(drift)
    if outcome == "holds" and not all(share >= LEAST_VALID for share in valid.values):
        return "unclear"
    return outcome


def _together(shown: list[Outcome], drifts: list[Number]) -> Check:
    held = shown.count("holds")
    outcome: Outcome = "unclear"
    if held >= LEAST_CLASSES:
        outcome = "holds"
    elif shown and shown.count("fails") == len(shown):
        outcome = "fails"
    return Check(f"{held} of {len(shown)} classes show it", outcome, tuple(drifts))


CLAIM = Claim(
    name="drift-across-classes",
    statement="Models of different classes generate trajectories that are valid one by one, yet the distribution of a "
    "physical quantity over them is wrong.",
    rule="A class shows it where in every seed at least "
    f"{100 * LEAST_VALID:g} % of its trajectories are valid (keep to one cone, one speed and one rate of turn, "
    "each to 5 % of the length) and W1 of these alone exceeds the noise floor. Confirmed where at least "
    f"{LEAST_CLASSES} of the five classes show it; refuted where in no class and no seed the valid ones drift beyond "
    "the floor; else inconclusive. Premise: a fresh sample of the data stays at the noise floor or below, on "
    "average over seeds.",
    plans=_plans,
    judge=_judge,
    remark="At this budget too few trajectories are valid to count: about half of them for diffusion and the "
    "VAE, a third to a half for flow, a tenth for the others. Those that are valid drift by themselves in "
    "all five classes and both seeds, 1.7 to 6.6 times the noise floor. Part of that is which ones are "
    "valid, since that depends on the angle too: all of a class's trajectories together may drift less "
    "(diffusion, flow) or far more (transformer). Longer training makes more of them valid; see "
    "[Generators](generators.md#validity-of-the-five-classes).",
    probes=(Probe("valid"),),
)
