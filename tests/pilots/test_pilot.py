"""Pilots: they stay within their share, say what they cost, and forecast as their own errors do."""

import numpy as np
import pytest
import torch
from torch import nn

import pushforward as pf
from pushforward.errors import InputError
from pushforward.generators import MLP, VAE, Diffusion, Flow, Transformer
from pushforward.generators.adapters import SampleFunction
from pushforward.kernels import Pilot, parse
from pushforward.pilots.cost import step_cost
from pushforward.pilots.thin import thinned
from pushforward.trajectories import Trajectories

SMALL = {"batch_size": 32, "device": "cpu", "precision": "float32"}
CLASSES = {
    "diffusion": Diffusion(**SMALL, steps=40, widths=(8, 16)),
    "flow": Flow(**SMALL, steps=40, widths=(8, 16)),
    "mlp": MLP(**SMALL, steps=40, width=64),
    "one-step": MLP(**SMALL, steps=40, width=64, kind="one-step"),
    "transformer": Transformer(**SMALL, steps=40, width=32, attention_heads=2, hidden=16),
    "vae": VAE(**SMALL, steps=40, width=16, latent=8),
}


@pytest.fixture(scope="module", autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def tracks():
    steps = np.random.default_rng(0).normal(0, 1, (200, 10, 2))
    return Trajectories(np.cumsum(steps, axis=1), channels=("x", "y"), units=("m", "m"))


def test_flops_are_those_of_the_matrix_products(tracks):
    """Forward 2·B·in·out of each layer, as much again for its weights' gradient and, but for the first, its input's."""
    model = MLP(**SMALL, width=64)
    flops = step_cost(model, tracks).flops
    layers = MLP(**SMALL, steps=1, width=64).fit(tracks).network.modules()
    weights = sum(part.in_features * part.out_features for part in layers if isinstance(part, nn.Linear))
    whole = 2 * 32 * weights
    assert 2.5 * whole < flops <= 3 * whole


@pytest.mark.parametrize("name", CLASSES)
def test_a_pilot_of_every_class_stays_within_its_share_and_forecasts(tracks, name):
    intended = CLASSES[name]
    kernel = pf.pilot(tracks, intended, "path-length", share=0.05, seed=3)
    account = kernel.account
    assert 0.02 < account.share <= 0.05
    assert account.intended_flops == pytest.approx(step_cost(intended, tracks).flops * 40)
    model = kernel.mixture.kernels[0].generator
    assert account.flops == pytest.approx(step_cost(model, tracks).flops * model.trained_steps)
    assert account.seconds > 0
    made = pf.forecast(kernel, tracks, "path-length")
    assert made.tv.value > 0
    assert "% of the training's FLOPs" in str(account)


def test_its_drift_is_its_mixtures_in_proportion_to_the_scale_and_none_at_zero(tracks):
    kernel = pf.pilot(tracks, CLASSES["mlp"], seed=3, pilots=2)
    assert kernel.account.share <= 0.05
    assert [part.generator._trained().saved.seed for part in kernel.mixture.kernels] == [3, 4]
    still = kernel.with_scale(0.0).deviate(tracks, np.random.default_rng(0))
    np.testing.assert_array_equal(still.values, tracks.values)
    forecast = pf.forecast(kernel.with_scale(0.0), tracks, "path-length")
    assert forecast.tv.value == 0
    moved = []
    for scale in (0.3, 1.0, 1.7):
        made = kernel.with_scale(scale).deviate(tracks, np.random.default_rng(1)).values
        moved.append(float(np.mean((made != tracks.values).any(axis=(1, 2)))))
    assert moved[0] == pytest.approx(0.3, abs=0.12)
    assert moved[1:] == [1.0, 1.0]


def test_the_uncertainty_of_its_size_widens_the_band(tracks):
    kernel = pf.pilot(tracks, CLASSES["mlp"], seed=3)
    wide, narrow = (
        pf.forecast(one, tracks, "path-length", repeats=4).mean_shift
        for one in (kernel, Pilot(scale_error=0.0, mixture=kernel.mixture))
    )
    assert kernel.scale_error == 0.35
    assert wide.high - wide.low > narrow.high - narrow.low


def test_text_spells_a_pilot_that_is_trained_when_it_meets_data(tracks):
    kernel = parse("pilot(generator=mlp, steps=60, share=0.1, seed=2)")
    again = [kernel.fitted(tracks).deviate(tracks, np.random.default_rng(0)).values for _ in range(2)]
    np.testing.assert_array_equal(again[0], again[1])
    assert parse(kernel.label).settings == kernel.settings
    trained = kernel.fitted(tracks)
    assert trained.fitted(tracks) is trained
    assert trained.account.intended_flops == pytest.approx(60 * step_cost(MLP(), tracks).flops)


def test_thin_models_are_smaller_and_take_as_many_steps(tracks):
    intended = CLASSES["diffusion"]
    total = step_cost(intended, tracks).flops * 40
    thin, flops = thinned(intended, tracks, 0.1 * total)
    assert thin.settings.widths == (4, 8)
    assert 8 < thin.settings.batch_size < 32
    assert thin.settings.steps == 40
    assert 0.08 * total < flops <= 0.1 * total
    tiny, flops = thinned(intended, tracks, 0.01 * total)
    assert tiny.settings.steps < 40
    assert flops <= 0.01 * total


def test_what_cannot_be_is_refused(tracks):
    with pytest.raises(InputError, match="does not pay for one step"):
        pf.pilot(tracks, CLASSES["mlp"], share=1e-5)
    with pytest.raises(InputError, match="unknown generator 'difusion'; did you mean 'diffusion'"):
        pf.pilot(tracks, "difusion")
    with pytest.raises(InputError, match="generator: got int"):
        pf.pilot(tracks, 3)
    with pytest.raises(InputError, match="unknown quantity"):
        pf.pilot(tracks, CLASSES["mlp"], "path-lenth")
    with pytest.raises(InputError, match="expected one that is trained here"):
        pf.pilot(tracks, SampleFunction(lambda n, seed: np.zeros((n, 10, 2)), like=tracks))
    for settings, said in (({"share": 0}, "'share'"), ({"pilots": 0}, "'pilots'"), ({"seed": -1}, "'seed'")):
        with pytest.raises(InputError, match=said):
            Pilot(**settings)
    with pytest.raises(InputError, match="has no trained pilot"):
        Pilot().deviate(tracks, np.random.default_rng(0))
