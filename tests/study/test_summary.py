"""Intervals over seeds and differences from the control, against SciPy and by hand."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from pushforward.study.metrics import NUMBERS
from pushforward.study.plan import FRESH
from pushforward.study.summary import interval, summarised


def row(arm, seed, w1, verdict="no drift found", data="d", quantity="q", samples=10):
    numbers = dict.fromkeys(NUMBERS)
    return {
        **numbers, "data": data, "arm": arm, "seed": seed, "samples": samples, "quantity": quantity, "unit": "m",
        "verdict": verdict, "w1": w1,
    }  # fmt: skip


@given(st.lists(st.floats(-1e6, 1e6), min_size=2, max_size=20), st.sampled_from([0.01, 0.05, 0.32]))
def test_the_interval_is_students(values, level):
    found = interval(values, level)
    error = stats.sem(values)
    low, high = stats.t.interval(1 - level, len(values) - 1, np.mean(values), error if error > 0 else 1e-300)
    scale = max(map(abs, values)) + 1
    assert found.mean == pytest.approx(np.mean(values), abs=1e-9 * scale)
    assert found.low == pytest.approx(low, abs=1e-9 * scale)
    assert found.high == pytest.approx(high, abs=1e-9 * scale)


def test_one_seed_has_no_interval():
    found = interval([3.0])
    assert (found.mean, found.n) == (3.0, 1)
    assert math.isnan(found.low)
    assert math.isnan(found.high)


def test_intervals_cover_as_often_as_they_say():
    rng = np.random.default_rng(0)
    n = 2000
    covered = sum((found := interval(rng.normal(2, 3, 4))).low <= 2 <= found.high for _ in range(n))
    assert stats.binomtest(covered, n, 0.95).pvalue > 1e-4


def test_differences_are_taken_seed_by_seed_so_that_what_the_seeds_share_cancels():
    shared = {0: 5.0, 1: -7.0, 2: 100.0, 3: 0.5}
    rows = [row("control", seed, value) for seed, value in shared.items()]
    rows += [
        row("arm", seed, value + 1 + 0.01 * seed, "drift") for seed, value in shared.items() if seed != 3
    ]
    control, arm = summarised(rows, "control")
    assert control.differences == {}
    assert (arm.n, arm.n_drift, arm.differences["w1"].n) == (3, 3, 3)
    paired = stats.ttest_1samp([1.0, 1.01, 1.02], 0).confidence_interval(0.95)
    assert arm.differences["w1"].mean == pytest.approx(1.01)
    assert arm.differences["w1"].low == pytest.approx(paired.low)
    assert arm.differences["w1"].high == pytest.approx(paired.high)
    assert arm.numbers["w1"].high - arm.numbers["w1"].low > 100 * (paired.high - paired.low)


def test_lines_keep_the_order_of_the_plan_and_never_mix_data_sizes_or_quantities():
    rows = [
        row(arm, seed, i, data=data, quantity=quantity, samples=samples)
        for i, data in enumerate(("b", "a"))
        for samples in (10, 20)
        for quantity in ("z", "y")
        for arm in (FRESH, "x")
        for seed in (1, 0)
    ]
    lines = summarised(rows, FRESH)
    assert [(s.data, s.samples, s.quantity, s.arm) for s in lines] == list(
        dict.fromkeys((r["data"], r["samples"], r["quantity"], r["arm"]) for r in rows)
    )
    assert all(line.n == 2 and set(line.numbers) == {"w1"} for line in lines)


def test_a_control_that_has_not_run_gives_no_difference():
    assert summarised([row("arm", 0, 1.0)], "control")[0].differences == {}
