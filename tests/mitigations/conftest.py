import numpy as np
import pytest

from pushforward.generators.adapters import SampleFunction
from pushforward.quantities import Quantity
from pushforward.trajectories import Trajectories

T = 4


def end_of(trajectories):
    return trajectories.values[:, -1, 0]


def walks(n, seed, mean=0.0, spread=1.0):
    """(n, T, 1) whose last value is normal(mean, spread)."""
    rng = np.random.default_rng(seed)
    values = rng.normal(size=(n, T, 1))
    values[:, -1, 0] = mean + spread * rng.normal(size=n)
    return values.astype(np.float32)


@pytest.fixture(scope="session")
def end():
    return Quantity(end_of, name="end", unit="m")


@pytest.fixture(scope="session")
def data():
    return Trajectories(walks(4000, 0), channels=("x0",))


@pytest.fixture
def drifted():
    """A model trained elsewhere whose last value is normal(0.5, 1) for normal(0, 1)."""
    return SampleFunction(lambda n, seed: walks(n, seed, 0.5))
