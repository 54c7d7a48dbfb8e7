"""Which of a pilot's errors last: the power law is carried on exactly, and nothing is dropped that is not told."""

from dataclasses import replace

import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.generators import MLP, Transformer
from pushforward.pilots import levels
from pushforward.pilots.levels import Sizes, lasting_share
from pushforward.trajectories import Trajectories


def sizes(share, fine_power=0.2, coarse_power=1.1, noise=0.0):
    """Sums of squares of norms 0.1·C^−fine_power and 0.2·C^−coarse_power, with noise on top."""
    fine, coarse = (0.1 * share**-fine_power) ** 2, (0.2 * share**-coarse_power) ** 2
    return Sizes(fine + noise, noise, coarse + noise, noise, share)


@pytest.mark.parametrize("noise", [0.0, 1e-3])
def test_a_power_law_is_carried_on_to_the_training_in_full(noise):
    found = lasting_share(sizes(0.04, noise=noise), sizes(0.01, noise=noise))
    assert found == pytest.approx(0.04 ** (1.1 - 0.2))


def test_coarse_errors_that_last_as_long_as_fine_ones_stay():
    assert lasting_share(sizes(0.04, coarse_power=0.1), sizes(0.01, coarse_power=0.1)) == 1


def test_coarse_errors_that_are_gone_already_are_left_out():
    gone = replace(sizes(0.04), coarse=0.5e-3, coarse_noise=1e-3)
    assert lasting_share(gone, sizes(0.01)) == 0


@pytest.mark.parametrize("which", [0, 1])
def test_nothing_is_left_out_where_the_fine_drift_is_hardly_told_from_noise(which):
    pair = [sizes(0.04), sizes(0.01)]
    pair[which] = replace(pair[which], fine_noise=0.6 * pair[which].fine)
    assert lasting_share(*pair) == 1


@pytest.fixture(scope="module")
def tracks():
    steps = np.random.default_rng(0).normal(0, 1, (200, 10, 2))
    return Trajectories(np.cumsum(steps, axis=1), channels=("x", "y"), units=("m", "m"))


INTENDED = MLP(batch_size=32, steps=80, width=32, blocks=1, device="cpu")


@pytest.mark.parametrize(("rho", "parts"), [(0.25, (0.3, 4.0)), (1.0, (4.0,))])
def test_both_pilots_stay_within_the_share_and_their_errors_are_weighed(tracks, monkeypatch, rho, parts):
    monkeypatch.setattr(levels, "lasting_share", lambda pilot, small: rho)
    kernel = pf.pilot(tracks, INTENDED, "path-length", share=0.1, by_level=True)
    assert 0.05 < kernel.account.share <= 0.1
    assert tuple(one.known_scale for one in kernel.mixture.kernels) == parts
    assert kernel.mixture.weights == ((1 - rho, rho) if rho < 1 else ())
    ahead = pf.forecast(kernel, tracks, "path-length")
    assert ahead.mass.sum() == pytest.approx(1)


def test_what_cannot_be_weighed_is_refused(tracks):
    with pytest.raises(InputError, match="by_level without a quantity"):
        pf.pilot(tracks, INTENDED, by_level=True)
    autoregressive = Transformer(
        batch_size=32, steps=40, width=32, attention_heads=2, hidden=16, device="cpu"
    )
    with pytest.raises(InputError, match="'transformer'; expected a class that feeds the denoise kernel"):
        pf.pilot(tracks, autoregressive, "path-length", share=0.1, by_level=True)
