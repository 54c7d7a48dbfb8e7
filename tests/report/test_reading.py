"""The plain-language reading says what the numbers say."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from pushforward.measure import Bins, Shift
from pushforward.report.reading import answer, described, mass_changes, reading


def bins(gain, expected=None, made=None, edges=None) -> Bins:
    gain = np.asarray(gain)
    expected = np.full(len(gain), 1 / len(gain)) if expected is None else np.asarray(expected)
    made = expected + 0.02 * gain if made is None else np.asarray(made)
    return Bins(
        edges=np.arange(len(gain) - 1.0) if edges is None else np.asarray(edges, dtype=float),
        expected=expected,
        made=made,
        low=np.maximum(made - 0.01, 0),
        high=made + 0.01,
        null_low=np.maximum(expected - 0.01, 0),
        null_high=expected + 0.01,
        gain=gain,
    )


@pytest.fixture(scope="module")
def length(example):
    """One quantity, shifted up by exactly 0.1 m at n = 2,000."""
    grid = np.linspace(1.0, 2.0, 2000)
    return example.one(grid + 0.1, grid).quantities[0]


def text_of(quantity, **changes) -> str:
    return (
        " ".join(reading(dataclasses.replace(quantity, **changes)))
        .replace("\u00a0", " ")
        .replace("\u202f", " ")
    )


def test_neighbouring_bins_of_one_sign_are_one_range():
    changes = mass_changes(bins([0, 1, 1, -1, 0, 1]))
    assert [(c.sign, c.low, c.high) for c in changes] == [(1, 0, 2), (-1, 2, 3), (1, 4, math.inf)]
    assert changes[0].change == pytest.approx(0.04)
    assert changes[0].expected == pytest.approx(2 / 6)


def test_ranges_that_only_touch_stay_apart_when_signs_differ():
    assert [c.sign for c in mass_changes(bins([-1, 1, -1]))] == [-1, 1, -1]


def test_the_outer_bins_reach_to_infinity():
    first, last = mass_changes(bins([1, 0, 0, -1]))
    assert (first.low, first.high) == (-math.inf, 0)
    assert (last.low, last.high) == (2, math.inf)


def test_direction_and_size_of_the_shift(length):
    assert "higher by 0.100 m" in text_of(length)
    assert "1.600 m where 1.500 m was intended" in text_of(length)
    lower = Shift(-length.mean_shift.value, -length.mean_shift.high, -length.mean_shift.low)
    assert "lower by 0.100 m" in text_of(length, mean_shift=lower)


def test_the_shift_is_given_in_intended_standard_deviations(length):
    # Uniform on [1, 2]: σ = 1/√12, so 0.1 is 0.346 σ.
    assert "0.35 intended standard deviations" in text_of(length)


def test_an_interval_with_zero_inside_is_no_clear_shift(length):
    text = text_of(length, mean_shift=Shift(0.01, -0.02, 0.04))
    assert "no clear shift: +0.010 m (95 % CI [−0.020, +0.040] m" in text
    assert "higher" not in text


def test_distance_is_read_beside_its_noise_floor(length):
    quiet = dataclasses.replace(length.w1, value=0.01, null_95=0.02)
    loud = dataclasses.replace(length.w1, value=0.08, null_95=0.02)
    assert "0.0800 m apart (W1), 4.0 times the noise floor of 0.020 m" in text_of(length, w1=loud)
    assert "sampling noise alone stays below 0.020 m in 95 % of comparisons" in text_of(length, w1=quiet)


def test_gains_and_losses_name_range_and_shares(length):
    changed = bins([0, 1, 0, -1], [0, 0.25, 0.5, 0.25], [0, 0.45, 0.5, 0.05])
    text = text_of(length, bins=changed)
    assert "▲ Gained: 0.0 to 1.0 m +20.0 points (25.0 % intended, 45.0 % made)." in text
    assert "▼ Lost: above 2.0 m −20.0 points (25.0 % intended, 5.0 % made)." in text


def test_only_the_three_largest_ranges_are_spelled_out(length):
    changed = bins([1, 0] * 5)
    assert "and 2 smaller ranges" in text_of(length, bins=changed)


def test_marks_without_drift_are_put_into_perspective(length):
    changed = bins([0, 1, 0])
    assert "verdict rests on W1" in text_of(length, bins=changed, verdict="no drift found")
    assert "verdict rests on W1" not in text_of(length, bins=changed, verdict="drift")


def test_tails(length):
    text = text_of(length, tail_low=Shift(-0.01, -0.012, -0.008), tail_high=Shift(0.1, 0.08, 0.12))
    assert "below the intended 1 % quantile changed by −1.0 points [−1.2, −0.80]" in text
    assert "above the 99 % quantile changed by +10.0 points [+8.0, +12.0]" in text


def test_undefined_trajectories_are_counted(length):
    text = text_of(length, n_made=90, n_invalid=10, n_reference=995, n_invalid_reference=5)
    assert "10 of 100 generated trajectories (10.0 %) and 5 of 1,000 reference trajectories (0.50 %)" in text
    assert "Not defined" not in text_of(length)


def test_tolerance_groups_and_sensitivity(length):
    text = text_of(length, tolerance=0.05, n_groups_made=12, n_groups_reference=34, minimum_detectable=0.0123)
    assert "Tolerance: W1 up to 0.0500 m" in text
    assert "12 generated groups and 34 reference groups" in text
    assert "a shift of the mean of 0.012 m with 80 % power" in text


def test_the_confidence_follows_the_audits_level(length):
    assert "99 % CI" in " ".join(reading(length, level=0.01)).replace("\u00a0", " ")


def test_nothing_undefined_is_ever_spelled_nan(length):
    nothing = Shift(math.nan, math.nan, math.nan)
    empty = dataclasses.replace(length.w1, value=math.nan, null_95=math.nan, low=math.nan, high=math.nan)
    text = text_of(
        length, mean_shift=nothing, tail_low=nothing, tail_high=nothing, w1=empty, minimum_detectable=math.nan,
        mean_made=math.nan, std_expected=math.nan, tolerance=1.0,
    )  # fmt: skip
    assert "nan" not in text
    assert "shift of the mean is not defined" in text
    assert "W1 between the two distributions is not defined" in text


def test_no_unit_leaves_no_empty_space(length):
    text = text_of(length, unit="")
    assert "higher by 0.100 (95 % CI" in text
    assert "  " not in text


@pytest.mark.parametrize(
    ("verdicts", "sentence"),
    [
        (["drift", "drift", "no drift found"], "2 of 3 quantities drifted; no drift was found in 1."),
        (["drift", "drift"], "Both quantities drifted."),
        (["no drift found"] * 3, "No drift was found in any of 3 quantities."),
        (["within tolerance"] * 2, "Both quantities stayed within the tolerance."),
        (
            ["drift", "within tolerance", "inconclusive"],
            "1 of 3 quantities drifted; 1 stayed within the tolerance; 1 could not be decided.",
        ),
        (
            ["inconclusive", "no drift found"],
            "1 of 2 quantities could not be decided; no drift was found in 1.",
        ),
        (["drift"], "The distribution of length drifted."),
        (["inconclusive"], "For length the sample is too small to decide."),
    ],
)
def test_the_answer_is_one_sentence(example, length, verdicts, sentence):
    quantities = tuple(dataclasses.replace(length, verdict=verdict) for verdict in verdicts)
    audit = dataclasses.replace(example.one([1.0, 2.0], [1.0, 3.0]), quantities=quantities)
    assert answer(audit) == sentence


def test_figures_carry_their_content_as_text(length):
    text = described(length).replace("\u00a0", " ")
    assert "Distribution of length in m" in text
    assert "higher by 0.100 m" in text
    assert "▲ Gained" in text
    assert "▼ Lost" in text
