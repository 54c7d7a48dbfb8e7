"""The demo: one story from data to a repaired model, on a budget of seconds."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time

import numpy as np
import pytest

import pushforward as pf
from pushforward.cli import main


def figures(path):
    """What the demo found, without when."""
    chapters = json.loads(path.read_text())["chapters"]
    for chapter in chapters:
        for moment in ("written", "training_began"):
            chapter["forecast"].pop(moment)
    return chapters


@pytest.fixture(scope="module")
def told(tmp_path_factory, shrink_demo):
    """A folder in which the demo was run, and what it printed."""
    folder = tmp_path_factory.mktemp("demo")
    with pytest.MonkeyPatch.context() as patch:
        shrink_demo(patch)
        printed: list[str] = []
        patch.setattr("builtins.print", lambda *words, **_: printed.append(" ".join(map(str, words))))
        code = main(["demo", "--quick", "-o", str(folder / "d"), "--json", str(folder / "d.json")])
    assert code == 0
    return folder, "\n".join(printed)


class TestTheStory:
    def test_ends_with_a_line_for_each_system_the_report_and_three_lines_of_python(self, told):
        folder, out = told
        report = folder / "d" / "report.html"
        assert str(report.resolve()) in out
        assert report.stat().st_size < 2_000_000
        assert out.count("pf.") == 4
        (chapter,) = json.loads((folder / "d.json").read_text())["chapters"]
        audit, repaired = chapter["drift"], chapter["repaired"]
        line = out.splitlines()[0]
        assert line.startswith(
            f"Logistic map: drift (TV) {audit['tv']:.3f} (noise floor {audit['tv_null_95']:.3f});"
        )
        scores = (chapter["forecast"][name]["value"] for name in ("corr", "skill", "sign_accuracy"))
        assert (
            "corr / skill / signs " + " / ".join("n/a" if s is None else f"{s:.2f}" for s in scores) in line
        )
        assert f"with map-parameter {repaired['tv']:.3f} (noise floor {repaired['tv_null_95']:.3f}), " in line
        assert "obey the law" in line

    def test_what_was_foretold_was_written_before_the_training_began(self, told):
        folder, _ = told
        (chapter,) = json.loads((folder / "d.json").read_text())["chapters"]
        path = folder / "d" / "logistic-map" / "forecast.json"
        sealed, ahead = json.loads(path.read_text()), chapter["forecast"]
        assert sealed["written"] == ahead["written"] <= ahead["training_began"]
        assert (sealed["digest"], sealed["forecast"]["tv"]) == (ahead["sha256"], ahead["tv"])
        for arm in ("plain", "repaired"):
            weights = path.parent / arm / "run" / "settings.json"
            assert path.stat().st_mtime_ns < weights.stat().st_mtime_ns

    def test_its_figures_are_those_of_its_files(self, told):
        folder, _ = told
        (chapter,) = json.loads((folder / "d.json").read_text())["chapters"]
        data = pf.read(folder / "d" / "logistic-map" / "data.npz")
        for arm, record in (("plain", chapter["drift"]), ("repaired", chapter["repaired"])):
            made = pf.read(folder / "d" / "logistic-map" / arm / "made.npz")
            found = pf.audit(made, data, quantities=["logistic-map-r"])["logistic-map-r"]
            assert found.mean_shift.value == pytest.approx(record["mean_shift"]["value"], rel=1e-6)
            assert record["valid"] == pytest.approx(np.mean(pf.systems.create("logistic-map").valid(made)))

    def test_the_recommended_repair_is_the_one_that_was_trained(self, told):
        folder, _ = told
        (chapter,) = json.loads((folder / "d.json").read_text())["chapters"]
        model = json.loads(
            (folder / "d" / "logistic-map" / "repaired" / "run" / "mitigations.json").read_text()
        )
        spelled = [one["spelled"] for made in model["models"].values() for one in made]
        assert spelled == [f"represent({chapter['recommended']['name']})"]
        assert chapter["repaired"]["name"] == chapter["recommended"]["name"] == "map-parameter"


def test_an_interrupted_demo_goes_on_where_it_was(folder, run, small_demo, told, monkeypatch):
    """Stopped at the third step of the first training, by the signal of Ctrl-C."""
    from pushforward.generators.diffusion import Diffusion

    draw, steps = Diffusion.draw, []

    def stopped(self, *arguments):
        steps.append(self.settings.widths)
        if steps.count((16, 32, 64)) == 3:
            os.kill(os.getpid(), signal.SIGINT)
        return draw(self, *arguments)

    monkeypatch.setattr(Diffusion, "draw", stopped)
    assert run("demo", "-o", "d").code == 2
    monkeypatch.setattr(Diffusion, "draw", draw)
    arms = folder / "d" / "logistic-map"
    kept = {path: path.stat().st_mtime_ns for path in (arms / "foretell").iterdir()}
    assert kept
    assert not (arms / "plain" / "done.json").exists()
    assert 0 < json.loads((arms / "plain" / "run" / "settings.json").read_text())["step"] < 4
    again = run("demo", "-o", "d")
    assert (again.code, "--resume" in again.err) == (2, True)
    other = run("demo", "-o", "d", "--resume", "--seed", 1)
    assert (other.code, "another seed" in other.err) == (2, True)
    assert run("demo", "-o", "d", "--resume", "--json", "d.json").code == 0
    assert {path: path.stat().st_mtime_ns for path in (arms / "foretell").iterdir()} == kept
    assert figures(folder / "d.json") == figures(told[0] / "d.json")


def test_ones_own_trajectories_get_a_chapter(folder, run, small_demo):
    ran = run("demo", "data.npz", "--quantity", "displacement", "-o", "d", "--json", "d.json")
    assert ran.code == 0, ran.err
    (chapter,) = json.loads((folder / "d.json").read_text())["chapters"]
    assert (chapter["title"], chapter["quantity"], chapter["unit"]) == ("data.npz", "displacement", "m")
    assert chapter["drift"]["valid"] is None
    assert "obey the law" not in ran.out
    assert pf.read("d/own/data.npz").channels == ("x", "y")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (("missing.npz",), "missing.npz: no such file"),
        (("plan.toml",), "plan.toml: unknown content"),
        (("data.npz", "--quantity", "path-lenght"), "did you mean 'path-length'"),
        (("data.npz", "--quantity", "logistic-map-r"), "logistic-map-r"),
        (("few.npz",), "got 20 trajectories of at least 2 steps; expected at least 50"),
        (("data.npz", "--quantity", "duration"), "on every trajectory; expected one that varies"),
        (("--quantity", "path-length"), "--quantity: belongs to FILE"),
        (("data.npz", "-o", "."), "lies in the folder of the demo"),
        (("--seed", "-1"), "seed"),
    ],
)
def test_what_cannot_be_told_is_refused_before_anything_is_written(folder, run, small_demo, arguments, said):
    pf.write("few.npz", pf.read("data.npz").select(slice(0, 20)))
    before = sorted(folder.iterdir())
    ran = run("demo", "-o", "d", *arguments)
    assert (ran.code, ran.out) == (2, "")
    assert said in ran.err
    assert ran.err.count("\n") == 1
    assert sorted(folder.iterdir()) == before


def test_what_is_in_the_folder_is_not_trusted(folder, run, small_demo):
    (folder / "taken").write_text("a file")
    assert "cannot be made" in run("demo", "-o", "taken").err
    (folder / "d").mkdir()
    (folder / "d" / "demo.json").write_text("{}")
    ran = run("demo", "-o", "d", "--resume")
    assert (ran.code, "not the demo's" in ran.err) == (2, True)


@pytest.mark.slow
def test_the_quick_demo_in_worker_processes_survives_being_killed(folder):
    """As a user runs it: killed outright in its trainings, it goes on, and all three systems are told."""
    command = [sys.executable, "-m", "pushforward", "demo", "--quick", "-o", "d", "--json", "d.json"]
    first = subprocess.Popen(command, stderr=subprocess.DEVNULL)
    trained = [
        folder / "d" / name / "plain" / "done.json" for name in ("logistic-map", "maze", "double-pendulum")
    ]
    while not any(path.exists() for path in trained):
        assert first.poll() is None
        time.sleep(0.2)
    first.kill()
    first.wait()
    kept = [path for path in trained if path.exists()]
    before = [path.read_text() for path in kept]
    again = subprocess.run([*command, "--resume"], capture_output=True, text=True, check=True)
    assert [path.read_text() for path in kept] == before
    assert len(again.stdout.split("\n\n")[0].splitlines()) == 3
    chapters = json.loads((folder / "d.json").read_text())["chapters"]
    assert [one["recommended"]["name"] for one in chapters] == [
        "map-parameter",
        "speed-heading",
        "energy-phase",
    ]
    for one in chapters:
        assert one["drift"]["verdict"] == "drift"
        assert one["forecast"]["corr"]["value"] > one["forecast"]["floor_corr"]["high"]
    assert (folder / "d" / "report.html").stat().st_size < 2_000_000
