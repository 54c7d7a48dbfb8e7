"""Studies: the same results whatever happens on the way."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest
from tests.study.conftest import LOGISTIC, SINUSOID, results_of, tiny
from tests.study.toy import Killed

import pushforward as pf
from pushforward.errors import InputError
from pushforward.measure import Audit
from pushforward.measure.tally_json import tally_from_json
from pushforward.study.locks import Claim
from pushforward.study.plan import FRESH, FileData, GeneratorArm

_UNDISTURBED: dict[str, bytes] = {}


@pytest.fixture
def undisturbed(study, here, jitter):
    """The results of a study that nothing happened to, made once."""
    if not _UNDISTURBED:
        made = study("undisturbed")
        assert made.run(here).failed == {}
        _UNDISTURBED.update(results_of(made.folder))
        jitter.trained.clear()
    return _UNDISTURBED


def test_every_arm_has_a_fresh_sample_of_the_data_beside_it(study, here):
    made = study(systems=(LOGISTIC, SINUSOID))
    ended = made.run(here)
    assert (ended.n_runs, ended.n_worked, ended.failed) == (12, 12, {})
    rows = pq.read_table(made.folder / "results.parquet").to_pylist()
    assert len(rows) == 12
    fresh = [row for row in rows if row["arm"] == FRESH]
    assert {(row["data"], row["seed"]) for row in fresh} == {
        (d, s) for d in ("logistic-map", "sinusoid") for s in (0, 1)
    }
    # What the data gives again is compared with the data exactly as what a generator made is.
    assert all(
        row["valid_share"] == 1.0 and row["n_made"] == 50 and row["n_reference"] == 60 for row in fresh
    )
    rough = [row["w1"] for row in rows if "0.1" in row["arm"] and row["data"] == "logistic-map"]
    assert min(rough) > max(row["w1"] for row in fresh if row["data"] == "logistic-map")


def test_artefacts_hold_the_audit_and_the_tallies_that_it_came_from(study, here):
    made = study(generators=(GeneratorArm(name="jitter"),), seeds=(0,))
    made.run(here)
    for run in made.runs:
        folder = made.ledger.run_folder(run.id)
        audit = Audit.from_json(json.loads((folder / "audit.json").read_text()))
        tallies = json.loads((folder / "tallies.json").read_text())["quantities"]
        for quantity in audit.quantities:
            sides = {side: tally_from_json(tallies[quantity.name][side]) for side in ("made", "against")}
            assert sides["made"].n == quantity.n_made
            assert sides["made"].mean == quantity.mean_made
            assert np.array_equal(sides["against"].grid.by_bin(sides["against"].mass), quantity.bins.expected)


def test_a_run_can_be_repeated_by_hand_from_its_record(study, here):
    made = study(generators=(GeneratorArm(name="jitter"),), seeds=(3,))
    made.run(here)
    run = next(run for run in made.runs if not run.control and run.data == "logistic-map")
    seeds = made.ledger.record(run.id).body["about"]["seeds"]
    system = pf.systems.create("logistic-map")
    data = system.sample(60, pf.Intended.uniform(3.5, 4), T=8, seed=seeds["data"])
    model = pf.generators.create("jitter").fit(data, seed=seeds["fit"], checkpoint=made.folder / "again")
    audit = pf.audit(model.sample(50, seed=seeds["sample"]), data, settings=tiny().audit, seed=seeds["audit"])
    row = next(row for row in made.results().rows if row["run"] == run.id)
    assert (row["w1"], row["mean_shift"]) == (
        audit.quantities[0].w1.value,
        audit.quantities[0].mean_shift.value,
    )


def test_what_is_done_is_never_done_again(study, here, jitter):
    made = study()
    made.run(here)
    trained, records = list(jitter.trained), {p: p.read_bytes() for p in (made.folder / "records").iterdir()}
    again = study()
    ended = again.run(here, resume=True)
    assert (ended.n_worked, jitter.trained) == (0, trained)
    assert {p: p.read_bytes() for p in (made.folder / "records").iterdir()} == records


def test_a_folder_with_a_study_is_only_gone_on_with_when_asked(study, here):
    made = study()
    made.run(here)
    with pytest.raises(InputError, match="--resume"):
        made.run(here)


def test_more_seeds_later_are_only_these_runs(study, here, jitter):
    study().run(here)
    n = len(jitter.trained)
    more = study(seeds=(0, 1, 2))
    assert more.run(here, resume=True).n_worked == 3
    assert len(jitter.trained) == n * 3 // 2
    assert len(more.results().rows) == 9
    fewer = study(seeds=(0,))
    fewer.run(here, resume=True)
    assert len(fewer.results().rows) == 3  # others stay in the ledger, out of the table


@pytest.mark.parametrize("when", range(0, 38, 5))
def test_killed_at_any_write_a_study_completes_with_the_same_bytes(
    study, here, undisturbed, monkeypatch, when
):
    made, left = study(), when
    import pushforward.writing as writing

    replaced = writing.Path.replace

    def killing(self, target):
        nonlocal left
        left -= 1
        if left == -1:
            raise Killed
        return replaced(self, target)

    monkeypatch.setattr(writing.Path, "replace", killing)
    try:
        made.run(here)
    except Killed:
        pass
    else:
        assert left >= 0
    monkeypatch.undo()
    before = {p: p.read_bytes() for p in (made.folder / "records").glob("*.jsonl")}
    monkeypatch.setitem(pf.generators.GENERATORS, "jitter", "tests.study.toy:Jitter")
    ended = study().run(here, resume=True)
    assert ended.failed == {}
    assert ended.n_worked == 6 - len(before)
    assert results_of(made.folder) == undisturbed
    assert all(p.read_bytes() == content for p, content in before.items())


def test_an_interrupted_training_goes_on_from_its_checkpoint(study, here, undisturbed, jitter, monkeypatch):
    from tests.study import toy

    def killing(path, text):
        writing(path, text)
        if json.loads(text) and json.loads(text)[0] == 2:
            raise Killed

    writing = toy.write_text
    monkeypatch.setattr(toy, "write_text", killing)
    made = study()
    with pytest.raises(Killed):
        made.run(here)
    monkeypatch.setattr(toy, "write_text", writing)
    trained = len(jitter.trained)
    assert trained == 2
    made.run(here, resume=True)
    assert len(jitter.trained) == 4 * 3  # 4 trainings of 3 steps, none twice
    assert results_of(made.folder) == undisturbed


@pytest.mark.parametrize("victim", ["record", "audit.json", "tallies.json", "study.json", "model"])
def test_damage_is_found_set_aside_and_made_good(study, here, undisturbed, victim):
    made = study()
    made.run(here)
    run = next(run.id for run in made.runs if not run.control)
    folder = made.ledger.run_folder(run)
    record = made.folder / "records" / f"{run}.jsonl"
    if victim == "model":
        # A damaged checkpoint matters once the run has to be done again.
        record.unlink()
        (folder / "model" / "settings.json").write_text("[1, ")
    else:
        path = {"record": record, "study.json": made.folder / "study.json"}.get(victim, folder / victim)
        path.write_bytes(path.read_bytes()[:-7])
    ended = study().run(here, resume=True)
    assert ended.n_worked == (0 if victim == "study.json" else 1)
    assert results_of(made.folder) == undisturbed
    aside = [path.name for path in made.folder.rglob(".damaged-*")]
    assert len(aside) == (1 if victim in ("record", "model") else 0)


def test_a_run_that_fails_is_told_and_does_not_stop_the_others(study, here):
    arms = (GeneratorArm(name="jitter"), GeneratorArm(name="jitter", label="bad", settings={"diverge": True}))
    made = study(generators=arms)
    ended = made.run(here)
    assert (len(ended.failed), ended.n_worked) == (2, 6)
    assert all("the loss is nan" in error for error in ended.failed.values())
    results = made.results()
    assert (results.count("done"), results.count("failed")) == (4, 2)
    assert {row["arm"] for row in results.rows} == {FRESH, "jitter"}
    assert study(generators=arms).run(here, resume=True).n_worked == 2  # tried again


def test_runs_that_another_process_works_on_are_waited_for(study, here, monkeypatch):
    made = study(generators=(GeneratorArm(name="jitter"),), seeds=(0,))
    made.run(here)
    other = study(generators=(GeneratorArm(name="jitter"),), seeds=(0,))
    run = other.runs[0]
    record = made.folder / "records" / f"{run.id}.jsonl"
    content = record.read_bytes()
    record.unlink()
    claim = Claim.take(made.folder / "locks" / f"{run.id}.lock")

    def waiting(seconds):
        record.write_bytes(content)  # the other process has finished
        claim.release()

    monkeypatch.setattr("pushforward.study.study.time.sleep", waiting)
    assert other.run(here, resume=True).n_worked == 0
    assert made.results().count("done") == 2


def test_the_control_of_a_file_is_its_held_out_part(study, here, tmp_path):
    rng = np.random.default_rng(0)
    values = np.cumsum(rng.normal(size=(80, 6, 2)), axis=1)
    groups = np.repeat(np.arange(20), 4)
    pf.write(tmp_path / "data.npz", pf.Trajectories(values, channels=("x", "y"), groups=groups))
    file = FileData(path=tmp_path / "data.npz", held_out=0.25, quantities=("path-length", "displacement"))
    made = study(systems=(), files=(file,))
    assert made.run(here).failed == {}
    rows = made.results().rows
    assert {row["quantity"] for row in rows} == {"path-length", "displacement"}
    fresh = [row for row in rows if row["arm"] == FRESH]
    assert {(row["n_made"], row["n_reference"]) for row in fresh} == {(20, 60)}
    assert {row["n_made"] for row in rows if row["arm"] != FRESH} == {50}
    assert all(row["valid_share"] is None for row in rows)


def test_a_file_that_changes_after_the_plan_was_read_fails_its_runs(study, here, tmp_path):
    def write(seed):
        values = np.random.default_rng(seed).normal(size=(40, 6, 2))
        pf.write(tmp_path / "data.npz", pf.Trajectories(values, channels=("x", "y")))

    write(0)
    made = study(systems=(), files=(FileData(path=tmp_path / "data.npz"),), quantities=("path-length",))
    write(1)
    ended = made.run(here)
    assert len(ended.failed) == 6
    assert all("has changed" in error for error in ended.failed.values())
