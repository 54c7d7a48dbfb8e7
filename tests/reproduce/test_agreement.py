"""A claim run again agrees or disagrees with what was committed, within the uncertainty of both."""

import dataclasses

import numpy as np
import pytest

from pushforward.errors import InputError
from pushforward.reproduce import Budget
from pushforward.reproduce.agreement import LEVEL, compared
from pushforward.reproduce.checks import Check
from pushforward.reproduce.measured import Measured, Number
from pushforward.reproduce.record import Reproduced


def result(*values, half=0.1, outcome="holds", role="claim", runs=("a",)):
    seeds = (Measured(i, v, v - half, v + half) for i, v in enumerate(values))
    number = Number("maze, diffusion", "W1", tuple(seeds))
    return Reproduced(
        claim="forecast-maze",
        statement="s",
        rule="r",
        checks=(Check("c", outcome, (number,), role),),
        budget=Budget(seeds=tuple(range(len(values)))),
        data=("maze",),
        arms=("diffusion",),
        kernels=(),
        runs=runs,
        versions={"pushforward": "0"},
        cpu_seconds=1.0,
        date="2026-11-21",
    )


def test_the_same_result_agrees_and_is_known_to_be_the_same_runs():
    found = compared(result(1.0, 1.2), result(1.0, 1.2))
    assert found.agrees
    assert found.same_runs
    assert found.to_json()["agrees"] is True


def test_another_verdict_disagrees_though_the_numbers_do_not():
    found = compared(result(1.0, 1.2), result(1.0, 1.2, outcome="fails"))
    assert (found.committed, found.now, found.agrees) == ("confirmed", "refuted", False)
    assert all(one.agrees for one in found.differences)


def test_a_number_outside_its_margin_disagrees():
    near, far = result(1.0, 1.05, half=0.3), result(3.0, 3.05, half=0.3, runs=("b",))
    found = compared(near, far)
    assert not found.agrees
    assert not found.same_runs
    assert found.differences[0].margin < 2.0


def test_errors_within_a_run_count_where_seeds_happen_to_agree():
    assert not compared(result(1.0, 1.0, half=0.01), result(1.1, 1.1, half=0.01)).agrees
    assert compared(result(1.0, 1.0, half=0.2), result(1.1, 1.1, half=0.2)).agrees


def test_what_decides_nothing_is_not_compared_and_what_is_lost_disagrees():
    assert compared(result(1.0, role="context"), result(9.0, role="context")).differences == ()
    lost = result(1.0)
    none = dataclasses.replace(lost, checks=(dataclasses.replace(lost.checks[0], numbers=()),))
    assert not compared(lost, none).agrees


def test_seeds_of_one_law_disagree_as_rarely_as_the_level_says():
    rng, n = np.random.default_rng(0), 600
    apart = sum(
        not compared(result(*rng.normal(size=2), half=0), result(*rng.normal(size=2), half=0)).agrees
        for _ in range(n)
    )
    assert apart <= n * LEVEL + 3 * np.sqrt(n * LEVEL)


def test_a_result_is_read_back_as_it_was_written():
    found = result(1.0, 2.0)
    assert Reproduced.from_json(found.to_json()) == found


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"format": "x"}, "not the result of a claim"),
        ({"format_version": 2}, "format version 2"),
        ({"checks": [{}]}, "damaged"),
        ({"budget": {"sedes": 1}}, "damaged"),
        ({"cpu_seconds": None}, "damaged"),
    ],
)
def test_a_damaged_result_is_refused_in_one_line(change, says):
    with pytest.raises(InputError, match=says):
        Reproduced.from_json(result(1.0).to_json() | change)
