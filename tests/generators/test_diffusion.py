"""The diffusion generator as its users meet it."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch

from pushforward.errors import InputError
from pushforward.generators.diffusion import Diffusion, DiffusionSettings
from pushforward.trajectories import Trajectories

FEW = {"sampler_steps": 4}


class TestSeeds:
    def test_the_same_seed_gives_the_same_bytes(
        self, model: Diffusion, waves: Trajectories, tiny: dict[str, Any]
    ) -> None:
        again = Diffusion(**tiny).fit(waves, seed=3)
        assert again.sample(20, seed=1, **FEW).equals(model.sample(20, seed=1, **FEW))

    def test_another_training_seed_gives_another_model(
        self, model: Diffusion, waves: Trajectories, tiny: dict[str, Any]
    ) -> None:
        other = Diffusion(**tiny).fit(waves, seed=4)
        assert not other.sample(20, seed=1, **FEW).equals(model.sample(20, seed=1, **FEW))

    def test_another_sampling_seed_gives_other_samples(self, model: Diffusion) -> None:
        first, second = model.sample(20, seed=1, **FEW), model.sample(20, seed=2, **FEW)
        assert not np.isclose(first.values, second.values).any(axis=(1, 2)).all()

    def test_no_two_samples_are_the_same(self, model: Diffusion) -> None:
        values = model.sample(600, seed=0, **FEW).values.reshape(600, -1)
        assert len(np.unique(values, axis=0)) == 600

    def test_global_random_states_and_threads_are_left_alone(
        self, waves: Trajectories, tiny: dict[str, Any]
    ) -> None:
        torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002 - the global state itself
        threads = torch.get_num_threads()
        Diffusion(**tiny).fit(waves).sample(5, churn=1.0, **FEW)
        assert torch.equal(torch_before, torch.get_rng_state())
        assert np.array_equal(numpy_before[1], np.random.get_state()[1])  # noqa: NPY002
        assert torch.get_num_threads() == threads

    def test_the_global_seed_changes_nothing(self, model: Diffusion) -> None:
        torch.manual_seed(1)
        first = model.sample(5, churn=1.0, **FEW)
        torch.manual_seed(2)
        assert first.equals(model.sample(5, churn=1.0, **FEW))


class TestBatches:
    @pytest.mark.parametrize("which", ["model", "ragged_model"])
    @pytest.mark.parametrize("sampler", ["heun", "dpm", "calibrated"])
    def test_samples_do_not_depend_on_the_batch_size(
        self, which: str, sampler: str, request: pytest.FixtureRequest
    ) -> None:
        model: Diffusion = request.getfixturevalue(which)
        whole = model.sample(600, seed=1, sampler=sampler, batch_size=1024, **FEW)
        for size in (1, 100, 256, 512):
            n = 20 if size == 1 else 600
            part = model.sample(n, seed=1, sampler=sampler, batch_size=size, **FEW)
            assert np.allclose(part.values, whole.values[:n], rtol=1e-4, atol=1e-3)
            assert np.array_equal(part.steps, whole.steps[:n])

    def test_the_first_of_many_are_the_first_of_few(self, ragged_model: Diffusion) -> None:
        many, few = ragged_model.sample(600, seed=1, **FEW), ragged_model.sample(270, seed=1, **FEW)
        assert np.allclose(many.values[:270], few.values, rtol=1e-4, atol=1e-3)

    def test_batches_join_to_the_sample(self, ragged_model: Diffusion) -> None:
        parts = list(ragged_model.sample_batches(600, seed=1, batch_size=256, **FEW))
        assert [len(part) for part in parts] == [256, 256, 88]
        assert Trajectories.concat(parts).equals(ragged_model.sample(600, seed=1, batch_size=256, **FEW))

    def test_churn_does_not_depend_on_the_batch_size(self, model: Diffusion) -> None:
        whole = model.sample(300, seed=1, churn=2.0, **FEW)
        part = model.sample(300, seed=1, churn=2.0, batch_size=256, **FEW)
        assert np.allclose(part.values, whole.values, rtol=1e-4, atol=1e-3)
        assert not np.allclose(whole.values, model.sample(300, seed=1, **FEW).values)


class TestWhatIsMade:
    def test_samples_carry_the_names_and_units_of_the_data(
        self, model: Diffusion, waves: Trajectories
    ) -> None:
        made = model.sample(5, **FEW)
        for name in ("T", "C", "dt", "channels", "units", "time_unit", "quantity_name"):
            assert getattr(made, name) == getattr(waves, name)
        assert made.lengths is None
        assert made.values.dtype == np.float32

    @pytest.mark.parametrize("steps", [2, 3, 13, 33])
    def test_any_number_of_steps(self, steps: int, tiny: dict[str, Any]) -> None:
        values = np.random.default_rng(0).normal(size=(30, steps, 1))
        made = Diffusion(**tiny).fit(Trajectories(values)).sample(5, **FEW)
        assert made.values.shape == (5, steps, 1)

    def test_lengths_follow_the_training_data(
        self, ragged_model: Diffusion, ragged_waves: Trajectories
    ) -> None:
        made = ragged_model.sample(3000, seed=2, sampler_steps=2, sampler="dpm")
        assert made.lengths is not None
        assert set(made.lengths) <= set(ragged_waves.steps)
        share = np.bincount(made.steps, minlength=13) / len(made)
        expected = np.bincount(ragged_waves.steps, minlength=13) / len(ragged_waves)
        assert np.abs(share - expected).max() < 5 * np.sqrt(0.25 / len(made))

    def test_trajectories_that_all_end_early_need_no_lengths(self, tiny: dict[str, Any]) -> None:
        values = np.random.default_rng(0).normal(size=(30, 9, 1))
        made = Diffusion(**tiny).fit(Trajectories(values, lengths=[6] * 30)).sample(4, **FEW)
        assert made.lengths is None
        assert made.T == 6

    def test_constant_channels_stay_exactly_constant(self, waves: Trajectories, tiny: dict[str, Any]) -> None:
        values = waves.values.copy()
        values[:, :, 1] = 273.15
        made = Diffusion(**tiny).fit(waves.with_values(values)).sample(10, **FEW)
        assert (made.values[:, :, 1] == np.float32(273.15)).all()
        assert made.values[:, :, 0].std() > 0.1

    def test_the_scale_of_the_data_is_learned(self, tiny: dict[str, Any]) -> None:
        values = 1e6 + 1e3 * np.random.default_rng(0).normal(size=(200, 8, 1))
        made = Diffusion(**{**tiny, "steps": 60}).fit(Trajectories(values)).sample(200)
        assert made.values.mean() == pytest.approx(1e6, abs=300)
        assert made.values.std() == pytest.approx(1e3, rel=0.5)

    def test_the_training_data_is_not_changed(self, tiny: dict[str, Any]) -> None:
        values = np.random.default_rng(0).normal(size=(30, 6, 1)).astype(np.float32)
        before = values.copy()
        Diffusion(**tiny).fit(Trajectories(values))
        assert np.array_equal(values, before)


class TestProgress:
    def test_training_tells_every_step_with_its_loss(self, waves: Trajectories, tiny: dict[str, Any]) -> None:
        calls: list[tuple[int, int | None, str]] = []
        Diffusion(**tiny).fit(
            waves, progress=lambda done, total=None, note="": calls.append((done, total, note))
        )
        assert [call[:2] for call in calls] == [(step, 20) for step in range(1, 21)]
        assert all(call[2].startswith("loss ") for call in calls)

    def test_true_reports_on_standard_error(
        self, model: Diffusion, capsys: pytest.CaptureFixture[str], waves: Trajectories, tiny: dict[str, Any]
    ) -> None:
        Diffusion(**tiny).fit(waves, progress=True)
        assert "training: 20/20 loss" in capsys.readouterr().err
        model.sample(3, progress=True, **FEW)
        assert "sampling: 3/3" in capsys.readouterr().err

    def test_the_default_is_silence(
        self, waves: Trajectories, tiny: dict[str, Any], capsys: pytest.CaptureFixture[str]
    ) -> None:
        Diffusion(**tiny).fit(waves).sample(2, **FEW)
        assert capsys.readouterr() == ("", "")


class TestBadInput:
    @pytest.mark.parametrize(
        ("shape", "message"),
        [
            ((0, 8, 1), "got 0 trajectories; expected at least 2"),
            ((1, 8, 1), "got 1 trajectories; expected at least 2"),
            ((9, 1, 1), "got trajectories of 1 step; expected at least 2"),
        ],
    )
    def test_too_little_data(self, shape: tuple[int, ...], message: str, tiny: dict[str, Any]) -> None:
        with pytest.raises(InputError, match=message):
            Diffusion(**tiny).fit(Trajectories(np.zeros(shape)))

    def test_sampling_before_training(self) -> None:
        with pytest.raises(InputError, match="not trained yet"):
            Diffusion().sample(1)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"steps": 0}, "steps: got 0"),
            ({"learning_rate": float("nan")}, "learning_rate: got nan"),
            ({"kernel": 4}, "kernel: got 4; expected an odd number"),
            ({"widths": ()}, "number of widths: got 0"),
            ({"widths": (10**9,)}, "widths: got 1000000000"),
            ({"device": "tpu"}, "device: got 'tpu'; expected one of auto, cpu, cuda"),
            ({"stpes": 3}, "did you mean 'steps'"),
        ],
    )
    def test_settings_that_cannot_work(self, settings: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            Diffusion(**settings)

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"n": 0}, "got n = 0"),
            ({"seed": -1}, "seed: got -1"),
            ({"sampler": "huen"}, "did you mean 'heun'"),
            ({"sampler_steps": 1}, "sampler_steps: got 1"),
            ({"batch_size": 0}, "batch_size: got 0"),
            ({"churn": 1.0, "sampler": "dpm"}, "churn: got 1.0 with dpm"),
            ({"sigma_min": 2.0, "sigma_max": 1.0}, "expected 0 < sigma_min < sigma_max"),
            ({"sampler_step": 3}, "did you mean 'sampler_steps'"),
        ],
    )
    def test_sampling_that_cannot_work(
        self, model: Diffusion, settings: dict[str, Any], message: str
    ) -> None:
        with pytest.raises(InputError, match=message):
            model.sample(**{"n": 3, **settings})

    def test_resuming_without_a_directory(self, waves: Trajectories) -> None:
        with pytest.raises(InputError, match="no checkpoint directory"):
            Diffusion().fit(waves, resume=True)

    def test_settings_are_frozen(self) -> None:
        with pytest.raises(AttributeError):
            DiffusionSettings().steps = 4  # type: ignore[misc]


@pytest.mark.slow
def test_a_gaussian_is_learned_with_its_mean_and_covariance() -> None:
    """AR(1) trajectories with a moving mean; the bars are a tenth of the variance and of the standard deviation."""
    steps, n = 12, 4000
    time = np.arange(steps)
    covariance = 0.8 ** np.abs(time[:, None] - time[None, :])
    mean = np.sin(time / 2)
    rng = np.random.default_rng(0)
    data = rng.multivariate_normal(mean, covariance, size=n)[:, :, None]
    model = Diffusion(steps=2000, widths=(16, 32), blocks=2, device="cpu").fit(Trajectories(data), seed=0)
    made = model.sample(n, seed=1, sampler_steps=48).values[:, :, 0]
    assert np.abs(made.mean(axis=0) - mean).max() < 0.1
    assert np.abs(np.cov(made.T) - covariance).max() < 0.1


@pytest.mark.gpu
def test_cuda_and_cpu_make_the_same_samples(model: Diffusion, tmp_path: Any) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    model.save(tmp_path)
    on_gpu = Diffusion.load(tmp_path)
    on_gpu.settings = DiffusionSettings(**{**vars(model.settings), "device": "cuda", "precision": "float32"})
    assert np.allclose(on_gpu.sample(50, **FEW).values, model.sample(50, **FEW).values, rtol=1e-2, atol=1e-2)


@pytest.mark.gpu
def test_training_runs_on_cuda(waves: Trajectories, tiny: dict[str, Any]) -> None:
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    first = Diffusion(**{**tiny, "device": "cuda"}).fit(waves).sample(20, **FEW)
    assert np.isfinite(first.values).all()
