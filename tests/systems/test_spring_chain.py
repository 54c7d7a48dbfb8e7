"""The chain of springs: exact by normal modes, with the intended energy."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from pushforward.errors import InputError
from pushforward.measure.intended import Intended
from pushforward.quantities import SpringChainEnergy, parse
from pushforward.systems import SpringChain


@pytest.mark.parametrize("masses", [1, 2, 7])
def test_it_moves_as_its_equations_say(masses):
    system = SpringChain(masses=masses, mass=0.5, stiffness=3.0)
    ours = system.simulate(np.array([2.0]), 50, 0.1, np.random.default_rng(0))[0]

    def law(t, y):
        u = np.concatenate([[0], y[:masses], [0]])
        return np.concatenate([y[masses:], 6.0 * (u[2:] - 2 * u[1:-1] + u[:-2])])

    peer = solve_ivp(law, (0, 4.9), ours[0], "DOP853", 0.1 * np.arange(50), rtol=1e-11, atol=1e-11).y.T
    np.testing.assert_allclose(ours, peer, atol=1e-7)


def test_one_mass_is_a_harmonic_oscillator_of_two_springs():
    assert SpringChain(masses=1, mass=2.0, stiffness=9.0).rates == pytest.approx([3.0])


def test_every_degree_of_freedom_has_its_share_of_the_energy():
    made = SpringChain().simulate(np.full(40_000, 8.0), 2, 0.5, np.random.default_rng(1))[:, 0]
    # Uniform on a sphere of 8 dimensions: v_i²/2 is E times Beta(½, 7/2).
    for i in range(4, 8):
        assert stats.kstest(made[:, i] ** 2 / 16, stats.beta(0.5, 3.5).cdf).pvalue > 1e-3


def test_parameters_travel_with_the_data():
    system = SpringChain(masses=2, mass=0.5, stiffness=3.0)
    made = system.sample(20, Intended.uniform(1.0, 4.0))
    assert made.channels == ("u1", "u2", "v1", "v2")
    assert made.units == ("m", "m", "m/s", "m/s")
    assert parse(made.quantity_name) == system.quantity == SpringChainEnergy(mass=0.5, stiffness=3.0)
    np.testing.assert_allclose(parse(made.quantity_name)(made), made.quantity, rtol=1e-6)


def test_another_motion_is_not_valid():
    made = SpringChain().sample(50, Intended.uniform(1.0, 4.0))
    assert SpringChain(tolerance=1e-4).valid(made).all()
    assert not SpringChain(stiffness=1.5).valid(made).any()
    assert not SpringChain().valid(made.with_values(made.values[:, ::-1])).any()
    alone = [SpringChain().valid(made.select(slice(i, i + 1)))[0] for i in range(5)]
    assert alone == [True] * 5


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: SpringChain().sample(3, [-1.0]), "got energy -1 J .3 of 3 draws.; expected at least 0 J"),
        (lambda: SpringChain(masses=0), "got 0 masses; expected 1 to 1000"),
        (lambda: SpringChain(stiffness=0), "got stiffness 0; expected a positive number"),
        (lambda: SpringChain(mass=-2), "got mass -2"),
        (lambda: SpringChain(tolerance=-2), "got tolerance -2"),
    ],
)
def test_what_does_not_fit(call, message):
    with pytest.raises(InputError, match=message):
        call()
