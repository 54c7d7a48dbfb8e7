"""Trouble: one line on standard error that names it, exit code 2, nothing half-written, nothing lost."""

import dataclasses
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from tests.end_to_end.conftest import walks

import pushforward as pf


def refused(ran, *expected):
    assert ran.code == 2, (ran.out, ran.err)
    lines = ran.err.strip().split("\n")
    assert len(lines) == 1, lines
    assert lines[0].startswith("error: ")
    for text in expected:
        assert text in lines[0], lines[0]


CASES = [
    (("adit",), "unknown command", "audit"),
    (("audit",), "MADE"),
    (("audit", "made.npz", "--agianst", "data.npz"), "--agianst", "--against"),
    (("audit", "made.npz"), "nothing to be compared with"),
    (("audit", "missing.npz", "--against", "data.npz"), "missing.npz", "no such file"),
    (("audit", "made.npz", "--against", "missing.npz"), "missing.npz", "no such file"),
    (("audit", "empty.npz", "--against", "data.npz"), "empty.npz"),
    (("audit", "text.npz", "--against", "data.npz"), "text.npz"),
    (("audit", "cut.npz", "--against", "data.npz"), "cut.npz"),
    (("audit", "wrong.npz", "--against", "data.npz"), "wrong.npz", "(N, T, C)"),
    (("audit", "nan.npz", "--against", "data.npz"), "nan.npz", "(1, 2, 0)", "--drop-invalid"),
    (("audit", "none.npz", "--against", "data.npz"), "none.npz"),
    (("audit", "one.npz", "--against", "data.npz"), "at least 2"),
    (("audit", "made.npz", "--against", "data.npz", "--quantity", "path-lenght"), "did you mean 'path-length'"),
    (("audit", "made.npz", "--against", "data.npz", "--quantity", "nomodule:f"), "nomodule"),
    (("audit", "made.npz", "--against", "data.npz", "--channels", "z"), "unknown channel", "x, y"),
    (("audit", "made.npz", "--intended", "uniform(2, 1)", "--quantity", "path-length"), "low < high"),
    (("audit", "made.npz", "--intended", "unifrm(1, 2)", "--quantity", "path-length"), "uniform"),
    (("audit", "made.npz", "--against", "data.npz", "--range", 2, 1), "low < high"),
    (("audit", "made.npz", "--against", "data.npz", "--tolerance", "much"), "much"),
    (("audit", "made.npz", "--against", "data.npz", "--tolerance", "-1"), "positive"),
    (("audit", "made.npz", "--against", "data.npz", "--json", "no/such/folder.json"), "does not exist"),
    (("audit", "made.npz", "--against", "data.npz", "--min-length", 99), "99"),
    (("audit", "made.npz", "--against", "data.npz", "--json", "data.npz"), "overwrite an input"),
    (("audit", "made.npz", "--against", "data.npz", "--report", "made.npz"), "overwrite an input"),
    (("audit", "km.npz", "--against", "data.npz"), "units differ"),
    (("audit", "made.npz", "--against", "data.npz", "--intended", "uniform(0, 1)", "--quantity", "duration"), "law"),
    (("report", "audit.json", "--tolerance", 1), "finished audit"),
    (("train", "missing.npz", "-o", "run"), "missing.npz"),
    (("train", "data.npz"), "-o"),
    (("train", "data.npz", "-o", "run", "--generator", "difusion"), "did you mean 'diffusion'"),
    (("train", "data.npz", "-o", "run", "--steps", "many"), "many"),
    (("train", "data.npz", "-o", "run", "--steps", 0), "steps"),
    (("train", "one.npz", "-o", "run", "--steps", 2), "got 1 trajectories"),
    (("train", "data.npz", "-o", "data.npz"), "data.npz"),
    (("sample", "missing"), "missing"),
    (("sample", "folder"), "folder"),
    (("sample", "broken", "-n", 5), "broken"),
    (("report", "missing"), "missing"),
    (("report", "folder"), "run.json"),
    (("report", "made.npz"), "made.npz"),
    (("simulate", "logistic-mop", "-o", "x.npz"), "did you mean 'logistic-map'"),
    (("simulate", "logistic-map", "-o", "x.npz", "--intended", "uniform(3, 5)"), "4"),
    (("simulate", "logistic-map", "-o", "x.npz", "-n", 0), "0"),
    (("simulate", "logistic-map", "-o", "x.npz", "--T", 1), "1"),
    (("simulate", "logistic-map", "-o", "x.what", "-n", 10), ".what"),
    (("list", "quantites"), "did you mean 'quantities'"),
]  # fmt: skip


@pytest.fixture
def trouble(folder):
    values = walks(3, 2).values.copy()
    values[1, 2, 0] = np.nan
    np.savez(folder / "nan.npz", values=values, channels=["x", "y"], units=["m", "m"], dt=0.1)
    np.savez(folder / "wrong.npz", values=np.zeros((2, 3, 4, 5)))
    np.savez(folder / "none.npz", values=np.zeros((0, 5, 2)))
    pf.write(folder / "one.npz", walks(1, 3))
    pf.write(folder / "km.npz", dataclasses.replace(walks(30, 4), units=("km", "km")))
    found = pf.audit(walks(30, 5), walks(30, 6), quantities="displacement")
    (folder / "audit.json").write_text(found.to_text())
    (folder / "empty.npz").write_bytes(b"")
    (folder / "text.npz").write_text("hello\n")
    (folder / "cut.npz").write_bytes((folder / "data.npz").read_bytes()[:500])
    (folder / "folder").mkdir()
    (folder / "broken").mkdir()
    (folder / "broken" / "settings.json").write_text('{"format": "pushforward')
    return folder


@pytest.mark.parametrize("case", CASES, ids=lambda case: " ".join(map(str, case[0]))[:60] or "none")
def test_one_line_exit_code_two_and_nothing_half_written(trouble, run, case):
    arguments, *expected = case
    before = {path: path.stat().st_mtime_ns for path in trouble.rglob("*") if path.is_file()}
    refused(run(*arguments), *expected)
    after = {path: path.stat().st_mtime_ns for path in trouble.rglob("*") if path.is_file()}
    new = {path.name for path in set(after) - set(before)}
    assert new <= {"run.json"}, new
    assert all(after[path] == before[path] for path in before)


def test_invalid_trajectories_are_left_out_when_asked(trouble, run):
    ran = run("audit", "nan.npz", "--against", "data.npz", "--quantity", "path-length", "--drop-invalid")
    assert ran.code in (0, 1), ran.err
    assert "2 made against" in ran.out


def test_a_hostile_name_reaches_the_terminal_escaped(folder, run):
    name = "evil\x1b[2J\n.npz"
    ran = run("audit", name, "--against", "data.npz")
    refused(ran)
    assert "\x1b" not in ran.err


def test_no_space_left(folder, run, monkeypatch):
    if not Path("/dev/full").exists():
        pytest.skip("this system has no /dev/full")
    import pushforward.writing as writing

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writing.os, "fsync", full)
    refused(run("audit", "made.npz", "--against", "data.npz", "--json", "a.json"), "No space left")
    assert not (folder / "a.json").exists()
    assert not list(folder.glob(".a.json*"))


def test_an_interrupted_training_resumes_to_the_same_bytes(folder):
    settings = ["--steps", "400", "--widths", "8", "--batch-size", "16", "--checkpoint-every", "10"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}

    def training(name, *more):
        command = [sys.executable, "-m", "pushforward", "train", "data.npz", "-o", name, *settings, *more]
        return subprocess.Popen(
            command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=environment
        )

    broken = training("broken")
    for _ in range(1200):
        if list((folder / "broken").glob("*.safetensors")) if (folder / "broken").exists() else False:
            break
        time.sleep(0.05)
    broken.send_signal(signal.SIGINT)
    _, error = broken.communicate(timeout=60)
    assert broken.returncode == 2, error
    assert error.strip().split("\n")[-1].startswith("error: interrupted")
    resumed = training("broken", "--resume")
    assert resumed.wait(timeout=120) == 0, resumed.stderr.read()
    whole = training("whole")
    assert whole.wait(timeout=120) == 0
    for part in (folder / "whole").glob("*.safetensors"):
        assert part.read_bytes() == (folder / "broken" / part.name).read_bytes(), part.name
