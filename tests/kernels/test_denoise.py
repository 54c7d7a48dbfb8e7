"""Denoise: exact where the denoiser is known, the same through every door, and separable from its solver's error."""

import itertools
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy import stats
from tests.kernels.gaussian_models import (
    COVARIANCE,
    MEAN,
    A,
    C,
    T,
    denoiser,
    factors,
    flat,
    linear,
    normal_trajectories,
    squared_norm,
)

import pushforward as pf
from pushforward.errors import InputError
from pushforward.generators import MLP, VAE, Diffusion, Flow
from pushforward.generators.adapters import ModuleDenoiser
from pushforward.generators.samplers import noise_levels
from pushforward.kernels import Denoise, Residual, parse
from pushforward.measure import Grid
from pushforward.trajectories import Trajectories

# A model that thinks the data narrower than they are, and less correlated: its errors change the law.
WRONG = 0.5 * COVARIANCE + 0.02 * np.eye(T * C)
SMALL = {"steps": 15, "batch_size": 16, "device": "cpu", "precision": "float32"}


def converged(scale, covariance=COVARIANCE):
    return Denoise(scale=scale, generator=denoiser(covariance), tolerance=1e-4)


def level(scale, tracks):
    """σ in data units: the geometric mean of the channels' standard deviations at scale 1."""
    return scale * float(np.exp(np.log(tracks.values.std(axis=(0, 1))).mean()))


def waves(n=40, ragged=False):
    rng = np.random.default_rng(0)
    time = np.arange(8)
    wave = np.sin(rng.uniform(0.2, 0.8, (n, 1)) * time + rng.uniform(0, 6, (n, 1)))
    values = np.stack([wave, 100 + rng.normal(0, 3, (n, 1)) + 0.5 * time], axis=2)
    return Trajectories(values, channels=("wave", "drift"), lengths=rng.integers(3, 9, n) if ragged else None)


@pytest.mark.parametrize("scale", [0.3, 1.0, 4.0])
def test_every_trajectory_goes_where_the_flow_of_the_ideal_denoiser_leads(scale):
    """x' = m + A (x + σ ε − m), row by row, from the same noise."""
    tracks = normal_trajectories(400)
    moved = converged(scale).fitted(tracks).deviate(tracks, np.random.default_rng(7))
    noise = np.random.default_rng(7).standard_normal(tracks.values.shape, dtype=np.float32)
    sigma = level(scale, tracks)
    noised = flat(tracks) - MEAN + sigma * noise.reshape(len(tracks), -1)
    np.testing.assert_allclose(flat(moved), MEAN + noised @ factors(COVARIANCE, sigma), atol=2e-3)


def test_an_ideal_denoiser_forecasts_no_drift_and_a_wrong_one_its_own():
    """x' is normal with covariance A (S + σ²) A; for the ideal one that is S, at every σ."""
    tracks, scale = normal_trajectories(8_000), 2.0
    sigma = level(scale, tracks)
    for covariance in (COVARIANCE, WRONG):
        kernel = Denoise(scale=scale, generator=denoiser(covariance), solver_steps=60)
        map_ = factors(covariance, sigma)
        law = map_ @ (COVARIANCE + sigma**2 * np.eye(T * C)) @ map_
        ahead = pf.forecast(kernel, tracks, linear(), grid=Grid(-6, 6, 24))
        predicted = stats.norm(A @ MEAN, np.sqrt(A @ law @ A))
        exact = np.diff(predicted.cdf(np.concatenate([[-np.inf], ahead.grid.edges, [np.inf]])))
        large = exact * len(tracks) >= 5
        size = (np.square(ahead.mass - exact) * len(tracks) / exact)[large]
        assert stats.chi2.sf(size.sum(), large.sum() - 1) > 1e-4
        shift = pf.forecast(kernel, tracks, squared_norm()).mean_shift
        # Pairs share x, so that their difference has less noise than either.
        assert shift.low <= np.trace(law - COVARIANCE) <= shift.high
    assert np.trace(law - COVARIANCE) < -0.1


def test_steps_of_the_models_own_sampler_have_the_solvers_error():
    """With n levels each direction is scaled by Heun's own factor, which is not that of the flow."""
    tracks, scale, n = normal_trajectories(50), 4.0, 8
    kernel = Denoise(scale=scale, generator=denoiser(), solver_steps=n).fitted(tracks)
    moved = flat(kernel.deviate(tracks, np.random.default_rng(7)))
    sigma = level(scale, tracks)
    values, basis = np.linalg.eigh(COVARIANCE)
    levels = [sigma, *(s for s in noise_levels(n) if s < sigma)]
    factor = np.ones_like(values)
    for here, there in itertools.pairwise(levels):
        slope = here / (values + here**2)
        ahead = 1 + (there - here) * slope
        after = ahead * there / (values + there**2)
        factor = factor * (1 + (there - here) * ((slope + after) / 2 if there > 0 else slope))
    noise = np.random.default_rng(7).standard_normal(tracks.values.shape, dtype=np.float32)
    noised = flat(tracks) - MEAN + sigma * noise.reshape(len(tracks), -1)
    np.testing.assert_allclose(moved, MEAN + noised @ (basis * factor) @ basis.T, atol=1e-4)
    exact = flat(converged(scale).fitted(tracks).deviate(tracks, np.random.default_rng(7)))
    assert np.abs(moved - exact).max() > 0.02


def test_a_kernel_whose_errors_are_shuffled_loses_its_skill():
    """The same residuals, put on other trajectories: the contraction becomes a blur."""
    tracks, kernel = normal_trajectories(6000), Denoise(scale=2.0, generator=denoiser(WRONG))
    grid = Grid(-6, 6, 24)
    made = kernel.fitted(tracks).deviate(normal_trajectories(6000, seed=5), np.random.default_rng(1))
    audit = pf.audit(made, against=normal_trajectories(6000, seed=6), quantities=[linear()])
    whole = pf.forecast(kernel, tracks, linear(), grid=grid).skill(audit)
    moved = kernel.fitted(tracks).deviate(tracks, np.random.default_rng(2))
    shuffled = pf.forecast(Residual.from_pairs(tracks, moved), tracks, linear(), grid=grid).skill(audit)
    assert whole.skill.value > 0.7
    assert shuffled.skill.value < 0


@pytest.mark.parametrize(
    "model",
    [
        Diffusion(**SMALL, widths=(8,), blocks=1),
        MLP(**SMALL, width=16, blocks=1),
        Flow(**SMALL, widths=(8,), blocks=1),
    ],
    ids=lambda model: model.name,
)
def test_a_trained_model_deviates_as_an_adapter_of_its_denoiser_does(model):
    """Normalisation, levels and lengths of the own classes: the same x' as their D(x; σ) from outside."""
    tracks = waves()
    model.fit(tracks, seed=1)
    std = np.asarray(model.description.std)
    adapter = ModuleDenoiser(
        model.denoiser, "x0", np.array([0.002, 80.0]), tracks, mean=model.description.mean, scale=std / model.scale
    )  # fmt: skip
    tolerance = 1e-4 if isinstance(model, Flow) else 0.0
    own, outside = (
        Denoise(scale=0.7, generator=one, solver_steps=18, tolerance=tolerance)
        .fitted(tracks)
        .deviate(tracks, np.random.default_rng(3))
        .values
        for one in (model, adapter)
    )
    np.testing.assert_allclose(own / std, outside / std, atol=2e-3)
    assert np.abs((own - tracks.values) / std).max() > 0.1


def test_ragged_and_conditional_models_are_told_each_trajectorys_own(tmp_path):
    tracks = replace(waves(ragged=True), conditions={"size": np.linspace(-1, 1, 40)})
    model = Diffusion(**SMALL, widths=(8,), blocks=1).fit(tracks, condition="size", seed=1)
    asked = []
    model.network.register_forward_pre_hook(lambda _, given: asked.append((given[2], given[3])))
    model.save(tmp_path / "run")
    kernel = Denoise(scale=0.5, generator=model)
    moved = kernel.deviate(tracks, np.random.default_rng(3))
    np.testing.assert_array_equal(moved.steps, tracks.steps)
    lengths, features = asked[0]
    np.testing.assert_array_equal(lengths.numpy(), tracks.steps)
    size = features[:, 1].numpy() * np.std(tracks.conditions["size"])
    np.testing.assert_allclose(size, np.linspace(-1, 1, 40), atol=1e-5)
    again = parse(f"denoise(scale=0.5, run='{tmp_path / 'run'}')")
    np.testing.assert_array_equal(again.deviate(tracks, np.random.default_rng(3)).values, moved.values)
    unmoved = kernel.with_scale(0).deviate(tracks, np.random.default_rng(3))
    np.testing.assert_array_equal(unmoved.values, tracks.values)
    with pytest.raises(InputError, match="condition that the model was trained with 'size'"):
        kernel.deviate(waves(ragged=True), np.random.default_rng(0))


def test_what_does_not_fit_is_refused(tmp_path):
    tracks = normal_trajectories(8)
    rng = np.random.default_rng(0)
    with pytest.raises(InputError, match="has no trained generator"):
        Denoise(scale=0.5).deviate(tracks, rng)
    with pytest.raises(InputError, match="got generator 'vae', which feeds reconstruction, residual"):
        Denoise(generator=VAE())
    with pytest.raises(InputError, match="no such folder"):
        parse(f"denoise(run={tmp_path / 'nowhere'})")
    with pytest.raises(InputError, match="not trained yet"):
        Denoise(scale=0.5, generator=Diffusion()).deviate(tracks, rng)
    with pytest.raises(InputError, match="solver_steps"):
        Denoise(solver_steps=1)
    with pytest.raises(InputError, match="levels of the model's schedule"):
        Denoise(scale=1e4, generator=denoiser()).deviate(tracks, rng)
    with pytest.raises(InputError, match=r"expected \(4, 2\)"):
        Denoise(scale=1.0, generator=denoiser()).deviate(waves(), rng)
    jagged = ModuleDenoiser(
        lambda z, t: z + 50 * torch.sin(1e3 * z / t[:, None, None]), "x0", np.array([0.01, 80.0]), T=T, C=C
    )
    with pytest.raises(InputError, match="the solver's error is still"):
        Denoise(scale=1.0, generator=jagged, solver_steps=3, tolerance=1e-3).deviate(tracks, rng)
