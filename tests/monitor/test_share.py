"""Checks keep within their share of the time, by what they are seen to cost."""

import logging

import pytest
from tests.monitor.walks import DATA, FAST, Clock, monitored, walks

from pushforward.monitor import DriftMonitor
from pushforward.monitor.budget import Budget


@pytest.mark.parametrize("sample_seconds", [1e-4, 1e-2, 0.1])
@pytest.mark.parametrize("share", [0.05, 0.2])
def test_checks_never_take_more_than_their_share_of_the_time_but_for_the_first_look(sample_seconds, share):
    monitor = monitored([1.0] * 40, n=160, share=share, sample_seconds=sample_seconds)
    assert len(monitor.history) + monitor.skipped == 40
    assert all(check.share <= share for check in monitor.history)
    # As many checks are made as the share allows, but for what the looks before the first of them cost.
    cost, looks = 160 * sample_seconds, (16 + 64) * sample_seconds
    assert len(monitor.history) >= min(39, int((share * 400 - looks) / cost) - 1)


def test_samples_that_come_cheaper_by_the_thousand_are_not_judged_by_the_first_sixteen():
    clock = Clock()
    monitor = DriftMonitor(
        DATA, quantities="path-length", comparison=FAST, clock=clock, every=10, n=1000, share=0.05
    )

    def sample(n, seed):
        clock.now += 0.5  # whatever n is
        return walks(n, seed)

    for step in range(1, 121):
        clock.now += 1.0
        monitor.step(step, sample)
    # As dear as the first sixteen, a thousand would have cost 31 s and waited for ten minutes.
    assert [check.step for check in monitor.history] == [70, 80, 90, 100, 110, 120]


def test_a_monitor_without_a_share_never_leaves_a_check_out():
    monitor = monitored([1.0] * 5, n=50, share=None, sample_seconds=10.0)
    assert (len(monitor.history), monitor.skipped) == (5, 0)


def test_what_was_left_out_is_told(caplog):
    with caplog.at_level(logging.WARNING):
        monitor = monitored([1.0] * 5, n=160, sample_seconds=1.0)
    assert monitor.history == []
    assert "5 were left out to stay below 4%, one takes 1.6e+02 s" in caplog.text
    # Sixteen samples were all that it took to see that.
    assert "0 checks in 24.6% of the time" in monitor.told()


def test_the_budget_is_kept_by_its_own_arithmetic():
    clock = Clock()
    budget = Budget(0.1, clock)
    budget.start()
    budget.spend(10, 0.0, 1.0)
    assert budget.cost_of(10) == 1.0
    allowed_at = []
    for second in range(1, 100):
        clock.now = second
        if budget.allows(budget.cost_of(10)):
            clock.now += 1.0
            budget.spend(10, 0.0, 1.0)
            assert budget.spent_share() <= 0.1
            allowed_at.append(second)
    assert allowed_at == [19, 29, 39, 49, 59, 69, 79, 89, 99]
