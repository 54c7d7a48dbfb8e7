"""The demo: one story from data to a repaired model, on a budget of seconds."""

from __future__ import annotations

import json

import pytest

import pushforward as pf

pytestmark = pytest.mark.usefixtures("small_demo")


def test_the_story_is_told_from_data_to_a_repaired_model(folder, run):
    ran = run("demo", "--quick", "-o", "d", "--json", "d.json")
    assert ran.code == 0, ran.err
    report = folder / "d" / "report.html"
    assert str(report.resolve()) in ran.out
    assert report.stat().st_size < 2_000_000
    assert "pf.audit(" in ran.out
    line = ran.out.splitlines()[0]
    assert line.startswith("Logistic map: drift (TV)")
    assert all(
        word in line for word in ("noise floor", "forecast before training", "map-parameter", "obey the law")
    )
    (chapter,) = json.loads((folder / "d.json").read_text())["chapters"]
    audit, told = chapter["drift"], chapter["forecast"]
    assert f"{audit['tv']:.3f} (noise floor {audit['tv_null_95']:.3f})" in line
    assert chapter["recommended"]["name"] == chapter["repaired"]["name"] == "map-parameter"
    sealed = json.loads((folder / "d" / "logistic-map" / "forecast.json").read_text())
    assert sealed["written"] == told["written"] <= told["training_began"]
    assert (sealed["digest"], sealed["forecast"]["tv"]) == (told["sha256"], told["tv"])
    weights = folder / "d" / "logistic-map" / "plain" / "run" / "settings.json"
    assert (folder / "d" / "logistic-map" / "forecast.json").stat().st_mtime_ns < weights.stat().st_mtime_ns
    # What was made is what the figures are about.
    made = pf.read(folder / "d" / "logistic-map" / "plain" / "made.npz")
    data = pf.read(folder / "d" / "logistic-map" / "data.npz")
    again = pf.audit(made, data, quantities=["logistic-map-r"])["logistic-map-r"]
    assert again.mean_shift.value == pytest.approx(audit["mean_shift"]["value"], rel=1e-6)
