"""Audits and trajectories that look like real work, from seeds."""

from __future__ import annotations

import numpy as np

from pushforward import Trajectories
from pushforward.measure import Audit, AuditSettings, audit_streams

HOSTILE = "<img src=x onerror=alert(1)>\"><script>alert(2)</script>' $\\frac{1}{$ \u202egnp.\x1b[31m\x00"


def values(seed: int = 0, n: int = 4000) -> tuple[dict[str, np.ndarray], dict[str, np.ndarray]]:
    """Made and real values of three quantities: one contracted, one shifted in part, one the same."""
    rng = np.random.default_rng(seed)
    lengths = rng.gamma(4.0, 700.0, 2 * n)
    real = {
        "path-length": lengths[:n],
        "mean-speed": rng.normal(18.0, 5.0, n),
        "duration": rng.integers(20, 60, n) * 6.0,
    }
    made = {
        "path-length": 0.93 * lengths[n:] + 120.0,
        "mean-speed": np.where(rng.random(n) < 0.12, rng.normal(28.0, 1.5, n), rng.normal(18.0, 5.0, n)),
        "duration": rng.integers(20, 60, n) * 6.0,
    }
    made["mean-speed"][:7] = np.nan
    return made, real


UNITS = {"path-length": "km", "mean-speed": "km/h", "duration": "h"}


def audit(units: dict[str, str] | None = None, **settings: object) -> Audit:
    """Three quantities of storms, of which two drift."""
    units = UNITS if units is None else units
    made, real = values()
    return of(made, real, units, **settings)


def of(made, real, units, inputs=None, tolerance=None, groups=None, intended=None, **settings) -> Audit:
    """An audit of measured values."""
    return audit_streams(
        lambda: iter([(made, groups)]),
        None if real is None else lambda: iter([(real, None)]),
        units=units,
        settings=AuditSettings(**{"resamples": 199, **settings}),
        inputs=inputs if inputs is not None else {"made": "made.npz", "against": "storms.txt (HURDAT2)"},
        tolerance=tolerance,
        intended=intended,
    )


def one(made, real=None, *, name="length", unit="m", **settings) -> Audit:
    """An audit of one quantity."""
    return of(
        {name: np.asarray(made)}, None if real is None else {name: np.asarray(real)}, {name: unit}, **settings
    )


def storms(seed: int, n: int = 120, wobble: float = 0.0) -> Trajectories:
    """Ragged tracks with latitude, longitude and wind that start west of Mexico, some crossing the date line."""
    rng = np.random.default_rng(seed)
    steps = 64
    heading = np.cumsum(rng.normal(0, 0.06, (n, steps)), axis=1) + rng.normal(2.8, 0.25, (n, 1))
    speed = rng.gamma(9.0, 0.1, (n, 1))
    longitude = rng.normal(-108, 6, (n, 1)) + np.cumsum(speed * np.cos(heading), axis=1)
    latitude = rng.normal(13, 2, (n, 1)) + np.cumsum(speed * np.sin(heading), axis=1) * 0.6
    latitude += wobble * rng.normal(size=latitude.shape)
    wind = 35 + 60 * np.sin(np.linspace(0, np.pi, steps)) * rng.random((n, 1))
    values = np.stack([latitude, (longitude + 180) % 360 - 180, wind], axis=-1)
    return Trajectories(
        values=values.astype(np.float32),
        dt=6.0,
        channels=("latitude", "longitude", "wind"),
        units=("deg", "deg", "kt"),
        lengths=rng.integers(20, steps + 1, n),
        time_unit="h",
    )


SETTINGS = {
    "generator": {"name": "diffusion", "steps": 3000, "channels": [16, 32, 64], "learning_rate": 2e-3},
    "seed": {"training": 0, "sampling": 1},
    "sampler": {"name": "heun", "steps": 18},
}
COMMAND = (
    "pushforward audit made.npz --against storms.txt --quantity path-length --quantity mean-speed --seed 0"
)
