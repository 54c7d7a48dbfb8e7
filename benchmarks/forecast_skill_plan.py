"""What the study of forecast skill trains and forecasts: systems, classes, kernels, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "BUDGET",
    "CHOSEN",
    "FAMILY",
    "GENERATORS",
    "HELD_OUT",
    "PAPER",
    "TINY",
    "Budget",
    "Job",
    "jobs",
    "own_kernels",
]

PAPER = ("logistic-map", "double-pendulum", "cone", "sinusoid", "maze")
# Nobody looked at these while kernels, pilots or their factors were chosen.
HELD_OUT = ("kepler", "henon-heiles", "lorenz-63")
# A maze's record lasts as long as usual with half as many steps.
DT: dict[str, float] = {"maze": 0.5}


@dataclass(frozen=True)
class Budget:
    """How much of everything.

    Attributes:
        T: time steps.
        n_data: trajectories that models are trained on and audited against.
        n_kernel: of these, how many a kernel that asks a network deviates.
        n_local: how many the local score machine deviates.
        n_pairs: pairs of samples behind the solver's share.
        n_made: made trajectories; n_made_slow by classes that call their network many times for each.
        training: share of the steps of `GENERATORS` that are taken.
    """

    T: int = 32
    n_data: int = 20_000
    n_kernel: int = 4_000
    n_local: int = 2_000
    n_pairs: int = 800
    n_made: int = 50_000
    n_made_slow: int = 20_000
    training: float = 1.0


BUDGET = Budget()
TINY = Budget(n_data=600, n_kernel=200, n_local=100, n_pairs=50, n_made=400, n_made_slow=400, training=0.012)

_UNET: dict[str, Any] = {"steps": 1500, "batch_size": 64, "widths": (16, 32, 64), "blocks": 1}
GENERATORS: dict[str, dict[str, Any]] = {
    "vae": {"steps": 1000, "batch_size": 64, "latent": 16, "width": 16, "widest": 32, "blocks": 1},
    "mlp": {"steps": 3000, "batch_size": 64},
    "diffusion": _UNET,
    "flow": _UNET,
    "transformer": {"steps": 1000, "batch_size": 64, "width": 48, "blocks": 2, "hidden": 32},
}
SLOW = ("diffusion", "flow", "mlp", "transformer")
# Flow, which is nearest to another class, comes after the systems held out; on these two classes are tried.
FIRST, TESTED = ("diffusion", "mlp", "transformer"), ("diffusion", "mlp")

# One setting of each, chosen before any cell was made: those of the docs' first examples and in the middle of their
# dose-responses.
CHOSEN = (
    "gaussian(scale=0.02)",
    "spectral(scale=0.02, correlation=6)",
    "shrinkage(scale=0.1)",
    "ornstein-uhlenbeck(scale=0.1)",
    "local-score(scale=0.075)",
)
# Among these a kernel is fitted to one system's drift, and tried on another's.
FAMILY = (
    *(f"gaussian(scale={s:g})" for s in (0.005, 0.01, 0.02, 0.04, 0.08)),
    *(f"spectral(scale={s:g}, correlation=6)" for s in (0.02, 0.05, 0.1, 0.2)),
    *(f"shrinkage(scale={s:g})" for s in (0.02, 0.05, 0.1, 0.2)),
    *(f"ornstein-uhlenbeck(scale={s:g})" for s in (0.05, 0.1, 0.2, 0.3)),
)


def own_kernels(feeds: tuple[str, ...]) -> tuple[tuple[str, dict[str, float]], ...]:
    """The kernels that a trained model feeds, from fine errors to its whole drift."""
    if "denoise" in feeds:
        return tuple(("denoise", {"scale": s}) for s in (0.3, 1.0, 3.0, 10.0))
    if "rollout" in feeds:
        return tuple(("rollout", {"scale": s}) for s in (0.25, 0.5, 1.0))
    return tuple(("reconstruction", {"scale": 1.0, "prior": p}) for p in (0.0, 0.5, 1.0))


@dataclass(frozen=True)
class Job:
    """One cell: the data-only kernels of a system (no generator), or one training.

    Attributes:
        system, generator, seed: of the training.
        kernels: also its pilot, its own kernels and its solver's share.
    """

    system: str
    generator: str = ""
    seed: int = 0
    kernels: bool = True

    @property
    def key(self) -> tuple[str, str, int]:
        """What the ledger knows it by."""
        return self.system, self.generator, self.seed


def jobs() -> tuple[Job, ...]:
    """All cells, those that tell most first."""
    data = tuple(Job(system) for system in PAPER)
    cheapest = tuple(Job(system, "vae") for system in PAPER)
    first, later = (tuple(Job(s, name) for s in part for name in FIRST) for part in (PAPER[:3], PAPER[3:]))
    held_out = tuple(Job(system) for system in HELD_OUT)
    tested = tuple(Job(system, name) for name in TESTED for system in HELD_OUT)
    last = tuple(Job(system, "flow") for system in PAPER)
    second = tuple(Job(system, name, 1, kernels=False) for name in GENERATORS for system in PAPER)
    return (*data, *cheapest, *first, *held_out, *tested, *later, *last, *second)
