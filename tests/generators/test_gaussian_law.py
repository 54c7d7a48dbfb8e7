"""Every class on Gaussian trajectories: mean, covariance and conditional laws against the exact ones.

The errors are the largest over all 16 means (in standard deviations) and all 136 covariances (in products of two).
With the training data itself, 4,000 trajectories, they are 0.03 and 0.06; the bars say what a class reaches in a
few seconds, and, in the slow tests, in a minute.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
from tests.generators.gaussian_data import C, T, linear_process

from pushforward.generators.learned import AbstractLearned
from pushforward.generators.mlp import MLP
from pushforward.generators.transformer import Transformer
from pushforward.generators.vae import VAE

N_TRAIN, N_MADE = 4_000, 8_000


@dataclass(frozen=True)
class Case:
    """A class with a small network, the steps of the quick and of the slow test, and what each must reach."""

    made: type[AbstractLearned[Any, Any, Any]]
    settings: dict[str, Any]
    steps: int
    bars: tuple[float, float]
    slow_steps: int
    slow_bars: tuple[float, float]
    sampling: dict[str, Any]


CASES = {
    "mlp-denoiser": Case(MLP, {"width": 64, "blocks": 2}, 600, (0.1, 0.2), 3000, (0.06, 0.1), {}),
    "mlp-one-step": Case(
        MLP,
        {"kind": "one-step", "width": 32, "blocks": 2, "history": 2, "batch_size": 128},
        400,
        (0.1, 0.12),
        3000,
        (0.06, 0.1),
        {},
    ),
    "transformer-mixture": Case(
        Transformer,
        {"width": 32, "blocks": 2, "attention_heads": 2, "hidden": 32, "components": 4, "batch_size": 64},
        300,
        (0.12, 0.12),
        2000,
        (0.06, 0.1),
        {},
    ),
    "transformer-tokens": Case(
        Transformer,
        {"head": "tokens", "bins": 32, "width": 32, "blocks": 2, "attention_heads": 2, "hidden": 32}
        | {"batch_size": 64, "learning_rate": 1e-2},
        500,
        (0.12, 0.15),
        2500,
        (0.06, 0.1),
        {},
    ),
    "vae": Case(
        VAE,
        {"latent": 16, "width": 16, "widest": 16, "blocks": 1},
        600,
        (0.1, 0.3),
        3000,
        (0.06, 0.15),
        {"prior": "normal", "decoder_noise": True},
    ),
}
every_case = pytest.mark.parametrize("which", list(CASES))
steps_on = pytest.mark.parametrize("which", [name for name in CASES if name not in ("mlp-denoiser", "vae")])


def trained(which: str, slow: bool = False, **fit: Any) -> AbstractLearned[Any, Any, Any]:
    case = CASES[which]
    model = case.made(device="cpu", steps=case.slow_steps if slow else case.steps, **case.settings)
    return model.fit(linear_process().sample(N_TRAIN, seed=0), seed=0, **fit)


@every_case
def test_mean_and_covariance_are_recovered(which: str) -> None:
    case, law, model = CASES[which], linear_process(), trained(which)
    of_mean, of_covariance = law.error(model.sample(N_MADE, seed=1, **case.sampling))
    assert of_mean < case.bars[0]
    assert of_covariance < case.bars[1]
    if which in ("mlp-denoiser", "vae"):
        return
    # From a given start the law is another Gaussian, which a class that goes step by step knows without training.
    start = np.array([0.2, -0.3])
    of_mean, of_covariance = law.given(start_of(), start).error(
        model.sample(N_MADE, seed=2, fixed={0: start})
    )
    assert of_mean < 0.2
    assert of_covariance < 0.2


def start_of() -> np.ndarray:
    """Weights (2, T C) that give the first state."""
    return np.eye(T * C)[:C]


@pytest.mark.slow
@every_case
def test_with_more_training_the_errors_are_near_those_of_the_data(which: str) -> None:
    case, law, model = CASES[which], linear_process(), trained(which, slow=True)
    of_mean, of_covariance = law.error(model.sample(N_MADE, seed=1, **case.sampling))
    assert of_mean < case.slow_bars[0]
    assert of_covariance < case.slow_bars[1]


@pytest.mark.slow
@every_case
def test_a_condition_gives_the_conditional_law(which: str) -> None:
    """On a quantity, the mean of the first channel over time."""
    case, law = CASES[which], linear_process()
    weights = np.zeros((1, T, C))
    weights[0, :, 0] = 1 / T
    weights = weights.reshape(1, -1)
    data = law.sample(N_TRAIN, seed=0)
    measured = data.values.reshape(N_TRAIN, -1) @ weights[0]
    model = trained(which, slow=True, condition=measured)
    for asked in np.quantile(measured, [0.2, 0.5, 0.8]):
        made = model.sample(N_MADE, seed=1, condition=asked, **case.sampling)
        of_mean, of_covariance = law.given(weights, np.array([asked])).error(made)
        assert of_mean < 0.15
        assert of_covariance < 0.2
    # Where nothing is asked, conditions come as they were in training, so the law is that of the data.
    of_mean, of_covariance = law.error(model.sample(N_MADE, seed=1, **case.sampling))
    assert of_mean < 0.1
    assert of_covariance < 0.2


@pytest.mark.slow
@every_case
def test_start_and_goal_give_the_conditional_law(which: str) -> None:
    case, law = CASES[which], linear_process()
    model = case.made(device="cpu", steps=case.slow_steps, inpaint=(0, -1), **case.settings)
    model.fit(law.sample(N_TRAIN, seed=0), seed=0)
    start, goal = np.array([0.2, -0.3]), np.array([-0.4, 0.1])
    weights = np.concatenate([np.eye(T * C)[:C], np.eye(T * C)[-C:]])
    made = model.sample(N_MADE, seed=2, fixed={0: start, -1: goal}, **case.sampling)
    of_mean, of_covariance = law.given(weights, np.concatenate([start, goal])).error(made)
    assert of_mean < 0.2
    assert of_covariance < 0.2
