"""Frequencies of known sinusoids, with the errors that the documentation states."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.quantities import DominantFrequency
from pushforward.trajectories import Trajectories

METHODS = ("least-squares", "interpolated")


def waves(cycles, steps, seed=0, noise=0.0, phase=None):
    """Sinusoids of `cycles` over the record on an offset, at random phase unless given; f = cycles."""
    rng = np.random.default_rng(seed)
    phase = rng.uniform(0, 2 * np.pi, len(cycles)) if phase is None else phase
    angle = 2 * np.pi * np.asarray(cycles)[:, None] * np.arange(steps) / steps + phase[:, None]
    values = 0.3 + np.sin(angle) + noise * rng.standard_normal(angle.shape)
    return Trajectories(values[:, :, None], dt=1 / steps)


@pytest.mark.parametrize("steps", [31, 32, 63, 64, 255, 256])
@pytest.mark.parametrize(
    ("method", "lowest", "bound"),
    [
        ("least-squares", 1.0, 1e-7),
        ("interpolated", 3.0, 0.003),
        ("interpolated", 2.0, 0.011),
        ("interpolated", 1.0, 1.11),
    ],
)
def test_the_stated_error_holds_over_a_sweep(steps, method, lowest, bound):
    # Every frequency at every phase: the largest error depends on both.
    cycles = np.repeat(np.linspace(lowest, steps / 2 - lowest, 101), 48)
    phase = np.resize(np.arange(48) * 2 * np.pi / 48, len(cycles))
    error = DominantFrequency(method=method)(waves(cycles, steps, phase=phase)) - cycles
    assert np.abs(error).max() < bound


def test_in_noise_least_squares_is_efficient():
    """Its variance is the Cramér–Rao bound, 6 σ² / (π² A² T) cycles² of a sinusoid of known noise."""
    steps, noise = 64, 0.05
    cycles = np.random.default_rng(3).uniform(3, 20, 4000)
    error = DominantFrequency()(waves(cycles, steps, noise=noise)) - cycles
    bound = np.sqrt(6 * noise**2 / (np.pi**2 * steps))
    assert np.sqrt(np.mean(error**2)) == pytest.approx(bound, rel=0.05)
    assert abs(error.mean()) < 4 * bound / np.sqrt(len(cycles))


@pytest.mark.parametrize("method", METHODS)
@pytest.mark.parametrize("scale", [1e-30, 1e-3, 1e30])
def test_scale_and_offset_do_not_matter(method, scale):
    motion = waves([5.3, 9.1], 64)
    scaled = motion.with_values(motion.values * np.float32(scale))
    np.testing.assert_allclose(
        DominantFrequency(method=method)(scaled), DominantFrequency(method=method)(motion), rtol=1e-6
    )


@pytest.mark.parametrize("method", METHODS)
def test_the_stronger_of_two_waves_wins(method):
    t = np.arange(128) / 128
    both = np.sin(2 * np.pi * 7 * t) + 0.5 * np.sin(2 * np.pi * 30 * t)
    assert DominantFrequency(method=method)(Trajectories(both[None, :, None], dt=1 / 128))[
        0
    ] == pytest.approx(7, abs=0.05)


@pytest.mark.parametrize("method", METHODS)
def test_channels_add_their_power(method):
    t = np.arange(128) / 128
    weak, strong = 0.5 * np.sin(2 * np.pi * 7 * t), np.sin(2 * np.pi * 30 * t)
    motion = Trajectories(np.stack([weak, strong], axis=1)[None], dt=1 / 128)
    frequency = DominantFrequency(method=method)
    assert frequency(motion)[0] == pytest.approx(30, abs=0.05)
    assert DominantFrequency(method=method, channels=("x0",))(motion)[0] == pytest.approx(7, abs=0.05)
    # A circle has the same frequency in both channels, a quarter of a period apart.
    circle = np.stack([np.sin(2 * np.pi * 5.5 * t), np.cos(2 * np.pi * 5.5 * t)], axis=1)
    assert frequency(Trajectories(circle[None], dt=1 / 128))[0] == pytest.approx(5.5, abs=0.01)


@pytest.mark.parametrize("method", METHODS)
def test_constant_or_short_is_not_defined(method):
    frequency = DominantFrequency(method=method)
    assert np.isnan(frequency(Trajectories(np.full((1, 32, 1), 0.1)))[0])
    assert np.isnan(frequency(waves([2], 32).select_channels(["x0"]).windows(7))).all()
    assert np.isfinite(frequency(waves([2], 32).windows(8))).all()


@pytest.mark.parametrize("method", METHODS)
def test_the_highest_frequency_of_all(method):
    alternating = Trajectories(np.resize([1.0, -1.0], 32)[None, :, None])
    assert DominantFrequency(method=method)(alternating)[0] == pytest.approx(0.5, abs=1e-3)


@pytest.mark.parametrize("method", METHODS)
def test_noise_has_some_frequency_between_zero_and_nyquist(method):
    noise = Trajectories(np.random.default_rng(0).standard_normal((500, 33, 2)))
    found = DominantFrequency(method=method)(noise)
    assert ((found > 0) & (found <= 0.5)).all()


def test_units():
    motion = waves([4.0], 64)
    assert DominantFrequency().unit_of(motion) == "Hz"
    assert DominantFrequency(unit="1/min")(motion)[0] == pytest.approx(240)
    hourly = Trajectories(motion.values, time_unit="h")
    assert DominantFrequency().unit_of(hourly) == "1/h"


def test_an_unknown_method_is_refused_with_the_valid_ones():
    with pytest.raises(InputError, match="expected one of least-squares, interpolated"):
        DominantFrequency(method="welch")
