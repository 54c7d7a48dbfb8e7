"""The plan that the page on studies shows is a plan."""

import re
from pathlib import Path

from pushforward.study.kernels import asked_kernels
from pushforward.study.reading import read_runs

PAGE = Path(__file__).resolve().parents[2] / "docs" / "studies.md"


def test_the_documented_plan_can_be_run_as_it_stands(tmp_path):
    (text,) = re.findall(r"^```toml\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    (tmp_path / "plan.toml").write_text(text)
    plan, runs = read_runs(tmp_path / "plan.toml")
    assert len(runs) == 3 * 2 * (1 + 3)
    assert [kernel.label for kernel in asked_kernels(plan)] == [
        "spectral(correlation=8) scale=0.02",
        "spectral(correlation=8) scale=0.05",
        "denoise(scale=4)",
    ]
    assert {run.arm for run in runs} == {plan.control, "diffusion steps=1000", "diffusion steps=3000", "mlp"}
