"""Trajectories: what is refused at the door, what belongs together, and that nothing is lost or mixed up."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from pushforward.errors import InputError
from pushforward.trajectories import Trajectories

FINITE = st.floats(-1e6, 1e6, width=32)


@st.composite
def batches_of_motion(draw, min_n=1, ragged=None, groups=None):
    """Any valid batch: shapes, raggedness, groups, conditions and truth vary."""
    n, steps, width = draw(st.integers(min_n, 8)), draw(st.integers(1, 7)), draw(st.integers(1, 3))
    values = draw(hnp.arrays(np.float32, (n, steps, width), elements=FINITE))
    lengths = group_ids = truth = None
    if draw(st.booleans()) if ragged is None else ragged:
        lengths = draw(hnp.arrays(np.int64, n, elements=st.integers(1, steps)))
    if draw(st.booleans()) if groups is None else groups:
        group_ids = draw(hnp.arrays(np.int64, n, elements=st.integers(0, 3)))
    if draw(st.booleans()):
        truth = draw(hnp.arrays(np.float64, n, elements=st.floats(-1, 1)))
    conditions = {"goal": np.arange(2.0 * n).reshape(n, 2)} if draw(st.booleans()) else {}
    return Trajectories(
        values,
        dt=0.5,
        lengths=lengths,
        groups=group_ids,
        quantity=truth,
        conditions=conditions,
        time_unit="min",
    )


def ramp(n=4, steps=5, width=2, **settings):
    return Trajectories(np.arange(n * steps * width, dtype=np.float32).reshape(n, steps, width), **settings)


class TestTheDoor:
    @pytest.mark.parametrize(
        ("values", "message"),
        [
            (np.zeros((3, 4)), r"shape \(3, 4\).*expected \(N, T, C\)"),
            (np.zeros((3, 0, 2)), "at least one time step"),
            (np.zeros((3, 4, 0)), "at least one time step"),
            (np.zeros((1, 2, 1), dtype=complex), "complex128.*expected real numbers"),
            (np.array([[["a"]]]), "expected real numbers"),
            (np.array([[[None]]]), "expected real numbers"),
        ],
    )
    def test_values_of_a_wrong_shape_or_dtype_are_refused(self, values, message):
        with pytest.raises(InputError, match=message):
            Trajectories(values)

    @pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf, 1e300])
    def test_the_first_number_that_is_not_finite_is_located(self, bad):
        values = np.zeros((4, 3, 2))
        values[2, 1, 1] = values[3, 0, 0] = bad
        with pytest.raises(InputError, match=r"2 of 4 trajectories.*first at index \(2, 1, 1\)"):
            Trajectories(values)

    def test_invalid_trajectories_can_be_dropped_with_all_that_belongs_to_them(self):
        values = np.arange(24.0).reshape(4, 3, 2)
        values[1, 0, 0] = np.nan
        kept = Trajectories(
            values,
            lengths=[3, 3, 2, 1],
            groups=["a", "b", "c", "d"],
            conditions={"goal": np.arange(4)},
            quantity=np.arange(4.0),
            drop_invalid=True,
        )
        assert kept.n_dropped == 1
        assert kept.groups.tolist() == ["a", "c", "d"]
        assert kept.lengths.tolist() == [3, 2, 1]
        assert kept.conditions["goal"].tolist() == [0, 2, 3]
        assert kept.quantity.tolist() == [0, 2, 3]
        assert kept.values[0].tolist() == values[0].tolist()

    def test_dropping_everything_is_refused(self):
        with pytest.raises(InputError, match="nothing is left"):
            Trajectories(np.full((2, 2, 1), np.nan), drop_invalid=True)

    def test_what_lies_beyond_the_length_may_be_anything_and_becomes_the_last_value(self):
        values = np.arange(10.0).reshape(2, 5, 1)
        values[0, 2:] = np.nan
        held = Trajectories(values, lengths=[2, 5])
        assert held.values[0, :, 0].tolist() == [0, 1, 1, 1, 1]
        assert held.values[1, :, 0].tolist() == [5, 6, 7, 8, 9]

    @pytest.mark.parametrize("huge", [3e38, -3e38])
    def test_large_finite_numbers_whose_sum_overflows_float32_are_accepted(self, huge):
        assert len(Trajectories(np.full((50, 4, 1), huge, dtype=np.float32))) == 50

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"dt": 0}, "dt: got 0.0; expected a positive number"),
            ({"dt": -1}, "dt"),
            ({"dt": np.nan}, "dt"),
            ({"dt": np.inf}, "dt"),
            ({"dt": "fast"}, "dt: got 'fast'"),
            ({"dt": None}, "dt"),
            ({"channels": ["x"]}, "got 1 names for 2 channels"),
            ({"channels": ["x", "x"]}, "duplicate names"),
            ({"channels": "xy"}, "got the text 'xy'"),
            ({"units": ["m"]}, "units: got 1 for 2 channels"),
            ({"lengths": [1, 2]}, r"lengths: got shape \(2,\)"),
            ({"lengths": [0, 1, 1, 1]}, "lengths: got 0 at index 0; expected 1 to 5"),
            ({"lengths": [1, 1, 9, 1]}, "lengths: got 9 at index 2"),
            ({"lengths": [1.5, 1, 1, 1]}, "lengths: got dtype float64"),
            ({"lengths": np.array([2**64 - 1, 1, 1, 1], dtype=np.uint64)}, "lengths"),
            ({"groups": [1, 2]}, r"groups: got shape \(2,\)"),
            ({"groups": [1.0, 2.0, 3.0, 4.0]}, "groups: got dtype float64"),
            ({"conditions": {"goal": [1, 2]}}, r"condition 'goal': got shape \(2,\)"),
            ({"conditions": {"goal": ["a"] * 4}}, "condition 'goal': expected numbers"),
            ({"conditions": {"goal": 3.0}}, "condition 'goal'"),
            ({"quantity": np.zeros((4, 2))}, r"quantity: got shape \(4, 2\)"),
            ({"quantity": np.zeros(3)}, "quantity"),
        ],
    )
    def test_settings_that_do_not_fit_are_refused_in_one_line(self, settings, message):
        with pytest.raises(InputError, match=message) as caught:
            ramp(**settings)
        assert "\n" not in str(caught.value)

    def test_control_characters_in_names_never_reach_the_terminal(self):
        hostile = "\x1b[31mred\n"
        with pytest.raises(InputError) as caught:
            ramp(channels=[hostile, hostile])
        assert str(caught.value).isprintable()
        assert repr(ramp(channels=[hostile, "y"])).isprintable()

    @pytest.mark.parametrize("dtype", [np.float64, np.float16, np.int16, np.uint8, np.bool_, ">f4", ">f8"])
    def test_real_numbers_of_every_kind_become_float32(self, dtype):
        made = Trajectories(np.array([[[0], [1]]]).astype(dtype))
        assert made.values.dtype == np.float32
        assert made.values.ravel().tolist() == [0, 1]


class TestImmutability:
    def test_no_array_can_be_written_and_no_field_replaced(self):
        made = ramp(
            lengths=[5, 4, 3, 2], groups=[0, 0, 1, 1], conditions={"goal": np.zeros(4)}, quantity=np.zeros(4)
        )
        for array in (made.values, made.lengths, made.groups, made.conditions["goal"], made.quantity):
            with pytest.raises(ValueError, match="read-only"):
                array[0] = 1
        with pytest.raises(FrozenInstanceError):
            made.dt = 2.0
        with pytest.raises(TypeError):
            made.conditions["other"] = np.zeros(4)

    def test_the_callers_own_arrays_stay_writable(self):
        values, lengths, truth = np.zeros((2, 3, 1), np.float32), np.array([1, 2]), np.zeros(2)
        Trajectories(values, lengths=lengths, quantity=truth)
        values[0], lengths[0], truth[0] = 1, 2, 3

    def test_what_the_caller_does_to_groups_and_truth_afterwards_does_not_matter(self):
        groups, truth = np.array([1, 2]), np.zeros(2)
        made = Trajectories(np.zeros((2, 3, 1)), groups=groups, quantity=truth)
        groups[0], truth[0] = 9, 9
        assert made.groups.tolist() == [1, 2]
        assert made.quantity.tolist() == [0, 0]


class TestShape:
    def test_defaults(self):
        made = ramp()
        assert (len(made), made.T, made.C) == (4, 5, 2)
        assert made.channels == ("x0", "x1")
        assert made.units == ("", "")
        assert made.steps.tolist() == [5] * 4
        assert made.mask.all()

    def test_steps_and_mask_follow_the_lengths(self):
        made = ramp(lengths=[1, 2, 5, 4])
        assert made.steps.tolist() == [1, 2, 5, 4]
        assert made.mask.sum(axis=1).tolist() == [1, 2, 5, 4]

    def test_an_unknown_channel_is_named_with_the_closest(self):
        with pytest.raises(InputError, match="unknown channel 'speeed'; did you mean 'speed'"):
            ramp(channels=["speed", "x"]).channel_index("speeed")

    def test_its_text_names_shape_channels_and_units(self):
        text = repr(ramp(channels=["x", "y"], units=["m", ""], lengths=[2, 5, 3, 3], dt=0.1))
        assert text == "Trajectories(N=4, T=5, C=2, lengths 2–5, dt=0.1 s: x [m], y)"

    def test_an_empty_batch_is_a_batch(self):
        empty = ramp(lengths=[5, 4, 3, 2]).select(slice(0, 0))
        assert len(empty) == 0
        assert "N=0" in repr(empty)
        for act in (lambda: empty.windows(2), lambda: empty.resample(3), lambda: empty.longer_than(1)):
            with pytest.raises(InputError):
                act()


class TestSelect:
    @given(batches_of_motion(), st.data())
    def test_every_part_travels_with_its_trajectory(self, motion, data):
        index = data.draw(st.lists(st.integers(-len(motion), len(motion) - 1), max_size=6))
        part = motion.select(index)
        assert len(part) == len(index)
        for name in ("values", "lengths", "groups", "quantity"):
            whole = getattr(motion, name)
            if whole is not None:
                assert np.array_equal(getattr(part, name), whole[np.array(index, dtype=int)])

    def test_integers_booleans_slices_and_one_index(self):
        motion = ramp()
        assert motion.select([1, 3]).equals(motion.select(np.array([False, True, False, True])))
        assert motion.select(slice(1, 3)).equals(motion.select([1, 2]))
        assert motion.select(2).equals(motion.select([2]))

    @pytest.mark.parametrize("index", [[4], [-5], [True, False], [0.5], [[0, 1]], ["a"]])
    def test_indices_that_do_not_fit_are_refused(self, index):
        with pytest.raises(InputError, match="select"):
            ramp().select(index)

    def test_channels_keep_their_units_and_take_the_asked_order(self):
        part = ramp(channels=["x", "y"], units=["m", "km"]).select_channels(["y", "x"])
        assert (part.channels, part.units) == (("y", "x"), ("km", "m"))
        assert part.values[0, 0].tolist() == [1, 0]
        with pytest.raises(InputError, match="unknown channel"):
            ramp().select_channels(["z"])

    def test_other_values_of_the_same_shape(self):
        motion = ramp(lengths=[5, 4, 3, 2])
        assert motion.with_values(motion.values * 2).values[0, 1, 0] == 4
        with pytest.raises(InputError, match="expected \\(4, 5, 2\\)"):
            motion.with_values(np.zeros((4, 5, 1)))


class TestBatchesAndConcat:
    @given(batches_of_motion(), st.integers(1, 10))
    def test_joining_the_batches_gives_the_whole(self, motion, size):
        parts = list(motion.batches(size))
        assert max(map(len, parts)) <= size
        assert Trajectories.concat(parts).equals(motion)

    def test_left_out_trajectories_are_counted_once(self):
        values = np.zeros((5, 2, 1))
        values[0] = np.nan
        motion = Trajectories(values, drop_invalid=True)
        assert Trajectories.concat(list(motion.batches(2))).n_dropped == 1

    @given(batches_of_motion(ragged=False, groups=False), st.integers(1, 5))
    def test_shorter_parts_are_padded_and_keep_their_lengths(self, motion, extra):
        longer = Trajectories(
            np.zeros((2, motion.T + extra, motion.C)), dt=motion.dt, channels=motion.channels, time_unit="min"
        )
        joined = Trajectories.concat([motion, longer])
        assert joined.steps.tolist() == [motion.T] * len(motion) + [motion.T + extra] * 2
        assert np.array_equal(joined.values[: len(motion), : motion.T], motion.values)
        assert np.array_equal(joined.values[: len(motion), -1], motion.values[:, -1])

    @pytest.mark.parametrize(
        ("settings", "message"),
        [
            ({"dt": 2.0}, "dt differ: got 2.0; expected 1.0"),
            ({"channels": ["a", "b"]}, "channels differ"),
            ({"units": ["m", "m"]}, "units differ"),
            ({"time_unit": "h"}, "time_unit differ"),
            ({"groups": [0, 1, 2, 3]}, "some parts have groups"),
        ],
    )
    def test_parts_that_disagree_are_refused(self, settings, message):
        with pytest.raises(InputError, match=message):
            Trajectories.concat([ramp(), ramp(**settings)])

    def test_conditions_of_different_shape_are_refused(self):
        with pytest.raises(InputError, match="condition 'goal' has shapes"):
            Trajectories.concat(
                [ramp(conditions={"goal": np.zeros(4)}), ramp(conditions={"goal": np.zeros((4, 2))})]
            )

    def test_nothing_to_join_is_refused(self):
        with pytest.raises(InputError, match="got no trajectories"):
            Trajectories.concat([])

    def test_truths_of_different_quantities_are_not_mixed(self):
        one = ramp(quantity=np.zeros(4), quantity_name="path-length")
        other = ramp(quantity=np.ones(4), quantity_name="duration")
        joined = Trajectories.concat([one, other])
        assert joined.quantity is None
        assert joined.quantity_name is None
        assert Trajectories.concat([one, one]).quantity_name == "path-length"

    def test_a_batch_size_below_one_is_refused(self):
        with pytest.raises(InputError, match="batch size"):
            next(ramp().batches(0))


class TestTime:
    def test_resampling_a_straight_line_is_exact_and_keeps_the_duration(self):
        line = Trajectories(np.linspace(0, 1, 5)[None, :, None], dt=0.25)
        fine = line.resample(9)
        assert fine.dt == pytest.approx(0.125)
        np.testing.assert_allclose(fine.values[0, :, 0], np.linspace(0, 1, 9), atol=1e-7)

    @given(batches_of_motion(ragged=False))
    def test_resampling_to_the_same_length_changes_nothing(self, motion):
        if motion.T >= 2:
            assert motion.resample(motion.T).equals(motion)

    def test_resampling_keeps_ends_and_refuses_unequal_lengths(self):
        motion = ramp(lengths=[4, 4, 4, 4])
        assert motion.resample(7).values[:, -1].tolist() == motion.values[:, 3].tolist()
        with pytest.raises(InputError, match="lengths run from 2 to 5"):
            ramp(lengths=[5, 4, 3, 2]).resample(4)
        with pytest.raises(InputError, match="T = 1"):
            motion.resample(1)

    @given(batches_of_motion(), st.integers(1, 7), st.integers(1, 7))
    def test_windows_are_every_valid_stretch_and_know_their_owner(self, motion, length, stride):
        wanted = [
            (owner, motion.values[owner, start : start + length])
            for owner in range(len(motion))
            for start in range(0, int(motion.steps[owner]) - length + 1, stride)
        ]
        if not wanted:
            with pytest.raises(InputError, match="windows"):
                motion.windows(length, stride)
            return
        made = motion.windows(length, stride)
        assert np.array_equal(made.values, np.stack([stretch for _, stretch in wanted]))
        owners = np.array([owner for owner, _ in wanted])
        assert np.array_equal(made.groups, owners if motion.groups is None else motion.groups[owners])
        assert made.lengths is None
        assert made.quantity is None

    @pytest.mark.parametrize(("length", "stride"), [(0, 1), (2, 0), (2, -1), (9, 1)])
    def test_windows_that_cannot_be_are_refused(self, length, stride):
        with pytest.raises(InputError, match="windows"):
            ramp().windows(length, stride)

    def test_longer_than(self):
        motion = ramp(lengths=[5, 4, 3, 2])
        assert motion.longer_than(4).steps.tolist() == [5, 4]
        with pytest.raises(InputError, match="the longest has 5"):
            motion.longer_than(6)


class TestSplit:
    @given(batches_of_motion(min_n=2), st.floats(0.05, 0.95), st.integers(0, 5))
    @settings(max_examples=50)
    def test_parts_are_disjoint_complete_and_share_no_group(self, motion, fraction, seed):
        clusters = np.arange(len(motion)) if motion.groups is None else motion.groups
        tagged = Trajectories(motion.values, groups=clusters, quantity=np.arange(len(motion)))
        if len(set(clusters.tolist())) < 2:
            with pytest.raises(InputError, match="independent groups"):
                tagged.split(fraction, seed)
            return
        first, second = tagged.split(fraction, seed)
        assert sorted([*first.quantity, *second.quantity]) == list(range(len(motion)))
        assert not set(first.groups.tolist()) & set(second.groups.tolist())
        assert len(first) > 0
        assert len(second) > 0

    def test_the_same_seed_gives_the_same_parts(self):
        motion = ramp(n=50)
        assert motion.split(0.8, seed=3)[0].equals(motion.split(0.8, seed=3)[0])
        assert not motion.split(0.8, seed=3)[0].equals(motion.split(0.8, seed=4)[0])
        assert len(motion.split(0.8)[0]) == 40

    @pytest.mark.parametrize("fraction", [0, 1, -0.5, 2, np.nan])
    def test_fractions_outside_are_refused(self, fraction):
        with pytest.raises(InputError, match="split fraction"):
            ramp().split(fraction)


class TestEquals:
    @pytest.mark.parametrize(
        "settings",
        [
            {"dt": 2.0},
            {"channels": ["a", "b"]},
            {"units": ["m", "m"]},
            {"lengths": [5, 5, 5, 4]},
            {"groups": [0, 1, 2, 3]},
            {"conditions": {"goal": np.zeros(4)}},
            {"quantity": np.zeros(4)},
            {"quantity_name": "duration"},
            {"time_unit": "h"},
        ],
    )
    def test_every_difference_counts(self, settings):
        assert ramp().equals(ramp())
        assert not ramp().equals(ramp(**settings))
        assert ramp(**settings).equals(ramp(**settings))

    def test_padding_does_not_count_and_unknown_truth_equals_itself(self):
        short = Trajectories(np.ones((2, 3, 1)), lengths=[3, 2], quantity=[np.nan, 1])
        padded = Trajectories(np.ones((2, 9, 1)), lengths=[3, 2], quantity=[np.nan, 1])
        assert short.equals(padded)


def test_nobody_can_change_the_values_after_validation():
    values = np.zeros((2, 3, 1), dtype=np.float32)
    trajectories = Trajectories(values)
    values[0, 0, 0] = np.nan
    assert trajectories.values[0, 0, 0] == 0
    assert not trajectories.values.flags.writeable


def test_steps_that_float32_would_round_away_are_refused():
    walk = np.cumsum(np.random.default_rng(0).normal(size=(50, 8, 2)) * 0.01, axis=1)
    assert len(Trajectories(walk)) == 50
    with pytest.raises(InputError, match="offset"):
        Trajectories(walk + 5e6)
