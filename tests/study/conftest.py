"""Tiny studies that run within the test's own process, with a generator that needs no network."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.study.toy import Jitter

from pushforward import generators
from pushforward.study.plan import GeneratorArm, Plan, SystemData
from pushforward.study.pools import Here
from pushforward.study.study import Study


@pytest.fixture
def here() -> Here:
    return Here()


@pytest.fixture(autouse=True)
def jitter(monkeypatch: pytest.MonkeyPatch) -> type[Jitter]:
    monkeypatch.setitem(generators.GENERATORS, "jitter", "tests.study.toy:Jitter")
    Jitter.trained.clear()
    return Jitter


LOGISTIC = SystemData(name="logistic-map", n=60, T=8)
SINUSOID = SystemData(name="sinusoid", n=60, T=16)


def tiny(**changes: Any) -> Plan:
    """One system, two arms, two seeds: 6 runs with the control's."""
    from pushforward.measure import AuditSettings

    settings: dict[str, Any] = {
        "systems": (LOGISTIC,),
        "generators": (GeneratorArm(name="jitter", grid={"scale": [0.001, 0.1]}),),
        "seeds": (0, 1),
        "samples": (50,),
        "audit": AuditSettings(resamples=99),
    }
    return Plan(**{**settings, **changes})


@pytest.fixture
def study(tmp_path: Path) -> Callable[..., Study]:
    def make(name: str = "study", **changes: Any) -> Study:
        return Study(tiny(**changes), tmp_path / name)

    return make


def results_of(folder: Path) -> dict[str, bytes]:
    """Everything in a ledger that must be the same for the same plan: tables, audits, tallies."""
    files = [
        folder / "results.parquet",
        folder / "summary.parquet",
        *sorted((folder / "runs").glob("*/*.json")),
    ]
    return {str(file.relative_to(folder)): file.read_bytes() for file in files}
