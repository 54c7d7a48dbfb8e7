"""What every registered system promises."""

from __future__ import annotations

from dataclasses import fields

import numpy as np
import pytest
from matplotlib.figure import Figure
from tests.systems.laws import NEEDS

from pushforward.errors import InputError
from pushforward.measure.intended import Intended
from pushforward.quantities import parse
from pushforward.systems import SYSTEMS, AbstractSystem, create

# Largest |φ(x) − q| over the larger of |q| and the law's spread, where float32 does not allow 1e-6.
STATED_ERROR: dict[str, float] = {}
N = 50


@pytest.fixture(autouse=True)
def _needed(request):
    for module in NEEDS.get(request.node.callspec.params["name"], ()):
        pytest.importorskip(module, reason=f"{module} is an extra")


def usual(name, n=N, **arguments):
    system = create(name)
    return system, system.sample(n, Intended.parse(system.default_intended), **arguments)


@pytest.fixture(scope="module")
def samples():
    """(system, its 50 usual trajectories), made once for all tests here."""
    made = {}

    def sample(name):
        if name not in made:
            made[name] = usual(name)
        return made[name]

    return sample


@pytest.mark.parametrize("name", SYSTEMS)
class TestEverySystem:
    def test_declares_itself(self, name):
        kind = SYSTEMS[name]
        assert issubclass(kind, AbstractSystem)
        assert kind.name == name
        assert kind.formula
        assert kind.source
        assert len(kind.channels) == len(kind.units) > 0
        assert Intended.parse(kind.default_intended)

    def test_samples_its_usual_law_and_carries_the_truth(self, name, samples):
        system, made = samples(name)
        assert (len(made), made.T, made.C) == (N, system.default_T, len(system.channels))
        assert made.dt == system.default_dt
        assert made.quantity.shape == (N,)
        assert parse(made.quantity_name) == system.quantity

    def test_the_quantity_measures_the_truth_within_the_stated_error(self, name, samples):
        _, made = samples(name)
        scale = np.maximum(np.abs(made.quantity), np.ptp(made.quantity))
        error = np.abs(parse(made.quantity_name)(made) - made.quantity) / scale
        assert error.max() <= STATED_ERROR.get(name, 1e-6)

    def test_its_own_trajectories_are_valid_and_noisy_ones_are_not(self, name, samples):
        system, made = samples(name)
        assert system.valid(made).all()
        spread = made.values.std(axis=(0, 1), dtype=np.float64)
        noise = np.random.default_rng(0).normal(0, 0.2, made.values.shape) * spread
        assert system.valid(made.with_values(made.values + noise)).mean() <= 0.1

    def test_draws_itself(self, name, samples):
        system, made = samples(name)
        figure = Figure()
        axes = figure.add_subplot()
        system.draw(axes, made.select(slice(0, 3)))
        figure.draw_without_rendering()
        assert axes.get_xlabel()
        assert axes.get_ylabel()
        assert axes.has_data()

    def test_the_same_seed_gives_the_same_bytes_in_batches_too_and_another_one_others(self, name, samples):
        system, made = samples(name)
        law = Intended.parse(system.default_intended)
        again = type(made).concat(list(system.sample_batches(N, law)))
        assert made.values.tobytes() == again.values.tobytes()
        assert made.equals(again)
        assert not np.array_equal(system.sample(2, law, seed=1).values, made.values[:2])

    @pytest.mark.parametrize(
        ("arguments", "message"),
        [
            ({"T": 1}, "T = 1"),
            ({"dt": 0.0}, "dt = 0"),
            ({"dt": -1.0}, "dt = -1"),
            ({"dt": np.inf}, "dt = inf"),
        ],
    )
    def test_refuses_numbers_that_do_not_fit(self, name, arguments, message, samples):
        system, _ = samples(name)
        with pytest.raises(InputError, match=message):
            system.sample(3, Intended.parse(system.default_intended), **arguments)

    def test_refuses_a_law_upside_down_and_none_at_all(self, name):
        low, high = create(name).default_intended.removeprefix("uniform(").removesuffix(")").split(", ")
        with pytest.raises(InputError):
            Intended.parse(f"uniform({high}, {low})")
        with pytest.raises(InputError):
            create(name).sample(3, [])

    def test_refuses_unknown_parameters_and_lists_its_own(self, name):
        with pytest.raises(InputError, match="unknown parameter of system") as refused:
            create(name, no_such_parameter=1)
        assert all(field.name in str(refused.value) for field in fields(SYSTEMS[name]))
