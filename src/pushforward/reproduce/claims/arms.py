"""The arms and kernels that several claims share, so that a run of one claim is a run of the others too."""

from __future__ import annotations

from typing import Any

from pushforward.measure import AuditSettings
from pushforward.reproduce.budget import Budget
from pushforward.study.plan import GeneratorArm, KernelForecast, Plan, SystemData

__all__ = ["DENOISE", "DIFFUSION", "PILOT", "diffusion", "plan_of", "system"]

DIFFUSION = "diffusion"
DENOISE = "denoise (trained)"
PILOT = "pilot (before training)"

_SHAPES: dict[str, dict[str, Any]] = {
    "logistic-map": {"T": 32},
    "cone": {"T": 32},
    "double-pendulum": {"T": 32},
    "maze": {"T": 32, "dt": 0.5},
}


def system(name: str, budget: Budget, **changes: Any) -> SystemData:
    """A system at 32 time steps, with its own law."""
    return SystemData(name=name, n=budget.n, **{**_SHAPES[name], **changes})


def diffusion(budget: Budget, label: str = DIFFUSION, mitigations: tuple[str, ...] = ()) -> GeneratorArm:
    """The U-Net diffusion model, with mitigations around it where some are named."""
    settings = {"steps": budget.steps, "batch_size": budget.batch_size}
    return GeneratorArm(name="diffusion", settings=settings, mitigations=mitigations, label=label)


def plan_of(
    title: str,
    budget: Budget,
    systems: tuple[SystemData, ...],
    generators: tuple[GeneratorArm, ...],
    kernels: tuple[KernelForecast, ...] = (),
) -> Plan:
    """One run of everything for each seed, on one thread."""
    return Plan(
        title=title,
        systems=systems,
        generators=generators,
        kernels=kernels,
        seeds=budget.seeds,
        samples=(budget.samples,),
        audit=AuditSettings(resamples=budget.resamples),
        threads=1,
    )
