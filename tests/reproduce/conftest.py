"""Evidence that nobody measured: rows as a study and its probes would give them, to try the rules on."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from pushforward.reproduce import Budget
from pushforward.reproduce.claim import Claim
from pushforward.reproduce.evidence import Evidence
from pushforward.reproduce.probes import PROBES
from pushforward.study.plan import FRESH

SETS = {
    "valid": ("only the valid",),
    "projected": (
        "put back on the map",
        "fresh data put back on the map",
        "fresh data with white errors",
        "fresh data with white errors put back on the map",
    ),
    "exact": tuple(f"{of}exact below {level}" for of in ("", "fresh data, ") for level in (0.5, 0.1)),
    "stated": ("against the intended law", "its demonstrations against the intended law"),
}
assert SETS.keys() == PROBES.keys()

Says = Callable[[str, str, int], dict[str, float | None]]


def audit_row(ratio: float = 0.5, spread: float = 0.1, valid: float | None = 0.9) -> dict[str, Any]:
    """An audit whose W1 is `ratio` noise floors, its limits `spread` of them away."""
    return {
        "w1": 0.1 * ratio,
        "w1_low": 0.1 * (ratio - spread),
        "w1_high": 0.1 * (ratio + spread),
        "w1_null_95": 0.1,
        "valid_share": valid,
        "n_made": 990,
        "n_invalid": 10,
    }


def score_row(corr: float = 0.9, skill: float = 0.8, sign: float = 0.9, w1: float = 0.02) -> dict[str, Any]:
    """A forecast's scores, with limits a tenth away and a noise floor of 0.3."""
    row: dict[str, Any] = {"floor_corr_high": 0.3, "ceiling_corr": 0.95, "ceiling_skill": 0.9}
    for name, value in {"corr": corr, "skill": skill, "sign_accuracy": sign}.items():
        row |= {name: value, f"{name}_low": value - 0.1, f"{name}_high": value + 0.1}
    return row | {"forecast_w1": w1, "forecast_w1_low": w1 / 2, "forecast_w1_high": 2 * w1}


def labels(claim: Claim) -> tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]:
    """Data, arms and kernels of a claim's plans."""
    plans = claim.plans(Budget())
    data = dict.fromkeys(system.called for plan in plans for system in plan.systems)
    arms = dict.fromkeys([FRESH, *(arm.called for plan in plans for arm in plan.generators)])
    return tuple(data), tuple(arms), tuple(kernel.called for kernel in plans[0].kernels)


@pytest.fixture
def invented() -> Callable[..., Evidence]:
    """Evidence for a claim: what `audits` and `scores` say of (data, arm or kernel, seed), else that all is well."""

    def make(claim: Claim, audits: Says = lambda *_: {}, scores: Says = lambda *_: {}) -> Evidence:
        seeds, (data, arms, kernels) = (0, 1), labels(claim)
        sets = [f"{arm}, {one}" for arm in arms[1:] for probe in claim.probes for one in SETS[probe.name]]
        rows = [
            {"data": d, "arm": a, "seed": s, **audit_row(), **audits(d, a, s)}
            for d in data for a in (*arms, *sets) for s in seeds
        ]  # fmt: skip
        scored = [
            {"data": d, "arm": a, "kernel": k, "seed": s, **score_row(), **scores(d, k, s)}
            for d in data for a in arms[1:] for k in kernels for s in seeds
        ]  # fmt: skip
        return Evidence(rows, scored, data, arms, kernels, seeds)

    return make
