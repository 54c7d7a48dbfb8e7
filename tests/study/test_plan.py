"""Plans: what they expand to, and that a bad one fails before any run starts, naming the line."""

import dataclasses
import json

import numpy as np
import pytest
from tests.study.conftest import tiny

import pushforward as pf
from pushforward.errors import InputError
from pushforward.study.errors import PlanError
from pushforward.study.plan import FRESH, FileData, GeneratorArm, Plan, SystemData
from pushforward.study.reading import read_plan, read_runs
from pushforward.study.runs import expand

GOOD = """\
title = "good"
seeds = [0, 1]
samples = [50, 60]
control = "jitter"

[[system]]
name = "logistic-map"
n = 60
T = 8
parameters = { burn_in = 10 }
grid = { intended = ["uniform(3.5, 4)", "uniform(3.6, 4)"] }

[[generator]]
name = "jitter"

[[generator]]
name = "jitter"
label = "rough"
grid = { scale = [0.1, 0.2], "sampling.batch_size" = [10] }

[audit]
resamples = 99
tolerance = { logistic-map-r = 0.01 }

[resources]
threads = 1
"""


@pytest.fixture
def plan_file(tmp_path):
    def write(text):
        path = tmp_path / "plan.toml"
        path.write_text(text)
        return path

    return write


def test_a_plan_expands_into_every_combination_and_a_control_for_each(plan_file):
    plan, runs = read_runs(plan_file(GOOD))
    assert len(runs) == 2 * 2 * 2 * (3 + 1)  # laws × sample sizes × seeds × (arms + the control)
    assert len({run.id for run in runs}) == len(runs)
    arms = {run.arm for run in runs}
    assert arms == {
        FRESH,
        "jitter",
        "rough scale=0.1 sampling.batch_size=10",
        "rough scale=0.2 sampling.batch_size=10",
    }
    assert sum(run.control for run in runs) == 8
    assert plan.control == "jitter"
    rough = next(run for run in runs if "0.2" in run.arm)
    assert rough.content["generator"]["sampling"] == {"batch_size": 10}
    assert rough.content["generator"]["settings"]["steps"] == 3  # defaults are written out
    assert rough.content["tolerance"] == {"logistic-map-r": 0.01}


def test_the_toml_file_and_the_dataclass_are_one_plan(plan_file):
    same = Plan(
        title="good",
        seeds=(0, 1),
        samples=(50, 60),
        control="jitter",
        systems=(
            SystemData(
                name="logistic-map",
                n=60,
                T=8,
                parameters={"burn_in": 10},
                grid={"intended": ["uniform(3.5, 4)", "uniform(3.6, 4)"]},
            ),
        ),
        generators=(
            GeneratorArm(name="jitter"),
            GeneratorArm(
                name="jitter", label="rough", grid={"scale": [0.1, 0.2], "sampling.batch_size": [10]}
            ),
        ),
        audit=pf.measure.AuditSettings(resamples=99),
        tolerance={"logistic-map-r": 0.01},
    )
    assert [run.id for run in expand(same)] == [run.id for run in read_runs(plan_file(GOOD))[1]]


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("seeds = [0, 1]", "seeds = [7, 8]"),
        ("samples = [50, 60]", "samples = [51, 61]"),
        ("n = 60", "n = 61"),
        ("T = 8", "T = 9"),
        ("burn_in = 10", "burn_in = 11"),
        ("uniform(3.6, 4)", "uniform(3.7, 4)"),
        ("resamples = 99", "resamples = 199"),
        ("scale = [0.1, 0.2]", "scale = [0.3, 0.4]"),
        ("threads = 1", "threads = 2"),
    ],
)
def test_whatever_changes_the_result_changes_the_hash(plan_file, old, new):
    before = {run.id for run in read_runs(plan_file(GOOD))[1]}
    assert {run.id for run in read_runs(plan_file(GOOD.replace(old, new)))[1]} != before


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('title = "good"', 'title = "other"'),
        ('label = "rough"', 'label = "rougher"'),
        ('control = "jitter"\n', ""),
    ],
)
def test_names_for_the_reader_do_not(plan_file, old, new):
    before = {run.id for run in read_runs(plan_file(GOOD))[1]}
    assert {run.id for run in read_runs(plan_file(GOOD.replace(old, new)))[1]} == before


def test_the_content_of_a_run_is_json_and_its_id_is_its_hash():
    for run in expand(tiny()):
        assert type(run).from_json(json.loads(json.dumps(run.to_json()))).id == run.id


def test_a_file_is_known_by_its_content_not_by_its_name(tmp_path):
    rng = np.random.default_rng(0)
    for name, seed in (("a", 0), ("b", 0), ("c", 1)):
        values = np.random.default_rng(seed).normal(size=(20, 5, 2))
        pf.write(tmp_path / f"{name}.npz", pf.Trajectories(np.cumsum(values, 1), channels=("x", "y")))
    assert rng is not None

    def ids(name):
        plan = tiny(systems=(), files=(FileData(path=tmp_path / f"{name}.npz"),))
        return [run.id for run in expand(plan)]

    assert ids("a") == ids("b") != ids("c")


def test_code_of_the_users_own_belongs_to_the_hash(tmp_path, monkeypatch):
    import sys

    monkeypatch.chdir(tmp_path)

    def ids(code):
        (tmp_path / "own_quantity.py").write_text(code)
        sys.modules.pop("own_quantity", None)
        return [run.id for run in expand(tiny(quantities=("own_quantity:last",)))]

    first = ids("def last(trajectories):\n    return trajectories.values[:, -1, 0]\n")
    assert first == ids("def last(trajectories):\n    return trajectories.values[:, -1, 0]\n")
    assert first != ids("def last(trajectories):\n    return trajectories.values[:, 0, 0] * 2.0\n")


# What is changed in the good plan, a piece of the line that is then to blame, a piece of the complaint.
BAD = [
    ('name = "jitter"\nlabel', 'name = "jiter"\nlabel', "jiter", "did you mean 'jitter'"),
    ('name = "logistic-map"', 'name = "logistic"', '"logistic"', "logistic-map"),
    ("burn_in = 10", "burnin = 10", "burnin", "burn_in"),
    ("scale = [0.1, 0.2]", "scael = [0.1]", "scael", "scael"),
    ("scale = [0.1, 0.2]", "scale = []", "scale = []", "is empty"),
    ("scale = [0.1, 0.2]", "scale = 0.1", "scale", "expected a list"),
    ("scale = [0.1, 0.2]", "scale = [-1.0]", "scale", "scale: got -1"),
    ("seeds = [0, 1]", "seeds = []", "seeds", "is empty"),
    ("seeds = [0, 1]", "seeds = [0, 0]", "seeds", "twice"),
    ("seeds = [0, 1]", "seeds = [0.5]", "seeds", "whole number"),
    ("seeds = [0, 1]", "seeds = 3", "seeds", "expected a list"),
    ("samples = [50, 60]", "samples = 1", "samples", "whole number"),
    ('control = "jitter"', 'control = "jiter"', "control", "did you mean 'jitter'"),
    ("n = 60", "n = true", "n = true", "whole number"),
    ("n = 60", 'n = "60"', 'n = "60"', "whole number"),
    ("T = 8", "T = 1", "T = 1", "whole number"),
    ("T = 8", 'T = 8\nintended = "uniform(3.5, 4)"', "grid = { intended", "also set by itself"),
    ("uniform(3.6, 4)", "uniform(3.6, 5)", "grid", "r"),
    ("uniform(3.6, 4)", "unifrom(3.6, 4)", "grid", "unifrom"),
    ("uniform(3.6, 4)", "uniform(3.5, 4)", "[[system]]", "label is used twice"),
    ('label = "rough"', 'label = ["rough"]', "label", "expected text"),
    ('label = "rough"', "setings = {}", "setings", "setings"),
    ("resamples = 99", "resamples = 9", "resamples", "resamples"),
    ("resamples = 99", "seed = 1", "seed = 1", "seed"),
    ("logistic-map-r = 0.01", "path-length = 0.01", "path-length", "path-length"),
    ("logistic-map-r = 0.01", "logistic-map-r = -1", "tolerance", "positive"),
    ("threads = 1", "threads = 0", "threads", "threads"),
    ("threads = 1", "therads = 1", "therads", "threads"),
    ('title = "good"', "titel = 1", "titel", "titel"),
    ('title = "good"', 'title = "good', "title", "TOML"),
    ("[resources]", '[[file]]\npath = "nothing.npz"\n[resources]', "nothing.npz", "no such file"),
    ("[resources]", "[[file]]\nheld_out = 0.5\n[resources]", "[[file]]", "path is missing"),
    ("[resources]", '[[kernel]]\nname = "gaussian"', 'name = "gaussian"', "entry of [[kernel]]"),
    ("[resources]", '[[mitigation]]\nname = "reweight"', "[[mitigation]]", "mitigation"),
    ("n = 60", 'n = 60\nquantities = ["path-lenght"]', "path-lenght", "did you mean 'path-length'"),
]


@pytest.mark.parametrize(("old", "new", "blamed", "says"), BAD, ids=[b[1].split("\n")[-1][:30] for b in BAD])
def test_a_bad_plan_is_refused_with_its_line(plan_file, old, new, blamed, says):
    assert old in GOOD
    text = GOOD.replace(old, new, 1)
    line = next(i for i, row in enumerate(text.splitlines(), start=1) if blamed in row)
    with pytest.raises(InputError) as refused:
        read_runs(plan_file(text))
    message = str(refused.value)
    assert "plan.toml" in message
    assert f"line {line}" in message, message
    assert says in message
    assert "\n" not in message


def test_a_plan_without_data_or_generators_is_refused():
    with pytest.raises(PlanError, match="no data"):
        tiny(systems=())
    with pytest.raises(PlanError, match="no generator"):
        tiny(generators=())


def test_two_arms_that_are_the_same_run_are_refused():
    arms = (GeneratorArm(name="jitter"), GeneratorArm(name="jitter", label="again", settings={"scale": 0.01}))
    with pytest.raises(InputError, match="same run"):
        expand(tiny(generators=arms))


def test_plans_are_read_without_running_what_they_name(plan_file):
    plan = read_plan(plan_file(GOOD))
    assert [system.name for system in plan.systems] == ["logistic-map"]
    assert dataclasses.is_dataclass(plan)
    missing = plan_file(GOOD).with_name("missing.toml")
    with pytest.raises(InputError, match="cannot be read"):
        read_plan(missing)
