"""Held-out trajectories: who they are, that training never sees them, and that it stops when they say so."""

from __future__ import annotations

import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from tests.generators.conftest import make_waves
from tests.generators.test_checkpoint import stop_at

from pushforward.errors import InputError
from pushforward.generators.batches import held_out_rows
from pushforward.generators.diffusion import Diffusion
from pushforward.trajectories import Trajectories

TINY: dict[str, Any] = {"batch_size": 16, "widths": (8,), "blocks": 1, "kernel": 3, "device": "cpu"}
FEW: dict[str, Any] = {"sampler_steps": 3}
# Few trajectories, soon learned by heart: the held-out loss falls, then rises.
STOPS: dict[str, Any] = {
    **TINY,
    "steps": 1000,
    "learning_rate": 0.03,
    "holdout": 0.3,
    "patience": 4,
    "ema_decay": 0.9,
}


def noise(n: int = 20) -> Trajectories:
    return Trajectories(np.random.default_rng(0).normal(size=(n, 6, 1)))


class TestWhoIsHeldOut:
    def test_a_share_chosen_by_the_seed(self) -> None:
        kept, out = held_out_rows(make_waves(100), 0.2, seed=0)
        assert kept is not None
        assert out is not None
        assert (len(kept), len(out)) == (80, 20)
        assert sorted([*kept, *out]) == list(range(100))
        again, other = held_out_rows(make_waves(100), 0.2, 0)[1], held_out_rows(make_waves(100), 0.2, 1)[1]
        assert np.array_equal(out, again)
        assert not np.array_equal(out, other)

    def test_groups_stay_together(self) -> None:
        groups = np.repeat(np.arange(10), 10)
        data = Trajectories(make_waves(100).values, groups=groups)
        kept, out = held_out_rows(data, 0.2, seed=0)
        assert kept is not None
        assert out is not None
        assert not set(groups[kept]) & set(groups[out])
        assert len(out) == 20

    @pytest.mark.parametrize("ragged", [False, True])
    def test_training_never_sees_them(self, ragged: bool) -> None:
        waves = make_waves(60, ragged=ragged)
        model = Diffusion(**TINY, steps=100, holdout=0.3)
        batches = model._prepared(waves, None, seed=0)[2]
        assert batches.held_out is not None
        held_out = {waves.values[row, 0].tobytes() for row in batches.held_out}
        about = batches.description

        def seen(clean: torch.Tensor) -> set[bytes]:
            first = clean[:, 0].numpy() * (np.asarray(about.std) / 0.5) + np.asarray(about.mean)
            rows = [np.abs(waves.values[:, 0] - start).sum(axis=1).argmin() for start in first]
            return {waves.values[row, 0].tobytes() for row in rows}

        trained = set().union(*(seen(batches(step).clean) for step in range(40)))
        assert not trained & held_out
        assert set().union(*(seen(batch.clean) for batch in batches.held_out_batches())) == held_out

    def test_the_held_out_batches_are_always_the_same(self) -> None:
        batches = Diffusion(**TINY, holdout=0.3)._prepared(make_waves(60, ragged=True), None, seed=0)[2]
        for first, again in zip(batches.held_out_batches(), batches.held_out_batches(), strict=True):
            assert torch.equal(first.clean, again.clean)
            assert torch.equal(first.draws[0], again.draws[0])

    def test_stopping_needs_something_to_stop_by(self) -> None:
        with pytest.raises(InputError, match="patience: got 3 with holdout 0"):
            Diffusion(patience=3)


class TestStopping:
    def test_without_patience_the_loss_is_only_logged(self) -> None:
        data = make_waves(60)
        model = Diffusion(**TINY, steps=40, holdout=0.3).fit(data)
        logged = [entry.step for entry in model.history if entry.held_out is not None]
        assert logged == list(range(4, 41, 4))
        assert (model.trained_steps, model.stopped_early) == (40, False)

    def test_training_ends_and_the_best_weights_are_kept(self) -> None:
        model = Diffusion(**STOPS).fit(noise())
        losses = {entry.step: entry.held_out for entry in model.history if entry.held_out is not None}
        best = min(losses, key=lambda step: losses[step])  # type: ignore[arg-type, return-value]
        assert model.stopped_early
        assert model.best_step == best
        assert model.trained_steps < 1000
        # Four held-out losses in a row without a new lowest.
        assert [step for step in losses if step > best] == sorted(losses)[-4:]
        # They are the weights of an interrupted training's average at that step.
        cut = Diffusion(**{**STOPS, "patience": 0})
        with pytest.raises(KeyboardInterrupt):
            cut.fit(noise(), progress=stop_at(best))
        assert cut.sample(10, **FEW).equals(model.sample(10, **FEW))

    def test_a_broken_training_stops_at_the_same_step_with_the_same_bytes(self, tmp_path: Path) -> None:
        whole = Diffusion(**STOPS).fit(noise())
        with pytest.raises(KeyboardInterrupt):
            Diffusion(**STOPS).fit(noise(), checkpoint=tmp_path, progress=stop_at(whole.best_step + 7))
        resumed = Diffusion(**STOPS).fit(noise(), checkpoint=tmp_path, resume=True)
        assert (resumed.trained_steps, resumed.best_step) == (whole.trained_steps, whole.best_step)
        assert resumed.sample(10, **FEW).equals(whole.sample(10, **FEW))
        loaded = Diffusion.load(tmp_path)
        assert loaded.stopped_early
        assert loaded.sample(10, **FEW).equals(whole.sample(10, **FEW))
        again = Diffusion(**STOPS).fit(noise(), checkpoint=tmp_path, resume=True)
        assert again.trained_steps == whole.trained_steps

    def test_progress_says_what_the_held_out_loss_does(self) -> None:
        notes: list[tuple[int, int | None, str]] = []
        Diffusion(**STOPS).fit(
            noise(), progress=lambda done, total=None, note="": notes.append((done, total, note))
        )
        done, total, note = notes[-1]
        assert done == total
        assert "lowest held-out" in note
        assert note.endswith("stopped: it falls no more")


def test_the_memory_of_sampling_does_not_grow_with_n() -> None:
    data = Trajectories(
        np.random.default_rng(0).normal(size=(40, 64, 2)), conditions={"mass": np.arange(40.0)}
    )
    model = Diffusion(**TINY, steps=2).fit(data, condition="mass")
    peaks = []
    for n in (512, 512 * 8):
        tracemalloc.start()
        for _ in model.sample_batches(n, batch_size=256, sampler="dpm", sampler_steps=2):
            pass
        peaks.append(tracemalloc.get_traced_memory()[1])
        tracemalloc.stop()
    # All of them would take eight times as much.
    assert peaks[1] < 1.2 * peaks[0]
