"""Arms with mitigations: the same steps around the generator, with a hash and a name of their own."""

import json

import pytest
from tests.study.conftest import LOGISTIC, results_of

from pushforward.errors import InputError
from pushforward.study.plan import GeneratorArm
from pushforward.study.reading import read_runs

MITIGATED = (GeneratorArm(name="jitter", grid={"mitigations": [[], ["represent(increments)"]]}),)


def test_a_mitigated_arm_runs_beside_the_same_generator_without(study, here):
    made = study(generators=MITIGATED)
    assert made.run(here).failed == {}
    arms = {run.arm: run for run in made.runs if not run.control}
    assert set(arms) == {"jitter mitigations=()", "jitter mitigations=(represent(increments))"}
    w1 = {line.arm: line.numbers["w1"].mean for line in made.results().summary()}
    assert len(set(w1.values())) == 3
    for run in made.runs:
        audit = json.loads((made.ledger.run_folder(run.id) / "audit.json").read_text())
        assert ("represent(increments)" in audit["inputs"]["made"]) == ("represent" in run.arm)


def test_it_gives_the_same_bytes_again(study, here):
    first, again = study("first", generators=MITIGATED), study("again", generators=MITIGATED)
    first.run(here)
    again.run(here)
    assert results_of(first.folder) == results_of(again.folder)


def test_without_mitigations_a_run_keeps_its_hash(study):
    plain = {run.id for run in study(generators=(GeneratorArm(name="jitter"),)).runs}
    assert {run.id for run in study(generators=(GeneratorArm(name="jitter", mitigations=()),)).runs} == plain
    assert plain < {run.id for run in study(generators=MITIGATED).runs}


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('mitigations = ["represnt(increments)"]', "did you mean 'represent'"),
        ('mitigations = ["represent(incremets)"]', "did you mean 'increments'"),
        ("mitigations = [3]", "expected a list of texts"),
        ('mitigations = "represent(increments)"', "expected a list of texts"),
        ('grid = { mitigations = [["represnt(increments)"]] }', "did you mean 'represent'"),
        ('mitigations = ["represent(increments)"]\ngrid = { mitigations = [[]] }', "also set by itself"),
    ],
)
def test_a_mitigation_that_cannot_work_is_refused_with_its_line(tmp_path, line, says):
    path = tmp_path / "plan.toml"
    path.write_text(f'[[system]]\nname = "{LOGISTIC.name}"\n[[generator]]\nname = "jitter"\n{line}\n')
    with pytest.raises(InputError, match=says) as refused:
        read_runs(path)
    assert f"line {5 + line.count(chr(10))}" in str(refused.value)
