"""When a check holds, fails or is unclear, and the verdict that several give together."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pushforward.reproduce.checks import (
    Check,
    below_noise,
    beyond_noise,
    quiet,
    surely_above,
    surely_less,
    verdict_of,
)
from pushforward.reproduce.evidence import wilson
from pushforward.reproduce.measured import Measured, Number

OUTCOMES, ROLES = ("holds", "fails", "unclear"), ("claim", "premise", "context")


def number(*values, half=None):
    limits = [(None, None) if half is None or v is None else (v - half, v + half) for v in values]
    seeds = (Measured(i, v, low, high) for i, (v, (low, high)) in enumerate(zip(values, limits, strict=True)))
    return Number("data, arm", "number", tuple(seeds))


@pytest.mark.parametrize(
    ("values", "beyond", "below", "silent"),
    [
        ((1.5, 2.0), "holds", "fails", "fails"),
        ((0.5, 0.9), "fails", "holds", "holds"),
        ((0.5, 1.2), "unclear", "unclear", "holds"),
        ((0.9, 1.2), "unclear", "unclear", "fails"),
        ((2.0, None), "unclear", "unclear", "unclear"),
        ((), "unclear", "unclear", "unclear"),
    ],
)
def test_a_noise_floor_is_exceeded_in_every_seed_or_in_none(values, beyond, below, silent):
    found = number(*values)
    assert (beyond_noise(found), below_noise(found), quiet(found)) == (beyond, below, silent)


@pytest.mark.parametrize(
    ("values", "half", "outcome"),
    [
        ((0.6, 0.7), 0.05, "holds"),
        ((0.6, 0.7), 0.15, "unclear"),
        ((0.4, 0.3), 0.05, "fails"),
        ((0.4, 0.6), 0.05, "unclear"),
        ((None, 0.7), 0.05, "unclear"),
    ],
)
def test_limits_decide_whether_a_number_is_surely_above(values, half, outcome):
    assert surely_above(number(*values, half=half), 0.5) == outcome
    assert surely_above(number(*values, half=half), number(0.5, 0.5)) == outcome


def test_a_threshold_that_is_not_defined_decides_nothing():
    assert surely_above(number(1.0, 1.0), number(0.5, None)) == "unclear"


@pytest.mark.parametrize(
    ("mine", "other", "outcome"),
    [
        ((1, 2), (3, 4), "holds"),
        ((3, 4), (1, 2), "fails"),
        ((1, 4), (3, 2), "unclear"),
        ((1,), (), "unclear"),
    ],
)
def test_less_is_compared_within_a_seed_beyond_the_limits_of_both(mine, other, outcome):
    assert surely_less(number(*mine, half=0.4), number(*other, half=0.4)) == outcome
    assert surely_less(number(*mine, half=1.1), number(*other, half=1.1)) == "unclear"


@given(st.lists(st.tuples(st.sampled_from(ROLES), st.sampled_from(OUTCOMES)), max_size=5))
def test_the_verdict_follows_from_claims_and_premises_alone(pairs):
    verdict = verdict_of([Check("", outcome, (), role) for role, outcome in pairs])
    claims = [outcome for role, outcome in pairs if role == "claim"]
    premises = [outcome for role, outcome in pairs if role == "premise"]
    sound = bool(claims) and all(outcome == "holds" for outcome in premises)
    assert (verdict == "confirmed") == (sound and all(outcome == "holds" for outcome in claims))
    assert (verdict == "refuted") == (sound and "fails" in claims)


def test_wilsons_interval_is_that_of_scipy():
    from scipy import stats

    for k, n in ((0, 10), (7, 10), (990, 1000), (10, 10)):
        interval = stats.binomtest(k, n).proportion_ci(method="wilson")
        assert wilson(k / n, n) == pytest.approx((interval.low, interval.high), abs=1e-6)
