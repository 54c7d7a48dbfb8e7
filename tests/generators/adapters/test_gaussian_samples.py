"""With the ideal network, every sampler makes the Gaussian: mean and covariance within five standard errors.

`bias` is the share of the variance (of the standard deviation, for the mean) that the sampler itself gets wrong at that
number of steps; it is the sampler's, known from its order, and not the adapter's.
"""

from __future__ import annotations

import numpy as np
import pytest
from benchmarks.peers import denoising_diffusion_1d, is_installed
from tests.generators.adapters.gaussian import C, Gaussian, Ideal, IdealField, T, recovers
from torch import Tensor

from pushforward.generators.adapters import (
    FromDenoisingDiffusion,
    FromDiffusers,
    ModuleDenoiser,
    OneStepModel,
    SampleFunction,
    VectorField,
)

GAUSSIAN = Gaussian(std=0.15, mean=0.1)
# As DDPM's linear schedule, with K steps in place of 1,000 and the same noise at the end.
STEPS = 250
BETAS = np.linspace(4e-4, 0.08, STEPS)
ALPHA = np.sqrt(np.cumprod(1 - BETAS))
SIGMA = np.sqrt(1 - ALPHA**2)
N = 3000


@pytest.mark.parametrize("parametrisation", ["x0", "epsilon", "v"])
@pytest.mark.parametrize("sampler", ["heun", "dpm", "calibrated"])
def test_module_denoisers(parametrisation: str, sampler: str) -> None:
    network = Ideal(GAUSSIAN, parametrisation, ALPHA, SIGMA)
    adapter = ModuleDenoiser(network, parametrisation, (ALPHA, SIGMA), GAUSSIAN.trajectories(2))
    # 0.03: the lowest level of this schedule, 0.02, is where the solver ends; it is 13 % of the data's deviation.
    recovers(adapter.sample(N, seed=1, sampler=sampler, sampler_steps=60), GAUSSIAN, bias=0.03)


@pytest.mark.parametrize("sampler", ["ode", "heun"])
def test_vector_fields(sampler: str) -> None:
    adapter = VectorField(IdealField(GAUSSIAN), GAUSSIAN.trajectories(2))
    recovers(adapter.sample(N, seed=2, sampler=sampler, sampler_steps=60), GAUSSIAN, bias=0.02)


@pytest.mark.parametrize(
    ("kind", "prediction", "steps"),
    [
        ("DDPMScheduler", "epsilon", None),
        ("DDPMScheduler", "sample", None),
        ("DDPMScheduler", "v_prediction", None),
        ("DDIMScheduler", "epsilon", 125),
        ("DDIMScheduler", "v_prediction", 125),
    ],
)
def test_diffusers_schedulers(kind: str, prediction: str, steps: int | None) -> None:
    package = pytest.importorskip("diffusers", reason="needs diffusers: pip install 'pushforward[peers]'")
    scheduler = getattr(package, kind)(
        trained_betas=BETAS.tolist(), num_train_timesteps=STEPS, prediction_type=prediction, clip_sample=False
    )
    names = {"epsilon": "epsilon", "sample": "x0", "v_prediction": "v"}
    network = Ideal(GAUSSIAN, names[prediction], ALPHA, SIGMA, "bct", wrap=True)
    made = FromDiffusers(network, scheduler, GAUSSIAN.trajectories(2)).sample(N, seed=3, sampler_steps=steps)
    # DDPM with 250 steps and DDIM with 125 are of first order.
    recovers(made, GAUSSIAN, bias=0.08)


@pytest.mark.parametrize(
    ("objective", "steps", "normalize"),
    [("pred_noise", None, False), ("pred_x0", None, True), ("pred_v", 100, True)],
)
def test_denoising_diffusion(objective: str, steps: int | None, normalize: bool) -> None:
    if not is_installed("denoising_diffusion_pytorch"):
        pytest.skip("needs denoising-diffusion-pytorch: pip install --no-deps denoising-diffusion-pytorch")
    names = {"pred_noise": "epsilon", "pred_x0": "x0", "pred_v": "v"}
    network = Ideal(GAUSSIAN, names[objective], ALPHA, SIGMA, "bct")
    diffusion = denoising_diffusion_1d().GaussianDiffusion1D(
        network, seq_length=T, timesteps=STEPS, objective=objective, auto_normalize=normalize
    )
    bar = diffusion.alphas_cumprod.double()
    network.alpha, network.sigma = bar.sqrt(), (1 - bar).sqrt()
    # The network works on z = 2 u − 1; a user whose data is x = z has brought it to u = (x + 1) / 2 before.
    scaling = {"mean": -1.0, "scale": 2.0} if normalize else {}
    adapter = FromDenoisingDiffusion(diffusion, GAUSSIAN.trajectories(2), **scaling)
    recovers(adapter.sample(N, seed=4, sampler_steps=steps), GAUSSIAN, bias=0.08)


def test_functions() -> None:
    adapter = SampleFunction(lambda n, seed: GAUSSIAN.trajectories(n, seed).values, GAUSSIAN.trajectories(2))
    recovers(adapter.sample(N, seed=5), GAUSSIAN, bias=0.0)


@pytest.mark.parametrize("arrays", ["numpy", "torch"])
def test_one_step_models(arrays: str) -> None:
    """Each step is drawn given the one before: an AR(1) along time, independent between channels."""
    stationary = 0.5**2 * 0.8 ** np.abs(np.arange(T)[:, None] - np.arange(T)[None, :])
    rng = np.random.default_rng(0)

    def step(x: Tensor, source: np.random.Generator) -> Tensor:
        noise = 0.5 * np.sqrt(1 - 0.8**2) * source.standard_normal(tuple(x.shape))
        return 0.8 * x + (x.new_tensor(noise) if isinstance(x, Tensor) else noise)

    start = 0.5 * rng.standard_normal((N, C))
    made = OneStepModel(step, start, noise="numpy", arrays=arrays, T=T).sample(N, seed=6).values
    for channel in range(C):
        error = np.abs(np.cov(made[:, :, channel].T) - stationary).max()
        assert error < 5 * 0.25 * np.sqrt(2 / N)
