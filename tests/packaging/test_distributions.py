"""The wheel holds the package and nothing else; the sdist what is needed to build, test and document it."""

from __future__ import annotations

import os
import subprocess
import sys
import tarfile
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import numpy as np
import pytest

import pushforward as pf

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "pushforward"
EXTRAS = {"mujoco", "minari", "chaos", "ray", "track", "zarr", "peers", "docs", "dev"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """The folder of the wheel and the sdist, built from this tree."""
    pytest.importorskip("hatchling", reason="hatchling is not installed")
    folder = tmp_path_factory.mktemp("dist")
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-d", folder], cwd=ROOT, check=True, capture_output=True
    )
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    return next(built.glob("*.whl"))


def test_the_wheel_holds_every_file_of_the_package_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    ours = {
        f"pushforward/{file.relative_to(PACKAGE).as_posix()}"
        for file in PACKAGE.rglob("*")
        if file.is_file() and "__pycache__" not in file.parts
    }
    assert {"pushforward/py.typed", "pushforward/report/template.html.j2"} <= ours
    about = f"pushforward-{pf.__version__}.dist-info"
    assert names - ours == {
        f"{about}/{name}" for name in ("METADATA", "WHEEL", "RECORD", "entry_points.txt", "licenses/LICENSE")
    }
    assert ours <= names


def test_the_wheel_says_what_it_is(wheel):
    with zipfile.ZipFile(wheel) as archive:
        about = next(name for name in archive.namelist() if name.endswith("METADATA"))
        told = Parser().parsestr(archive.read(about).decode())
    assert told["Name"] == "pushforward"
    assert told["Version"] == pf.__version__
    assert told["License-Expression"] == "Apache-2.0"
    assert told["Requires-Python"] == ">=3.11"
    assert set(told.get_all("Provides-Extra")) == EXTRAS
    needed = {line.split(">")[0] for line in told.get_all("Requires-Dist") if "extra ==" not in line}
    assert {"numpy", "scipy", "torch"} <= needed
    assert needed.isdisjoint({"pytest", "ray", "zarr", "mujoco", "mkdocs-material"})


def test_the_sdist_can_be_built_tested_and_documented(built):
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    wanted = [
        "pyproject.toml",
        "Makefile",
        "constraints.txt",
        "mkdocs.yml",
        "README.md",
        "CONTRIBUTING.md",
        "LICENSE",
    ]
    for folder in ("src", "tests", "docs"):
        files = [
            file for file in (ROOT / folder).rglob("*") if file.is_file() and "__pycache__" not in file.parts
        ]
        wanted += [file.relative_to(ROOT).as_posix() for file in files]
    assert set(wanted) <= names
    assert not [name for name in names if name.startswith(("benchmarks/results", "site", ".venv"))]


@pytest.mark.slow
def test_the_wheel_works_in_an_environment_of_its_own(wheel, tmp_path):
    """Its dependencies come from here, so that no index is needed; pushforward itself comes from the wheel alone."""
    venv.create(tmp_path / "env", with_pip=False)
    python = tmp_path / "env" / "bin" / "python"
    subprocess.run(
        [
            sys.executable,
            "-m",
            "pip",
            "--python",
            python,
            "install",
            "--no-deps",
            "--no-index",
            "--quiet",
            wheel,
        ],
        check=True,
    )
    site = next((tmp_path / "env" / "lib").glob("python*/site-packages"))
    # A plain path: the editable install of this tree, a .pth file there, is not followed.
    (site / "dependencies.pth").write_text(str(Path(np.__file__).parents[1]) + "\n")
    work = tmp_path / "work"
    work.mkdir()
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}

    def ran(*arguments: str) -> str:
        command = [tmp_path / "env" / "bin" / "pushforward", *arguments]
        done = subprocess.run(command, cwd=work, env=environment, capture_output=True, text=True)
        assert done.returncode in (0, 1), done.stderr
        return done.stdout

    place = subprocess.run(
        [python, "-c", "import pushforward; print(pushforward.__file__)"], cwd=work, env=environment,
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    assert place.startswith(str(tmp_path))
    assert pf.__version__ in ran("--version")
    assert "logistic-map" in ran("list")
    ran("simulate", "logistic-map", "-n", "200", "-o", "data.npz")
    assert "logistic-map-r" in ran("audit", "data.npz", "--against", "data.npz", "--report", "report.html")
    assert "<h1>" in (work / "report.html").read_text()
