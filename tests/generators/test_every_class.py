"""What every learned class promises, held to each of them; test_diffusion.py and test_checkpoint.py go into detail."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from tests.generators.conftest import make_waves
from tests.generators.test_checkpoint import replace_tensors, rewrite, stop_at, tensor_file

import pushforward.generators
from pushforward.errors import InputError
from pushforward.generators.flow import Flow
from pushforward.generators.learned import AbstractLearned
from pushforward.generators.mlp import MLP
from pushforward.generators.networks.mlp_rollout import RolloutMLP
from pushforward.generators.transformer import Transformer
from pushforward.generators.vae import VAE
from pushforward.trajectories import Trajectories

SHORT: dict[str, Any] = {"steps": 12, "batch_size": 16, "device": "cpu"}

CLASSES: dict[str, tuple[type[AbstractLearned[Any, Any, Any]], dict[str, Any]]] = {
    "flow": (Flow, {"widths": (8,), "blocks": 1, "kernel": 3}),
    "flow-transport": (
        Flow,
        {"widths": (8,), "blocks": 1, "kernel": 3, "coupling": "optimal-transport"},
    ),
    "mlp-denoiser": (MLP, {"width": 16, "blocks": 1}),
    "mlp-one-step": (MLP, {"kind": "one-step", "width": 16, "blocks": 1, "history": 3, "components": 3}),
    "transformer-mixture": (
        Transformer,
        {"width": 16, "blocks": 1, "attention_heads": 2, "hidden": 8, "components": 3},
    ),
    "transformer-tokens": (
        Transformer,
        {"head": "tokens", "width": 16, "blocks": 1, "attention_heads": 2, "hidden": 8, "bins": 32},
    ),
    "vae": (VAE, {"latent": 4, "width": 8, "widest": 8, "blocks": 1, "kernel": 3}),
}
# Those that make all steps at once, from noise: their samples are the same up to rounding, however many at a time.
SOLVED = ("flow", "flow-transport", "mlp-denoiser")
FEW: dict[str, dict[str, Any]] = {name: {"sampler_steps": 4} if name in SOLVED else {} for name in CLASSES}

every_class = pytest.mark.parametrize("which", list(CLASSES))


def untrained(which: str, **changes: Any) -> AbstractLearned[Any, Any, Any]:
    made, settings = CLASSES[which]
    return made(**{**SHORT, **settings, **changes})


_trained: dict[tuple[str, bool], AbstractLearned[Any, Any, Any]] = {}


def trained(which: str, ragged: bool = False) -> AbstractLearned[Any, Any, Any]:
    """One model per class and kind of data, shared by the tests that only look at it."""
    if (which, ragged) not in _trained:
        _trained[which, ragged] = untrained(which).fit(make_waves(ragged=ragged), seed=3)
    return _trained[which, ragged]


class TestSeeds:
    @every_class
    def test_the_same_seed_gives_the_same_bytes(self, which: str) -> None:
        again = untrained(which).fit(make_waves(), seed=3)
        assert again.sample(20, seed=1, **FEW[which]).equals(trained(which).sample(20, seed=1, **FEW[which]))

    @every_class
    def test_other_seeds_give_other_models_and_samples(self, which: str) -> None:
        first = trained(which).sample(20, seed=1, **FEW[which]).values
        assert not np.array_equal(
            untrained(which).fit(make_waves(), seed=4).sample(20, seed=1, **FEW[which]).values, first
        )
        assert not np.array_equal(trained(which).sample(20, seed=2, **FEW[which]).values, first)

    @every_class
    def test_no_two_samples_are_the_same(self, which: str) -> None:
        values = trained(which).sample(600, **FEW[which]).values.reshape(600, -1)
        assert len(np.unique(values, axis=0)) == 600

    @every_class
    def test_global_random_states_are_left_alone(self, which: str) -> None:
        torch_before, numpy_before = torch.get_rng_state(), np.random.get_state()  # noqa: NPY002 - the global state itself
        untrained(which, steps=2).fit(make_waves()).sample(5, **FEW[which])
        assert torch.equal(torch_before, torch.get_rng_state())
        assert np.array_equal(numpy_before[1], np.random.get_state()[1])  # noqa: NPY002


class TestBatches:
    @every_class
    @pytest.mark.parametrize("ragged", [False, True])
    def test_samples_do_not_depend_on_the_batch_size(self, which: str, ragged: bool) -> None:
        """To the bit where steps feed on steps: there the last bit would grow."""
        model = trained(which, ragged)
        whole = model.sample(600, seed=1, batch_size=1024, **FEW[which])
        for size, n in ((1, 20), (100, 300), (512, 600)):
            part = model.sample(n, seed=1, batch_size=size, **FEW[which])
            assert np.array_equal(part.steps, whole.steps[:n])
            if which in SOLVED:
                assert np.allclose(part.values, whole.values[:n], rtol=1e-4, atol=1e-3)
            else:
                assert part.equals(whole.select(slice(0, n)))

    @every_class
    def test_batches_join_to_the_sample(self, which: str) -> None:
        model = trained(which, ragged=True)
        parts = list(model.sample_batches(600, seed=1, batch_size=256, **FEW[which]))
        assert [len(part) for part in parts] == [256, 256, 88]
        assert Trajectories.concat(parts).equals(model.sample(600, seed=1, batch_size=256, **FEW[which]))


class TestWhatIsMade:
    @every_class
    def test_samples_carry_the_names_and_units_of_the_data(self, which: str) -> None:
        data, made = make_waves(), trained(which).sample(5, **FEW[which])
        for name in ("T", "C", "dt", "channels", "units", "time_unit", "quantity_name"):
            assert getattr(made, name) == getattr(data, name)
        assert made.lengths is None

    @every_class
    @pytest.mark.parametrize("steps", [2, 3, 13])
    def test_any_number_of_steps(self, which: str, steps: int) -> None:
        values = np.random.default_rng(0).normal(size=(30, steps, 1))
        made = untrained(which, steps=3).fit(Trajectories(values)).sample(5, **FEW[which])
        assert made.values.shape == (5, steps, 1)

    @every_class
    def test_lengths_follow_the_training_data(self, which: str) -> None:
        data, made = make_waves(ragged=True), trained(which, ragged=True).sample(1000, seed=2, **FEW[which])
        share, expected = (np.bincount(t.steps, minlength=13) / len(t) for t in (made, data))
        assert np.abs(share - expected).max() < 5 * np.sqrt(0.25 / len(made))

    @every_class
    def test_constant_channels_stay_exactly_constant(self, which: str) -> None:
        values = make_waves().values.copy()
        values[:, :, 1] = 273.15
        made = untrained(which).fit(make_waves().with_values(values)).sample(10, **FEW[which])
        assert (made.values[:, :, 1] == np.float32(273.15)).all()
        assert made.values[:, :, 0].std() > 0.1

    @every_class
    def test_what_stands_in_the_padding_is_not_learned(self, which: str) -> None:
        """The same loss whatever the padding holds; `Trajectories` would rewrite it, so the batch is changed."""
        model, ragged = trained(which, ragged=True), make_waves(ragged=True)
        batch = model._prepared(ragged, None, seed=0)[2](0)
        assert batch.lengths is not None
        spoiled = batch.clean.clone()
        beyond = torch.arange(spoiled.shape[1]) >= batch.lengths[:, None]
        spoiled[beyond] = 7.0
        with torch.no_grad():
            losses = [
                float(model.loss(model.network, batch._replace(clean=x))) for x in (batch.clean, spoiled)
            ]
        assert losses[0] == pytest.approx(losses[1], rel=1e-5)

    @every_class
    def test_it_says_which_kernels_it_feeds(self, which: str) -> None:
        feeds = untrained(which).feeds
        assert set(feeds) <= {"denoise", "rollout", "residual", "reconstruction"}
        expected = {"vae": "reconstruction"}.get(which, "denoise" if which in SOLVED else "rollout")
        assert expected in feeds


class TestTraining:
    @every_class
    def test_the_loss_falls(self, which: str) -> None:
        history = untrained(which, steps=120).fit(make_waves()).history
        first, last = ([entry.loss for entry in part] for part in (history[:10], history[-30:]))
        assert np.mean(last) < np.mean(first) - 0.1

    @every_class
    def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(
        self, which: str, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        model, calls = untrained(which), iter(range(100))
        loss = model.loss
        spoiled = lambda network, batch: loss(network, batch) * (float("nan") if next(calls) == 7 else 1.0)  # noqa: E731
        monkeypatch.setattr(model, "loss", spoiled)
        with pytest.raises(InputError, match=r"stopped at step 8 of 12: the loss is nan.*keeps step 7"):
            model.fit(make_waves())
        assert model.trained_steps == 7
        assert np.isfinite(model.sample(4, **FEW[which]).values).all()

    @every_class
    def test_the_memory_of_sampling_does_not_grow_with_n(self, which: str) -> None:
        model, peaks = trained(which), []
        for n in (512, 4 * 512):
            model.sample(512, **FEW[which])  # What is made once and kept.
            tracemalloc.start()
            for _ in model.sample_batches(n, seed=1, batch_size=256, **FEW[which]):
                pass
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
        # All of them would take four times as much.
        assert peaks[1] < 1.2 * peaks[0]

    @every_class
    @pytest.mark.parametrize("ragged", [False, True])
    def test_a_broken_training_goes_on_to_the_same_bytes(
        self, which: str, ragged: bool, tmp_path: Path
    ) -> None:
        data = make_waves(ragged=ragged)
        with pytest.raises(KeyboardInterrupt):
            untrained(which).fit(data, seed=3, checkpoint=tmp_path, progress=stop_at(5))
        resumed = untrained(which).fit(data, seed=3, checkpoint=tmp_path, resume=True)
        assert resumed.sample(20, seed=1, **FEW[which]).equals(
            trained(which, ragged).sample(20, seed=1, **FEW[which])
        )


class TestConditions:
    @every_class
    def test_a_condition_is_taken_and_labels_the_samples(self, which: str) -> None:
        if which == "flow-transport":
            pytest.skip(
                "noise paired by transport depends on the condition, which test_flow.py shows is refused"
            )
        data = make_waves()
        model = untrained(which, inpaint=(0, -1)).fit(data, condition=data.values[:, 0, 1], seed=3)
        goal, low, high = data.values[:40, -1], *np.percentile(data.values[:, 0, 1], [2, 98])
        made = model.sample(40, seed=1, condition=low, fixed={-1: goal}, **FEW[which])
        assert np.array_equal(made.values[:, -1], goal)
        assert any((values == low).all() for values in made.conditions.values())
        other = model.sample(40, seed=1, condition=high, fixed={-1: goal}, **FEW[which])
        assert not np.array_equal(made.values, other.values)
        with pytest.raises(InputError, match="expected a value in the trained range"):
            model.sample(3, condition=500.0, **FEW[which])

    @every_class
    def test_a_start_can_be_given_to_those_that_go_on_from_it(self, which: str) -> None:
        start = make_waves().values[:5, 0]
        if which == "vae":
            with pytest.raises(InputError, match="train it with inpaint 0"):
                trained(which).sample(5, fixed={0: start})
        else:
            made = trained(which).sample(5, fixed={0: start}, **FEW[which])
            assert np.array_equal(made.values[:, 0], start)


class TestFiles:
    @every_class
    @pytest.mark.parametrize("ragged", [False, True])
    def test_a_loaded_model_makes_the_same_bytes(self, which: str, ragged: bool, tmp_path: Path) -> None:
        model = trained(which, ragged)
        model.save(tmp_path)
        loaded = pushforward.generators.load(tmp_path)
        assert type(loaded) is type(model)
        assert loaded.sample(30, seed=9, **FEW[which]).equals(model.sample(30, seed=9, **FEW[which]))
        assert loaded.feeds == model.feeds

    @every_class
    def test_a_checkpoint_with_a_tensor_lost_or_reshaped_is_refused(self, which: str, tmp_path: Path) -> None:
        trained(which).save(tmp_path)
        names = sorted(safetensors.torch.load_file(tensor_file(tmp_path)))
        replace_tensors(tmp_path, lambda tensors: tensors.pop(names[0]))
        with pytest.raises(InputError, match="is missing"):
            pushforward.generators.load(tmp_path)
        trained(which).save(tmp_path)
        replace_tensors(tmp_path, lambda tensors: tensors.update({names[-1]: torch.zeros(1, 2, 3)}))
        with pytest.raises(InputError, match="expected float32"):
            pushforward.generators.load(tmp_path)

    @every_class
    def test_settings_that_are_wrong_are_refused(self, which: str, tmp_path: Path) -> None:
        trained(which).save(tmp_path)
        name, value = ("widths", [10**9]) if which.startswith("flow") else ("width", 10**9)
        rewrite(tmp_path, lambda record: record["settings"].update({name: value}))
        with pytest.raises(InputError, match=f"{name}: got 1000000000"):
            pushforward.generators.load(tmp_path)
        trained(which).save(tmp_path)
        rewrite(tmp_path, lambda record: record["settings"].update(surprise=1))
        with pytest.raises(InputError, match="unknown field 'surprise'"):
            pushforward.generators.load(tmp_path)

    @every_class
    def test_a_checkpoint_that_is_cut_short_is_refused(self, which: str, tmp_path: Path) -> None:
        trained(which).save(tmp_path)
        path = tensor_file(tmp_path)
        path.write_bytes(path.read_bytes()[:-100])
        with pytest.raises(InputError, match="is damaged"):
            pushforward.generators.load(tmp_path)


def test_a_one_step_model_refuses_the_settings_of_a_denoiser() -> None:
    with pytest.raises(InputError, match="expected batch_size alone"):
        trained("mlp-one-step").sample(3, sampler_steps=4)


def test_statistics_of_the_data_are_kept_with_the_weights() -> None:
    network = trained("mlp-one-step").network
    assert isinstance(network, RolloutMLP)
    data = make_waves()
    scaled = (
        (data.values - np.asarray(trained("mlp-one-step").description.mean))
        / trained("mlp-one-step").description.scale
        * 0.5
    )
    moved = np.sqrt(np.square(np.diff(scaled, axis=1)).mean(axis=(0, 1)))
    assert np.allclose(network.statistics.increment.numpy(), moved, rtol=1e-5)
    assert np.allclose(network.statistics.high.numpy(), scaled.max(axis=(0, 1)), rtol=1e-5)
