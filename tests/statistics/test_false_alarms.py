"""Without drift an audit of five quantities raises an alarm in about 5 % of repetitions, whatever the data."""

import numpy as np
import pytest
from tests.statistics.simulation import audits

# With 1,000 repetitions at a true rate of 0.05 the observed rate lies in 0.03 … 0.07 with probability 0.997.
REPETITIONS = 1000


def alarm_rate(**scenario):
    return np.mean([audit.drifted for audit in audits(repetitions=REPETITIONS, **scenario)])


# n, ties, clusters: by default every level of every factor, each with each other's; the rest when all tests are run.
BY_DEFAULT = [(100, False, False), (100, True, True), (1000, True, False), (1000, False, True)]
THE_REST = [(100, True, False), (100, False, True), (1000, False, False), (1000, True, True)]


@pytest.mark.parametrize(
    ("n", "ties", "clusters"),
    [*BY_DEFAULT, *(pytest.param(*case, marks=pytest.mark.slow) for case in THE_REST)],
)
def test_alarms_at_the_level_asked(n, ties, clusters):
    cluster_size = (5 if n == 100 else 10) if clusters else 1
    assert 0.03 <= alarm_rate(n=n, ties=ties, cluster_size=cluster_size) <= 0.07


@pytest.mark.slow
@pytest.mark.timeout(7200)
@pytest.mark.parametrize(("ties", "cluster_size"), [(False, 1), (True, 1), (False, 10)])
def test_alarms_at_the_level_asked_in_large_samples(ties, cluster_size):
    assert 0.03 <= alarm_rate(n=100_000, ties=ties, cluster_size=cluster_size) <= 0.07


def test_ignoring_clusters_would_raise_false_alarms():
    """Why groups matter: the same data, taken as independent, alarms far too often."""
    from tests.statistics.simulation import SETTINGS, sample

    from pushforward.measure import audit_values

    alarms = 0
    for repetition in range(100):
        rng = np.random.default_rng([repetition, 7])
        made, data = (sample(rng, 1000, ties=False, cluster_size=10)[0]["q0"] for _ in range(2))
        alarms += audit_values(made, data, settings=SETTINGS).drifted
    assert alarms > 25
