"""Flow matching: its couplings, its velocity as a denoiser, how it chooses its steps, and that it learns."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
import pytest
import torch
from tests.generators.conftest import make_waves
from torch import Tensor, nn

from pushforward.errors import InputError
from pushforward.generators.coupling import by_optimal_transport
from pushforward.generators.flow import Flow, FlowSampling
from pushforward.generators.ode import SOLVERS, equal_times, solve
from pushforward.generators.velocity import FlowDenoiser, VelocityField
from pushforward.trajectories import Trajectories

TINY: dict[str, Any] = {
    "steps": 20,
    "batch_size": 16,
    "widths": (8,),
    "blocks": 1,
    "kernel": 3,
    "device": "cpu",
}


class TestCoupling:
    def test_it_is_the_pairing_of_least_squared_distance(self) -> None:
        rng = np.random.default_rng(0)
        clean, noise = (rng.standard_normal((6, 3, 2), dtype=np.float32) for _ in range(2))
        cost = np.square(clean[:, None] - noise[None]).sum(axis=(2, 3))
        least = min(
            sum(cost[i, p] for i, p in enumerate(order)) for order in itertools.permutations(range(6))
        )
        order = by_optimal_transport(noise, clean, np.full(6, 3))
        assert sorted(order) == list(range(6))
        assert cost[np.arange(6), order].sum() == pytest.approx(least, rel=1e-5)

    def test_noise_only_changes_places_among_trajectories_of_one_length(self) -> None:
        rng = np.random.default_rng(1)
        lengths = rng.integers(2, 5, 40)
        clean, noise = (rng.standard_normal((40, 4, 1), dtype=np.float32) for _ in range(2))
        order = by_optimal_transport(noise, clean, lengths)
        assert sorted(order) == list(range(40))
        assert np.array_equal(lengths[order], lengths)

    def test_what_stands_in_the_padding_does_not_matter(self) -> None:
        rng = np.random.default_rng(2)
        lengths = rng.integers(2, 5, 40)
        clean, noise = (rng.standard_normal((40, 4, 1), dtype=np.float32) for _ in range(2))
        spoiled = np.where((np.arange(4) < lengths[:, None])[:, :, None], clean, 1e3)
        assert np.array_equal(
            by_optimal_transport(noise, clean, lengths), by_optimal_transport(noise, spoiled, lengths)
        )

    @pytest.mark.parametrize("coupling", ["independent", "optimal-transport"])
    def test_the_noise_of_training_is_still_standard_normal(self, coupling: str) -> None:
        clean = make_waves(n=64).values - np.float32(50)
        rng = np.random.default_rng(3)
        flow = Flow(coupling=coupling)
        drawn = np.concatenate([flow.draw(clean, np.full(64, 12), rng)[0] for _ in range(50)])
        # Five standard errors over 76,800 values.
        assert abs(drawn.mean()) < 5 / np.sqrt(drawn.size)
        assert abs(drawn.var() - 1) < 5 * np.sqrt(2 / drawn.size)

    def test_transport_leaves_no_independent_noise_for_conditions(self) -> None:
        with pytest.raises(InputError, match="got optimal-transport with a condition; expected independent"):
            Flow(**TINY, coupling="optimal-transport").fit(
                make_waves(), condition=make_waves().values[:, 0, 0]
            )
        with pytest.raises(InputError, match="got optimal-transport with inpaint; expected independent"):
            Flow(coupling="optimal-transport", inpaint=(0,))


class _Field(nn.Module):
    """The exact velocity for data N(2, s²), value by value; given 2 t − 1, as the U-Net is."""

    def __init__(self, s: float) -> None:
        super().__init__()
        self.s = s

    def forward(self, x: Tensor, c: Tensor, lengths: Tensor | None = None) -> Tensor:
        t = (c[:, None, None] + 1) / 2
        return 2 + (t * self.s**2 - (1 - t)) / ((1 - t) ** 2 + t**2 * self.s**2) * (x - 2 * t)


class TestVelocity:
    def test_the_denoiser_of_a_gaussian_flow_is_the_gaussians(self) -> None:
        x = torch.randn(5, 4, 1, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
        for sigma in (1e-3, 0.3, 1.0, 20.0):
            made = FlowDenoiser(VelocityField(_Field(0.7)))(x, torch.full((5,), sigma, dtype=torch.float64))
            exact = 2 + 0.49 / (0.49 + sigma**2) * (x - 2)
            assert torch.allclose(made.double(), exact, atol=1e-4)

    def test_the_measured_error_of_the_steps_is_the_error(self) -> None:
        noise = torch.randn(400, 4, 1, generator=torch.Generator().manual_seed(0))
        field = VelocityField(_Field(0.2))
        field.measure(noise, None, None)
        velocity = lambda x, t: field(x, torch.full((len(x),), t))  # noqa: E731
        for n, measured in zip(field.steps, field.step_error.tolist(), strict=True):
            made = solve(velocity, noise, equal_times(n), SOLVERS["midpoint"])
            error = float((made - (2 + 0.2 * noise)).square().mean().sqrt())
            # Of the last number of steps it only knows that at most a quarter of the error is left.
            assert error * 0.8 < measured < error * (1.25 if n < field.steps[-1] else 4), n

    def test_as_few_steps_are_taken_as_the_tolerance_allows(self) -> None:
        field = VelocityField(_Field(1.0))
        field.step_error.data.copy_(torch.tensor([0.5, 0.1, 0.02, 0.004, 0.001]))
        assert [field.steps_within(e) for e in (1.0, 0.11, 0.05, 0.01, 1e-6)] == [4, 8, 16, 32, 64]

    def test_a_straighter_flow_takes_fewer_steps(self) -> None:
        noise = torch.randn(200, 4, 1, generator=torch.Generator().manual_seed(0))
        taken = []
        for s in (1.0, 0.5, 0.1):
            field = VelocityField(_Field(s))
            field.measure(noise, None, None)
            taken.append(field.steps_within(0.01))
        assert taken == sorted(taken)
        assert taken[0] < taken[-1]


class TestSampling:
    def test_the_default_takes_the_measured_number_of_steps(self) -> None:
        model = Flow(**TINY).fit(make_waves())
        model.network.step_error.data.copy_(torch.tensor([0.5, 0.005, 0.002, 0.001, 0.0001]))
        assert model.sample(5).equals(model.sample(5, sampler_steps=8))
        assert model.sample(5, tolerance=0.003).equals(model.sample(5, sampler_steps=16))

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"sampler": "midpiont"}, "did you mean 'midpoint'"),
            ({"sampler_steps": -1}, "sampler_steps: got -1"),
            ({"tolerance": 0.0}, "tolerance: got 0.0"),
            ({"guidance": -1.0}, "guidance: got -1.0"),
        ],
    )
    def test_settings_that_cannot_work(self, settings: dict[str, Any], message: str) -> None:
        with pytest.raises(InputError, match=message):
            FlowSampling(**settings)

    def test_an_unknown_coupling_is_answered_with_the_valid_ones(self) -> None:
        with pytest.raises(
            InputError, match="coupling: got 'ot'; expected one of independent, optimal-transport"
        ):
            Flow(coupling="ot")


@pytest.mark.parametrize(("coupling", "bar"), [("independent", 0.12), ("optimal-transport", 0.12)])
def test_a_gaussian_is_learned_with_its_mean_and_covariance(coupling: str, bar: float) -> None:
    """AR(1) trajectories of variance 1 with a moving mean; 400 steps of a network of 10,000 weights."""
    steps, n = 8, 4000
    time = np.arange(steps)
    covariance = 0.8 ** np.abs(time[:, None] - time[None, :])
    mean = np.sin(time / 2)
    data = np.random.default_rng(0).multivariate_normal(mean, covariance, size=n)[:, :, None]
    model = Flow(steps=400, widths=(16,), blocks=1, coupling=coupling, device="cpu").fit(
        Trajectories(data), seed=0
    )
    made = model.sample(n, seed=1).values[:, :, 0]
    assert np.abs(made.mean(axis=0) - mean).max() < bar
    assert np.abs(np.cov(made.T) - covariance).max() < bar
