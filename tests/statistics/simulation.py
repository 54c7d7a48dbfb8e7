"""Repeated audits of samples whose truth is known."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from pushforward.measure import Audit, AuditSettings, audit_streams

N_QUANTITIES = 5
# 99 resamples make p-values exact at the levels i·0.05 / 5 of Benjamini–Hochberg: (k + 1) / 100 ≤ i / 100.
SETTINGS = AuditSettings(resamples=99)
_CLUSTER_SHARE = 0.5


def laws(rng: np.random.Generator, n: int) -> list[np.ndarray]:
    """Five quantities of different shapes: symmetric, skewed, bounded, heavy-tailed, bimodal."""
    return [
        rng.normal(size=n),
        rng.exponential(size=n),
        rng.uniform(size=n),
        rng.standard_t(4, size=n),
        rng.normal(size=n) + 4 * rng.integers(0, 2, n),
    ]


def sample(
    rng: np.random.Generator, n: int, ties: bool, cluster_size: int
) -> tuple[dict[str, np.ndarray], np.ndarray | None]:
    """n trajectories' quantities; in clusters, half of the variance is shared."""
    if cluster_size == 1:
        values, groups = laws(rng, n), None
    else:
        n_groups = n // cluster_size
        groups = np.repeat(np.arange(n_groups), cluster_size)
        own, shared = rng.normal(size=(N_QUANTITIES, n)), rng.normal(size=(N_QUANTITIES, n_groups))
        values = list((1 - _CLUSTER_SHARE) ** 0.5 * own + _CLUSTER_SHARE**0.5 * shared[:, groups])
    if ties:
        values = [np.round(value * 2) / 2 for value in values]
    return {f"q{i}": value for i, value in enumerate(values)}, groups


def audits(
    n: int, repetitions: int, ties: bool = False, cluster_size: int = 1, shift: float = 0.0
) -> Iterator[Audit]:
    """Audits of two samples of the same laws, the made one shifted by `shift`."""
    for repetition in range(repetitions):
        rng = np.random.default_rng([repetition, n, ties, cluster_size])
        made, made_groups = sample(rng, n, ties, cluster_size)
        made = {name: value + shift for name, value in made.items()}
        data, data_groups = sample(rng, n, ties, cluster_size)
        yield audit_streams(
            lambda chunk=(made, made_groups): iter([chunk]),
            lambda chunk=(data, data_groups): iter([chunk]),
            units=dict.fromkeys(made, ""),
            settings=AuditSettings(resamples=SETTINGS.resamples, seed=repetition),
        )
