"""`pushforward study` and `status`, as a user runs them."""

import json

import pytest

from pushforward.cli import main
from pushforward.study.locks import Claim
from pushforward.study.pools import Here
from pushforward.study.study import Study

PLAN = """\
seeds = [0, 1]
samples = 40
[[system]]
name = "logistic-map"
n = 50
T = 8
[[generator]]
name = "jitter"
settings = { diverge = false }
[audit]
resamples = 99
"""


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("pushforward.study.study.create_pool", lambda *arguments, **settings: Here())
    (tmp_path / "plan.toml").write_text(PLAN)
    return tmp_path


@pytest.fixture
def run(capsys):
    def call(*arguments):
        capsys.readouterr()
        code = main([str(argument) for argument in arguments])
        captured = capsys.readouterr()
        return code, captured.out, captured.err

    return call


def test_a_study_prints_its_table_and_writes_json(folder, run):
    code, out, _ = run("study", "plan.toml", "--json", "s.json")
    assert code == 0
    assert "fresh sample of the data" in out
    assert "jitter" in out
    assert (folder / "plan" / "results.parquet").exists()
    record = json.loads((folder / "s.json").read_text())
    assert (record["runs"], record["worked"], record["failed"], len(record["rows"])) == (4, 4, {}, 4)
    code, out, _ = run("study", "plan.toml", "--resume")
    assert (code, "4 were done before" in out) == (0, True)


def test_a_study_is_only_gone_on_with_when_asked(folder, run):
    assert run("study", "plan.toml", "-o", "s")[0] == 0
    code, _, err = run("study", "plan.toml", "-o", "s")
    assert (code, "--resume" in err) == (2, True)


def test_a_plan_can_be_checked_without_running_it(folder, run):
    code, out, _ = run("study", "plan.toml", "--check")
    assert (code, "4 runs; nothing was run" in out) == (0, True)
    assert not (folder / "plan").exists()


def test_a_bad_plan_makes_nothing(folder, run):
    (folder / "plan.toml").write_text(PLAN.replace("jitter", "jiter"))
    code, _, err = run("study", "plan.toml")
    assert (code, "line 8" in err, "did you mean 'jitter'" in err) == (2, True, True)
    assert [path.name for path in folder.iterdir()] == ["plan.toml"]


def test_failed_runs_are_shown_and_end_with_two(folder, run):
    (folder / "plan.toml").write_text(PLAN.replace("false", "true"))
    code, out, _ = run("study", "plan.toml")
    assert code == 2
    assert "2 failed" in out
    assert "the loss is nan" in out
    code, out, _ = run("status", "plan", "--json", "status.json")
    assert (code, "2 of 4 runs are done, 2 failed" in out) == (0, True)
    record = json.loads((folder / "status.json").read_text())
    assert record["states"] == {"done": 2, "failed": 2, "planned": 0}
    assert all("nan" in error for error in record["errors"].values())


def test_the_status_tells_who_works_on_what(folder, run):
    run("study", "plan.toml")
    study = Study.read(folder / "plan.toml")
    first = study.runs[1]
    (folder / "plan" / "records" / f"{first.id}.jsonl").unlink()
    (folder / "plan" / "records" / f"{study.runs[0].id}.jsonl").write_text("damaged")
    with Claim.take(folder / "plan" / "locks" / f"{first.id}.lock"):
        code, out, _ = run("status", "plan", "--json", "status.json")
    assert code == 0
    assert "2 of 4 runs are done" in out
    assert "1 damaged" in out
    assert "jitter, seed 0" in out
    assert json.loads((folder / "status.json").read_text())["running"] == [first.id]


def test_status_of_something_else_is_one_line(folder, run):
    for what in ("nothing", "."):
        code, _, err = run("status", what)
        assert (code, len(err.strip().splitlines())) == (2, 1)


def test_status_and_the_plan_of_the_package_never_import_torch():
    import subprocess
    import sys

    code = "import sys, pushforward.commands.study, pushforward.commands.status, pushforward.study.results; "
    code += "import pushforward.study.table, pushforward.study.reading; assert 'torch' not in sys.modules"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
