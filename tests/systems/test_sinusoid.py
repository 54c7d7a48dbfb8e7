"""The sinusoid: its frequency, amplitude and phase."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pushforward.errors import InputError
from pushforward.systems import Sinusoid, create
from pushforward.trajectories import Trajectories

UNIFORM = stats.uniform(1, 5)


def test_the_frequency_is_exact_to_its_stated_error_over_its_whole_range():
    for T in (16, 32, 64):
        made = Sinusoid().sample(4000, stats.uniform(1, T / 2 - 2), T=T, dt=1 / T)
        assert np.abs(Sinusoid().quantity(made) - made.quantity).max() <= 1e-7


def test_amplitudes_and_phases_are_uniform():
    made = Sinusoid(least_amplitude=0.5, most_amplitude=2).sample(20_000, [4.0], T=64, dt=1 / 64)
    x = made.values[:, :, 0].astype(float)
    # Over whole periods the discrete Fourier coefficient is amplitude and phase.
    coefficient = np.fft.rfft(x, axis=1)[:, 4] / 32
    assert stats.kstest(np.abs(coefficient), stats.uniform(0.5, 1.5).cdf).pvalue > 0.001
    assert stats.kstest(np.angle(coefficient), stats.uniform(-np.pi, 2 * np.pi).cdf).pvalue > 0.001


class TestValid:
    def test_another_frequency_from_the_middle_on_is_not(self):
        time = np.arange(32) / 32
        bent = np.sin(2 * np.pi * np.where(time < 0.5, 3 * time, 5 * time - 1))
        like = Sinusoid().sample(1, [3.0])
        assert not Sinusoid().valid(like.with_values(bent[None, :, None]))[0]

    @pytest.mark.parametrize(
        ("scale", "offset", "expected"), [(1.02, 0, True), (1.2, 0, False), (1, 0.2, False)]
    )
    def test_its_amplitude_and_its_middle_count(self, scale, offset, expected):
        made = Sinusoid().sample(50, UNIFORM)
        assert (Sinusoid().valid(made.with_values(made.values * scale + offset)) == expected).all()

    def test_ragged_trajectories_are_judged_by_their_own_steps(self):
        made = Sinusoid().sample(50, stats.uniform(3, 3))
        ragged = Trajectories(made.values, dt=made.dt, lengths=np.resize([16, 24, 32], 50), channels=("x",))
        assert Sinusoid().valid(ragged).all()

    def test_what_does_not_oscillate_is_not(self):
        made = Sinusoid().sample(2, UNIFORM)
        assert not Sinusoid().valid(made.with_values(np.ones(made.values.shape))).any()


@pytest.mark.parametrize("frequency", [0.0, -1.0, 16.0, 20.0])
def test_frequencies_that_no_record_shows_are_refused(frequency):
    with pytest.raises(InputError, match=r"Hz \(2 of 2 draws\); expected between 0 and Nyquist's .* = 16 Hz"):
        Sinusoid().sample(2, [frequency])


@pytest.mark.parametrize(
    ("parameters", "message"),
    [
        ({"least_amplitude": 2.0}, "amplitudes from 2 to 1; expected 0 < least"),
        ({"least_amplitude": 0.0}, "amplitudes from 0 to 1"),
        ({"tolerance": -1.0}, "tolerance -1"),
    ],
)
def test_parameters_that_do_not_fit(parameters, message):
    with pytest.raises(InputError, match=message):
        create("sinusoid", **parameters)


def test_a_record_too_short_for_a_frequency_is_refused():
    with pytest.raises(InputError, match="T = 7; expected at least 8"):
        Sinusoid().sample(2, UNIFORM, T=7)
