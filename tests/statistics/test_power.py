"""A drift that matters is found, and the smallest detectable one is what the audit says it is."""

import numpy as np
import pytest
from tests.statistics.simulation import SETTINGS

from pushforward.measure import audit_values


def test_a_tenth_of_a_standard_deviation_is_found_among_ten_thousand():
    found = [
        audit_values(rng.normal(0.1, 1, 10_000), rng.normal(0, 1, 10_000), settings=SETTINGS).drifted
        for rng in map(np.random.default_rng, range(300))
    ]
    assert np.mean(found) >= 0.99


def test_the_minimum_detectable_shift_is_found_four_times_in_five():
    rng = np.random.default_rng(0)
    first = audit_values(rng.normal(0, 1, 1000), rng.normal(0, 1, 1000), settings=SETTINGS).quantities[0]
    shift = first.minimum_detectable
    excluded = []
    for repetition in range(500):
        rng = np.random.default_rng([repetition, 11])
        quantity = audit_values(
            rng.normal(shift, 1, 1000), rng.normal(0, 1, 1000), settings=SETTINGS
        ).quantities[0]
        excluded.append(quantity.mean_shift.low > 0)
    assert np.mean(excluded) == pytest.approx(0.8, abs=0.06)


def test_a_local_swap_that_keeps_the_mean_is_found():
    """Mean and variance stay; only the shape changes: a sum rule would be blind to it."""
    found = []
    for repetition in range(50):
        rng = np.random.default_rng([repetition, 12])
        made = np.where(rng.random(5000) < 0.5, -1.0, 1.0) + 0.05 * rng.normal(size=5000)
        data = rng.normal(0, np.sqrt(1 + 0.05**2), 5000)
        found.append(audit_values(made, data, settings=SETTINGS).drifted)
    assert all(found)
