"""What the study of forecast skill trains and forecasts: systems, classes, kernels, and in which order."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

__all__ = [
    "BUDGET",
    "CHOSEN",
    "DENOISERS",
    "FAMILY",
    "GENERATORS",
    "HELD_OUT",
    "PAPER",
    "SHARE",
    "SMALL_SHARE",
    "TINY",
    "Budget",
    "Job",
    "jobs",
    "levels_of",
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
        n_made: made trajectories.
        training: share of the steps of `GENERATORS` that are taken.
    """

    T: int = 32
    n_data: int = 20_000
    n_kernel: int = 4_000
    n_local: int = 2_000
    n_pairs: int = 800
    n_made: int = 50_000
    training: float = 1.0


BUDGET = Budget()
TINY = Budget(n_data=600, n_kernel=200, n_local=100, n_pairs=50, n_made=400, training=0.012)

_UNET: dict[str, Any] = {"steps": 1500, "batch_size": 64, "widths": (16, 32, 64), "blocks": 1}
GENERATORS: dict[str, dict[str, Any]] = {
    "vae": {"steps": 1000, "batch_size": 64, "latent": 16, "width": 16, "widest": 32, "blocks": 1},
    "mlp": {"steps": 3000, "batch_size": 64},
    "diffusion": _UNET,
    "flow": _UNET,
    "transformer": {"steps": 1000, "batch_size": 64, "width": 48, "blocks": 2, "hidden": 32},
}
DENOISERS = ("diffusion", "flow", "mlp")
# The classes that are also tried on the systems held out.
TESTED = ("diffusion", "mlp")
# Of the training's FLOPs: the pilot's, and those of a smaller one that only `pilot by level` has beside it.
SHARE, SMALL_SHARE = 0.05, 0.0125

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


def levels_of(feeds: tuple[str, ...]) -> tuple[tuple[str, dict[str, float]], ...]:
    """A pilot's errors from fine to all of them; the last is the library's own kernel of a pilot."""
    if "denoise" in feeds:
        return tuple(("denoise", {"scale": s}) for s in (0.3, 1.0, 4.0))
    return own_kernels(feeds)


@dataclass(frozen=True)
class Job:
    """One cell: the data-only kernels of a system (no generator), one training, or the pilots of one.

    Attributes:
        system, generator, seed: of the training.
        pilots: the pilots of that training, not the training itself.
    """

    system: str
    generator: str = ""
    seed: int = 0
    pilots: bool = False

    @property
    def key(self) -> tuple[str, str, int, bool]:
        """What the ledger knows it by."""
        return self.system, self.generator, self.seed, self.pilots


def jobs() -> tuple[Job, ...]:
    """All cells, those that tell most first."""

    def both(systems: tuple[str, ...], names: tuple[str, ...]) -> tuple[Job, ...]:
        return tuple(Job(s, n, pilots=p) for n in names for s in systems for p in (False, True))

    chaotic, others = PAPER[:3], PAPER[3:]
    first = (
        *(Job(system) for system in PAPER),
        *(Job(system, "vae") for system in PAPER),
        *both(chaotic, TESTED),
        *(Job(system) for system in HELD_OUT),
        *both(HELD_OUT, TESTED[:1]),
        *(Job(system, "diffusion", 1) for system in chaotic[:2]),
        *both(HELD_OUT, TESTED[1:]),
        *both(chaotic, ("transformer",)),
        *both(others, TESTED),
    )
    rest = (
        *(Job(system, "diffusion", 1) for system in chaotic),
        *(Job(system, "vae", pilots=True) for system in PAPER),
        *both(others, ("transformer",)),
        *both(PAPER, ("flow",)),
        *(Job(system, name, 1) for name in GENERATORS for system in PAPER),
    )
    return tuple(dict.fromkeys((*first, *rest)))
