"""The VAE generator: codes and back, calibrated decoder noise, posterior collapse that is counted and told."""

from __future__ import annotations

import logging
from typing import Any

import numpy as np
import pytest
import torch

from pushforward.errors import InputError
from pushforward.generators.networks.vae_trajectories import divergence
from pushforward.generators.vae import VAE, _switched_on
from pushforward.trajectories import Trajectories

SMALL: dict[str, Any] = {"latent": 4, "width": 8, "widest": 8, "blocks": 1, "kernel": 3, "device": "cpu"}
NOISE = 0.3


def lines(n: int = 500, seed: int = 0) -> Trajectories:
    """Straight lines of two numbers each, and white noise of a known size in units of 5."""
    rng = np.random.default_rng(seed)
    clean = rng.normal(size=(n, 1)) + rng.normal(size=(n, 1)) * np.linspace(-1, 1, 8)
    return Trajectories(5 * (clean + NOISE * rng.normal(size=clean.shape))[:, :, None], units=("m",))


@pytest.fixture(scope="module")
def model() -> VAE:
    return VAE(steps=700, batch_size=64, ema_decay=0.99, **SMALL).fit(lines(4000), seed=0)


def test_the_divergence_is_that_of_two_gaussians() -> None:
    mean, log_scale = torch.tensor([0.5, -1.0]), torch.tensor([0.3, -0.7])
    given = torch.distributions.Normal(mean, log_scale.exp())
    expected = torch.distributions.kl_divergence(given, torch.distributions.Normal(0.0, 1.0))
    assert torch.allclose(divergence(mean, log_scale), expected, atol=1e-6)


def test_the_divergence_is_switched_on_linearly() -> None:
    shares = [float(_switched_on(torch.tensor(done), 0.4)) for done in (0.0, 0.1, 0.2, 0.4, 1.0)]
    assert shares == pytest.approx([0, 0.25, 0.5, 1, 1])
    assert float(_switched_on(torch.tensor(0.0), 0.0)) == 1


def test_the_decoder_noise_is_as_large_as_that_of_the_data(model: VAE) -> None:
    assert model.decoder_sigma == pytest.approx([5 * NOISE], rel=0.2)


def test_two_numbers_are_coded_and_the_rest_is_not(model: VAE) -> None:
    use = model.latent_use
    assert use.active == 2
    assert use.divergence[use.activity > 0.01].min() > 10 * use.divergence[use.activity <= 0.01].max()
    assert str(use).startswith("2 of 4 latent dimensions active")


def test_what_is_decoded_is_what_was_encoded_without_its_noise(model: VAE) -> None:
    data = lines(300, seed=1)
    mean, deviation = model.encode(data)
    assert mean.shape == deviation.shape == (300, 4)
    made = model.decode(mean)
    rest = np.std(made.values - data.values)
    assert 0.8 * 5 * NOISE < rest < 1.4 * 5 * NOISE
    noisy = model.decode(mean, rng=np.random.default_rng(0))
    assert np.std(noisy.values - made.values) == pytest.approx(float(model.decoder_sigma[0]), rel=0.1)
    assert made.units == data.units


def test_decoder_noise_can_be_left_out_of_samples(model: VAE) -> None:
    rough = model.sample(500, seed=1, decoder_noise=True).values
    smooth = model.sample(500, seed=1, decoder_noise=False).values
    assert np.std(rough - smooth) == pytest.approx(float(model.decoder_sigma[0]), rel=0.1)


def test_codes_from_the_aggregate_posterior_have_its_moments(model: VAE) -> None:
    mean, deviation = model.encode(lines(4000))
    normal = torch.from_numpy(np.random.default_rng(0).standard_normal((20_000, 4)).astype(np.float32))
    drawn = model.network.from_posterior(normal).numpy()
    assert np.abs(drawn.mean(axis=0) - mean.mean(axis=0)).max() < 0.05
    assert np.abs(np.cov(drawn.T) - np.cov(mean.T) - np.diag((deviation**2).mean(axis=0))).max() < 0.1


def test_posterior_collapse_is_told(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        VAE(steps=30, beta=1000.0, kl_warmup=0.0, **SMALL).fit(
            Trajectories(np.random.default_rng(0).normal(size=(64, 6, 1)))
        )
    assert "posterior collapse: 0 of 4 latent dimensions active" in caplog.text


def test_what_does_not_fit_is_refused(model: VAE) -> None:
    with pytest.raises(InputError, match="got trajectories of 9 steps; expected at most 8"):
        model.encode(Trajectories(np.zeros((2, 9, 1)), channels=("x0",)))
    with pytest.raises(InputError, match="got channels y; expected x0"):
        model.encode(Trajectories(np.zeros((2, 8, 1)), channels=("y",)))
    with pytest.raises(InputError, match=r"got codes of shape \(3, 5\); expected \(N, 4\)"):
        model.decode(np.zeros((3, 5)))
    with pytest.raises(InputError, match="prior: got 'uniform'"):
        model.sample(2, prior="uniform")
    with pytest.raises(InputError, match="kernel: got 4; expected an odd number"):
        VAE(kernel=4)
