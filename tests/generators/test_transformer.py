"""The Transformer generator: its two heads and its one-step predictor."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from tests.generators.gaussian_data import DRIFT, NOISE, TRANSITION, linear_process

from pushforward.errors import InputError
from pushforward.generators.networks.layers import initialize
from pushforward.generators.networks.statistics import Statistics
from pushforward.generators.networks.transformer_laws import MixtureLaw, TokenLaw
from pushforward.generators.networks.transformer_trajectories import TrajectoryTransformer
from pushforward.generators.transformer import Transformer
from pushforward.trajectories import Trajectories

SMALL: dict[str, Any] = {"width": 16, "blocks": 1, "attention_heads": 2, "hidden": 8, "device": "cpu"}


def statistics() -> Statistics:
    made = Statistics(2)
    made.set(np.array([0.5, 2.0]), np.array([-1.0, -4.0]), np.array([1.0, 4.0]))
    return made.requires_grad_(False)


class TestTokens:
    def test_a_value_falls_into_the_bin_whose_centre_is_nearest(self) -> None:
        law, known = TokenLaw(8), statistics()
        y = torch.from_numpy(
            np.random.default_rng(0).uniform([-1, -4], [1, 4], (50, 3, 2)).astype(np.float32)
        )
        assert float((law.seen(y, known) - y).abs().max(dim=0)[0].max()) <= 0.5
        assert torch.equal(law.decoded(law.coded(y, known), None, known), law.seen(y, known))

    def test_values_beyond_the_range_fall_into_the_outer_bins(self) -> None:
        law, known = TokenLaw(8), statistics()
        outer = law.seen(torch.tensor([[-9.0, 9.0]]), known)
        assert outer.tolist() == [[-0.875, 3.5]]

    def test_densities_integrate_to_one(self) -> None:
        """Bins of probability over width: the density of what sampling spreads evenly within them."""
        law, known = TokenLaw(8), statistics()
        raw = torch.from_numpy(np.random.default_rng(1).standard_normal((2, 8)).astype(np.float32))
        fine = torch.linspace(-1, 1, 8001)[:-1, None] * torch.tensor([1.0, 4.0]) + torch.tensor([1e-4, 4e-4])
        density = law.log_density(raw.expand(8000, 2, 8), law.coded(fine[:, None], known)[:, 0], known).exp()
        assert torch.allclose(density.mean(dim=0) * torch.tensor([2.0, 8.0]), torch.ones(2), atol=1e-3)

    def test_every_bin_can_be_drawn_and_no_other(self) -> None:
        law = TokenLaw(8)
        raw = torch.zeros(10_000, 8)
        raw[:, 3] = -1e4
        drawn = law.draw(raw, torch.linspace(0, 1, 10_001)[:-1], torch.zeros(10_000))
        centres, counts = np.unique(drawn.numpy(), return_counts=True)
        assert np.allclose(centres, [-0.875, -0.625, -0.375, 0.125, 0.375, 0.625, 0.875])
        assert counts.max() - counts.min() <= 2

    def test_made_values_are_uniform_within_their_bin(self) -> None:
        data = Trajectories(np.random.default_rng(0).normal(size=(200, 4, 1)))
        model = Transformer(head="tokens", bins=4, steps=5, **SMALL).fit(data)
        low, high = data.values.min(), data.values.max()
        place = (model.sample(3000).values.ravel() - low) / (high - low) * 4
        assert place.min() >= -1e-4
        assert place.max() <= 4 + 1e-4
        within = np.histogram(place % 1, bins=10, range=(0, 1))[0]
        # Five standard errors of a tenth of 12,000.
        assert np.abs(within - 1200).max() < 5 * np.sqrt(1200 * 0.9)


class TestMixture:
    def test_codes_are_increments_and_come_back(self) -> None:
        law, known = MixtureLaw(3, -7.0), statistics()
        y = torch.from_numpy(np.random.default_rng(0).standard_normal((5, 6, 2)).astype(np.float32))
        code = law.coded(y, known)
        assert torch.equal(code[:, 0], y[:, 0])
        assert torch.allclose(code[:, 1:] * torch.tensor([0.5, 2.0]), y[:, 1:] - y[:, :-1], atol=1e-6)
        last = None
        for t in range(6):
            last = law.decoded(code[:, t], last, known)
            assert torch.allclose(last, y[:, t], atol=1e-5)

    def test_a_motion_that_follows_exactly_is_followed_sharply(self) -> None:
        """Half a radian per step: 250 steps of training leave an error of less than a tenth of a step."""
        phase = np.random.default_rng(0).uniform(0, 6, (500, 1)) + 0.5 * np.arange(16)
        data = Trajectories(np.stack([np.sin(phase), np.cos(phase)], axis=2))
        model = Transformer(**{**SMALL, "width": 32, "hidden": 32}, steps=250, batch_size=64).fit(data)
        made = model.sample(500).values[:, 2:]
        turned = made[:, :-1] @ np.array([[np.cos(0.5), -np.sin(0.5)], [np.sin(0.5), np.cos(0.5)]])
        assert np.median(np.linalg.norm(made[:, 1:] - turned, axis=2)) < 0.05


@pytest.mark.parametrize("head", ["mixture", "tokens"])
def test_step_by_step_is_all_at_once(head: str) -> None:
    """Sampling with the cache and `follow` without it draw the same step from the same numbers."""
    law = MixtureLaw(3, -7.0) if head == "mixture" else TokenLaw(16)
    network = TrajectoryTransformer(9, 2, law, 16, 2, 2, 8)
    for layer in network.modules():
        if getattr(layer, "starts_at_zero", False):
            layer.starts_at_zero = False  # type: ignore[assignment]
    initialize(network, np.random.default_rng(0))
    rng = np.random.default_rng(1)
    uniform = torch.from_numpy(rng.random((6, 9, 2), dtype=np.float32))
    normal = torch.from_numpy(rng.standard_normal((6, 9, 2), dtype=np.float32))
    with torch.no_grad():
        made = network.sample(uniform, normal)
        for t in range(1, 9):
            assert torch.allclose(
                network.follow(made[:, :t], uniform[:, t], normal[:, t]), made[:, t], atol=1e-4
            )


def test_a_law_that_is_far_too_wide_gives_finite_values_within_reach() -> None:
    """Channels are drawn one given another: the first one's runaway must not take the next to infinity."""
    network = TrajectoryTransformer(9, 5, MixtureLaw(3, -7.0), 16, 2, 2, 8)
    for layer in network.modules():
        if getattr(layer, "starts_at_zero", False):
            layer.starts_at_zero = False  # type: ignore[assignment]
    initialize(network, np.random.default_rng(0))
    for name, weight in network.named_parameters():
        if not name.startswith("statistics."):
            weight.data.mul_(40)
    network.statistics.set(np.full(5, 0.1), np.full(5, -1.0), np.full(5, 1.0))
    rng = np.random.default_rng(1)
    uniform = torch.from_numpy(rng.random((64, 9, 5), dtype=np.float32))
    normal = torch.from_numpy(rng.standard_normal((64, 9, 5), dtype=np.float32))
    with torch.no_grad():
        made = network.sample(uniform, normal)
    assert bool(torch.isfinite(made).all())
    assert float(made.abs().max()) <= 2.0


def test_the_predictor_gives_the_law_of_the_next_step() -> None:
    """In the data's units: of a linear process, N(A x + b, Q)."""
    data = linear_process().sample(4000, seed=0)
    data = data.with_values(data.values * [10.0, 0.1] + [300.0, -5.0])
    settings = {
        "width": 32,
        "blocks": 2,
        "attention_heads": 2,
        "hidden": 32,
        "components": 4,
        "batch_size": 64,
    }
    model = Transformer(steps=300, device="cpu", **settings).fit(data, seed=0)
    history = np.array([[0.9, -0.8], [0.4, -0.9], [0.3, -0.5]])
    asked = np.broadcast_to(history * [10.0, 0.1] + [300.0, -5.0], (8000, 3, 2))
    drawn = (model.predictor(asked, np.random.default_rng(0)) - [300.0, -5.0]) / [10.0, 0.1]
    assert np.abs(drawn.mean(axis=0) - (TRANSITION @ history[-1] + DRIFT)).max() < 0.1
    assert np.abs(np.cov(drawn.T) - NOISE).max() < 0.05
    again = model.predictor(asked[:5], np.random.default_rng(3))
    assert np.array_equal(again, model.predictor(asked[:5], np.random.default_rng(3)))
    with pytest.raises(InputError, match="expected 2 channels last"):
        model.predictor(np.zeros((4, 3)), np.random.default_rng(0))
    with pytest.raises(InputError, match="NaN or infinity"):
        model.predictor(np.full((4, 2), np.nan), np.random.default_rng(0))
    with pytest.raises(InputError, match="was trained without"):
        model.predictor(asked, np.random.default_rng(0), condition=1.0)


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"head": "mixtures"}, "head: got 'mixtures'; expected one of mixture, tokens"),
        ({"width": 20}, "width: got 20; expected a multiple of 8"),
        ({"bins": 1}, "bins: got 1; expected 2 to 4096"),
        ({"log_floor": 1.0}, "log_floor: got 1.0"),
        ({"head_s": 1}, "unknown setting of Transformer"),
    ],
)
def test_settings_that_cannot_work(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(InputError, match=message):
        Transformer(**settings)


def test_the_default_network_is_small() -> None:
    data = Trajectories(np.random.default_rng(0).normal(size=(30, 8, 6)))
    for head in ("mixture", "tokens"):
        model = Transformer(head=head, steps=1, batch_size=2, device="cpu").fit(data)
        assert 100_000 < model.n_parameters < 1_000_000
