"""What a model does at low noise, where single trajectories hardly change, causes its drift."""

from __future__ import annotations

from pushforward.reproduce.budget import Budget
from pushforward.reproduce.checks import (
    Check,
    Outcome,
    below_noise,
    beyond_noise,
    quiet,
    surely_above,
    surely_less,
)
from pushforward.reproduce.claim import Claim
from pushforward.reproduce.claims.arms import DIFFUSION, diffusion, plan_of, system
from pushforward.reproduce.evidence import Evidence
from pushforward.reproduce.measured import Number
from pushforward.reproduce.probes import Probe
from pushforward.study.plan import KernelForecast, Plan

__all__ = ["CLAIM"]

SYSTEM = "cone"
LEVEL = 0.5
_OTHERS = (0.1,)
_BANK = 100_000
_OWN = "the model's fine errors"


def _plans(budget: Budget) -> tuple[Plan, ...]:
    kernels = (KernelForecast(kernel=f"denoise(scale={LEVEL})", arms=(DIFFUSION,), label=_OWN),)
    title = "Do errors at low noise cause the drift?"
    return (plan_of(title, budget, (system(SYSTEM, budget),), (diffusion(budget),), kernels),)


def _judge(evidence: Evidence) -> tuple[Check, ...]:
    drift = evidence.ratio(SYSTEM, DIFFUSION)
    own, corr, floor = (
        evidence.score(SYSTEM, DIFFUSION, _OWN, column)
        for column in ("forecast_w1", "corr", "floor_corr_high")
    )
    arm = f"{DIFFUSION}, exact below {LEVEL:g}"
    fresh = evidence.ratio(SYSTEM, f"{DIFFUSION}, fresh data, exact below {LEVEL:g}")
    before, after = (evidence.audited(SYSTEM, name, "w1", "W1") for name in (DIFFUSION, arm))
    left = evidence.ratio(SYSTEM, arm)
    others = (evidence.ratio(SYSTEM, f"{DIFFUSION}, exact below {level:g}") for level in _OTHERS)
    return (
        Check("the model drifts beyond noise", beyond_noise(drift), (drift,), "premise"),
        Check("fresh data, exact below the level, stay within noise", quiet(fresh), (fresh,), "premise"),
        Check("data with the model's fine errors drift", surely_above(own, 0.0), (own,)),
        Check("and that drift has the shape of the model's", surely_above(corr, floor), (corr, floor)),
        Check(
            "the model's samples, exact below the level, do not",
            _gone(before, after, left),
            (after, before, left),
        ),
        Check("exact below other levels", "unclear", tuple(others), "context"),
    )


def _gone(before: Number, after: Number, left: Number) -> Outcome:
    """Whether W1 has fallen beyond the limits of both and to the noise floor; it fails where more than half is left."""
    if surely_less(after, before) == "holds" and below_noise(left) == "holds":
        return "holds"
    pairs = zip(after.values, before.values, strict=False)
    kept = after.whole and before.whole and all(now > then / 2 for now, then in pairs)
    return "fails" if kept else "unclear"


CLAIM = Claim(
    name="fine-errors-cause-drift",
    statement="What a diffusion model does below a low noise level, where single trajectories hardly change, causes "
    "its drift: real trajectories drift once the model has done it to them, and the model's samples do "
    "not once the exact law has done it instead.",
    rule="On the cone, at noise of half a standard deviation. Injected: real trajectories, noised and taken "
    "back by the model, drift (all of W1's 95 % limits above 0), and that drift correlates with the "
    "model's beyond the noise floor's 97.5 % point. Removed: the model's samples, noised and taken back "
    "by the exact law (a draw from 100,000 fresh trajectories by its posterior given the noisy one), have "
    "a W1 that falls beyond the limits of both, and to the noise floor or below. Confirmed where all of "
    "it holds in every seed, refuted where any of it fails in every seed (of the last: where more than half "
    "of W1 is left), else inconclusive. Premises: "
    "the model drifts; fresh data, noised and taken back by the exact law, stay at the noise floor or "
    "below, on average over seeds. A lower level, 0.1, decides nothing.",
    plans=_plans,
    judge=_judge,
    remark="Refuted by its rule, with two reservations. The rule compares W1 with half of what it was and not "
    "with its limits, and sampling alone gives 0.005 and 0.008 rad here, where the model's drift is 0.020 "
    "and 0.017. And W1 sees the mean above all, which stays too high (by 0.016 and 0.012 rad before, "
    "0.014 and 0.011 after), while the total variation falls from 0.090 and 0.092 to 0.060 and 0.062, "
    "with a noise floor of 0.051. So fine errors make part of this drift, in which bins gain and lose, "
    "and what the model does at coarser noise shifts the mean.",
    probes=(Probe("exact", {"scales": [LEVEL, *_OTHERS], "bank": _BANK}),),
)
