"""Audits of many files: the same as of one, however they are cut, whoever measures them."""

import json

import numpy as np
import pytest

import pushforward as pf
from pushforward.cli import main
from pushforward.errors import InputError
from pushforward.study.local import LocalPool, Told
from pushforward.study.pools import Here
from pushforward.study.shards import TableShards, TrajectoryShards, shards_of


def walks(n, seed, scale=1.0, grouped=False):
    steps = np.random.default_rng(seed).normal(0, scale, (n, 8, 2))
    groups = np.arange(n) // 4 if grouped else None
    return pf.Trajectories(np.cumsum(steps, axis=1), channels=("x", "y"), units=("m", "m"), groups=groups)


def cut(folder, trajectories, sizes):
    folder.mkdir()
    start = 0
    for i, size in enumerate(sizes):
        pf.write(folder / f"{i:03}.npz", trajectories.select(slice(start, start + size)))
        start += size
    return folder


@pytest.fixture
def run(capsys, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    def call(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


@pytest.mark.parametrize("grouped", [False, True])
@pytest.mark.parametrize("quantities", [None, ("path-length", "displacement")])
def test_many_files_give_the_audit_of_one(tmp_path, run, grouped, quantities):
    made, data = walks(60, 0, 1.1, grouped), walks(80, 1, grouped=grouped)
    pf.write(tmp_path / "made.npz", made)
    pf.write(tmp_path / "data.npz", data)
    cut(tmp_path / "made", made, [1, 30, 2, 27])
    cut(tmp_path / "data", data, [40, 40])
    asked = [word for q in quantities or () for word in ("--quantity", q)]
    assert run("audit", "made.npz", "--against", "data.npz", *asked, "--json", "one.json")[0] in (0, 1)
    assert run("audit", "made", "--against", "data", *asked, "--json", "many.json")[0] in (0, 1)
    assert run("audit", "made/*.npz", "--against", "data.npz", *asked, "--json", "glob.json")[0] in (0, 1)
    one, many, pattern = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("one", "many", "glob"))
    assert one["quantities"] == many["quantities"] == pattern["quantities"]
    assert one["grid"] == many["grid"]
    assert "4 files" in many["inputs"]["made"]


def test_a_quantity_of_the_users_own_is_measured_in_every_file(tmp_path, run):
    cut(tmp_path / "made", walks(40, 0), [20, 20])
    (tmp_path / "own_code.py").write_text(
        "def last(trajectories):\n    return trajectories.values[:, -1, 0]\n"
    )
    code, out, _ = run("audit", "made", "--intended", "normal(0, 2.8)", "--quantity", "own_code:last")
    assert (code, "last" in out) in ((0, True), (1, True))


def test_tables_of_values_in_many_files_give_the_audit_of_one(tmp_path, run):
    rng = np.random.default_rng(0)
    values, data = rng.normal(0.2, 1, 900), rng.normal(0, 1, 700)
    np.save(tmp_path / "made.npy", values)
    np.save(tmp_path / "data.npy", data)
    (tmp_path / "made").mkdir()
    for i, part in enumerate(np.split(values, [100, 101, 500])):
        np.save(tmp_path / "made" / f"{i}.npy", part)
    run("audit", "made.npy", "--against", "data.npy", "--json", "one.json")
    run("audit", "made", "--against", "data.npy", "--json", "many.json")
    one, many = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("one", "many"))
    assert one["quantities"] == many["quantities"]


def test_clusters_that_go_on_in_the_next_file_are_one_cluster(tmp_path, run):
    rows = [f"{v},{i // 10}" for i, v in enumerate(np.random.default_rng(0).random(200))]
    (tmp_path / "made").mkdir()
    (tmp_path / "made.csv").write_text("\n".join(["q,group", *rows]) + "\n")
    for i in range(4):
        (tmp_path / "made" / f"{i}.csv").write_text(
            "\n".join(["q,group", *rows[45 * i : 45 * (i + 1) + 20 * (i == 3)]]) + "\n"
        )
    run("audit", "made.csv", "--intended", "uniform(0, 1)", "--json", "one.json")
    run("audit", "made", "--intended", "uniform(0, 1)", "--json", "many.json")
    one, many = (json.loads((tmp_path / f"{n}.json").read_text()) for n in ("one", "many"))
    assert one["quantities"] == many["quantities"]
    assert one["quantities"][0]["n_groups_made"] == 20


def test_invalid_trajectories_are_counted_over_all_files(tmp_path, run):
    made = walks(40, 0)
    cut(tmp_path / "made", made, [20, 20])
    for name, bad in (("000", 3), ("001", 2)):
        with np.load(tmp_path / "made" / f"{name}.npz") as stored:
            arrays = dict(stored)
        arrays["values"] = arrays["values"].copy()
        arrays["values"][:bad, 0, 0] = np.nan
        np.savez(tmp_path / "made" / f"{name}.npz", **arrays)
    code, _, err = run("audit", "made", "--intended", "normal(0, 3)", "--quantity", "displacement")
    assert (code, "000.npz" in err, "NaN" in err) == (2, True, True)
    run(
        "audit",
        "made",
        "--intended",
        "normal(0, 3)",
        "--quantity",
        "displacement",
        "--drop-invalid",
        "--json",
        "a.json",
    )
    record = json.loads((tmp_path / "a.json").read_text())
    assert (record["n_dropped"], record["quantities"][0]["n_made"]) == ({"made": 5}, 35)


def test_a_file_that_holds_something_else_is_named(tmp_path, run):
    cut(tmp_path / "made", walks(20, 0), [10, 10])
    other = pf.Trajectories(walks(10, 1).values, channels=("x", "y"), units=("km", "km"))
    pf.write(tmp_path / "made" / "002.npz", other)
    code, _, err = run("audit", "made", "--intended", "normal(0, 3)", "--quantity", "displacement")
    assert (code, "002.npz" in err, "km" in err) == (2, True, True)
    (tmp_path / "made" / "002.npz").write_bytes(b"PK\x03\x04 not a file")
    code, _, err = run("audit", "made", "--intended", "normal(0, 3)", "--quantity", "displacement")
    assert (code, "002.npz" in err) == (2, True)


def test_a_pattern_that_matches_nothing_is_refused(tmp_path, run):
    code, _, err = run("audit", "made/*.npz", "--intended", "normal(0, 1)")
    assert (code, "no such file or folder" in err) == (2, True)
    with pytest.raises(InputError):
        shards_of(tmp_path / "nothing")


def test_a_folder_that_is_a_data_set_by_itself_stays_one(tmp_path):
    pf.write(tmp_path / "data.zarr", walks(10, 0))
    assert shards_of(tmp_path / "data.zarr") == [tmp_path / "data.zarr"]


def test_a_report_of_many_files_draws_the_first(tmp_path, run):
    cut(tmp_path / "made", walks(20, 0), [10, 10])
    pf.write(tmp_path / "data.npz", walks(30, 1))
    code, _, _ = run(
        "audit", "made", "--against", "data.npz", "--quantity", "path-length", "--report", "r.html"
    )
    assert code in (0, 1)
    assert "path-length" in (tmp_path / "r.html").read_text()


def audited(made, data):
    return pf.audit(made, against=data, quantities=["path-length"]).to_text()


def test_processes_one_of_which_is_killed_give_the_audit_of_this_process(tmp_path):
    paths = shards_of(cut(tmp_path / "made", walks(60, 0), [10] * 6))
    data, pool, killed = walks(80, 1), LocalPool(2), []

    class Killing:
        def run(self, work, tasks):
            for answer in pool.run(work, tasks):
                if work == "count" and isinstance(answer, Told) and not killed:
                    victim = next(w for w in pool._living if w.task and w.task.index == answer.index)
                    victim.process.kill()
                    killed.append(answer.index)
                yield answer

    here = audited(TrajectoryShards(paths, Here()), data)
    assert audited(TrajectoryShards(paths, Killing()), data) == here
    assert killed
    assert audited(lambda: iter([pf.Trajectories.concat([pf.read(path) for path in paths])]), data) == here


def test_at_most_two_passes_and_one_where_the_range_is_given(tmp_path):
    (tmp_path / "made").mkdir()
    for i in range(3):
        np.save(tmp_path / "made" / f"{i}.npy", np.random.default_rng(i).normal(size=50))
    passes = []

    class Counting:
        def run(self, work, tasks):
            passes.append(work)
            yield from Here().run(work, tasks)

    from pushforward.measure import AuditSettings, audit_streams

    shards = TableShards.of(shards_of(tmp_path / "made"), Counting(), ["value"], False)
    for given, expected in ((None, ["scan", "count"]), ((-3.0, 3.0), ["count"])):
        passes.clear()
        audit_streams(
            shards,
            None,
            units={"value": ""},
            intended={"value": "normal(0, 1)"},
            settings=AuditSettings(range=given, resamples=99),
        )
        assert passes == expected


@pytest.mark.slow
@pytest.mark.timeout(3600)
def test_a_hundred_million_values_in_a_thousand_files_with_a_worker_killed(tmp_path):
    from pushforward.measure import AuditSettings, audit_streams

    n_files, n = 1000, 100_000
    (tmp_path / "made").mkdir()
    for i in range(n_files):
        np.save(tmp_path / "made" / f"{i:04}.npy", np.random.default_rng(i).normal(0.001, 1, n))
    paths, killed = shards_of(tmp_path / "made"), []
    pool = LocalPool(2)

    class Killing:
        def run(self, work, tasks):
            for answer in pool.run(work, tasks):
                if work == "count" and answer.index > 300 and not killed:
                    victim = next(w for w in pool._living if w.task)
                    killed.append(victim.task.index)
                    victim.process.kill()
                yield answer

    def found(pool, settings):
        shards = TableShards.of(paths, pool, ["value"], False)
        return audit_streams(
            shards, None, units={"value": ""}, intended={"value": "normal(0, 1)"}, settings=settings
        )

    spread = found(Killing(), AuditSettings())
    assert killed
    assert spread.to_text() == found(Here(), AuditSettings()).to_text()
    assert spread.quantities[0].n_made == n_files * n

    def one_after_the_other():
        for path in paths:
            yield {"value": np.load(path)}, None

    # The same counts as those of a single stream on the same grid, without shards.
    low, high = spread.grid["ranges"]["value"]
    single = audit_streams(
        one_after_the_other,
        None,
        units={"value": ""},
        intended={"value": "normal(0, 1)"},
        settings=AuditSettings(range=(low, high)),
    )
    assert single.to_json()["quantities"] == spread.to_json()["quantities"]
