"""Delay equations: by solutions in closed form, also across the kinks of a history."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.systems.delays import at_times, integrate_delayed

SHIFTS = np.array([0.0, 0.3])


def cosine(now, before):
    """x' = −(π/2) x(s − 1), solved by cos(πs/2)."""
    return -np.pi / 2 * before


@pytest.mark.parametrize(("M", "error"), [(8, 1e-6), (16, 1e-8), (32, 1e-10)])
def test_a_smooth_solution_is_followed_to_the_eighth_order(M, error):
    time = np.linspace(-1, 0, M + 1)[:, None]
    path = integrate_delayed(cosine, np.cos(np.pi * (time + SHIFTS) / 2), 10)
    expected = np.cos(np.pi * (np.arange(-M, 10 * M + 1)[:, None] / M + SHIFTS) / 2)
    assert np.abs(path - expected).max() < error


def test_kinks_of_the_history_do_no_harm():
    # x' = −x(s − 1) from x = 1: 1 − s, then 1 − s + (s − 1)²/2, then 1 − s + (s − 1)²/2 − (s − 2)³/6.
    path = integrate_delayed(lambda now, before: -before, np.ones((9, 1)), 3)
    s = np.linspace(0, 3, 50)
    expected = 1 - s + np.clip(s - 1, 0, None) ** 2 / 2 - np.clip(s - 2, 0, None) ** 3 / 6
    np.testing.assert_allclose(at_times(path, 8, s[None])[0], expected, atol=1e-13)


def test_the_present_counts_too():
    # x' = x − e x(s − 1) from e^s: the delayed term is e^s, and x = (1 − s) e^s on the first delay.
    history = np.exp(np.linspace(-1, 0, 17))[:, None]
    path = integrate_delayed(lambda now, before: now - np.e * before, history, 1)
    s = np.linspace(0, 1, 17)
    np.testing.assert_allclose(path[16:, 0], (1 - s) * np.exp(s), atol=1e-12)


def test_each_trajectory_is_read_at_its_own_times():
    time = np.linspace(-1, 0, 33)[:, None]
    path = integrate_delayed(cosine, np.cos(np.pi * (time + SHIFTS) / 2), 6)
    wanted = np.sort(np.random.default_rng(0).uniform(0, 6, (2, 40)), axis=1)
    expected = np.cos(np.pi * (wanted + SHIFTS[:, None]) / 2)
    np.testing.assert_allclose(at_times(path, 32, wanted), expected, atol=1e-10)
