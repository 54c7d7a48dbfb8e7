"""What the demo may spend on each chapter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

__all__ = ["FULL", "QUICK", "Budget"]


@final
@dataclass(frozen=True)
class Budget:
    """The sizes of one chapter, the same for every chapter.

    Attributes:
        n_data: trajectories to train on, at most.
        steps: training steps of each of the two models.
        batch_size: trajectories per step.
        n_made: trajectories that each model makes.
        share: the most that the pilot takes of a training's FLOPs.
        n_forecast: trajectories that the pilot deviates, at most.
        n_explained: trajectories whose deviations by the trained model explain its drift, at most.
        ranking_kernel: local errors under which they are ranked.
        resamples: resamples without drift, behind noise floors and p-values.
        checkpoint_every: training steps between checkpoints.
    """

    n_data: int
    steps: int
    n_made: int
    n_forecast: int
    n_explained: int
    batch_size: int = 64
    share: float = 0.2
    ranking_kernel: str = "gaussian(scale=0.2)"
    resamples: int = 999
    checkpoint_every: int = 100


FULL = Budget(n_data=8000, steps=1000, n_made=3000, n_forecast=3000, n_explained=1500)
QUICK = Budget(n_data=6000, steps=160, batch_size=32, n_made=800, n_forecast=800, n_explained=400)
