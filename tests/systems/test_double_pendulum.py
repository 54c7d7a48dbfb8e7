"""The double pendulum: exact energies, trusted motion, and states uniform on the energy surface."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats
from scipy.integrate import solve_ivp

from pushforward.errors import InputError
from pushforward.measure.intended import Intended
from pushforward.quantities import MechanicalEnergy, parse
from pushforward.systems import DoublePendulum, NLinkPendulum
from pushforward.systems.pendulum_chain import PendulumChain
from pushforward.trajectories import Trajectories

UNEQUAL = DoublePendulum(m1=2.0, m2=0.5, l1=0.7, l2=1.4, g=3.7)
SCALE = 29.43


def angles_law(t, y, m1=1.0, m2=1.0, l1=1.0, l2=1.0, g=9.81):
    """The textbook equations in angles: the peer of the library's in sines and cosines."""
    a, b, u, v = y
    d = a - b
    matrix = np.array([[(m1 + m2) * l1, m2 * l2 * np.cos(d)], [l1 * np.cos(d), l2]])
    right = np.array(
        [-m2 * l2 * v * v * np.sin(d) - (m1 + m2) * g * np.sin(a), l1 * u * u * np.sin(d) - g * np.sin(b)]
    )
    return [u, v, *np.linalg.solve(matrix, right)]


def surface(energy, n, seed=0, chain=None):
    """(6, n) states on the surface of one energy: sines, cosines, omegas."""
    return (chain or DoublePendulum().chain).on_energy_surface(
        np.full(n, energy), np.random.default_rng(seed)
    )


class TestMotion:
    def test_the_energy_errs_by_less_than_a_millionth_over_a_thousand_steps(self):
        energy = np.linspace(-29, 20, 256)
        system = DoublePendulum()
        start = system.chain.on_energy_surface(energy, np.random.default_rng(1))
        motion = system.motion(start, 1001, 0.05)
        errors = [system.chain.energy(motion[:, t].T) - energy for t in range(1001)]
        assert np.abs(errors).max() / SCALE <= 1e-6
        length = motion[:, :, :2] ** 2 + motion[:, :, 2:4] ** 2
        assert np.abs(length - 1).max() <= 1e-6

    @pytest.mark.parametrize("energy", [-20.0, 0.0, 20.0])
    def test_it_agrees_with_an_adaptive_integrator_until_chaos_separates_them(self, energy):
        start = surface(energy, 4, seed=2)
        ours = DoublePendulum().motion(start, 61, 0.05)
        for i in range(4):
            first = [*np.arctan2(start[:2, i], start[2:4, i]), *start[4:, i]]
            peer = solve_ivp(
                angles_law, (0, 3), first, "DOP853", np.linspace(0, 3, 61), rtol=1e-10, atol=1e-10
            ).y.T
            theirs = np.concatenate([np.sin(peer[:, :2]), np.cos(peer[:, :2]), peer[:, 2:]], axis=1)
            np.testing.assert_allclose(ours[i], theirs, atol=2e-5)

    def test_the_law_of_two_is_that_of_any_number(self):
        state = surface(5.0, 40, chain=UNEQUAL.chain)
        two, any_number = np.empty((2, 6, 40))
        UNEQUAL.derivative(state, two, np.empty((0, 40)))
        UNEQUAL.chain.derivative(state, any_number, np.empty((0, 40)))
        np.testing.assert_allclose(two, any_number, rtol=1e-11, atol=1e-11)

    def test_small_swings_have_the_normal_frequencies(self):
        # For equal masses and rods: ω² = (2 ± 2^½) g/l.
        start = np.array([[0.001], [0.001 * np.sqrt(2)], [1.0], [1.0], [0.0], [0.0]])
        start[2:4] = np.sqrt(1 - start[:2] ** 2)
        time = 0.05 * np.arange(200)
        swing = DoublePendulum().motion(start, 200, 0.05)[0, :, 0]
        np.testing.assert_allclose(swing, 0.001 * np.cos(np.sqrt((2 - np.sqrt(2)) * 9.81) * time), atol=1e-7)


class TestEnergySurface:
    @pytest.mark.parametrize("system", [DoublePendulum(), UNEQUAL], ids=["equal", "unequal"])
    def test_states_have_the_energy(self, system):
        energy = np.linspace(system.chain.lowest_energy, 60, 500)
        state = system.chain.on_energy_surface(energy, np.random.default_rng(0))
        np.testing.assert_allclose(system.chain.energy(state), energy, atol=1e-11)

    @pytest.mark.parametrize("energy", [-22.0, 0.0, 25.0])
    def test_it_is_uniform_as_a_thin_shell_of_phase_space_is(self, energy):
        # Liouville: states uniform in dθ dp, those within a thin shell of energy kept, are uniform on the surface.
        rng = np.random.default_rng(3)
        chain, n = DoublePendulum().chain, 3_000_000
        reach = np.sqrt(2 * (energy + SCALE + 1))
        angle, p = rng.uniform(-np.pi, np.pi, (2, n)), rng.uniform(-1, 1, (2, n)) * reach * [[1.42], [1.0]]
        c = np.cos(angle[0] - angle[1])
        # ω = M⁻¹p with M = [[2, c], [c, 1]].
        omega = np.stack([p[0] - c * p[1], 2 * p[1] - c * p[0]]) / (2 - c * c)
        hamiltonian = 0.5 * (p * omega).sum(0) - 9.81 * (2 * np.cos(angle[0]) + np.cos(angle[1]))
        shell = np.abs(hamiltonian - energy) < 0.2
        drawn = surface(energy, 40_000, seed=4, chain=chain)
        theta = np.arctan2(drawn[:2], drawn[2:4])
        assert shell.sum() > 1000
        for brute, ours in [
            *zip(angle[:, shell], theta, strict=True),
            *zip(omega[:, shell], drawn[4:], strict=True),
            (angle[0, shell] - angle[1, shell], theta[0] - theta[1]),
            ((omega[0] * omega[1])[shell], drawn[4] * drawn[5]),
        ]:
            assert stats.ks_2samp(brute, ours).pvalue > 1e-4

    def test_the_motion_keeps_it(self):
        start = surface(10.0, 20_000, seed=5)
        later = DoublePendulum().motion(start, 2, 1.5)[:, 1].T
        fresh = surface(10.0, 20_000, seed=6)
        for row in range(6):
            assert stats.ks_2samp(later[row], fresh[row]).pvalue > 1e-4

    def test_at_the_lowest_energy_it_hangs_at_rest(self):
        np.testing.assert_allclose(surface(-SCALE, 3)[:, 0], [0, 0, 1, 1, 0, 0], atol=1e-6)


class TestQuantity:
    def test_parameters_travel_with_the_data(self):
        made = UNEQUAL.sample(200, Intended.uniform(-5, 5))
        assert (
            parse(made.quantity_name) == UNEQUAL.quantity == MechanicalEnergy((2.0, 0.5), (0.7, 1.4), g=3.7)
        )
        np.testing.assert_allclose(parse(made.quantity_name)(made), made.quantity, atol=1e-5)

    def test_its_zero_is_where_the_rods_are_level(self):
        def still(sine, cosine):
            return Trajectories(
                np.tile(np.array([sine, cosine, sine, cosine, 0, 0.0]), (1, 2, 1)),
                channels=DoublePendulum.channels,
            )

        assert MechanicalEnergy()(still(0, 1))[0] == pytest.approx(-SCALE)
        assert MechanicalEnergy()(still(1, 0))[0] == 0
        assert MechanicalEnergy()(still(0, -1))[0] == pytest.approx(SCALE)
        # Only the direction of (sin, cos) is an angle.
        assert MechanicalEnergy()(still(0, 3))[0] == pytest.approx(-SCALE)
        assert np.isnan(MechanicalEnergy()(still(0, 0))[0])

    def test_channels_of_other_names_can_be_given(self):
        made = DoublePendulum().sample(5, Intended.uniform(-20, 20))
        other = Trajectories(made.values, channels=tuple("abcdef"))
        with pytest.raises(InputError, match="got channels a, b, c, d, e, f; expected sin_theta1"):
            MechanicalEnergy()(other)
        assert np.array_equal(MechanicalEnergy(channels=tuple("abcdef"))(other), MechanicalEnergy()(made))
        with pytest.raises(InputError, match="expected three channels a pendulum"):
            MechanicalEnergy(channels=("a", "b"))(other)

    def test_ragged_trajectories_count_their_own_steps(self):
        made = DoublePendulum().sample(6, Intended.uniform(-20, 20))
        ragged = Trajectories(
            made.values, dt=0.05, channels=made.channels, lengths=np.array([1, 2, 5, 9, 30, 64])
        )
        np.testing.assert_allclose(MechanicalEnergy()(ragged), made.quantity, atol=1e-4)
        assert DoublePendulum().valid(ragged).all()


class TestValid:
    def test_its_own_motion_is_and_a_wrong_one_is_not(self):
        made = DoublePendulum().sample(100, Intended.uniform(-20, 20), seed=3)
        assert DoublePendulum(tolerance=1e-4).valid(made).all()
        assert (
            not DoublePendulum()
            .valid(NLinkPendulum(links=2, g=20.0).sample(50, Intended.uniform(-20, 20)))
            .any()
        )
        assert not DoublePendulum().valid(made.with_values(made.values[:, ::-1])).any()

    def test_states_of_the_right_energy_in_a_wrong_order_are_not(self):
        made = DoublePendulum().sample(50, Intended.uniform(-20, 20), seed=3)
        shuffled = made.values[:, np.random.default_rng(0).permutation(64)]
        assert not DoublePendulum().valid(made.with_values(shuffled)).any()

    def test_what_is_no_number_is_not(self):
        made = DoublePendulum().sample(4, Intended.uniform(-20, 20))
        values = made.values.copy()
        values[0] = 0
        values[1, 5, 4] = 1e30
        assert DoublePendulum().valid(made.with_values(values)).tolist() == [False, False, True, True]


class TestRefusals:
    @pytest.mark.parametrize(
        ("call", "message"),
        [
            (
                lambda: DoublePendulum().sample(3, [-30.0]),
                "got energy -30 J .3 of 3 draws.; expected at least -29.43 J",
            ),
            (lambda: DoublePendulum().sample(3, [1e12]), "got dt = 0.05 .* expected a smaller dt"),
            (
                lambda: DoublePendulum(m1=0),
                "system 'double-pendulum': pendulum: got mass 0; expected a positive",
            ),
            (lambda: DoublePendulum(l2=-1), "got length -1"),
            (lambda: DoublePendulum(g=float("inf")), "got gravity inf"),
            (lambda: DoublePendulum(tolerance=-1), "got tolerance -1"),
            (lambda: NLinkPendulum(links=0), "got 0 links; expected 1 to 12"),
            (lambda: NLinkPendulum(links=3, masses=(1.0, 2.0)), "got 2 masses; expected one, or 3"),
        ],
    )
    def test_what_does_not_fit(self, call, message):
        with pytest.raises(InputError, match=message):
            call()


class TestManyLinks:
    @pytest.mark.parametrize("links", [1, 2, 3, pytest.param(4, marks=pytest.mark.slow)])
    def test_the_energy_errs_by_less_than_a_millionth(self, links):
        chain = PendulumChain((1.0,) * links, (1.0,) * links, 9.81)
        energy = np.linspace(0.95, -0.5, 16) * chain.lowest_energy
        motion = chain.motion(chain.on_energy_surface(energy, np.random.default_rng(0)), 41, 0.05)
        error = chain.energy(motion[:, -1].T) - energy
        assert np.abs(error).max() <= 1e-6 * abs(chain.lowest_energy)

    def test_two_links_are_the_double_pendulum(self):
        one, two = NLinkPendulum(links=2), DoublePendulum()
        assert one.channels == two.channels
        assert one.quantity == two.quantity
        made = [system.sample(20, Intended.uniform(-20, 0), T=30, seed=4).values for system in (one, two)]
        np.testing.assert_allclose(made[0], made[1], atol=1e-4)

    def test_one_link_turns_in_the_period_of_the_pendulum(self):
        from scipy.special import ellipk

        # From level (90 degrees) at rest: period 4 K(½) (l/g)^½.
        chain = PendulumChain((2.0,), (1.5,), 9.81)
        period = 4 * ellipk(0.5) * np.sqrt(1.5 / 9.81)
        end = chain.motion(np.array([[1.0], [0.0], [0.0]]), 5, period / 4)[0]
        np.testing.assert_allclose(end[:, 0], [1, 0, -1, 0, 1], atol=1e-7)

    def test_the_energy_surface_of_three_links_is_kept_by_the_motion(self):
        chain = NLinkPendulum().chain
        start = surface(0.0, 10_000, seed=5, chain=chain)
        later, fresh = chain.motion(start, 2, 0.5)[:, 1].T, surface(0.0, 10_000, seed=6, chain=chain)
        for row in range(9):
            assert stats.ks_2samp(later[row], fresh[row]).pvalue > 1e-4
