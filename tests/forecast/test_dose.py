"""The dose–response: drift over the scale, and the largest scale within a tolerance."""

import numpy as np
import pytest
from tests.forecast.closed_forms import C, T, normal_trajectories, squared_norm

import pushforward as pf
from pushforward.errors import InputError
from pushforward.kernels import Gaussian

SCALES = (0.05, 0.1, 0.2, 0.4)


@pytest.fixture(scope="module")
def dose():
    return pf.dose_response(Gaussian(relative=False), normal_trajectories(20_000), squared_norm(), SCALES)


def test_the_shift_of_a_quadratic_quantity_grows_with_the_square_of_the_scale(dose):
    for scale, shift in zip(dose.scales, dose.mean_shifts, strict=True):
        exact = scale**2 * T * C
        assert (
            shift.low - 0.3 * (shift.high - shift.low) <= exact <= shift.high + 0.3 * (shift.high - shift.low)
        )


def test_w1_is_the_shift_where_everything_grows(dose):
    """(1 + s²)·χ² lies above χ² everywhere, so W1 is the shift of the mean."""
    for w1, shift in zip(dose.w1s, dose.mean_shifts, strict=True):
        assert w1.value == pytest.approx(shift.value, rel=0.05, abs=0.02)


def test_the_tolerance_is_met_at_the_scale_of_the_closed_form(dose):
    found = dose.within(0.5)
    assert found.value == pytest.approx(np.sqrt(0.5 / (T * C)), rel=0.1)
    assert found.low <= found.value <= found.high


def test_a_tolerance_that_nothing_exceeds_has_no_largest_scale(dose):
    assert dose.within(100.0).value is None


def test_a_tolerance_below_the_first_scale_lies_between_it_and_zero(dose):
    assert 0 < dose.within(1e-3).value < SCALES[0]


def test_without_scales_the_kernels_own_sweep_is_taken():
    dose = pf.dose_response(Gaussian(), normal_trajectories(500), squared_norm(), repeats=1)
    np.testing.assert_array_equal(dose.scales, Gaussian.scales)
    assert all(one.grid == dose.forecasts[0].grid for one in dose.forecasts)
    assert dose.at(0.02).scale == 0.02
    assert len(str(dose).splitlines()) == 3 + len(Gaussian.scales)
    assert len(dose.to_json()["forecasts"]) == len(Gaussian.scales)


def test_random_numbers_are_common_so_that_the_curve_is_smooth():
    """Adjacent scales differ by far less than their own error."""
    dose = pf.dose_response(Gaussian(), normal_trajectories(2000), squared_norm(), [0.1, 0.101], repeats=1)
    first, second = dose.mean_shifts
    assert abs(second.value - first.value) < 0.1 * (first.high - first.low)


@pytest.mark.parametrize(
    ("scales", "said"),
    [([], "scales: got"), ([-0.1], "at least 0"), ([0.1, 0.1], "each once"), (["much"], "expected numbers")],
)
def test_bad_scales_are_refused(scales, said):
    with pytest.raises(InputError, match=said):
        pf.dose_response(Gaussian(), normal_trajectories(50), squared_norm(), scales)


def test_bad_tolerances_and_unknown_scales_are_refused(dose):
    with pytest.raises(InputError, match="tolerance: got -1"):
        dose.within(-1)
    with pytest.raises(InputError, match="scale: got 3; expected one of"):
        dose.at(3)
