"""Lotka–Volterra and Lorenz: flows, by independent integration and by what they conserve."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from scipy import integrate, stats

from pushforward.errors import InputError
from pushforward.quantities import LorenzRho, LotkaVolterraInvariant
from pushforward.systems import Lorenz63, LotkaVolterra, create


def solved(rhs, made, row):
    time = np.arange(made.T) * made.dt
    start = made.values[row, 0].astype(float)
    return integrate.solve_ivp(rhs, (0, time[-1]), start, "DOP853", time, rtol=1e-10, atol=1e-10).y.T


class TestLotkaVolterra:
    system = LotkaVolterra(alpha=1.1, beta=0.4, gamma=0.4, delta=0.1)
    law = stats.uniform(1.0, 2.0)

    def test_agrees_with_an_independent_integrator(self):
        made = self.system.sample(4, self.law)
        for row in range(4):
            expected = solved(
                lambda t, s: [1.1 * s[0] - 0.4 * s[0] * s[1], 0.1 * s[0] * s[1] - 0.4 * s[1]], made, row
            )
            np.testing.assert_allclose(made.values[row], expected, rtol=1e-4)

    def test_conserves_its_constant_and_that_is_the_truth(self):
        made = self.system.sample(500, self.law)
        x, y = np.moveaxis(made.values.astype(float), 2, 0)
        constant = self.system.quantity.at(x, y)
        np.testing.assert_allclose(constant, np.tile(made.quantity[:, None], 32), rtol=1e-6)

    def test_starts_anywhere_on_the_orbit_evenly_in_time(self):
        # Volterra's law of averages: over time, prey and predators average to the equilibrium on every orbit.
        made = LotkaVolterra().sample(40_000, [3.5], T=4)
        start = made.values[:, 0].astype(float)
        standard_error = start.std(axis=0) / 200
        assert (np.abs(start.mean(axis=0) - 1) < 4.5 * standard_error).all()
        # Steps later, the same law: stationary.
        assert stats.ks_2samp(start[:20_000, 0], made.values[20_000:, 3, 0]).pvalue > 0.001

    def test_small_orbits_have_the_linear_period_and_big_ones_longer_ones(self):
        periods = self.system._periods(np.array([1e-8, 0.1, 1.0]))
        assert periods[0] == pytest.approx(2 * np.pi / np.sqrt(1.1 * 0.4), rel=1e-6)
        assert periods[0] < periods[1] < periods[2]

    def test_without_a_population_nothing_is_measured_or_valid(self):
        made = self.system.sample(2, self.law)
        extinct = made.with_values(made.values * np.float32([0, 1]))
        assert np.isnan(LotkaVolterraInvariant()(extinct)).all()
        assert not self.system.valid(extinct).any()

    def test_an_orbit_of_other_rates_is_not_valid_nor_one_run_backwards(self):
        made = self.system.sample(50, self.law)
        assert not LotkaVolterra().valid(made).any()
        assert not self.system.valid(made.with_values(made.values[:, ::-1])).any()

    def test_constants_below_the_equilibrium_are_refused(self):
        with pytest.raises(InputError, match=r"V = 1.9 \(2 of 2 draws\); expected above the equilibrium's 2"):
            LotkaVolterra().sample(2, [1.9])

    @pytest.mark.parametrize("parameters", [{"alpha": 0.0}, {"delta": -1.0}, {"tolerance": -1.0}])
    def test_parameters_that_do_not_fit(self, parameters):
        with pytest.raises(InputError, match=next(iter(parameters))):
            create("lotka-volterra", **parameters)


class TestLorenz:
    law = stats.uniform(26, 8)

    def test_agrees_with_an_independent_integrator_until_chaos_separates_them(self):
        made = Lorenz63().sample(4, self.law)
        for row in range(4):
            rho = made.quantity[row]
            expected = solved(
                lambda t, s, rho=rho: [
                    10 * (s[1] - s[0]),
                    s[0] * (rho - s[2]) - s[1],
                    s[0] * s[1] - 8 / 3 * s[2],
                ],
                made,
                row,
            )
            np.testing.assert_allclose(made.values[row, :32], expected[:32], atol=1e-3)

    def test_rho_is_measured_at_steps_and_parameters_of_any_size(self):
        for dt in (0.005, 0.05, 0.2):
            system = Lorenz63(sigma=12.0, beta=2.0)
            made = system.sample(200, self.law, dt=dt)
            np.testing.assert_allclose(system.quantity(made), made.quantity, rtol=1e-6)
            assert system.valid(made).all()

    def test_a_fixed_point_tells_rho_too(self):
        made = Lorenz63(burn_in=100.0).sample(20, [5.0])
        np.testing.assert_allclose(made.values[:, :, 2], 4.0, rtol=1e-5)
        np.testing.assert_allclose(LorenzRho()(made), 5.0, rtol=1e-5)

    def test_rho_is_the_least_squares_one_of_a_noisy_record(self):
        made = Lorenz63().sample(3, [28.0], T=20)
        noisy = made.with_values(made.values + np.random.default_rng(0).normal(0, 0.05, made.values.shape))

        def misfit(rho, points):
            total = 0.0
            for here, there in pairwise(points):
                ahead = integrate.solve_ivp(
                    lambda t, s: [10 * (s[1] - s[0]), s[0] * (rho - s[2]) - s[1], s[0] * s[1] - 8 / 3 * s[2]],
                    (0, made.dt),
                    here,
                    rtol=1e-9,
                    atol=1e-9,
                ).y[:, -1]
                total += np.square(there - ahead).sum()
            return total

        measured = LorenzRho()(noisy)
        for row in range(3):
            points = noisy.values[row].astype(float)
            least = misfit(measured[row], points)
            assert least < misfit(measured[row] - 0.01, points)
            assert least < misfit(measured[row] + 0.01, points)

    def test_at_the_origin_nothing_is_measured(self):
        made = Lorenz63().sample(2, self.law)
        still = made.with_values(np.zeros(made.values.shape))
        assert np.isnan(LorenzRho()(still)).all()
        assert not Lorenz63().valid(still).any()

    def test_other_dynamics_are_not_valid(self):
        made = Lorenz63(sigma=5.0).sample(50, self.law)
        assert not Lorenz63().valid(made).any()
        usual = Lorenz63().sample(50, self.law)
        assert not Lorenz63().valid(usual.with_values(usual.values[:, ::-1])).any()

    @pytest.mark.parametrize("rho", [1.0, -3.0, 201.0])
    def test_rho_that_does_not_fit_is_refused(self, rho):
        with pytest.raises(InputError, match=r"ρ = .* \(2 of 2 draws\); expected 1 < ρ ≤ 200"):
            Lorenz63().sample(2, [rho])

    @pytest.mark.parametrize(
        "parameters", [{"sigma": 0.0}, {"beta": -1.0}, {"burn_in": -1.0}, {"tolerance": -1.0}]
    )
    def test_parameters_that_do_not_fit(self, parameters):
        with pytest.raises(InputError, match=next(iter(parameters))):
            create("lorenz-63", **parameters)

    @pytest.mark.parametrize("settings", [{"channels": ("x", "y")}, {"longest_step": 0.0}])
    def test_settings_that_do_not_fit(self, settings):
        with pytest.raises(InputError):
            LorenzRho(**settings)
