"""Every command, as a user runs it."""

import json

import numpy as np
import pytest

import pushforward as pf

TINY = ("--steps", 4, "--widths", 8, "--batch-size", 16)


def test_an_audit_prints_a_table_writes_json_and_exits_with_one_on_drift(folder, run):
    drift = run("audit", "made.npz", "--against", "data.npz", "--quantity", "path-length", "--json", "a.json")
    assert drift.code == 1
    assert "path-length" in drift.out
    assert "drift" in drift.out
    record = json.loads((folder / "a.json").read_text())
    assert record["quantities"][0]["unit"] == "m"
    assert "sha256" in record["inputs"]["made"]
    same = run("audit", "data.npz", "--against", "data.npz", "--quantity", "path-length")
    assert (same.code, "no drift found" in same.out) == (0, True)


def test_the_audit_of_files_equals_the_audit_in_python(folder, run):
    run(
        "audit",
        "made.npz",
        "--against",
        "data.npz",
        "--quantity",
        "path-length",
        "--seed",
        3,
        "--json",
        "a.json",
    )
    audit = pf.audit(pf.read("made.npz"), pf.read("data.npz"), quantities="path-length", seed=3)
    assert (
        json.loads((folder / "a.json").read_text())["quantities"] == json.loads(audit.to_text())["quantities"]
    )


def test_tolerances_and_laws_by_quantity(folder, run):
    several = run(
        "audit", "made.npz", "--against", "data.npz", "--quantity", "path-length", "--quantity", "displacement",
        "--tolerance", "path-length=100", "--tolerance", "displacement=100", "--json", "a.json",
    )  # fmt: skip
    verdicts = {q["name"]: q["verdict"] for q in json.loads((folder / "a.json").read_text())["quantities"]}
    assert several.code == 0
    assert verdicts == {"path-length": "within tolerance", "displacement": "within tolerance"}
    law = run("audit", "made.npz", "--quantity", "displacement", "--intended", "gamma(2, scale=3)")
    assert law.code in (0, 1)
    assert "gamma(2, scale=3)" in law.out


def test_a_function_of_the_users_own_is_a_quantity(folder, run):
    (folder / "mine.py").write_text("def last_x(trajectories):\n    return trajectories.values[:, -1, 0]\n")
    ran = run("audit", "made.npz", "--against", "data.npz", "--quantity", "mine:last_x")
    assert ran.code in (0, 1)
    assert "last" in ran.out


def test_tables_of_measured_values(folder, run):
    rng = np.random.default_rng(0)
    np.save(folder / "made.npy", rng.normal(0.5, 1, 500))
    np.save(folder / "data.npy", rng.normal(0, 1, 500))
    (folder / "made.csv").write_text(
        "energy,group\n" + "".join(f"{v},{i // 5}\n" for i, v in enumerate(rng.random(200)))
    )
    assert run("audit", "made.npy", "--against", "data.npy").code == 1
    grouped = run("audit", "made.csv", "--intended", "uniform(0, 1)")
    assert grouped.code == 0
    assert "clusters 40 made" in grouped.out


def test_units_in_the_headers_of_tables_are_the_quantitys_and_must_agree(folder, run):
    for name, header in (("made", "speed [m/s]"), ("data", "speed"), ("other", "speed (km/h)")):
        (folder / f"{name}.csv").write_text(header + "\n" + "".join(f"{v / 99}\n" for v in range(100)))
    for made, data in (("made", "data"), ("data", "made")):
        assert run("audit", f"{made}.csv", "--against", f"{data}.csv", "--json", "a.json").code == 0
        found = json.loads((folder / "a.json").read_text())["quantities"][0]
        assert (found["name"], found["unit"]) == ("speed", "m/s")
    refused = run("audit", "made.csv", "--against", "other.csv")
    assert refused.code == 2
    assert refused.err.strip().endswith(
        "units differ: speed of made is in m/s, of the reference in km/h; expected the same"
    )


def test_from_simulation_to_report(folder, run):
    assert run("simulate", "logistic-map", "-n", 300, "-o", "map.npz").code == 0
    trained = run("train", "map.npz", "-o", "run", *TINY, "--json", "t.json")
    assert trained.code == 0, trained.err
    assert json.loads((folder / "t.json").read_text())["steps"] == 4
    assert run("sample", "run", "-n", 60, "-o", "made.parquet").code == 0
    assert len(pf.read("made.parquet")) == 60
    reported = run("report", "run", "--made", "made.parquet", "-o", "r.html", "--figures", "figures")
    assert reported.code == 0, reported.err
    page = (folder / "r.html").read_text()
    assert "logistic-map-r" in page
    assert "sampling.seed" in page
    assert {path.suffix for path in (folder / "figures").iterdir()} == {".svg", ".png"}


def test_report_samples_where_there_are_no_samples_and_reads_audits_back(folder, run):
    assert run("train", "data.npz", "-o", "run", *TINY).code == 0
    first = run("report", "run", "-n", 40, "-o", "r.html", "--quantity", "path-length", "--json", "a.json")
    assert first.code == 0, first.err
    assert (folder / "run" / "made.npz").exists()
    run("audit", "made.npz", "--against", "data.npz", "--quantity", "path-length", "--json", "b.json")
    assert run("report", "b.json", "-o", "b.html").code == 0
    assert "path-length" in (folder / "b.html").read_text()


def test_training_can_be_resumed_from_the_command_line(folder, run):
    whole = run("train", "data.npz", "-o", "whole", *TINY, "--seed", 2)
    assert whole.code == 0
    again = run("train", "data.npz", "-o", "whole", *TINY, "--seed", 2, "--resume")
    assert again.code == 0
    other = run("train", "data.npz", "-o", "whole", *TINY, "--widths", 16, "--seed", 2, "--resume")
    assert (other.code, "widths" in other.err) == (2, True)


def test_samples_do_not_depend_on_the_batch_and_the_same_seed_gives_the_same_bytes(folder, run):
    run("train", "data.npz", "-o", "run", *TINY)
    for name, batch in (("a.npz", 7), ("b.npz", 1000), ("c.npz", 1000)):
        assert run("sample", "run", "-n", 20, "-o", name, "--batch-size", batch, "--seed", 5).code == 0
    a, b = pf.read("a.npz"), pf.read("b.npz")
    assert np.allclose(a.values, b.values, atol=1e-5)
    assert (folder / "b.npz").read_bytes() == (folder / "c.npz").read_bytes()


def test_list_names_everything(run, folder):
    everything = run("list", "--json", "l.json")
    assert everything.code == 0
    record = json.loads((folder / "l.json").read_text())
    assert {"path-length", "accumulated-cyclone-energy"} <= set(record["quantities"])
    assert {"diffusion"} <= set(record["generators"])
    assert {"npz", "hdf5", "zarr", "parquet", "minari", "hurdat2", "csv"} <= set(record["formats"])
    assert run("list", "quantities").out.startswith("quantities:")


def test_quiet_prints_nothing(folder, run):
    ran = run("audit", "made.npz", "--against", "data.npz", "--quiet")
    assert (ran.out, ran.err) == ("", "")


@pytest.mark.parametrize(
    "command", [(), ("demo",), ("audit",), ("train",), ("sample",), ("report",), ("list",)]
)
def test_every_command_gives_help(run, command):
    ran = run(*command, "--help")
    assert ran.code == 0
    assert "usage" in ran.out


def test_version(run):
    assert run("--version").out.strip() == f"pushforward {pf.__version__}"


def test_a_refused_training_leaves_the_run_as_it_was(folder, run):
    assert run("train", "data.npz", "-o", "run", *TINY).code == 0
    before = (folder / "run" / "run.json").read_bytes()
    assert run("train", "made.npz", "-o", "run", *TINY, "--seed", 1, "--resume").code == 2
    assert (folder / "run" / "run.json").read_bytes() == before


@pytest.mark.parametrize(
    ("data", "more"),
    [("one.npz", ()), ("data.npz", ("--mitigate", "guide(max-speed)"))],
    ids=["one", "guide"],
)
def test_a_refused_training_leaves_nothing_of_a_new_run(folder, run, data, more):
    one = pf.read(folder / "data.npz").select(slice(0, 1))
    pf.write(folder / "one.npz", one)
    assert run("train", data, "-o", "new", *TINY, *more).code == 2
    assert not (folder / "new").exists()


def test_samples_of_an_earlier_model_and_changed_data_are_not_reported_as_the_runs_own(folder, run):
    assert run("train", "data.npz", "-o", "run", *TINY).code == 0
    assert run("sample", "run", "-n", 40).code == 0
    assert run("report", "run", "-o", "r.html", "--quantity", "path-length").code == 0
    assert run("train", "data.npz", "-o", "run", *TINY, "--seed", 7).code == 0
    stale = run("report", "run", "-o", "r.html", "--quantity", "path-length")
    assert (stale.code, "earlier model" in stale.err) == (2, True)
    assert run("sample", "run", "-n", 40).code == 0
    (folder / "data.npz").write_bytes((folder / "made.npz").read_bytes())
    changed = run("report", "run", "-o", "r.html", "--quantity", "path-length")
    assert (changed.code, "not the file any more" in changed.err) == (2, True)


def test_the_gate_keeps_its_answer_when_nobody_reads_the_table(folder):
    import os
    import subprocess
    import sys

    audit = [sys.executable, "-m", "pushforward", "audit", "made.npz", "--against", "data.npz"]
    read, write = os.pipe()
    os.close(read)
    with os.fdopen(write, "w") as closed:
        done = subprocess.run(
            [*audit, "--quantity", "path-length"], stdout=closed, stderr=subprocess.PIPE, text=True
        )
    assert (done.returncode, "Traceback" in done.stderr) == (1, False)


def test_actions_can_be_audited_against_a_key_of_the_data(folder, run):
    import h5py

    with h5py.File(folder / "demos.hdf5", "w") as file:
        for i in range(30):
            actions = np.random.default_rng(i).normal(size=(12, 2))
            file[f"data/demo_{i}/actions"] = actions
            file[f"data/demo_{i}/obs/eef"] = np.cumsum(actions, axis=0)
    actions = pf.read("demos.hdf5", key="actions")
    pf.write("actions.npz", actions)
    ran = run(
        "audit", "actions.npz", "--against", "demos.hdf5", "--against-key", "actions", "--quantity", "path-length"
    )  # fmt: skip
    assert ran.code == 0, ran.err
