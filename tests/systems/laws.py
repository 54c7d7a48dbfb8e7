"""The intended laws that every system must recover, scaled to its range."""

from __future__ import annotations

from scipy import stats

from pushforward.measure.intended import Intended

LAWS = ("uniform", "truncated normal", "mixture")
# What each system needs beyond the package itself.
NEEDS = {"point-maze": ("mujoco", "gymnasium_robotics"), "dysts": ("dysts",)}


def law(kind: str, low: float, high: float) -> Intended:
    """One of `LAWS` on [low, high]."""
    middle, width = (low + high) / 2, high - low
    return Intended.parse(
        {
            "uniform": f"uniform({low}, {high})",
            "truncated normal": f"truncnorm(-2, 2, {middle}, {width / 4})",
            "mixture": f"0.3*uniform({low}, {low + 0.2 * width}) + 0.7*uniform({high - 0.4 * width}, {high})",
        }[kind]
    )


def recovered(measured, intended: Intended) -> float:
    """p-value of a Kolmogorov–Smirnov test of measured values against the law."""
    return float(stats.kstest(measured, intended.law.cdf).pvalue)
