"""What every registered quantity keeps to, and which symmetries each has."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pushforward import Intended
from pushforward.errors import InputError
from pushforward.quantities import (
    QUANTITIES,
    AbstractQuantity,
    MinimumClearance,
    Quantity,
    TimeInRegion,
    default_for,
)
from pushforward.systems import SYSTEMS
from pushforward.trajectories import Trajectories

NEEDS_SETTINGS = {
    "time-in-region": TimeInRegion(low=(-1, -1), high=(1, 1)),
    "minimum-clearance": MinimumClearance(circles=((0, 0, 0.5),)),
}
EVERY = {name: NEEDS_SETTINGS.get(name) or kind() for name, kind in QUANTITIES.items()}
ON_EARTH = {
    **EVERY,
    "time-in-region": TimeInRegion(low=(-10, -10), high=(10, 10)),
    "minimum-clearance": MinimumClearance(circles=((0, 0, 100),)),
}
# Quantities of one system's own states: they are measured on that system, and have none of a path's symmetries.
OF_A_SYSTEM = {
    "total-momentum": "colliding-disks",
    "kepler-energy": "kepler",
    **{
        system().quantity.name: name
        for name, system in SYSTEMS.items()
        # dysts and point-maze need extras, and have no quantity of their own that is measured here.
        if name not in ("dysts", "point-maze")
        and system().quantity.name not in ("path-length", "dominant-frequency")
    },
    # Another system has this quantity too, and is much slower to make.
    "mechanical-energy": "double-pendulum",
}
MOTION = sorted(set(EVERY) - set(OF_A_SYSTEM) - {"accumulated-cyclone-energy", "dysts-factor"})
# The factor of a dysts flow is tested with the flows, where that package is installed.
WITHOUT_DYSTS = sorted(set(EVERY) - {"dysts-factor"})
# What changes when the whole path is moved, turned or run backwards. Every other motion quantity must not.
PLACED = {"time-in-region", "minimum-clearance"}
seeds = st.integers(0, 2**32 - 1)


def walks(seed, n=6, steps=20, ragged=True):
    """Smooth random walks of various lengths, in metres."""
    rng = np.random.default_rng(seed)
    values = rng.standard_normal((n, steps, 2)).cumsum(axis=1)
    lengths = rng.integers(1, steps + 1, n) if ragged else None
    return Trajectories(values, dt=0.5, channels=("x", "y"), units=("m", "m"), lengths=lengths)


def storms(seed, n=6, steps=20):
    rng = np.random.default_rng(seed)
    position = np.array([15, 179]) + 0.5 * rng.standard_normal((n, steps, 2)).cumsum(axis=1)
    position[..., 1] = (position[..., 1] + 180) % 360 - 180
    wind = rng.uniform(20, 120, (n, steps, 1))
    return Trajectories(
        np.concatenate([position, wind], axis=2),
        dt=6,
        time_unit="h",
        channels=("latitude", "longitude", "wind"),
        units=("deg", "deg", "knots"),
        lengths=rng.integers(1, steps + 1, n),
    )


def suited(name, seed):
    """Data on which a quantity can be measured."""
    if name in OF_A_SYSTEM:
        system = SYSTEMS[OF_A_SYSTEM[name]]()
        made = system.sample(6, Intended.parse(system.default_intended), seed=seed)
        lengths = np.random.default_rng(seed).integers(2, made.T + 1, 6)
        return replace(made, lengths=lengths)
    return storms(seed) if name == "accumulated-cyclone-energy" else walks(seed)


def measured_alone(quantity, trajectories):
    """Every trajectory cut to its own length and measured by itself."""
    alone = []
    for i, steps in enumerate(trajectories.steps):
        values = trajectories.values[i : i + 1, :steps]
        own = Trajectories(
            values,
            dt=trajectories.dt,
            channels=trajectories.channels,
            units=trajectories.units,
            time_unit=trajectories.time_unit,
        )
        alone.append(quantity(own)[0])
    return np.array(alone)


class TestEvery:
    @pytest.mark.parametrize("name", EVERY)
    def test_declares_its_name_formula_and_source(self, name):
        kind = QUANTITIES[name]
        assert issubclass(kind, AbstractQuantity)
        assert kind.name == name
        assert kind.formula
        assert kind.source
        assert getattr(kind, "__final__", False)

    @pytest.mark.parametrize("name", WITHOUT_DYSTS)
    @given(seed=seeds)
    @settings(max_examples=15, deadline=None)
    def test_ragged_batches_are_measured_as_each_trajectory_alone(self, name, seed):
        motion = suited(name, seed)
        np.testing.assert_allclose(
            EVERY[name](motion), measured_alone(EVERY[name], motion), rtol=1e-6, atol=1e-9
        )

    @pytest.mark.parametrize("name", MOTION)
    @given(seed=seeds)
    @settings(max_examples=15, deadline=None)
    def test_also_on_the_earth(self, name, seed):
        motion = storms(seed)
        np.testing.assert_allclose(
            ON_EARTH[name](motion), measured_alone(ON_EARTH[name], motion), rtol=1e-6, atol=1e-9
        )

    @pytest.mark.parametrize("name", WITHOUT_DYSTS)
    def test_order_and_company_do_not_matter(self, name):
        motion = suited(name, 5)
        turned = motion.select(np.arange(len(motion))[::-1])
        np.testing.assert_allclose(EVERY[name](turned)[::-1], EVERY[name](motion), rtol=1e-6)

    @pytest.mark.parametrize("name", WITHOUT_DYSTS)
    def test_many_blocks_agree_with_one(self, name):
        motion = suited(name, 7)
        many = motion.select(np.resize(np.arange(len(motion)), 9001))
        np.testing.assert_allclose(EVERY[name](many), np.resize(EVERY[name](motion), 9001), rtol=1e-6)

    @pytest.mark.parametrize("name", WITHOUT_DYSTS)
    def test_an_empty_batch_has_no_values_and_a_unit(self, name):
        empty = suited(name, 0).select(slice(0, 0))
        assert EVERY[name](empty).shape == (0,)
        assert isinstance(EVERY[name].unit_of(empty), str)

    @pytest.mark.parametrize("name", WITHOUT_DYSTS)
    def test_extreme_numbers_give_a_number_or_nan_and_no_warning(self, name, recwarn):
        shape = suited(name, 0)
        big = np.resize(np.float32([3e38, -3e38, 1e-45, 0]), shape.values.shape)
        values = EVERY[name](shape.with_values(big))
        assert not np.isinf(values).any()
        assert not [w for w in recwarn if issubclass(w.category, RuntimeWarning)]


class TestSymmetries:
    @pytest.mark.parametrize("name", [name for name in MOTION if name not in PLACED])
    @given(seed=seeds, angle=st.floats(0, 2 * np.pi), shift=st.floats(-3, 3))
    @settings(max_examples=20)
    def test_moving_and_turning_the_plane_changes_nothing(self, name, seed, angle, shift):
        motion = walks(seed)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        moved = motion.with_values(motion.values @ turn.T + shift)
        np.testing.assert_allclose(EVERY[name](moved), EVERY[name](motion), rtol=2e-4, atol=1e-4)

    @pytest.mark.parametrize("name", MOTION)
    @given(seed=seeds)
    @settings(max_examples=20)
    def test_running_backwards_changes_nothing(self, name, seed):
        motion = walks(seed, ragged=False)
        back = motion.with_values(motion.values[:, ::-1])
        # A tenth of a cycle is a trend: its frequency's likelihood is flat, and known to a thousandth of a cycle.
        atol = 1e-3 / (20 * 0.5) if name == "dominant-frequency" else 1e-9
        np.testing.assert_allclose(EVERY[name](back), EVERY[name](motion), rtol=1e-4, atol=atol)

    @pytest.mark.parametrize("name", [name for name in MOTION if name not in PLACED | {"dominant-frequency"}])
    @given(seed=seeds, shift=st.integers(-180, 180))
    @settings(max_examples=20)
    def test_turning_the_earth_about_its_axis_changes_nothing(self, name, seed, shift):
        motion = storms(seed)
        values = motion.values.astype(float)
        values[..., 1] = (values[..., 1] + shift + 180) % 360 - 180
        np.testing.assert_allclose(
            EVERY[name](motion.with_values(values)), EVERY[name](motion), rtol=2e-3, atol=2e-3
        )

    @pytest.mark.parametrize(
        ("name", "power"),
        [
            ("path-length", 1),
            ("displacement", 1),
            ("tortuosity", 0),
            ("total-turning", 0),
            ("mean-curvature", -1),
            ("duration", 0),
            ("mean-speed", 1),
            ("max-speed", 1),
            ("mean-acceleration", 1),
            ("mean-jerk", 1),
            ("kinetic-energy", 2),
            ("dominant-frequency", 0),
        ],
    )
    def test_scaling_space(self, name, power):
        motion = walks(1)
        scaled = motion.with_values(motion.values * 4)
        np.testing.assert_allclose(EVERY[name](scaled), EVERY[name](motion) * 4.0**power, rtol=1e-6)


class TestDefaultsAndOwn:
    def test_the_datas_own_quantity_comes_first(self):
        own = Trajectories(np.zeros((2, 3, 1)), quantity_name="logistic-map-r")
        assert [q.label for q in default_for(own)] == ["logistic-map-r"]
        with_settings = Trajectories(np.zeros((2, 3, 1)), quantity_name="path-length(unit=km)")
        assert [q.label for q in default_for(with_settings)] == ["path-length(unit=km)"]

    def test_else_the_motion(self):
        assert [q.name for q in default_for(walks(0))] == ["path-length", "displacement", "mean-speed"]

    @pytest.mark.parametrize("name", ["os:getcwd", "no-such", "path-length(", "\x1b[2J"])
    def test_a_file_cannot_choose_code_to_run_nor_break_the_terminal(self, name):
        hostile = Trajectories(np.zeros((2, 3, 1)), quantity_name=name)
        with pytest.raises(InputError) as caught:
            default_for(hostile)
        assert str(caught.value).isprintable()

    def test_any_callable_is_a_quantity(self):
        spread = Quantity(lambda t: t.values.std(axis=(1, 2)), name="spread", unit="m")
        motion = walks(0)
        assert spread(motion).shape == (len(motion),)
        assert (spread.label, spread.unit_of(motion)) == ("spread", "m")

        def mean_height(trajectories):
            return trajectories.values[:, :, 1].mean(axis=1)

        assert Quantity(mean_height).name == "mean-height"

    def test_a_callable_that_fails_or_gives_something_else_is_named(self):
        with pytest.raises(InputError, match="quantity 'q' failed: ZeroDivisionError"):
            Quantity(lambda t: 1 / 0, name="q")(walks(0))
        with pytest.raises(InputError, match=r"expected \(6,\) real numbers"):
            Quantity(lambda t: t.values, name="q")(walks(0))

    def test_settings_are_checked_and_lists_become_tuples(self):
        assert TimeInRegion(low=[0, 0], high=[1, 1]) == TimeInRegion(low=(0, 0), high=(1, 1))
        assert hash(TimeInRegion(low=[0], high=[1]))
        with pytest.raises(InputError, match="setting 'unit': got '3'; expected a word"):
            QUANTITIES["path-length"](unit=3)
        assert QUANTITIES["path-length"](channels="x") == QUANTITIES["path-length"](channels=("x",))


def test_importing_them_is_light():
    heavy = "('torch', 'scipy', 'matplotlib', 'h5py')"
    code = f"import sys, pushforward.quantities; print([m for m in {heavy} if m in sys.modules])"
    shown = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert shown.stdout.strip() == "[]"
