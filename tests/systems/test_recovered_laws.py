"""Trajectories of every system have the intended law of the measured quantity, and each its true value."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest
from tests.systems.laws import LAWS, NEEDS, law, recovered

from pushforward.systems import SYSTEMS, create


@dataclass(frozen=True)
class Case:
    """Laws on [low, high] for `n` trajectories of `T` steps of a system, each measured within `error`."""

    name: str
    low: float
    high: float
    T: int | None = None
    error: float = 1e-6
    n: int = 100_000
    dt: float | None = None
    parameters: dict[str, Any] = field(default_factory=dict)

    def __str__(self) -> str:
        told = [self.name, *self.parameters.values(), *([] if self.n == 100_000 else [self.n])]
        return "-".join(str(part) for part in told)


# Few steps where the law of the quantity does not depend on how many: 100,000 take less than 3 s.
QUICK = [
    Case("logistic-map", 3.5, 4.0, T=32),
    Case("sinusoid", 1.0, 6.0, T=32, error=1e-7),
    Case("cone", 0.2, 1.4, T=8),
    Case("maze", 4.0, 24.0, n=1_000, parameters={"layout": "medium"}),
    Case("double-pendulum", -20.0, 20.0, T=3),
    Case("n-link-pendulum", -40.0, 20.0, T=2, dt=0.01),
    Case("henon-heiles", 0.02, 0.16, T=4),
    Case("kepler", 0.0, 0.8, T=8),
    Case("kepler", -30.0, -10.0, T=8, parameters={"quantity_kind": "energy"}),
    Case("spring-chain", 1.0, 4.0, T=8),
    Case("lotka-volterra", 2.1, 4.0, T=4),
    Case("lorenz-63", 26.0, 34.0, T=8, n=5_000),
    Case("bouncing-ball", 0.5, 0.95, T=32),
    Case("colliding-disks", 1.0, 9.0, T=4),
    Case("dysts", 0.95, 1.05, T=8, n=2_000, parameters={"system": "Lorenz"}),
]
# The same in full length and number; of MuJoCo's slow steps as many in full length as take a minute or two.
FULL = [
    Case("maze", 2.0, 12.0, parameters={"layout": "umaze"}),
    Case("maze", 3.0, 20.0, parameters={"layout": "medium"}),
    Case("maze", 4.0, 24.0, parameters={"layout": "large"}),
    Case("point-maze", 0.5, 1.5, T=8, dt=0.1, parameters={"layout": "umaze"}),
    Case("point-maze", 2.0, 10.0, n=2_000, parameters={"layout": "umaze"}),
    Case("double-pendulum", -20.0, 20.0),
    Case("lorenz-63", 26.0, 34.0, T=32),
    Case("dysts", 0.95, 1.05, T=16, parameters={"system": "Lorenz"}),
    Case("dysts", 0.95, 1.05, T=8, parameters={"system": "Henon"}),
    Case("dysts", 0.95, 1.05, parameters={"system": "MackeyGlass"}),
]
SLOW = [pytest.param(case, marks=pytest.mark.slow, id=str(case)) for case in FULL]


@pytest.mark.parametrize("kind", LAWS)
@pytest.mark.parametrize("case", [*QUICK, *SLOW], ids=str)
def test_the_measured_law_is_the_intended_one(case, kind):
    for module in NEEDS.get(case.name, ()):
        pytest.importorskip(module, reason=f"{module} is an extra")
    intended = law(kind, case.low, case.high)
    system = create(case.name, **case.parameters)
    made = system.sample(case.n, intended, T=case.T, dt=case.dt, seed=3)
    measured = system.quantity(made)
    scale = np.maximum(np.abs(made.quantity), case.high - case.low)
    assert (np.abs(measured - made.quantity) / scale).max() <= case.error
    assert recovered(measured, intended) > 0.001


def test_no_system_is_left_out():
    assert {case.name for case in (*QUICK, *FULL)} == set(SYSTEMS)
