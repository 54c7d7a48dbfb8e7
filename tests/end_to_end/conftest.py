"""A folder with small files, as a user would have them, and a way to run commands in it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import pushforward as pf
from pushforward.cli import main


def walks(n: int, seed: int, scale: float = 1.0) -> pf.Trajectories:
    steps = np.random.default_rng(seed).normal(0, scale, (n, 16, 2))
    return pf.Trajectories(np.cumsum(steps, axis=1), dt=0.1, channels=("x", "y"), units=("m", "m"))


PLAN = """\
seeds = [0]
samples = 40
[[system]]
name = "logistic-map"
n = 40
T = 8
[[generator]]
name = "mlp"
settings = { steps = 3, width = 8 }
[audit]
resamples = 99
"""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    pf.write(tmp_path / "data.npz", walks(300, 0))
    pf.write(tmp_path / "made.npz", walks(300, 1, 1.2))
    (tmp_path / "plan.toml").write_text(PLAN)
    monkeypatch.chdir(tmp_path)
    return tmp_path


class Ran:
    """What a command printed and how it ended."""

    def __init__(self, code: int, out: str, err: str) -> None:
        self.code, self.out, self.err = code, out, err


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Callable[..., Ran]:
    def call(*arguments: object) -> Ran:
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return Ran(code, captured.out, captured.err)

    return call


def _shrink_demo(patch: pytest.MonkeyPatch) -> None:
    from pushforward.commands import demo
    from pushforward.demo import chapters
    from pushforward.demo.budgets import Budget
    from pushforward.study.pools import Here

    budget = Budget(
        n_data=200, steps=4, n_made=100, n_forecast=100, n_explained=60, resamples=99, checkpoint_every=2,
        ranking_kernel="gaussian(scale=0.04)",
    )  # fmt: skip
    chapter = replace(chapters.CHAPTERS[0], T=8, candidates=("map-parameter",))
    patch.setattr(chapters, "CHAPTERS", (chapter,))
    for name, value in (("QUICK", budget), ("FULL", budget), ("_pool", Here)):
        patch.setattr(demo, name, value)


@pytest.fixture(scope="session")
def shrink_demo() -> Callable[[pytest.MonkeyPatch], None]:
    """Makes the demo one of seconds: one short chapter, hardly trained, in this process."""
    return _shrink_demo


@pytest.fixture
def small_demo(monkeypatch: pytest.MonkeyPatch) -> None:
    """The demo in seconds."""
    _shrink_demo(monkeypatch)
