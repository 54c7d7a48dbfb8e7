"""The logistic map: its trajectories obey it, and their r follows the intended law."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from pushforward.errors import InputError
from pushforward.measure.intended import Intended
from pushforward.quantities import default_for, parse
from pushforward.systems import LogisticMap, create
from pushforward.systems.base import draw
from pushforward.trajectories import Trajectories

UNIFORM = stats.uniform(3.5, 0.5)


class TestTruth:
    def test_least_squares_r_of_float32_is_the_true_r(self):
        made = LogisticMap().sample(100_000, UNIFORM, seed=1)
        np.testing.assert_allclose(LogisticMap().quantity(made), made.quantity, rtol=1e-6)

    def test_it_carries_its_truth_and_the_name_of_what_measures_it(self):
        made = LogisticMap().sample(10, UNIFORM, T=20)
        assert (len(made), made.T, made.channels, made.time_unit) == (10, 20, ("x",), "step")
        assert made.quantity.shape == (10,)
        assert default_for(made) == [parse(made.quantity_name)] == [LogisticMap().quantity]

    @given(st.floats(0.01, 4.0), st.integers(0, 1000))
    @settings(max_examples=30)
    def test_values_stay_in_the_unit_interval_and_obey_the_map(self, r, seed):
        made = LogisticMap().sample(5, [r], seed=seed)
        x = made.values[:, :, 0].astype(float)
        assert ((x >= 0) & (x <= 1)).all()
        np.testing.assert_allclose(x[:, 1:], r * x[:, :-1] * (1 - x[:, :-1]), atol=1e-6)

    def test_without_growth_nothing_can_be_measured(self):
        extinct = LogisticMap().sample(3, [0.1])
        assert np.isnan(LogisticMap().quantity(extinct)).all()
        assert not LogisticMap().valid(extinct).any()

    def test_burn_in_reaches_the_fixed_point(self):
        # For 1 < r < 3 the attractor is the point 1 − 1/r.
        made = LogisticMap().sample(100, stats.uniform(1.5, 1.0))
        np.testing.assert_allclose(
            made.values[:, :, 0], np.tile((1 - 1 / made.quantity)[:, None], 32), rtol=1e-6
        )
        start = LogisticMap(burn_in=0).sample(1000, UNIFORM).values[:, 0, 0]
        assert start.min() >= 0.05
        assert start.max() <= 0.95


class TestSeeds:
    def test_the_same_seed_gives_the_same_bytes(self):
        one, two = (LogisticMap().sample(50, UNIFORM, seed=7) for _ in range(2))
        assert one.values.tobytes() == two.values.tobytes()
        assert one.equals(two)
        assert not one.equals(LogisticMap().sample(50, UNIFORM, seed=8))


class TestValid:
    def test_true_trajectories_are_valid(self):
        assert LogisticMap(tolerance=1e-6).valid(LogisticMap().sample(2000, UNIFORM)).all()

    @pytest.mark.parametrize(("kick", "expected"), [(0.01, True), (0.2, False)])
    def test_a_kick_beyond_the_tolerance_is_not(self, kick, expected):
        made = LogisticMap().sample(50, [3.6])
        values = made.values.copy()
        values[:, 10] = np.clip(values[:, 10] - kick, 0, 1)
        assert (LogisticMap(tolerance=0.1).valid(made.with_values(values)) == expected).all()

    @pytest.mark.parametrize("outside", [-0.001, 1.001])
    def test_values_outside_the_unit_interval_are_not(self, outside):
        made = LogisticMap().sample(5, [3.6])
        values = made.values.copy()
        values[0, 0] = outside
        assert LogisticMap(tolerance=10).valid(made.with_values(values)).tolist() == [False] + [True] * 4

    def test_ragged_trajectories_are_judged_by_their_own_steps(self):
        made = LogisticMap().sample(20, UNIFORM)
        ragged = Trajectories(made.values, lengths=np.resize([2, 5, 32], 20), channels=made.channels)
        assert LogisticMap(tolerance=1e-6).valid(ragged).all()


class TestRefusals:
    @pytest.mark.parametrize("r", [0.0, -1.0, 4.0001])
    def test_r_outside_the_map(self, r):
        with pytest.raises(InputError, match=r"got r = .* \(3 of 3 draws\); expected 0 < r ≤ 4"):
            LogisticMap().sample(3, [r])

    @pytest.mark.parametrize(
        ("settings", "message"),
        [({"n": 0}, "n = 0"), ({"n": 3, "T": 1}, "T = 1; expected at least 2"), ({"n": 3, "dt": -1}, "dt")],
    )
    def test_numbers_that_do_not_fit(self, settings, message):
        with pytest.raises(InputError, match=message):
            LogisticMap().sample(intended=UNIFORM, **settings)

    @pytest.mark.parametrize(
        ("intended", "message"),
        [
            ("uniform", "got str; expected a law"),
            (None, "expected a law|NaN"),
            ([], r"got shape \(0,\)"),
            (np.ones((2, 2)), r"got shape \(2, 2\)"),
            (lambda n, rng: np.ones(n + 1), r"shape \(4,\); expected \(3,\)"),
            (lambda n, rng: np.full(n, np.nan), "NaN or infinity"),
        ],
    )
    def test_what_is_no_law(self, intended, message):
        with pytest.raises(InputError, match=message):
            LogisticMap().sample(3, intended)

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"burn_in": -1}, "burn_in -1"),
            ({"burn_in": 1.5}, "expected a whole number"),
            ({"tolerance": -1}, "tolerance -1"),
            ({"tolerance": "small"}, "expected a number"),
            ({"burnin": 3}, "unknown parameter of system 'logistic-map': 'burnin'; did you mean 'burn_in'"),
        ],
    )
    def test_parameters_that_do_not_fit(self, parameters, message):
        with pytest.raises(InputError, match=message):
            create("logistic-map", **parameters)

    def test_an_unknown_system(self):
        with pytest.raises(InputError, match="unknown system 'logistic'; did you mean 'logistic-map'"):
            create("logistic")


@pytest.mark.parametrize(
    "intended",
    [
        Intended.uniform(3.5, 4),
        UNIFORM,
        type("Quantiles", (), {"ppf": staticmethod(lambda p: 3.5 + p / 2)})(),
        lambda n, rng: rng.uniform(3.5, 4, n),
        np.linspace(3.5, 4, 5001),
    ],
    ids=["sample", "rvs", "ppf", "function", "samples"],
)
def test_a_law_may_come_in_any_form(intended):
    drawn = draw(intended, 20_000, np.random.default_rng(0))
    assert stats.kstest(drawn, UNIFORM.cdf).pvalue > 0.001
    assert np.array_equal(drawn, draw(intended, 20_000, np.random.default_rng(0)))
