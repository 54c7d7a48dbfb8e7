"""Small data and tiny networks: the properties under test do not depend on size."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

from pushforward.generators.diffusion import Diffusion
from pushforward.trajectories import Trajectories

TINY: dict[str, Any] = {
    "steps": 20,
    "batch_size": 16,
    "widths": (8, 16),
    "blocks": 1,
    "kernel": 3,
    "device": "cpu",
}


@pytest.fixture(autouse=True, scope="package")
def one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def make_waves(n: int = 64, steps: int = 12, ragged: bool = False, seed: int = 0) -> Trajectories:
    """Two channels, a wave and a slow drift, with names and units."""
    rng = np.random.default_rng(seed)
    time = np.arange(steps)[None, :]
    wave = np.sin(rng.uniform(0.2, 0.8, (n, 1)) * time + rng.uniform(0, 6, (n, 1)))
    drift = 100 + rng.normal(0, 3, (n, 1)) + 0.5 * time
    return Trajectories(
        np.stack([wave, drift], axis=2),
        dt=0.25,
        channels=("wave", "drift"),
        units=("", "km"),
        time_unit="h",
        quantity_name="path-length",
        lengths=rng.integers(4, steps + 1, n) if ragged else None,
    )


@pytest.fixture(scope="package")
def waves() -> Trajectories:
    return make_waves()


@pytest.fixture(scope="package")
def ragged_waves() -> Trajectories:
    return make_waves(ragged=True)


@pytest.fixture(scope="package")
def model(waves: Trajectories) -> Diffusion:
    return Diffusion(**TINY).fit(waves, seed=3)


@pytest.fixture(scope="package")
def ragged_model(ragged_waves: Trajectories) -> Diffusion:
    return Diffusion(**TINY).fit(ragged_waves, seed=3)


@pytest.fixture
def tiny() -> dict[str, Any]:
    return dict(TINY)
