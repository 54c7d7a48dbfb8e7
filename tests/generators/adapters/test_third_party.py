"""Against the packages themselves: what the adapter reads from their objects is what they compute."""

from __future__ import annotations

import copy
from typing import Any

import numpy as np
import pytest
import torch
from benchmarks.peers import denoising_diffusion_1d, is_installed
from torch import Tensor

from pushforward.errors import InputError
from pushforward.generators.adapters import FromDenoisingDiffusion, FromDiffusers, VectorField
from pushforward.trajectories import Trajectories

T, C = 32, 2
LIKE = Trajectories(
    np.zeros((1, T, C)), dt=0.1, channels=("x", "y"), units=("m", "m"), quantity_name="path-length"
)


@pytest.fixture(scope="module")
def diffusers() -> Any:
    return pytest.importorskip("diffusers", reason="needs diffusers: pip install 'pushforward[peers]'")


@pytest.fixture(scope="module")
def unet(diffusers: Any) -> Any:
    torch.manual_seed(0)
    return diffusers.UNet1DModel(sample_size=T, in_channels=C, out_channels=C, extra_in_channels=64)


@pytest.fixture(scope="module")
def lucidrains() -> Any:
    if not is_installed("denoising_diffusion_pytorch"):
        pytest.skip("needs denoising-diffusion-pytorch: pip install --no-deps denoising-diffusion-pytorch")
    return denoising_diffusion_1d()


def diffusion(package: Any, **settings: Any) -> Any:
    torch.manual_seed(0)
    network = package.Unet1D(8, dim_mults=(1, 2), channels=C, self_condition=settings.pop("condition", False))
    return package.GaussianDiffusion1D(
        network, seq_length=T, timesteps=settings.pop("timesteps", 12), **settings
    )


class TestDiffusers:
    @pytest.mark.parametrize("kind", ["DDPMScheduler", "DDIMScheduler"])
    @pytest.mark.parametrize("prediction", ["epsilon", "sample", "v_prediction"])
    @pytest.mark.parametrize("clip", [False, True])
    def test_the_denoiser_is_the_clean_estimate_of_the_scheduler(
        self, diffusers: Any, unet: Any, kind: str, prediction: str, clip: bool
    ) -> None:
        scheduler = getattr(diffusers, kind)(prediction_type=prediction, clip_sample=clip)
        scheduler.set_timesteps(1000)
        z = 0.5 * torch.randn(3, T, C, generator=torch.Generator().manual_seed(1))
        for t in (20, 400, 900):
            bar = scheduler.alphas_cumprod[t].double()
            with torch.no_grad():
                answer = unet(z.transpose(1, 2), torch.tensor(t)).sample
                theirs = scheduler.step(answer, t, z.transpose(1, 2)).pred_original_sample.transpose(1, 2)
            ours = FromDiffusers(unet, scheduler, LIKE).denoiser(
                z / bar.sqrt().float(), float(((1 - bar) / bar).sqrt())
            )
            assert ours == pytest.approx(theirs.numpy(), rel=1e-3, abs=1e-4)

    @pytest.mark.parametrize("kind", ["DDPMScheduler", "DDIMScheduler"])
    def test_samples_have_the_labels_and_the_seed_decides(self, diffusers: Any, unet: Any, kind: str) -> None:
        adapter = FromDiffusers(unet, getattr(diffusers, kind)(num_train_timesteps=20), LIKE, batch_size=3)
        made = adapter.sample(5, seed=7, sampler_steps=5)
        assert (len(made), made.T, made.channels, made.dt) == (5, T, ("x", "y"), 0.1)
        assert made.quantity_name == "path-length"
        assert made.equals(adapter.sample(5, seed=7, sampler_steps=5))
        assert not made.equals(adapter.sample(5, seed=8, sampler_steps=5))
        # Batches have streams of their own.
        assert not np.array_equal(made.values[:2], made.values[3:])

    def test_nothing_of_the_users_objects_changes(self, diffusers: Any, unet: Any) -> None:
        scheduler = diffusers.DDPMScheduler(num_train_timesteps=20)
        unet.train()
        before, state, times = (
            copy.deepcopy(unet.state_dict()),
            torch.get_rng_state(),
            scheduler.timesteps.clone(),
        )
        FromDiffusers(unet, scheduler, LIKE).sample(2, sampler_steps=4)
        assert all(torch.equal(before[name], weight) for name, weight in unet.state_dict().items())
        assert all(part.training for part in unet.modules())
        assert torch.equal(state, torch.get_rng_state())
        assert torch.equal(times, scheduler.timesteps)

    def test_steps_default_to_all_for_ddpm_and_fifty_for_ddim(self, diffusers: Any, unet: Any) -> None:
        assert FromDiffusers(unet, diffusers.DDPMScheduler(), LIKE).own_steps() == 1000
        assert FromDiffusers(unet, diffusers.DDIMScheduler(), LIKE).own_steps() == 50

    def test_a_schedule_that_ends_in_noise_alone_leaves_that_time_out(
        self, diffusers: Any, unet: Any
    ) -> None:
        scheduler = diffusers.DDIMScheduler(rescale_betas_zero_snr=True, prediction_type="v_prediction")
        adapter = FromDiffusers(unet, scheduler, LIKE)
        assert np.isfinite(adapter.denoiser.sigma_max)
        assert np.isfinite(adapter.sample(2, sampler="dpm", sampler_steps=4).values).all()

    def test_other_schedulers_and_settings_are_refused(self, diffusers: Any, unet: Any) -> None:
        with pytest.raises(
            InputError, match="FlowMatchEulerDiscreteScheduler without alphas_cumprod; expected DDPM"
        ):
            FromDiffusers(unet, diffusers.FlowMatchEulerDiscreteScheduler(), LIKE)
        with pytest.raises(InputError, match="thresholding=True; expected False"):
            FromDiffusers(unet, diffusers.DDPMScheduler(thresholding=True), LIKE)
        with pytest.raises(InputError, match="unknown prediction_type 'flow_prediction'"):
            FromDiffusers(unet, diffusers.DDPMScheduler(prediction_type="flow_prediction"), LIKE)
        with pytest.raises(InputError, match="sampler_steps: got 30"):
            FromDiffusers(unet, diffusers.DDPMScheduler(num_train_timesteps=20), LIKE).sample(
                2, sampler_steps=30
            )

    def test_a_model_of_other_channels_is_one_line(self, diffusers: Any, unet: Any) -> None:
        wide = Trajectories(np.zeros((1, T, 3)))
        with pytest.raises(
            InputError, match=r"from-diffusers: the network raised RuntimeError for input \(2, 3, 32\)"
        ):
            FromDiffusers(unet, diffusers.DDPMScheduler(), wide).sample(2, sampler_steps=2)


class TestDenoisingDiffusion:
    @pytest.mark.parametrize("objective", ["pred_noise", "pred_x0", "pred_v"])
    @pytest.mark.parametrize("beta_schedule", ["linear", "cosine"])
    def test_the_denoiser_is_the_clean_estimate_of_the_package(
        self, lucidrains: Any, objective: str, beta_schedule: str
    ) -> None:
        model = diffusion(
            lucidrains, objective=objective, beta_schedule=beta_schedule, timesteps=50, auto_normalize=False
        ).eval()
        adapter = FromDenoisingDiffusion(model, LIKE)
        z = 0.5 * torch.randn(3, C, T, generator=torch.Generator().manual_seed(1))
        for t in (3, 20, 40):
            with torch.no_grad():
                theirs = model.model_predictions(z, torch.full((3,), t), clip_x_start=True).pred_x_start
            bar = model.alphas_cumprod[t].double()
            x = (z / bar.sqrt().float()).transpose(1, 2)
            ours = adapter.denoiser(x, float(((1 - bar) / bar).sqrt()))
            assert ours == pytest.approx(theirs.transpose(1, 2).numpy(), rel=1e-3, abs=1e-4)

    def test_the_normalisation_of_the_package_is_undone(self, lucidrains: Any) -> None:
        raw = FromDenoisingDiffusion(diffusion(lucidrains, auto_normalize=False), LIKE)
        unit = FromDenoisingDiffusion(diffusion(lucidrains, auto_normalize=True), LIKE)
        metres = FromDenoisingDiffusion(
            diffusion(lucidrains, auto_normalize=True), LIKE, mean=10.0, scale=4.0
        )
        z = raw.sample(4, seed=1).values
        assert unit.sample(4, seed=1).values == pytest.approx((z + 1) / 2, abs=1e-5)
        assert metres.sample(4, seed=1).values == pytest.approx(10 + 4 * (z + 1) / 2, abs=1e-4)
        assert metres.denoiser.sigma_min == pytest.approx(2 * raw.denoiser.sigma_min)

    @pytest.mark.parametrize("steps", [12, 6])
    def test_sampling_is_the_packages_own(self, lucidrains: Any, steps: int) -> None:
        model = diffusion(lucidrains, sampling_timesteps=steps).eval()
        made = FromDenoisingDiffusion(model, LIKE).sample(4, seed=9)
        with torch.random.fork_rng():
            torch.manual_seed(int(np.random.default_rng([9, 13, 0]).integers(2**63)))
            theirs = model.sample(batch_size=4)
        assert np.array_equal(made.values, theirs.transpose(1, 2).numpy())

    def test_the_seed_decides_and_nothing_else_changes(
        self, lucidrains: Any, capsys: pytest.CaptureFixture[str]
    ) -> None:
        model = diffusion(lucidrains).train()
        adapter = FromDenoisingDiffusion(model, LIKE)
        state = torch.get_rng_state()
        made = adapter.sample(3, seed=1, sampler_steps=5)
        assert made.equals(adapter.sample(3, seed=1, sampler_steps=5))
        assert not made.equals(adapter.sample(3, seed=2, sampler_steps=5))
        assert torch.equal(state, torch.get_rng_state())
        assert model.sampling_timesteps == 12
        assert all(part.training for part in model.modules())
        assert capsys.readouterr() == ("", "")

    def test_channels_last_and_self_conditioning(self, lucidrains: Any) -> None:
        last = diffusion(lucidrains, condition=True)
        assert FromDenoisingDiffusion(last, LIKE).sample(2, sampler_steps=4).values.shape == (2, T, C)
        assert FromDenoisingDiffusion(last, LIKE).denoiser(torch.zeros(2, T, C), 1.0).shape == (2, T, C)

    def test_what_does_not_fit_is_refused(self, lucidrains: Any) -> None:
        model = diffusion(lucidrains)
        with pytest.raises(InputError, match="got T = 9, C = 2; expected 32, 2 as in the model"):
            FromDenoisingDiffusion(model, Trajectories(np.zeros((1, 9, C))))
        with pytest.raises(InputError, match=r"got Unet1D without .*; expected GaussianDiffusion1D"):
            FromDenoisingDiffusion(model.model, LIKE)
        with pytest.raises(InputError, match="alphas_cumprod: expected a list of numbers from 0 to below 1"):
            FromDenoisingDiffusion(diffusion(lucidrains, beta_schedule="linear"), LIKE)
        with pytest.raises(InputError, match="got 13; expected at most 12"):
            FromDenoisingDiffusion(model, LIKE).sample(2, sampler_steps=13)


class TestTorchCfm:
    @pytest.mark.parametrize(
        "coupling", ["ConditionalFlowMatcher", "ExactOptimalTransportConditionalFlowMatcher"]
    )
    def test_the_convention_is_theirs(self, coupling: str) -> None:
        """Regressing torchcfm's own targets gives a field whose denoiser is the mean of the data given z_t."""
        package = pytest.importorskip("torchcfm", reason="needs torchcfm: pip install --no-deps torchcfm")
        matcher = getattr(package, coupling)(sigma=0.0)
        torch.manual_seed(0)
        n, t = 500, 0.6
        noise, data = torch.randn(n, T * C).double(), 2 + torch.randn(n, T * C).double().cumsum(1)
        _, z, target, *_ = matcher.sample_location_and_conditional_flow(
            noise, data, t=torch.full((n,), t).double()
        )
        # The best linear field at this t, by least squares on what the package says to learn.
        design = torch.cat([z, torch.ones(n, 1)], dim=1)
        weights = torch.linalg.lstsq(design, target).solution

        def field(_: Tensor, x: Tensor) -> Tensor:
            return (torch.cat([x.double(), torch.ones(len(x), 1)], dim=1) @ weights).to(x)

        adapter = VectorField(field, LIKE, layout="flat")
        denoised = adapter.denoiser((z / t).reshape(n, T, C), (1 - t) / t).reshape(n, -1)
        # z + (1 − t) target is where the path ends, at one of the data,
        end = z + (1 - t) * target
        assert float(torch.cdist(end, data).min(dim=1).values.max()) < 1e-5
        # and the denoiser its mean given z: the residual is orthogonal to all that it was given.
        assert float((design.T @ (end - denoised) / n).abs().max()) < 1e-6 * float(end.abs().max())

    def test_a_network_of_the_package_runs(self) -> None:
        pytest.importorskip("torchcfm", reason="needs torchcfm: pip install --no-deps torchcfm")
        from torchcfm.models.models import MLP

        torch.manual_seed(0)
        network = MLP(T * C, time_varying=True)
        adapter = VectorField(lambda t, z: network(torch.cat([z, t[:, None]], dim=1)), LIKE, layout="flat")
        made = adapter.sample(5, seed=3, sampler_steps=4)
        assert made.equals(adapter.sample(5, seed=3, sampler_steps=4))
        assert made.values.std() > 0.1
