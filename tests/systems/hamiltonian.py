"""What the tests of Hamiltonian systems share: the laws that must come back."""

from __future__ import annotations

from scipy import stats

from pushforward.measure.intended import Intended


def laws(low, high):
    """Uniform, truncated normal and mixture on [low, high]."""
    middle, spread = (low + high) / 2, (high - low) / 4
    return [
        Intended.uniform(low, high),
        Intended.parse(f"truncnorm(-2, 2, {middle}, {spread})"),
        Intended.parse(f"0.3*uniform({low}, {middle}) + 0.7*uniform({middle}, {high})"),
    ]


NAMES = ["uniform", "truncated normal", "mixture"]


def follows(values, law):
    """Whether values may be draws from a law, by Kolmogorov and Smirnov."""
    return stats.kstest(values, law.law.cdf).pvalue > 0.001
