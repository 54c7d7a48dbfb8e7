"""A data deviation kernel forecasts which values a model makes too often and too seldom."""

from __future__ import annotations

from functools import partial

from pushforward.reproduce.budget import FULL, ONCE, Budget
from pushforward.reproduce.checks import Check, beyond_noise, surely_above
from pushforward.reproduce.claim import Claim
from pushforward.reproduce.claims.arms import DENOISE, DIFFUSION, PILOT, diffusion, plan_of, system
from pushforward.reproduce.evidence import Evidence
from pushforward.study.plan import KernelForecast, Plan

__all__ = ["DOUBLE_PENDULUM", "MAZE", "SYNTHETIC"]

_KERNELS = (
    KernelForecast(kernel="denoise(scale=4)", arms=(DIFFUSION,), label=DENOISE),
    KernelForecast(kernel="pilot", arms=(DIFFUSION,), label=PILOT),
)
_CEILING = ("ceiling_corr", "ceiling_skill")


def _plans(systems: tuple[str, ...], budget: Budget) -> tuple[Plan, ...]:
    data = tuple(system(name, budget) for name in systems)
    title = f"Do kernels forecast the drift of diffusion on {', '.join(systems)}?"
    return (plan_of(title, budget, data, (diffusion(budget),), _KERNELS),)


def _judge(evidence: Evidence) -> tuple[Check, ...]:
    checks: list[Check] = []
    for data in evidence.data:
        drift = evidence.ratio(data, DIFFUSION)
        checks.append(
            Check(f"{data}: there is a drift to forecast", beyond_noise(drift), (drift,), "premise")
        )
        for kernel in (DENOISE, PILOT):
            checks += _of_kernel(evidence, data, kernel)
    return tuple(checks)


def _of_kernel(evidence: Evidence, data: str, kernel: str) -> list[Check]:
    of = partial(evidence.score, data, DIFFUSION, kernel)
    corr, floor, skill, sign = of("corr"), of("floor_corr_high"), of("skill"), of("sign_accuracy")
    said = f"{data}: {kernel}:"
    ceiling = tuple(of(column) for column in _CEILING)
    return [
        Check(f"{said} corr above the noise floor", surely_above(corr, floor), (corr, floor)),
        Check(f"{said} skill above 0", surely_above(skill, 0.0), (skill,)),
        Check(f"{said} more than half of the signs right", surely_above(sign, 0.5), (sign,)),
        Check(f"{said} another seed of the model in its place", "unclear", ceiling, "context"),
    ]


def _claim(name: str, where: str, systems: tuple[str, ...], budget: Budget = FULL, remark: str = "") -> Claim:
    return Claim(
        name=name,
        statement=f"A data deviation kernel, of a trained diffusion model or estimated before its training, forecasts "
        f"which values of the quantity gain and lose mass {where}.",
        rule="Two kernels are scored against the drift of a diffusion model: its own errors (noised to four standard "
        "deviations and denoised), and those of a pilot that takes a twentieth of the training's FLOPs and no "
        "look at the outcome. A kernel forecasts where in every seed the 95 % limits of corr lie above the 97.5 % "
        "point of the noise floor (fresh samples of the data in its place), those of skill above 0, and those of "
        "the share of significant gains and losses with the right sign above one half. Confirmed where both do on "
        "every system, refuted where one of these numbers lies on the other side with all of its limits in every "
        "seed, else inconclusive. Premise: the model drifts beyond the noise floor in every seed.",
        plans=partial(_plans, systems),
        judge=_judge,
        budget=budget,
        remark=remark,
    )


_SYNTHETIC = (
    "The kernel of the trained model forecasts on both systems and in both seeds. The pilot, which had "
    "4.2·10¹⁰ FLOPs (4.9 % of so short a training), does on the cone; on the logistic map its skill is "
    "0.2 with one seed and −2 with the other. [Its page](pilot.md) has longer trainings, with more."
)

_MAZE = (
    "One seed. The kernel of the trained model forecasts; of the pilot, corr and signs do, but its skill "
    "cannot be told from 0. Hardly a generated path passes the maze's own check at this budget, so this "
    "is the drift of a hardly trained model."
)

SYNTHETIC = _claim("forecast-synthetic", "on synthetic systems", ("logistic-map", "cone"), remark=_SYNTHETIC)
MAZE = _claim("forecast-maze", "in a maze", ("maze",), ONCE, remark=_MAZE)
DOUBLE_PENDULUM = _claim("forecast-double-pendulum", "of a double pendulum", ("double-pendulum",), ONCE)
