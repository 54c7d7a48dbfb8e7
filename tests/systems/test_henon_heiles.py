"""Hénon and Heiles' system: energies kept for long, states uniform on the energy surface."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from pushforward.errors import InputError
from pushforward.measure.intended import Intended
from pushforward.quantities import HenonHeilesEnergy
from pushforward.systems import HenonHeiles
from pushforward.trajectories import Trajectories


def states(energy, n, seed=0):
    """(4, n) initial states of one energy."""
    return HenonHeiles().simulate(np.full(n, energy), 2, 0.1, np.random.default_rng(seed))[:, 0].T


def energies(motion):
    return HenonHeilesEnergy().of_states(motion)


def test_the_energy_error_does_not_grow_over_a_thousand_swings():
    motion = HenonHeiles().motion(states(0.15, 16), 13_000, 0.5)
    error = np.abs(energies(motion) - 0.15) * 6
    assert error.max() < 1e-6
    assert error[:, -1000:].max() < 3 * error[:, :1000].max()


def test_it_agrees_with_an_adaptive_integrator():
    start = states(0.1, 3, seed=2)

    def law(t, y):
        return [y[2], y[3], -y[0] - 2 * y[0] * y[1], -y[1] - y[0] ** 2 + y[1] ** 2]

    ours = HenonHeiles().motion(start, 64, 0.5)
    for i in range(3):
        peer = solve_ivp(law, (0, 31.5), start[:, i], "DOP853", 0.5 * np.arange(64), rtol=1e-10, atol=1e-12)
        np.testing.assert_allclose(ours[i], peer.y.T, atol=1e-5)


@pytest.mark.parametrize("energy", [0.01, 0.16])
def test_states_are_uniform_on_the_surface_as_in_a_thin_shell(energy):
    rng = np.random.default_rng(3)
    reach = np.sqrt(2 * energy) * 1.1
    q, p = rng.uniform(-1, 1, (2, 3_000_000)) * min(1, 2 * reach), rng.uniform(-1, 1, (2, 3_000_000)) * reach
    brute = np.concatenate([q, p])
    inside = (q[1] > -0.5) & (np.abs(q[0]) < (1 - q[1]) / np.sqrt(3))
    shell = inside & (np.abs(energies(brute.T[None])[0] - energy) < 0.01 * energy)
    drawn = states(energy, 30_000, seed=4)
    assert shell.sum() > 1000
    for row in range(4):
        assert stats.ks_2samp(brute[row, shell], drawn[row]).pvalue > 1e-4


def test_the_motion_keeps_the_surface():
    start = states(0.15, 20_000, seed=5)
    later, fresh = HenonHeiles().motion(start, 2, 7.0)[:, 1].T, states(0.15, 20_000, seed=6)
    for row in range(4):
        assert stats.ks_2samp(later[row], fresh[row]).pvalue > 1e-4


def test_another_motion_is_not_valid():
    made = HenonHeiles().sample(50, Intended.uniform(0.02, 0.16))
    assert HenonHeiles(tolerance=1e-5).valid(made).all()
    assert not HenonHeiles().valid(made.with_values(made.values[:, ::-1])).any()
    slower = Trajectories(made.values, dt=0.6, channels=made.channels)
    assert not HenonHeiles(tolerance=0.01).valid(slower).any()


@pytest.mark.parametrize("energy", [-0.01, 1 / 6, 0.2])
def test_energies_without_bounded_motion_are_refused(energy):
    with pytest.raises(InputError, match="expected 0 ≤ E < 1/6"):
        HenonHeiles().sample(3, [energy])


def test_without_energy_it_rests():
    assert np.abs(HenonHeiles().sample(3, [0.0]).values).max() < 1e-7
