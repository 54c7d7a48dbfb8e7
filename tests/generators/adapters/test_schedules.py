"""Schedules as levels σ / α: what the network is told for a level, and how levels between two times are reached."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.generators.adapters.schedules import DiscreteSchedule, EdmSchedule, FlowSchedule

BAR = np.cumprod(1 - np.linspace(1e-4, 0.02, 1000))


def test_levels_of_the_grid_take_one_answer_at_their_own_time() -> None:
    schedule = DiscreteSchedule.of_alphas_cumprod(BAR)
    index = np.array([0, 17, 500, 999])
    points = schedule.points(np.sqrt((1 - BAR) / BAR)[index])
    assert len(points) == 1
    assert np.array_equal(points[0].time, index)
    assert points[0].alpha == pytest.approx(np.sqrt(BAR[index]))
    assert np.array_equal(points[0].weight, np.ones(4))


def test_the_order_of_the_times_is_free() -> None:
    forward = DiscreteSchedule(np.sqrt(BAR), np.sqrt(1 - BAR))
    backward = DiscreteSchedule(np.sqrt(BAR)[::-1], np.sqrt(1 - BAR)[::-1], np.arange(1000)[::-1])
    level = np.array([0.3, 5.0])
    for one, other in zip(forward.points(level), backward.points(level), strict=True):
        assert all(np.array_equal(a, b) for a, b in zip(one, other, strict=True))


@pytest.mark.parametrize("power", [0, 1, 2, 3])
def test_between_times_cubics_of_the_log_level_are_exact(power: int) -> None:
    schedule = DiscreteSchedule.of_alphas_cumprod(BAR)
    level = np.geomspace(schedule.sigma_min, schedule.sigma_max, 57)
    points = schedule.points(level)
    answer = sum(point.weight * np.log(point.sigma / point.alpha) ** power for point in points)
    assert answer == pytest.approx(np.log(level) ** power, rel=1e-9, abs=1e-9)


def test_short_schedules_use_the_times_that_there_are() -> None:
    schedule = DiscreteSchedule([0.9, 0.1], [0.1, 0.9])
    assert len(schedule.points(np.array([1.0]))) == 2


def test_a_flow_is_told_the_time_at_which_its_noise_has_the_level() -> None:
    (point,) = FlowSchedule().points(np.array([0.25, 1.0, 9.0]))
    assert point.time == pytest.approx([0.8, 0.5, 0.1])
    assert point.sigma / point.alpha == pytest.approx([0.25, 1.0, 9.0])


def test_edm_is_told_the_level_itself() -> None:
    (point,) = EdmSchedule([80.0, 0.002, 0.0]).points(np.array([0.3]))
    assert (point.alpha[0], point.sigma[0], point.time[0]) == (1.0, 0.3, 0.3)


@pytest.mark.parametrize("steps", [2, 18, 5000])
def test_levels_to_solve_on_lie_on_the_grid_and_fall(steps: int) -> None:
    schedule = DiscreteSchedule.of_alphas_cumprod(BAR)
    levels = schedule.levels(steps)
    assert levels[0] == pytest.approx(schedule.sigma_max)
    assert levels[-2] == pytest.approx(schedule.sigma_min)
    assert levels[-1] == 0
    assert np.all(np.diff(levels) < 0)
    assert len(schedule.points(np.asarray(levels[:-1]))) == 1
