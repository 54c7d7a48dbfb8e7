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
        n_ranked: trajectories on which repairs are ranked, at most.
        ranking_kernel: local errors under which they are ranked.
        resamples: resamples without drift, behind noise floors and p-values.
        checkpoint_every: training steps between checkpoints.
    """

    n_data: int
    steps: int
    n_made: int
    n_forecast: int
    n_explained: int
    n_ranked: int
    batch_size: int = 64
    share: float = 0.05
    ranking_kernel: str = "local-score(scale=1, patches=2000, neighbours=64, steps=3)"
    resamples: int = 999
    checkpoint_every: int = 100


FULL = Budget(n_data=8000, steps=800, n_made=4000, n_forecast=4000, n_explained=1500, n_ranked=1500)
QUICK = Budget(n_data=4000, steps=150, n_made=1200, n_forecast=1200, n_explained=500, n_ranked=600)
