"""D(x; σ) of every adapter is the closed form, in data units, whatever the network predicts and however it scales."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.peers import denoising_diffusion_1d, is_installed
from tests.generators.adapters.gaussian import C, Gaussian, Ideal, IdealField, T
from torch import Tensor, nn

from pushforward.errors import InputError
from pushforward.generators.adapters import (
    FromDenoisingDiffusion,
    FromDiffusers,
    ModuleDenoiser,
    VectorField,
)
from pushforward.generators.adapters.denoising import AbstractDenoisingAdapter
from pushforward.generators.edm import Preconditioning

# Within −1 … 1 by 6 standard deviations, because some packages hold the clean estimate there.
GAUSSIAN = Gaussian(std=0.12, mean=0.2)
STEPS = 200
BETAS = np.linspace(5e-4, 0.08, STEPS)
ALPHA = np.sqrt(np.cumprod(1 - BETAS))
SIGMA = np.sqrt(1 - ALPHA**2)


def module(parametrisation: str, layout: str = "btc", **settings: Any) -> ModuleDenoiser:
    network = Ideal(GAUSSIAN, parametrisation, ALPHA, SIGMA, layout)
    return ModuleDenoiser(network, parametrisation, (ALPHA, SIGMA), T=T, C=C, layout=layout, **settings)


def flat(**settings: Any) -> ModuleDenoiser:
    inner = Ideal(GAUSSIAN, "v", ALPHA, SIGMA)

    def network(z: Tensor, t: Tensor) -> Tensor:
        return inner(z.reshape(len(z), T, C), t).reshape(len(z), -1)

    return ModuleDenoiser(network, "v", (ALPHA, SIGMA), T=T, C=C, layout="flat", **settings)


def edm(**settings: Any) -> ModuleDenoiser:
    s = Preconditioning(0.3)

    class Raw(nn.Module):
        def forward(self, scaled: Tensor, c_noise: Tensor) -> Tensor:
            sigma = (4 * c_noise.double()).exp()
            c = sigma[:, None, None]
            x = scaled.double() / s.c_in(c)
            return ((GAUSSIAN.clean(x, torch.ones_like(sigma), sigma) - s.c_skip(c) * x) / s.c_out(c)).to(
                scaled
            )

    return ModuleDenoiser(Raw(), "edm", [0.002, 40.0], T=T, C=C, sigma_data=0.3, **settings)


def sigma_told(**settings: Any) -> ModuleDenoiser:
    """As in k-diffusion: ε(x, σ) in the variance-exploding process itself."""

    def network(x: Tensor, sigma: Tensor) -> Tensor:
        return (x - GAUSSIAN.clean(x, torch.ones_like(sigma), sigma)) / sigma[:, None, None]

    return ModuleDenoiser(network, "epsilon", np.geomspace(0.01, 40.0, 9), T=T, C=C, **settings)


def field(**settings: Any) -> VectorField:
    return VectorField(IdealField(GAUSSIAN), T=T, C=C, **settings)


def field_from_data(**settings: Any) -> VectorField:
    forward = IdealField(GAUSSIAN)
    return VectorField(lambda z, t: -forward(1 - t, z), order="xt", noise_at=1, T=T, C=C, **settings)


def diffusers(prediction: str, kind: str) -> Callable[..., AbstractDenoisingAdapter]:
    def build(**settings: Any) -> FromDiffusers:
        package = pytest.importorskip("diffusers", reason="needs diffusers: pip install 'pushforward[peers]'")
        scheduler = getattr(package, kind)(
            trained_betas=BETAS.tolist(),
            num_train_timesteps=STEPS,
            prediction_type=prediction,
            clip_sample=False,
        )
        kinds = {"epsilon": "epsilon", "sample": "x0", "v_prediction": "v"}
        network = Ideal(GAUSSIAN, kinds[prediction], ALPHA, SIGMA, "bct", wrap=True)
        return FromDiffusers(network, scheduler, T=T, C=C, **settings)

    return build


def lucidrains(objective: str, schedule: str) -> Callable[..., AbstractDenoisingAdapter]:
    def build(**settings: Any) -> FromDenoisingDiffusion:
        if not is_installed("denoising_diffusion_pytorch"):
            pytest.skip(
                "needs denoising-diffusion-pytorch: pip install --no-deps denoising-diffusion-pytorch"
            )
        package = denoising_diffusion_1d()
        kinds = {"pred_noise": "epsilon", "pred_x0": "x0", "pred_v": "v"}
        network = Ideal(GAUSSIAN, kinds[objective], ALPHA, SIGMA, "bct")
        made = package.GaussianDiffusion1D(
            network,
            seq_length=T,
            timesteps=STEPS,
            objective=objective,
            beta_schedule=schedule,
            auto_normalize=False,
        )
        bar = made.alphas_cumprod.double()
        network.alpha, network.sigma = bar.sqrt(), (1 - bar).sqrt()
        return FromDenoisingDiffusion(made, **settings)

    return build


ADAPTERS: dict[str, Callable[..., AbstractDenoisingAdapter]] = {
    "x0": lambda **s: module("x0", **s),
    "epsilon": lambda **s: module("epsilon", **s),
    "v": lambda **s: module("v", **s),
    "v over (B, C, T)": lambda **s: module("v", "bct", **s),
    "v over (B, T·C)": flat,
    "edm": edm,
    "epsilon told sigma": sigma_told,
    "vector field": field,
    "vector field from data": field_from_data,
    "diffusers DDPM epsilon": diffusers("epsilon", "DDPMScheduler"),
    "diffusers DDPM sample": diffusers("sample", "DDPMScheduler"),
    "diffusers DDIM v": diffusers("v_prediction", "DDIMScheduler"),
    "denoising-diffusion noise": lucidrains("pred_noise", "linear"),
    "denoising-diffusion x0": lucidrains("pred_x0", "cosine"),
    "denoising-diffusion v": lucidrains("pred_v", "cosine"),
}


@pytest.mark.parametrize("name", ADAPTERS)
@pytest.mark.parametrize("sigma", [0.05, 0.2, 0.7, 3.0, 11.0])
def test_the_denoiser_is_the_closed_form(name: str, sigma: float) -> None:
    x = noised(20, sigma)
    expected = GAUSSIAN.clean(x, torch.ones(20), torch.full((20,), sigma))
    assert ADAPTERS[name]().denoiser(x, sigma) == pytest.approx(expected.numpy(), abs=1e-4)


@pytest.mark.parametrize("name", ADAPTERS)
def test_data_units_are_the_users_not_the_models(name: str) -> None:
    # The same model of z, whose user's data is x = mean + scale z, each channel its own.
    mean, scale = np.array([100.0, -3.0]), np.array([8.0, 0.5])
    adapter = ADAPTERS[name](mean=mean, scale=scale)
    size = np.sqrt(8.0 * 0.5)
    assert adapter.denoiser.noise_scale == pytest.approx(scale / size)
    z = noised(20, 0.4)
    x = torch.from_numpy(mean + scale * z.numpy())
    expected = mean + scale * GAUSSIAN.clean(z, torch.ones(20), torch.full((20,), 0.4)).numpy()
    assert adapter.denoiser(x, 0.4 * size).numpy() == pytest.approx(expected, abs=1e-3)


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_trajectory_may_have_its_own_level(name: str) -> None:
    denoiser = ADAPTERS[name](batch_size=2).denoiser
    sigma = torch.tensor([0.05, 0.2, 0.7, 3.0, 11.0])
    x = noised(5, 1.0)
    together = denoiser(x, sigma)
    alone = torch.cat([denoiser(x[i : i + 1], float(sigma[i])) for i in range(5)])
    assert together == pytest.approx(alone.numpy(), abs=1e-6)


@pytest.mark.parametrize("name", ADAPTERS)
def test_levels_fall_from_the_highest_to_zero_and_are_known_to_the_model(name: str) -> None:
    denoiser = ADAPTERS[name](scale=3.0).denoiser
    levels = denoiser.levels(12, highest=1.5)
    assert levels[-1] == 0
    assert len(levels) <= 13
    assert levels == sorted(levels, reverse=True)
    assert levels[0] == pytest.approx(1.5, rel=0.1)
    for level in levels[:-1]:
        denoiser(torch.zeros(1, T, C), level)


@pytest.mark.parametrize("name", ["v", "edm", "vector field"])
def test_levels_outside_the_schedule_are_refused(name: str) -> None:
    denoiser = ADAPTERS[name]().denoiser
    for sigma in (denoiser.sigma_min / 2, denoiser.sigma_max * 2, float("nan"), 0.0):
        with pytest.raises(
            InputError, match=r"sigma: got .* expected .* to .*, the levels of the model's schedule"
        ):
            denoiser(torch.zeros(1, T, C), sigma)


def test_clipping_is_part_of_the_denoiser_where_the_sampler_clips() -> None:
    x = noised(20, 0.05)
    held = module("x0", clip=0.1).denoiser(x, 0.05)
    assert float(held.abs().max()) == pytest.approx(0.1)


def noised(n: int, sigma: float) -> Tensor:
    clean = GAUSSIAN.trajectories(n).values.astype(np.float64)
    noise = np.random.default_rng(1).standard_normal(clean.shape)
    return torch.from_numpy(clean + sigma * noise)
