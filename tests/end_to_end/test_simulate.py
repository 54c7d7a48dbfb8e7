"""`pushforward simulate`: parameters, pictures, and any number of trajectories in the same memory."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import pushforward as pf
from pushforward.commands.simulate import parsed
from pushforward.errors import InputError


def test_values_are_whole_numbers_numbers_or_words():
    found = parsed(("burn_in=500", "tolerance=1e-3", "system=Rossler", "side=-2.5", "least-turns=0"))
    assert found == {"burn_in": 500, "tolerance": 1e-3, "system": "Rossler", "side": -2.5, "least_turns": 0}
    assert [type(value) for value in found.values()] == [int, float, str, float, int]


@pytest.mark.parametrize("text", ["burn_in", "=3", "burn in=3", "burn_in=", "__import__('os')=1"])
def test_text_that_sets_nothing_is_refused(text):
    with pytest.raises(InputError, match="expected NAME=VALUE"):
        parsed((text,))
    with pytest.raises(InputError, match="a was given before"):
        parsed(("a=1", "a=2"))


def test_parameters_reach_the_system_and_the_record(folder, run):
    ran = run("simulate", "bouncing-ball", "-n", 20, "-o", "ball.npz", "--json", "ball.json",
              "--set", "gravity=1.62", "--set", "slowest=1", "--set", "fastest=2")  # fmt: skip
    assert ran.code == 0, ran.err
    assert pf.read("ball.npz").quantity_name == "restitution(gravity=1.62)"
    record = json.loads((folder / "ball.json").read_text())
    assert record["parameters"] == {"gravity": 1.62, "slowest": 1, "fastest": 2}


@pytest.mark.parametrize(
    ("setting", "message"),
    [
        ("burn_in=3", "valid: least_turns, length, most_turns, tolerance"),
        ("lenght=3", "did you mean 'length'"),
        ("length=long", "expected a number"),
        ("length=-1", "expected above 0"),
    ],
)
def test_a_wrong_parameter_is_one_line_and_leaves_nothing(folder, run, setting, message):
    ran = run("simulate", "cone", "-n", 5, "-o", "cone.npz", "--set", setting)
    assert ran.code == 2
    assert message in ran.err
    assert len(ran.err.strip().splitlines()) == 1
    assert not (folder / "cone.npz").exists()


@pytest.mark.parametrize(("name", "head"), [("plot.png", b"\x89PNG"), ("plot.svg", b"<?xml")])
def test_a_picture_is_drawn(folder, run, name, head):
    ran = run("simulate", "lorenz-63", "-n", 20, "-o", "l.npz", "--plot", name)
    assert ran.code == 0, ran.err
    assert (folder / name).read_bytes().startswith(head)
    assert len(pf.read("l.npz")) == 20
    assert sorted(path.name for path in folder.iterdir() if path.name.startswith(".")) == []


def test_another_kind_of_picture_is_refused_before_anything_is_written(folder, run):
    ran = run("simulate", "cone", "-n", 5, "-o", "cone.npz", "--plot", "cone.gif")
    assert ran.code == 2
    assert "expected .png or .svg" in ran.err
    assert not (folder / "cone.npz").exists()


PEAK = """
import sys
from pathlib import Path
from pushforward.cli import main
code = main(["simulate", "logistic-map", "-n", sys.argv[1], "-o", sys.argv[2], "--quiet", "--T", "32"])
status = Path("/proc/self/status").read_text()
print(code, int(status.split("VmHWM:")[1].split()[0]) / 1024)
"""


def peak(n, path) -> float:
    """Peak memory in MiB of a process that simulates n trajectories."""
    found = subprocess.run(
        [sys.executable, "-c", PEAK, str(n), str(path)], capture_output=True, text=True, check=True
    )
    code, peak = found.stdout.split()
    assert code == "0", found.stderr
    path.unlink()
    return float(peak)


@pytest.mark.slow
@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="reads /proc/self/status")
def test_a_million_trajectories_pass_in_the_memory_of_half_a_million(tmp_path):
    less, more = peak(500_000, tmp_path / "x.parquet"), peak(1_500_000, tmp_path / "x.parquet")
    # A million trajectories of 32 steps are 128 MB of values alone, and twice that beside time and id.
    assert more - less < 100
    assert more < 700
