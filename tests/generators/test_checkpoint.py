"""Generators on disk: what is read is what was written, training resumes to the bit, and bad files are refused."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.torch
import torch
from torch import Tensor

import pushforward.generators
from pushforward.errors import InputError
from pushforward.generators import checkpoint
from pushforward.generators.diffusion import Diffusion
from pushforward.trajectories import Trajectories

FEW = {"sampler_steps": 4}


def tensor_file(directory: Path) -> Path:
    (path,) = directory.glob("tensors-*.safetensors")
    return path


def rewrite(directory: Path, change: Callable[[dict[str, Any]], object]) -> None:
    """Change settings.json as a hostile or newer program might."""
    path = directory / "settings.json"
    settings = json.loads(path.read_text())
    change(settings)
    path.write_text(json.dumps(settings))


def replace_tensors(directory: Path, change: Callable[[dict[str, Tensor]], object]) -> None:
    """Change the tensors and name them by their new hash, so that only their content is wrong."""
    tensors = safetensors.torch.load_file(tensor_file(directory))
    change(tensors)
    payload = safetensors.torch.save(tensors)
    digest = hashlib.sha256(payload).hexdigest()
    tensor_file(directory).unlink()
    (directory / f"tensors-{digest[:16]}.safetensors").write_bytes(payload)
    rewrite(directory, lambda settings: settings.update(tensors=digest))


def stop_at(step: int) -> Callable[..., None]:
    def report(done: int, total: int | None = None, note: str = "") -> None:
        if done == step:
            raise KeyboardInterrupt

    return report


@pytest.fixture
def saved(model: Diffusion, tmp_path: Path) -> Path:
    model.save(tmp_path / "model")
    return tmp_path / "model"


class TestSaving:
    @pytest.mark.parametrize("which", ["model", "ragged_model"])
    def test_a_loaded_model_makes_the_same_bytes(
        self, which: str, tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        model: Diffusion = request.getfixturevalue(which)
        model.save(tmp_path / "new" / "folder")
        loaded = pushforward.generators.load(tmp_path / "new" / "folder")
        assert isinstance(loaded, Diffusion)
        assert loaded.sample(30, seed=9, **FEW).equals(model.sample(30, seed=9, **FEW))
        assert loaded.history == model.history
        assert loaded.description == model.description
        assert loaded.trained_steps == 20

    def test_saving_again_replaces_and_leaves_nothing_behind(
        self, saved: Path, ragged_model: Diffusion
    ) -> None:
        ragged_model.save(saved)
        names = sorted(path.name.split("-")[0] for path in saved.iterdir())
        assert names == ["history.json", "settings.json", "tensors"]
        assert Diffusion.load(saved).description == ragged_model.description

    def test_an_interrupted_save_leaves_the_old_model(
        self, saved: Path, model: Diffusion, ragged_model: Diffusion, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        written = checkpoint.write_text

        def interrupted(path: Path, text: str) -> None:
            if path.name == "settings.json":
                raise KeyboardInterrupt
            written(path, text)

        monkeypatch.setattr(checkpoint, "write_text", interrupted)
        with pytest.raises(KeyboardInterrupt):
            ragged_model.save(saved)
        assert Diffusion.load(saved).sample(5, **FEW).equals(model.sample(5, **FEW))

    def test_a_model_that_is_not_trained_cannot_be_saved(self, tmp_path: Path) -> None:
        with pytest.raises(InputError, match="not trained yet"):
            Diffusion().save(tmp_path)
        assert list(tmp_path.iterdir()) == []

    def test_a_directory_that_cannot_be_made_is_refused_before_training(
        self, waves: Trajectories, tiny: dict[str, Any], tmp_path: Path
    ) -> None:
        (tmp_path / "run").write_text("")
        with pytest.raises(InputError, match="run: cannot be made"):
            Diffusion(**tiny).fit(waves, checkpoint=tmp_path / "run", progress=stop_at(1))

    def test_a_file_in_the_way_is_named(self, model: Diffusion, tmp_path: Path) -> None:
        (tmp_path / "model").write_text("")
        with pytest.raises(InputError, match="model: cannot be made"):
            model.save(tmp_path / "model")


@pytest.mark.parametrize("data", ["waves", "ragged_waves"])
class TestResuming:
    def test_a_broken_training_goes_on_to_the_same_bytes(
        self, data: str, tiny: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        trajectories: Trajectories = request.getfixturevalue(data)
        settings = {**tiny, "steps": 60}
        whole = Diffusion(**settings).fit(trajectories, seed=5, checkpoint=tmp_path / "whole")
        with pytest.raises(KeyboardInterrupt):
            Diffusion(**settings).fit(
                trajectories, seed=5, checkpoint=tmp_path / "broken", progress=stop_at(30)
            )
        assert Diffusion.load(tmp_path / "broken").trained_steps == 30
        resumed = Diffusion(**settings).fit(trajectories, seed=5, checkpoint=tmp_path / "broken", resume=True)
        assert tensor_file(tmp_path / "whole").read_bytes() == tensor_file(tmp_path / "broken").read_bytes()
        assert resumed.sample(20, **FEW).values.tobytes() == whole.sample(20, **FEW).values.tobytes()
        assert [(e.step, e.loss) for e in resumed.history] == [(e.step, e.loss) for e in whole.history]

    def test_a_killed_training_goes_on_from_its_last_checkpoint(
        self, data: str, tiny: dict[str, Any], tmp_path: Path, request: pytest.FixtureRequest
    ) -> None:
        """A kill runs no clean-up: what it leaves is what lies in the directory at that moment."""
        trajectories: Trajectories = request.getfixturevalue(data)
        settings = {**tiny, "checkpoint_every": 8}

        def look(done: int, total: int | None = None, note: str = "") -> None:
            if done == 13:
                shutil.copytree(tmp_path / "running", tmp_path / "killed")

        whole = Diffusion(**settings).fit(trajectories, checkpoint=tmp_path / "running", progress=look)
        assert Diffusion.load(tmp_path / "killed").trained_steps == 8
        resumed = Diffusion(**settings).fit(trajectories, checkpoint=tmp_path / "killed", resume=True)
        assert resumed.sample(5, **FEW).equals(whole.sample(5, **FEW))


class TestInterrupts:
    def test_control_c_finishes_the_step_and_leaves_a_checkpoint(
        self, waves: Trajectories, tiny: dict[str, Any], tmp_path: Path
    ) -> None:
        def press(done: int, total: int | None = None, note: str = "") -> None:
            if done == 7:
                os.kill(os.getpid(), signal.SIGINT)

        with pytest.raises(KeyboardInterrupt):
            Diffusion(**tiny).fit(waves, checkpoint=tmp_path, progress=press)
        assert Diffusion.load(tmp_path).trained_steps == 7
        assert signal.getsignal(signal.SIGINT) is signal.default_int_handler

    def test_an_interrupted_model_still_samples(self, waves: Trajectories, tiny: dict[str, Any]) -> None:
        model = Diffusion(**tiny)
        with pytest.raises(KeyboardInterrupt):
            model.fit(waves, progress=stop_at(4))
        assert model.trained_steps == 4
        assert len(model.sample(3, **FEW)) == 3

    def test_an_unfinished_training_is_not_overwritten(
        self, waves: Trajectories, tiny: dict[str, Any], tmp_path: Path
    ) -> None:
        with pytest.raises(KeyboardInterrupt):
            Diffusion(**tiny).fit(waves, checkpoint=tmp_path, progress=stop_at(4))
        with pytest.raises(InputError, match=r"interrupted at step 4 of 20; resume it"):
            Diffusion(**tiny).fit(waves, checkpoint=tmp_path)

    def test_resuming_a_finished_training_only_loads_it(
        self, waves: Trajectories, tiny: dict[str, Any], tmp_path: Path
    ) -> None:
        first = Diffusion(**tiny).fit(waves, checkpoint=tmp_path)
        again = Diffusion(**tiny).fit(waves, checkpoint=tmp_path, resume=True)
        assert again.sample(5, **FEW).equals(first.sample(5, **FEW))

    def test_resuming_from_nothing_starts(
        self, waves: Trajectories, tiny: dict[str, Any], tmp_path: Path
    ) -> None:
        assert Diffusion(**tiny).fit(waves, checkpoint=tmp_path / "new", resume=True).trained_steps == 20


class TestWhatDoesNotFit:
    @pytest.mark.parametrize(
        ("changes", "seed", "message"),
        [
            ({"batch_size": 8}, 0, "was trained with batch_size = 16; got 8"),
            ({"widths": (8, 24)}, 0, r"was trained with widths = \[8, 16\]"),
            ({}, 1, "was trained with seed 0; got 1"),
        ],
    )
    def test_other_settings_or_seeds(
        self,
        changes: dict[str, Any],
        seed: int,
        message: str,
        waves: Trajectories,
        tiny: dict[str, Any],
        tmp_path: Path,
    ) -> None:
        Diffusion(**tiny).fit(waves, checkpoint=tmp_path)
        with pytest.raises(InputError, match=message):
            Diffusion(**{**tiny, **changes}).fit(waves, seed=seed, checkpoint=tmp_path, resume=True)

    def test_other_data(self, waves: Trajectories, tiny: dict[str, Any], tmp_path: Path) -> None:
        Diffusion(**tiny).fit(waves, checkpoint=tmp_path)
        values = waves.values.copy()
        values[5, 5, 0] += 0.01
        for other in (waves.with_values(values), waves.select_channels(["wave"])):
            with pytest.raises(InputError, match="was trained on other data"):
                Diffusion(**tiny).fit(other, checkpoint=tmp_path, resume=True)

    def test_a_saved_model_has_no_optimizer_to_resume_with(
        self, saved: Path, waves: Trajectories, tiny: dict[str, Any]
    ) -> None:
        with pytest.raises(InputError, match=r"the tensor weights\..* is missing"):
            Diffusion(**tiny).fit(waves, seed=3, checkpoint=saved, resume=True)


class TestBadFiles:
    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (lambda s: s.update(format="other"), "got format 'other'"),
            (
                lambda s: s.update(format_version=2),
                "got format version 2; this version of pushforward reads version 1",
            ),
            (lambda s: s.update(format_version=True), "got format version True"),
            (lambda s: s.update(generator="wavelets"), "unknown generator 'wavelets'"),
            (lambda s: s.update(generator=["x"]), "got generator"),
            (lambda s: s.pop("data"), "got NoneType; expected an object of Description"),
            (lambda s: s["data"].pop("mean"), "the field 'mean' of Description is missing"),
            (lambda s: s["data"].update(mean=[0.0]), "mean: got 1 for 2 channels"),
            (lambda s: s["data"].update(std=[-1.0, 1.0]), "std: got -1.0"),
            (lambda s: s["data"].update(T=10**12), "T: got 1000000000000"),
            (lambda s: s["data"].update(dt="fast"), "dt: got 'fast'; expected float"),
            (lambda s: s["data"].update(lengths=[3], counts=[]), "got 0 counts of 1 lengths"),
            (lambda s: s["settings"].update(widths=[10**6] * 3), "widths: got 1000000"),
            (
                lambda s: s["settings"].update(widths=[8, 16, 1024]),
                "the tensor .* is missing|expected float32",
            ),
            (lambda s: s["settings"].update(speed=1), "unknown field 'speed'"),
            (lambda s: s.update(tensors="../../etc/passwd"), "expected a SHA-256"),
            (lambda s: s.update(tensors="0" * 64), "cannot be read"),
            (lambda s: s.update(step=-1), "got step -1"),
        ],
    )
    def test_settings_that_are_wrong(self, change: Callable[..., object], message: str, saved: Path) -> None:
        rewrite(saved, change)
        with pytest.raises(InputError, match=message):
            pushforward.generators.load(saved)

    @pytest.mark.parametrize(
        "text", ["", "[]", "null", "{", "NaN", "[" * 100_000, "1e999", "\x00", '{"format": 1}']
    )
    def test_settings_that_are_not_settings(self, text: str, saved: Path) -> None:
        (saved / "settings.json").write_text(text)
        with pytest.raises(InputError):
            pushforward.generators.load(saved)

    @pytest.mark.parametrize("text", ["{}", "[1]", '[{"step": 1}]', "[", '[{"step": "x"}]'])
    def test_a_history_that_is_wrong(self, text: str, saved: Path) -> None:
        (saved / "history.json").write_text(text)
        with pytest.raises(InputError, match=r"history\.json"):
            pushforward.generators.load(saved)

    def test_settings_of_unbounded_size_are_not_read(self, saved: Path) -> None:
        with (saved / "settings.json").open("ab") as file:
            file.truncate(2**40)
        with pytest.raises(InputError, match="expected at most"):
            pushforward.generators.load(saved)

    def test_tensors_of_unbounded_size_are_not_read(self, saved: Path) -> None:
        with tensor_file(saved).open("ab") as file:
            file.truncate(2**40)
        with pytest.raises(InputError, match="for this model"):
            pushforward.generators.load(saved)

    @pytest.mark.parametrize(
        ("change", "message"),
        [
            (
                lambda t: t.pop("average.network.exit.bias"),
                r"the tensor average\.network\.exit\.bias is missing",
            ),
            (lambda t: t.update({"average.network.exit.bias": torch.zeros(3)}), r"got torch\.float32 \(3,\)"),
            (lambda t: t.update({"average.network.exit.bias": torch.zeros(2).half()}), r"got torch\.float16"),
            (lambda t: t["average.network.exit.bias"].fill_(float("nan")), "got NaN or infinity"),
        ],
    )
    def test_tensors_that_are_wrong(self, change: Callable[..., object], message: str, saved: Path) -> None:
        replace_tensors(saved, change)
        with pytest.raises(InputError, match=message):
            pushforward.generators.load(saved)

    def test_no_generator_at_all(self, tmp_path: Path) -> None:
        for place in (tmp_path, tmp_path / "absent"):
            with pytest.raises(
                InputError, match=r"settings\.json: cannot be read: .*expected a saved generator"
            ):
                pushforward.generators.load(place)

    def test_flipped_bits_and_lost_ends_are_refused_or_harmless(self, saved: Path) -> None:
        """Every file of a model, 300 times damaged at random: one clear line, or a model that samples."""
        rng = np.random.default_rng(0)
        refused = 0
        files = sorted(path for path in saved.iterdir())
        for turn in range(300):
            path = files[turn % len(files)]
            whole = path.read_bytes()
            damaged = bytearray(whole)
            if turn % 4 == 0:
                del damaged[int(rng.integers(len(damaged))) :]
            else:
                for _ in range(int(rng.integers(1, 4))):
                    damaged[int(rng.integers(len(damaged)))] ^= 1 << int(rng.integers(8))
            path.write_bytes(damaged)
            try:
                pushforward.generators.load(saved).sample(2, sampler_steps=2)
            except InputError as error:
                refused += 1
                assert "\n" not in str(error)  # noqa: PT017 - damage may also be harmless
            path.write_bytes(whole)
        assert refused > 150
