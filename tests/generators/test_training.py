"""The training loop: a schedule, batches that depend on (seed, step) alone, an average that forgets its start."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import numpy as np
import pytest
import torch

from pushforward.errors import InputError
from pushforward.generators.batches import Batch, Batches
from pushforward.generators.description import Description
from pushforward.generators.diffusion import Diffusion, DiffusionSettings
from pushforward.generators.edm import SIGMA_DATA
from pushforward.generators.training import learning_rate
from pushforward.trajectories import Trajectories


def batches(trajectories: Trajectories, seed: int = 0, **settings: Any) -> Batches:
    chosen = DiffusionSettings(**{"batch_size": 16, **settings})
    draw = Diffusion(chosen).draw
    return Batches(trajectories, Description.of(trajectories), chosen, seed, draw, SIGMA_DATA)


def parts(batch: Batch) -> tuple[torch.Tensor, ...]:
    return (batch.clean, *batch.draws)


def test_the_learning_rate_rises_then_falls_to_zero() -> None:
    settings = DiffusionSettings(steps=1000, warmup=0.1, learning_rate=1e-3)
    rates = np.array([learning_rate(step, settings) for step in range(1000)])
    assert 0 < rates[0] < 2e-5
    assert rates.argmax() == 100
    assert rates.max() == pytest.approx(1e-3)
    assert (np.diff(rates[100:]) < 0).all()
    assert 0 < rates[-1] < 1e-7


def test_a_step_always_has_the_same_batch(waves: Trajectories) -> None:
    draw = batches(waves)
    for first, again in zip(parts(draw(7)), parts(draw(7)), strict=True):
        assert torch.equal(first, again)
    assert not torch.equal(draw(7)[0], draw(8)[0])
    assert not torch.equal(draw(7)[0], batches(waves, seed=1)(7)[0])


def test_values_are_normalised_per_channel(waves: Trajectories) -> None:
    clean = torch.cat([batches(waves)(step)[0] for step in range(50)]).reshape(-1, 2)
    assert torch.allclose(clean.std(dim=0), torch.full((2,), SIGMA_DATA), rtol=0.05)
    assert float(clean.mean(dim=0).abs().max()) < 0.05


def test_noise_levels_follow_the_log_normal_law(waves: Trajectories) -> None:
    sigma = torch.cat([batches(waves, P_mean=-1.2, P_std=1.2)(step).draws[1] for step in range(400)])
    # Five standard errors over 6,400 draws.
    assert float(sigma.log().mean()) == pytest.approx(-1.2, abs=5 * 1.2 / 80)
    assert float(sigma.log().std()) == pytest.approx(1.2, abs=5 * 1.2 / 113)


def test_ragged_trajectories_are_drawn_uniformly_whatever_their_length() -> None:
    n = 40
    lengths = np.arange(2, n + 2)
    values = np.broadcast_to(lengths[:, None, None], (n, n + 1, 1)).astype(np.float32)
    draw = batches(Trajectories(values, lengths=lengths))
    drawn = np.concatenate([draw(step).lengths.numpy() for step in range(8 * 100)])  # type: ignore[union-attr]
    counts = np.bincount(drawn, minlength=n + 2)[2:]
    expected = len(drawn) / n
    # Chi-square with 39 degrees of freedom: mean 39, standard deviation 8.8.
    assert ((counts - expected) ** 2 / expected).sum() < 39 + 5 * 8.8


def test_ragged_batches_are_cut_to_their_longest(ragged_waves: Trajectories) -> None:
    draw = batches(ragged_waves, batch_size=4)
    seen = set()
    for step in range(16):
        batch = draw(step)
        clean, lengths, noise = batch.clean, batch.lengths, batch.draws[0]
        assert lengths is not None
        assert clean.shape[1] == noise.shape[1] == int(lengths.max())
        seen.add(clean.shape[1])
    assert len(seen) > 3


def test_the_loss_falls(waves: Trajectories, tiny: dict[str, Any]) -> None:
    history = Diffusion(**{**tiny, "steps": 150}).fit(waves).history
    assert np.mean([entry.loss for entry in history[-30:]]) < 0.7 * np.mean(
        [entry.loss for entry in history[:10]]
    )
    assert history[-1].step == 150
    assert all(a.step < b.step and a.seconds <= b.seconds for a, b in pairwise(history))


def test_the_average_follows_also_short_trainings(waves: Trajectories, tiny: dict[str, Any]) -> None:
    """After 20 steps a plain average with decay 0.999 would still be 98 % of the random start."""
    slow = Diffusion(**{**tiny, "ema_decay": 0.999}).fit(waves, seed=1).denoiser
    last = Diffusion(**{**tiny, "ema_decay": 0.0}).fit(waves, seed=1).denoiser
    pairs = list(zip(slow.parameters(), last.parameters(), strict=True))
    away = sum(float((a - b).square().sum()) for a, b in pairs) ** 0.5
    size = sum(float(b.square().sum()) for _, b in pairs) ** 0.5
    assert 0 < away < 0.1 * size


def test_the_gradient_is_clipped(waves: Trajectories, tiny: dict[str, Any]) -> None:
    """Adam divides by the gradient's own size, so only its ε makes a clip of almost nothing stop the training."""
    frozen = Diffusion(**{**tiny, "gradient_clip": 1e-9, "weight_decay": 0.0, "ema_decay": 0.0}).fit(waves)
    free = Diffusion(**{**tiny, "weight_decay": 0.0, "ema_decay": 0.0}).fit(waves)
    assert float(frozen.denoiser.network.exit.weight.abs().max()) < 0.2 * float(
        free.denoiser.network.exit.weight.abs().max()
    )


def test_a_loss_that_is_not_finite_stops_and_keeps_the_last_good_state(
    waves: Trajectories, tiny: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    drawn = Batches.__call__

    def spoiled(self: Batches, step: int) -> Any:
        batch = drawn(self, step)
        return batch._replace(clean=batch.clean * float("nan")) if step == 9 else batch

    monkeypatch.setattr(Batches, "__call__", spoiled)
    model = Diffusion(**tiny)
    with pytest.raises(InputError, match=r"stopped at step 10 of 20: the loss is nan.*keeps step 9"):
        model.fit(waves)
    assert model.trained_steps == 9
    assert np.isfinite(model.sample(4, sampler_steps=2).values).all()


def test_an_absurd_learning_rate_ends_in_one_line_or_in_a_finite_model(
    waves: Trajectories, tiny: dict[str, Any]
) -> None:
    model = Diffusion(**{**tiny, "learning_rate": 1e6, "warmup": 0.0, "gradient_clip": 1e9})
    try:
        model.fit(waves)
    except InputError as error:
        assert "\n" not in str(error)  # noqa: PT017 - both ends are allowed, and the model is checked below
    assert all(bool(torch.isfinite(parameter).all()) for parameter in model.denoiser.parameters())
