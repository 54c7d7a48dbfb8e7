"""Trajectories of the laws of dysts, from states that have settled on the attractor."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from pushforward.quantities.dysts_delays import DystsDelay
from pushforward.quantities.dysts_flows import DystsFlow
from pushforward.quantities.dysts_law import AbstractDystsLaw
from pushforward.quantities.dysts_maps import LARGEST_FACTOR, LEAST_FACTOR, DystsMap
from pushforward.systems.delays import at_times, integrate_delayed
from pushforward.systems.integrators import integrate

__all__ = ["motion", "settled"]

_STARTS = 64
_SETTLING = 10.0
_AROUND = 1e-3
# Delays in which the kinks that a change of c leaves are smoothed away.
_SMOOTHING = 8
_TOGETHER = 1024

_Array = NDArray[np.float64]


def motion(
    law: AbstractDystsLaw, factor: _Array, T: int, dt: float, burn_in: float, rng: np.random.Generator
) -> _Array:
    """(N, T, D) states of a law of dysts for factors (N,), after `burn_in` to `burn_in` + 1 periods of waiting.

    Raises:
        InputError: a factor that the law cannot have.
    """
    if isinstance(law, DystsMap):
        return _iterated(law, factor, T, burn_in, rng)
    if isinstance(law, DystsDelay):
        return _delayed(law, factor, T, dt, burn_in, rng)
    assert isinstance(law, DystsFlow)
    return _flowing(law, factor, T, dt, burn_in, rng)


def _flowing(
    law: DystsFlow, factor: _Array, T: int, dt: float, burn_in: float, rng: np.random.Generator
) -> _Array:
    law.refuse(factor, 0.0, np.inf)
    starts = min(_STARTS, len(factor))
    around = law.start[:, None] * (1 + _AROUND * rng.standard_normal((law.width, starts)))
    calm = _followed(law, around, np.full(starts, _SETTLING), np.ones(starts))
    start = calm[:, rng.integers(starts, size=len(factor))]
    start = _followed(law, start, burn_in + rng.random(len(factor)), factor)
    return integrate(law, start, T, dt, law.substeps(dt), parameters=factor[None])


def _followed(law: DystsFlow, state: _Array, periods: _Array, factor: _Array) -> _Array:
    """(D, N) states after a time of their own."""

    def paced(y: _Array, rate: _Array, constants: _Array) -> None:
        law(y, rate, constants[:1])
        rate *= constants[1]

    longest = float(periods.max())
    constants = np.stack([factor, periods / longest])
    time = longest * law.period
    ahead = integrate(paced, state, 2, time, law.substeps(time), parameters=constants)[:, 1]
    return np.ascontiguousarray(ahead.T)


def _iterated(law: DystsMap, factor: _Array, T: int, burn_in: float, rng: np.random.Generator) -> _Array:
    law.refuse(factor, LEAST_FACTOR, LARGEST_FACTOR)
    # Where c scales the size, the motion at c = 1 is scaled: rounding cannot carry it out of the map's domain.
    inner = np.ones_like(factor) if law.own_parameter is None else factor
    size = factor if law.own_parameter is None else np.ones_like(factor)
    state = settled(law, len(factor), rng)
    wait = np.floor((burn_in + rng.random(len(factor))) * law.period)
    values = np.empty((T, *state.shape))
    with np.errstate(all="ignore"):
        for step in range(int(wait.max(initial=0))):
            state = np.where(step < wait, law(state, inner), state)
        for t in range(T):
            values[t] = state * size
            state = law(state, inner)
    return np.ascontiguousarray(values.transpose(2, 0, 1))


def settled(law: DystsMap, n: int, rng: np.random.Generator) -> _Array:
    """(D, n) states on the attractor; starts that leave its basin are drawn again, nearer to dysts' own."""
    state = np.full((law.width, n), np.nan)
    for around in (_AROUND, _AROUND / 10, _AROUND / 100):
        lost = ~np.isfinite(state).all(axis=0)
        noise = rng.standard_normal((2, law.width, int(lost.sum())))
        trial = law.start[:, None] * (1 + around * noise[0]) + around * noise[1]
        with np.errstate(all="ignore"):
            for _ in range(int(_SETTLING * law.period)):
                trial = law(trial, np.ones(trial.shape[1]))
        state[:, lost] = trial
    return state


def _delayed(
    law: DystsDelay, factor: _Array, T: int, dt: float, burn_in: float, rng: np.random.Generator
) -> _Array:
    law.refuse(factor, 0.0, np.inf)
    law.refuse_short(T, dt, factor)
    starts = min(_STARTS, len(factor))
    history = law.start[0] * (1 + _AROUND * rng.standard_normal(starts))
    settling = int(np.ceil(_SETTLING * law.period / law.delay))
    one = np.ones(starts)
    calm = _integrated(law, np.tile(history, (law.steps + 1, 1)), settling, one)[-law.steps - 1 :]
    chosen = rng.integers(starts, size=len(factor))
    wait = (burn_in + rng.random(len(factor))) * law.period
    result = np.empty((len(factor), T, 1))
    for begin in range(0, len(factor), _TOGETHER):
        part = slice(begin, begin + _TOGETHER)
        time = wait[part, None] + np.arange(T) * dt
        time = _SMOOTHING + time / law.delays(factor[part])[:, None]
        path = _integrated(law, calm[:, chosen[part]], int(time.max()) + 1, factor[part])
        result[part, :, 0] = at_times(path, law.steps, time)
    return result


def _integrated(law: DystsDelay, history: _Array, delays: int, factor: _Array) -> _Array:
    """The path in units of each trajectory's own delay."""
    scale = law.delays(factor)
    return integrate_delayed(
        lambda now, before: scale * law.rates(now, before, factor), np.ascontiguousarray(history), delays
    )
