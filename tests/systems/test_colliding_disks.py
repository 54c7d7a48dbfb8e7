"""Disks in a box: what collisions keep, where they happen, and splits by what has been seen."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import stats

from pushforward.errors import InputError
from pushforward.quantities import TotalKineticEnergy, TotalMomentum
from pushforward.systems import CollidingDisks, create
from pushforward.systems.disk_splits import INSIDE, split
from pushforward.systems.events import advance

UNIFORM = stats.uniform(1, 8)
BOX = 10.0


def disks(*states):
    """Positions, velocities, radii 1 and masses of one box."""
    state = np.array(states, dtype=float)
    return state[None, :, :2], state[None, :, 2:4], np.ones((1, 2)), state[None, :, 4]


class TestEvents:
    def test_equal_disks_head_on_exchange_their_velocities(self):
        position, velocity = advance(*disks((3, 5, 1, 0, 1), (7, 5, -1, 0, 1)), BOX, 2.0)
        np.testing.assert_allclose(position[0], [[3, 5], [7, 5]])
        np.testing.assert_allclose(velocity[0], [[-1, 0], [1, 0]])

    def test_unequal_masses_follow_newton(self):
        # Head-on, elastic: v0 = (m0 − m1) / (m0 + m1) u, v1 = 2 m0 / (m0 + m1) u.
        _, velocity = advance(*disks((3, 5, 2, 0, 1), (6, 5, 0, 0, 3)), BOX, 1.0)
        np.testing.assert_allclose(velocity[0], [[-1, 0], [1, 0]], atol=1e-12)

    def test_an_oblique_contact_changes_only_the_component_along_the_centres(self):
        start = disks((3, 5, 1, 0, 1), (6, 6, 0, 0, 1))
        _, velocity = advance(*start, BOX, 3.0)
        assert velocity[0, 1, 1] > 0
        np.testing.assert_allclose(velocity[0].sum(axis=0), [1, 0], atol=1e-12)
        np.testing.assert_allclose(np.square(velocity).sum(), 1)

    def test_walls_mirror_and_a_corner_mirrors_both_components(self):
        position, velocity = advance(*disks((8, 8, 1, 1, 1), (2, 2, 0, 0, 1)), BOX, 2.0)
        np.testing.assert_allclose(position[0, 0], [8, 8])
        np.testing.assert_allclose(velocity[0, 0], [-1, -1])

    def test_time_can_be_run_back(self):
        rng = np.random.default_rng(0)
        made = CollidingDisks().sample(500, UNIFORM, T=2, seed=2)
        state = made.values[:, 0].astype(float).reshape(-1, 2, 4)
        start, speed = state[:, :, :2], state[:, :, 2:]
        bodies = np.ones((500, 2)), rng.uniform(0.5, 3, (500, 2))
        there, going = advance(start, speed, *bodies, BOX, 3.0)
        back, returning = advance(there, -going, *bodies, BOX, 3.0)
        np.testing.assert_allclose(back, start, atol=1e-8)
        np.testing.assert_allclose(returning, -speed, atol=1e-8)


class TestSystem:
    system = CollidingDisks(radius0=0.8, radius1=1.2, mass0=1.0, mass1=2.5)

    def test_the_energy_is_the_truth_at_every_step_and_velocities_are_uniform_on_its_surface(self):
        made = self.system.sample(5000, UNIFORM, T=64)
        assert made.quantity_name == "total-kinetic-energy(masses=(1.0,2.5))"
        v = made.values.astype(float).reshape(5000, 64, 2, 4)[..., 2:]
        energy = 0.5 * (np.array([1.0, 2.5]) * np.square(v).sum(axis=-1)).sum(axis=-1)
        np.testing.assert_allclose(energy, np.tile(made.quantity[:, None], 64), rtol=1e-6)
        # A point uniform on the sphere in four dimensions: two squares hold a uniform share of the energy.
        for step in (0, 63):
            share = 0.5 * np.square(v[:, step, 0]).sum(axis=-1) / made.quantity
            assert stats.kstest(share, "uniform").pvalue > 0.001

    def test_disks_stay_inside_and_apart(self):
        made = self.system.sample(2000, UNIFORM, T=128)
        position = made.values.astype(float).reshape(2000, 128, 2, 4)[..., :2]
        radii = np.array([0.8, 1.2])[:, None]
        assert (position >= radii - 1e-5).all()
        assert (position <= 10 - radii + 1e-5).all()
        assert (np.linalg.norm(position[:, :, 0] - position[:, :, 1], axis=-1) >= 2 - 1e-5).all()

    def test_momentum_is_kept_until_a_wall_is_met(self):
        wide = CollidingDisks(side=1000.0, radius0=100.0, radius1=100.0)
        made = wide.sample(200, UNIFORM, T=8)
        v = made.values.astype(float).reshape(200, 8, 2, 4)[..., 2:]
        free = np.abs(np.diff(v, axis=1)).max(axis=(1, 2, 3)) == 0
        total = np.linalg.norm(v.sum(axis=2), axis=-1)
        np.testing.assert_allclose(TotalMomentum()(made)[free], total[free, 0], rtol=1e-6)
        assert free.mean() > 0.5

    @pytest.mark.parametrize(
        "broken",
        [
            lambda v: v * np.float32([1, 1, 1.5, 1.5] * 2),  # faster than it moves
            lambda v: np.where(np.arange(32)[None, :, None] < 16, v, v[:, :1]),  # back at the start
            lambda v: v + np.float32([3, 0, 0, 0] * 2),  # through the wall
        ],
    )
    def test_what_breaks_the_law_is_not_valid(self, broken):
        made = self.system.sample(100, stats.uniform(20, 5))
        assert self.system.valid(made).all()
        assert self.system.valid(made.with_values(broken(made.values))).mean() <= 0.1

    @pytest.mark.parametrize("energy", [0.0, -1.0])
    def test_energies_that_do_not_fit(self, energy):
        with pytest.raises(InputError, match=r"kinetic energy of .* J .*; expected above 0"):
            CollidingDisks().sample(2, [energy])

    @pytest.mark.parametrize(
        ("parameters", "message"),
        [
            ({"radius0": 0.0}, "radius0 = 0; expected above 0"),
            ({"mass1": -1.0}, "mass1 = -1"),
            ({"side": 5.0}, "box of 5 m; expected at least"),
            ({"tolerance": -1.0}, "tolerance"),
        ],
    )
    def test_parameters_that_do_not_fit(self, parameters, message):
        with pytest.raises(InputError, match=message):
            create("colliding-disks", **parameters)

    @pytest.mark.parametrize("masses", [(1.0,), (1.0, 2.0, 3.0)])
    def test_masses_that_do_not_fit(self, masses):
        with pytest.raises(InputError, match="expected two channels for each body"):
            TotalKineticEnergy(masses=masses)(CollidingDisks().sample(2, UNIFORM))
        with pytest.raises(InputError, match="mass 0; expected above 0 kg"):
            TotalKineticEnergy(masses=(0.0,))


class TestSplits:
    def levels(self, made):
        """(3, N, 2) whether radius, mass and speed lie in the upper half of the range seen in training."""
        state = made.values[:, 0].astype(float).reshape(-1, 2, 6)
        attributes = {
            "radius": state[..., 4],
            "mass": state[..., 5],
            "speed": np.hypot(*np.moveaxis(state[..., 2:4], -1, 0)),
        }
        for name, values in attributes.items():
            low, high = INSIDE[name]
            assert ((values >= low - 1e-6) & (values <= high + 1e-6)).all()
        return np.stack([attributes[name] > sum(INSIDE[name]) / 2 for name in INSIDE])

    @pytest.mark.parametrize(("kind", "parity"), [("in-distribution", 0), ("combinatorial", 1)])
    def test_combinations_are_held_out_while_every_pair_of_values_is_seen(self, kind, parity):
        level = self.levels(split(kind, 2000))
        assert (level.sum(axis=0) % 2 == parity).mean() > 0.999  # but for float32 at the boundary
        for a, b in ((0, 1), (0, 2), (1, 2)):
            seen = 2 * level[a] + level[b]
            assert (np.bincount(seen.ravel(), minlength=4) > 800).all()

    def test_outside_nothing_was_seen(self):
        state = split("out-of-distribution", 1000).values[:, 0].astype(float).reshape(-1, 2, 6)
        for values, name in ((state[..., 4], "radius"), (state[..., 5], "mass")):
            low, high = INSIDE[name]
            assert ((values < low) | (values > high)).all()

    @pytest.mark.parametrize("kind", ["in-distribution", "out-of-distribution", "combinatorial"])
    def test_the_energy_is_measured_with_the_masses_in_the_data(self, kind):
        made = split(kind, 500, seed=4)
        assert made.quantity_name == "total-kinetic-energy"
        np.testing.assert_allclose(TotalKineticEnergy()(made), made.quantity, rtol=1e-6)
        assert made.equals(split(kind, 500, seed=4))

    def test_what_does_not_fit(self):
        with pytest.raises(InputError, match="unknown split 'combinatoric'; did you mean 'combinatorial'"):
            split("combinatoric", 3)
        with pytest.raises(InputError, match="n = 0"):
            split("combinatorial", 0)
