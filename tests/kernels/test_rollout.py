"""Rollout: linear processes and their exact or wrong steps in closed form; the library's own classes step by step."""

import numpy as np
import pytest
import torch
from scipy import stats
from tests.generators.gaussian_data import (
    DRIFT,
    NOISE,
    START_COVARIANCE,
    START_MEAN,
    TRANSITION,
    C,
    T,
    linear_process,
)

import pushforward as pf
from pushforward.errors import InputError
from pushforward.generators import MLP, Diffusion, Transformer
from pushforward.generators.adapters import OneStepModel
from pushforward.kernels import Rollout, parse
from pushforward.measure import Grid
from pushforward.quantities import Quantity
from pushforward.trajectories import Trajectories

A = np.random.default_rng(3).normal(size=T * C)
WRONG = 0.85 * TRANSITION
SMALL = {"steps": 10, "batch_size": 16, "width": 16, "blocks": 1, "device": "cpu", "precision": "float32"}
MODELS = {
    "mixture": Transformer(**SMALL, attention_heads=2, hidden=8),
    "tokens": Transformer(**SMALL, attention_heads=2, hidden=8, head="tokens", bins=32),
    "mlp": MLP(**SMALL, kind="one-step"),
}


def stepper(transition, noise=NOISE):
    root = np.linalg.cholesky(noise)

    def step(x, rng):
        return x @ transition.T + DRIFT + rng.standard_normal(x.shape) @ root.T

    return OneStepModel(step, np.zeros((2, C)), T=T, noise="numpy")


def moments(transition, noise=NOISE, first=1):
    """Mean and covariance of a trajectory whose first steps are the data's and the others the stepper's."""
    mean, covariance = np.zeros(T * C), np.zeros((T * C, T * C))
    mean[:C], covariance[:C, :C] = START_MEAN, START_COVARIANCE
    for t in range(1, T):
        before, here = slice((t - 1) * C, t * C), slice(t * C, (t + 1) * C)
        a, n = (TRANSITION, NOISE) if t < first else (transition, noise)
        mean[here] = a @ mean[before] + DRIFT
        covariance[here, : t * C] = a @ covariance[before, : t * C]
        covariance[: t * C, here] = covariance[here, : t * C].T
        covariance[here, here] = a @ covariance[before, before] @ a.T + n
    return mean, covariance


def flat(tracks):
    return tracks.values.reshape(len(tracks), -1).astype(np.float64)


LINEAR = Quantity(lambda tracks: flat(tracks) @ A, name="linear")
SQUARED = Quantity(lambda tracks: np.square(flat(tracks)).sum(axis=1), name="squared-norm")


@pytest.mark.parametrize(("transition", "own"), [(TRANSITION, 7), (WRONG, 7), (WRONG, 3)])
def test_the_forecast_of_a_linear_step_is_the_closed_form(transition, own):
    """q = a·x is normal and E‖x‖² a trace, whichever steps are the model's; with the true step nothing drifts."""
    tracks = linear_process().sample(30_000, seed=0)
    kernel = Rollout(scale=own / 7, generator=stepper(transition))
    mean, covariance = moments(transition, first=T - own)
    ahead = pf.forecast(kernel, tracks, LINEAR, grid=Grid(-15, 15, 24))
    law = stats.norm(A @ mean, np.sqrt(A @ covariance @ A))
    exact = np.diff(law.cdf(np.concatenate([[-np.inf], ahead.grid.edges, [np.inf]])))
    large = exact * len(tracks) >= 5
    size = (np.square(ahead.mass - exact) * len(tracks) / exact)[large]
    assert stats.chi2.sf(size.sum(), large.sum() - 1) > 1e-4
    true_mean, true_covariance = moments(TRANSITION)
    wanted = np.trace(covariance - true_covariance) + mean @ mean - true_mean @ true_mean
    shift = pf.forecast(kernel, tracks, SQUARED).mean_shift
    assert shift.low <= wanted <= shift.high
    assert (abs(wanted) < 1e-9) == (transition is TRANSITION)


def test_given_steps_stay_and_a_share_is_met_on_average():
    tracks = linear_process().sample(4000, seed=0)
    rng = np.random.default_rng(1)
    moved = Rollout(scale=0.2, given=3, generator=stepper(WRONG)).deviate(tracks, rng)
    same = (moved.values == tracks.values).all(axis=2)
    own = (~same).sum(axis=1)
    assert set(own) == {1}
    assert same[:, : T - 1].all()
    moved = Rollout(scale=0.1, generator=stepper(WRONG)).deviate(tracks, rng)
    assert (moved.values != tracks.values).any(axis=2).sum(axis=1).mean() == pytest.approx(0.7, abs=0.05)
    none = Rollout(scale=0, generator=stepper(WRONG)).deviate(tracks, rng)
    np.testing.assert_array_equal(none.values, tracks.values)


@pytest.fixture(scope="module")
def trained():
    tracks = linear_process().sample(64, seed=0)
    return tracks, {name: model.fit(tracks, seed=1) for name, model in MODELS.items()}


@pytest.mark.parametrize("name", MODELS)
def test_the_last_step_of_a_trained_model_is_its_own_next_step(trained, name):
    """What the network answers to the same random numbers, asked one step at a time."""
    tracks, model = trained[0], trained[1][name]
    kernel = Rollout(scale=1 / (T - 1), generator=model)
    moved = kernel.deviate(tracks, np.random.default_rng(5)).values
    rng = np.random.default_rng(5)
    rng.random(len(tracks))
    uniform, normal = (
        torch.from_numpy(draw(tracks.values.shape, dtype=np.float32))[:, -1]
        for draw in (rng.random, rng.standard_normal)
    )
    about = model.description
    x = (tracks.values - np.asarray(about.mean)) * (model.scale / np.asarray(about.std))
    with torch.inference_mode():
        expected = model.network.follow(
            torch.from_numpy(x[:, :-1].astype(np.float32)), uniform, normal
        ).numpy()
    made = (moved[:, -1] - np.asarray(about.mean)) * (model.scale / np.asarray(about.std))
    bin_width = model.network.law.width(model.network.statistics).numpy() / 2 if name == "tokens" else 0.0
    assert (np.abs(made - expected) <= bin_width + 1e-4).all()
    np.testing.assert_array_equal(moved[:, :-1], tracks.values[:, :-1])


@pytest.mark.parametrize("name", MODELS)
def test_a_whole_rollout_follows_the_same_law_as_samples_from_the_same_start(trained, name):
    tracks, model = trained[0], trained[1][name]
    many = Trajectories(np.repeat(tracks.values[:1], 1500, axis=0))
    rolled = Rollout(scale=1, generator=model).deviate(many, np.random.default_rng(2)).values
    made = model.sample(1500, seed=3, fixed={0: tracks.values[0, 0]}).values
    for t in (1, T - 1):
        for c in range(C):
            assert stats.ks_2samp(rolled[:, t, c], made[:, t, c]).pvalue > 1e-4


def test_ragged_trajectories_end_where_they_ended(tmp_path):
    rng = np.random.default_rng(0)
    lengths = rng.integers(3, T + 1, 60)
    tracks = Trajectories(linear_process().sample(60, seed=0).values, lengths=lengths)
    model = Transformer(**SMALL, attention_heads=2, hidden=8).fit(tracks, seed=1)
    model.save(tmp_path / "run")
    kernel = parse(f"rollout(scale=0.5, run='{tmp_path / 'run'}')")
    moved = kernel.deviate(tracks, np.random.default_rng(1))
    np.testing.assert_array_equal(moved.steps, lengths)
    np.testing.assert_array_equal(moved.values[:, 0], tracks.values[:, 0])
    assert (moved.values[np.arange(60), lengths - 1] != tracks.values[np.arange(60), lengths - 1]).any()


def test_what_does_not_fit_is_refused():
    tracks, rng = linear_process().sample(8, seed=0), np.random.default_rng(0)
    with pytest.raises(InputError, match="expected a share of the steps"):
        Rollout(scale=1.5)
    with pytest.raises(InputError, match="'given': got 0"):
        Rollout(given=0)
    with pytest.raises(InputError, match="feeds denoise, residual; expected one that feeds rollout"):
        Rollout(generator=Diffusion())
    with pytest.raises(InputError, match="not trained yet"):
        Rollout(scale=0.5, generator=Transformer()).deviate(tracks, rng)
    with pytest.raises(InputError, match="got 1 channels; expected 2"):
        Rollout(scale=0.5, generator=stepper(WRONG)).deviate(Trajectories(tracks.values[:, :, :1]), rng)
