import json

import pytest

from pushforward.commands import doctor


def test_doctor_names_versions_extras_and_how_to_get_them(run, tmp_path, monkeypatch):
    monkeypatch.setattr(
        doctor, "_version", lambda name: None if name == "dysts" else "9.9" if name == "ray" else "1.0"
    )
    ran = run("doctor", "--json", tmp_path / "here.json")
    assert ran.code == 0
    assert "missing dysts: pip install 'pushforward[chaos]'  (for the dysts systems)" in ran.out
    assert "ray 9.9" in ran.out
    assert ran.out.rstrip().endswith("ready")
    record = json.loads((tmp_path / "here.json").read_text())
    assert record["core"]["numpy"] == "1.0"
    assert record["extras"]["chaos"] == {"dysts": None}


def test_doctor_fails_where_a_package_of_the_core_is_missing(run, monkeypatch):
    monkeypatch.setattr(doctor, "_version", lambda name: None if name == "torch" else "1.0")
    ran = run("doctor")
    assert ran.code == 2
    assert "missing: torch" in ran.out


def test_doctor_sees_what_is_really_installed(run):
    import numpy

    assert f"numpy        {numpy.__version__}" in run("doctor").out


def test_cite_prints_the_paper_and_exactly_what_an_audit_used(folder, run):
    assert run(
        "audit", "made.npz", "--against", "data.npz", "--quantity", "path-length", "--json", "a.json"
    ).code in (0, 1)
    ran = run("cite", "a.json")
    assert "nishi2026misgeneralization" in ran.out
    assert "phipson2010permutation" in ran.out
    assert "shapley1953value" not in ran.out
    assert "shapley1953value" in run("cite").out


@pytest.mark.parametrize("text", ["", "{", "{}", "[1]"])
def test_cite_refuses_what_is_no_audit(folder, run, text):
    (folder / "bad.json").write_text(text)
    ran = run("cite", "bad.json")
    assert ran.code == 2
    assert ran.err.startswith("error: bad.json: ")
    assert ran.err.count("\n") == 1
