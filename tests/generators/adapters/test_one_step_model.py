"""One-step models: rolled out exactly, from starts that are used once, with noise from the seed."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from pushforward.errors import InputError
from pushforward.generators.adapters import OneStepModel
from pushforward.trajectories import Trajectories

TURN = np.array([[0.8, -0.6], [0.6, 0.8]])
STARTS = np.random.default_rng(0).normal(size=(50, 2))


def turn(x: Any) -> Any:
    return x @ TURN.T


class Turn(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.linear = nn.Linear(2, 2, bias=False)
        self.dropout = nn.Dropout(0.9)
        self.linear.weight = nn.Parameter(torch.from_numpy(TURN))

    def forward(self, x: Tensor) -> Tensor:
        made: Tensor = self.dropout(self.linear(x))
        return made


@pytest.mark.parametrize("step", [turn, Turn().train()])
def test_the_rollout_of_a_linear_map_is_its_powers(step: Any) -> None:
    made = OneStepModel(step, STARTS, T=7).sample(50, seed=1)
    for t in range(7):
        expected = made.values[:, 0] @ np.linalg.matrix_power(TURN.T, t)
        assert made.values[:, t] == pytest.approx(expected, abs=1e-5)


def test_starts_are_used_once_each() -> None:
    made = OneStepModel(turn, STARTS, T=3, batch_size=7).sample(50, seed=1)
    assert sorted(made.values[:, 0, 0].tolist()) == pytest.approx(sorted(STARTS[:, 0]), abs=1e-6)
    assert made.groups is None


def test_starts_that_repeat_share_a_group() -> None:
    made = OneStepModel(turn, STARTS[:5], T=3, replace=True).sample(60, seed=1)
    assert made.groups is not None
    for group in range(5):
        rows = made.values[made.groups == group]
        assert len(rows) > 1
        assert np.ptp(rows, axis=0).max() == 0


def test_labels_and_length_come_from_the_trajectories_whose_starts_are_taken() -> None:
    like = Trajectories(np.zeros((9, 6, 2)), dt=0.2, channels=("q", "p"), units=("m", "m/s"))
    made = OneStepModel(turn, like).sample(9)
    assert (made.T, made.dt, made.channels, made.units) == (6, 0.2, ("q", "p"), ("m", "m/s"))


@pytest.mark.parametrize("kind", ["numpy", "torch"])
def test_noise_comes_from_the_seed(kind: str) -> None:
    def step(x: Any, source: Any) -> Any:
        return x + (
            source.normal(size=x.shape) if kind == "numpy" else torch.randn(x.shape, generator=source)
        )

    adapter = OneStepModel(step, STARTS, noise=kind, T=5, batch_size=20)
    made = adapter.sample(40, seed=1)
    assert made.equals(adapter.sample(40, seed=1))
    assert not made.equals(adapter.sample(40, seed=2))
    increments = np.diff(made.values, axis=1)
    assert increments.std() == pytest.approx(1.0, abs=0.15)
    # Batches do not repeat one another's noise.
    assert np.abs(increments[:20] - increments[20:]).min() > 0


def test_the_predictor_is_one_step_in_data_units() -> None:
    adapter = OneStepModel(turn, STARTS, T=4)
    assert adapter.predictor(STARTS) == pytest.approx(turn(STARTS))
    noisy = OneStepModel(lambda x, rng: x + rng.normal(size=x.shape), STARTS, noise="numpy", T=4)
    assert np.array_equal(
        noisy.predictor(STARTS, np.random.default_rng(3)),
        STARTS + np.random.default_rng(3).normal(size=(50, 2)),
    )


def test_what_the_model_does_to_its_argument_does_not_reach_the_trajectory() -> None:
    def step(x: Any) -> Any:
        x *= 2
        return x

    made = OneStepModel(step, STARTS, T=3).sample(50).values
    assert made[:, 1] == pytest.approx(2 * made[:, 0], rel=1e-6)


class TestBadInput:
    @pytest.mark.parametrize(
        ("step", "message"),
        [
            (
                lambda x: x[:, :1],
                r"step returned shape \(5, 1\) for \(5, 2\) at step 1 of 3; expected the same",
            ),
            (lambda x: None, "returned NoneType of dtype object"),
            (lambda x: x / 0, "step returned NaN or infinity for 5 of 5 states at step 1 of 3"),
            (
                lambda x: np.exp(30 * np.abs(x) + 30),
                "NaN or infinity for [1-5] of 5 states at step [23] of 3",
            ),
            (lambda x: x[7], r"step raised IndexError at step 1 of 3: index 7 is out of bounds"),
        ],
    )
    @pytest.mark.filterwarnings("ignore::RuntimeWarning")
    def test_what_the_model_returns(self, step: Any, message: str) -> None:
        with pytest.raises(InputError, match=message):
            OneStepModel(step, STARTS[:5], T=4).sample(5)

    def test_more_than_there_are_starts(self) -> None:
        with pytest.raises(
            InputError, match="got n = 51 with 50 initial states; expected no more, or replace=True"
        ):
            OneStepModel(turn, STARTS, T=3).sample(51)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"start": np.zeros(3)}, r"start: got shape \(3,\); expected \(N, C\)"),
            ({"start": np.full((3, 2), np.nan)}, "start: got NaN or infinity"),
            ({"noise": "gaussian"}, "unknown noise 'gaussian'"),
            ({"arrays": "jax"}, "unknown arrays 'jax'"),
            ({"batch_size": 0}, "batch_size: got 0"),
            ({"T": None}, "got neither like= nor T= and C="),
            ({"like": Trajectories(np.zeros((1, 4, 3)))}, "start: got 2 channels; expected 3 as in like="),
        ],
    )
    def test_settings(self, settings: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            OneStepModel(turn, **{"start": STARTS, "T": 4, **settings})
