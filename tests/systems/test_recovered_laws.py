"""100,000 trajectories of a system have the intended law of the measured quantity, and each its true value."""

from __future__ import annotations

import numpy as np
import pytest
from tests.systems.laws import LAWS, law, recovered

from pushforward.systems import create

# (system, low, high, time steps, largest error over the larger of |q| and the range)
RANGES = [
    ("sinusoid", 1.0, 6.0, 32, 1e-7),
    ("cone", 0.2, 1.4, 8, 1e-6),
    ("bouncing-ball", 0.5, 0.95, 32, 1e-6),
    ("colliding-disks", 1.0, 9.0, 4, 1e-6),
    ("lotka-volterra", 2.1, 4.0, 4, 1e-6),
    pytest.param("lorenz-63", 26.0, 34.0, 32, 1e-6, marks=pytest.mark.slow),
]


@pytest.mark.parametrize("kind", LAWS)
@pytest.mark.parametrize(("name", "low", "high", "T", "error"), RANGES)
def test_the_measured_law_is_the_intended_one(name, low, high, T, error, kind):
    intended = law(kind, low, high)
    system = create(name)
    made = system.sample(100_000, intended, T=T, seed=3)
    measured = system.quantity(made)
    scale = np.maximum(np.abs(made.quantity), high - low)
    assert (np.abs(measured - made.quantity) / scale).max() <= error
    assert recovered(measured, intended) > 0.001
