"""The MLP generator: its two kinds, and what each can be asked for."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from tests.generators.gaussian_data import DRIFT, NOISE, TRANSITION, linear_process

from pushforward.errors import InputError
from pushforward.generators.edm import Denoiser
from pushforward.generators.mlp import MLP
from pushforward.trajectories import Trajectories

SMALL: dict[str, Any] = {"width": 32, "blocks": 1, "device": "cpu"}


def test_the_one_step_predictor_gives_the_law_of_the_next_step() -> None:
    """In the data's units: of a linear process, N(A x + b, Q)."""
    data = linear_process().sample(4000, seed=0)
    data = data.with_values(data.values * [10.0, 0.1] + [300.0, -5.0])
    model = MLP(kind="one-step", steps=400, history=1, n_start=1, batch_size=128, **SMALL).fit(data, seed=0)
    state = np.array([0.3, -0.5])
    asked = np.broadcast_to(state * [10.0, 0.1] + [300.0, -5.0], (8000, 2))
    drawn = (model.predictor(asked, np.random.default_rng(0)) - [300.0, -5.0]) / [10.0, 0.1]
    assert np.abs(drawn.mean(axis=0) - (TRANSITION @ state + DRIFT)).max() < 0.1
    assert np.abs(np.cov(drawn.T) - NOISE).max() < 0.05


def test_each_kind_has_what_its_kernel_needs_and_refuses_the_other() -> None:
    data = Trajectories(np.random.default_rng(0).normal(size=(30, 5, 1)))
    denoiser = MLP(steps=2, **SMALL).fit(data)
    rollout = MLP(kind="one-step", steps=2, **SMALL).fit(data)
    assert isinstance(denoiser.denoiser, Denoiser)
    assert rollout.predictor(np.zeros((3, 1)), np.random.default_rng(0)).shape == (3, 1)
    with pytest.raises(InputError, match="has no denoiser"):
        _ = rollout.denoiser
    with pytest.raises(InputError, match="has no one-step predictor"):
        denoiser.predictor(np.zeros((3, 1)), np.random.default_rng(0))


def test_a_denoiser_can_be_given_any_step_and_a_rollout_the_first_ones() -> None:
    data = Trajectories(np.random.default_rng(0).normal(size=(30, 5, 1)))
    made = MLP(steps=2, **SMALL).fit(data).sample(4, fixed={2: [0.5]}, sampler_steps=3)
    assert (made.values[:, 2] == 0.5).all()
    rollout = MLP(kind="one-step", steps=2, **SMALL).fit(data)
    assert (rollout.sample(4, fixed={0: [0.5], 1: [0.2]}).values[:, 1] == np.float32(0.2)).all()
    with pytest.raises(InputError, match="fixed: got step 2"):
        rollout.sample(4, fixed={2: [0.5]})


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"kind": "onestep"}, "kind: got 'onestep'; expected one of denoiser, one-step"),
        ({"history": 0}, "history: got 0"),
        ({"n_start": 0}, "n_start: got 0"),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        MLP(**settings)


@pytest.mark.parametrize("kind", ["denoiser", "one-step"])
def test_the_default_network_is_small(kind: str) -> None:
    data = Trajectories(np.random.default_rng(0).normal(size=(30, 64, 6)))
    model = MLP(kind=kind, steps=1, batch_size=2, device="cpu").fit(data)
    assert 100_000 < model.n_parameters < 1_000_000
