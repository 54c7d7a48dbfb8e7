"""The examples of docs/bring_your_own_model.md that need other packages (the others run with those of all pages)."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.peers import denoising_diffusion_1d, is_installed

PAGE = Path(__file__).resolve().parents[3] / "docs" / "bring_your_own_model.md"
BLOCKS = re.findall(r"^```py\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
PACKAGES = ("diffusers", "denoising_diffusion_pytorch", "torchcfm")


def test_every_package_has_an_example() -> None:
    assert len(BLOCKS) == len(PACKAGES)


@pytest.mark.parametrize("package", PACKAGES)
def test_the_example_runs(package: str) -> None:
    if not is_installed(package):
        pytest.skip(f"needs {package}: pip install 'pushforward[peers]', or as the Makefile does")
    if package == "denoising_diffusion_pytorch":
        denoising_diffusion_1d()
    (block,) = (block for block in BLOCKS if f"from {package}" in block)
    names: dict[str, object] = {}
    exec(compile(block, str(PAGE), "exec"), names)  # noqa: S102 - the project's own page
    assert getattr(names["made"], "T", None) == 32
