"""Walks to watch, a clock that passes only when told to, and a training that is monitored."""

import numpy as np

import pushforward as pf
from pushforward.measure import AuditSettings
from pushforward.monitor import DriftMonitor

FAST = AuditSettings(resamples=99)


def walks(n, seed, scale=1.0):
    steps = np.random.default_rng(seed).normal(0, scale, (n, 8, 2))
    return pf.Trajectories(np.cumsum(steps, axis=1), dt=0.5, channels=("x", "y"), units=("m", "m"))


DATA = walks(200, 0)


class Clock:
    """Time that passes only when told to."""

    def __init__(self):
        self.now = 0.0

    def __call__(self):
        return self.now


def monitored(scales, every=10, clock=None, step_seconds=1.0, sample_seconds=0.0, **settings):
    """A training of len(scales) × every steps whose samples have these scales."""
    clock = clock or Clock()
    monitor = DriftMonitor(
        DATA, quantities="path-length", comparison=FAST, clock=clock, every=every, **settings
    )
    for step in range(1, len(scales) * every + 1):
        clock.now += step_seconds

        def sample(n, seed, scale=scales[(step - 1) // every]):
            clock.now += sample_seconds * n
            return walks(n, seed, scale)

        monitor.step(step, sample)
        if monitor.should_stop:
            break
    monitor.close()
    return monitor


def watching(**settings):
    """A monitor that checks every second step, whatever it costs."""
    return DriftMonitor(
        DATA, quantities="path-length", comparison=FAST, share=None, every=2, n=40, **settings
    )
