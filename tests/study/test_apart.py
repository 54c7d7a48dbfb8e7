"""Runs that are worked on without the study's folder: the same ledger as where the folder is shared."""

import pytest
from tests.study.conftest import results_of
from tests.study.toy import Jitter, Killed

from pushforward.study.apart import Desk, run_apart
from pushforward.study.local import Finished
from pushforward.study.locks import Claim
from pushforward.study.plan import GeneratorArm
from pushforward.study.work import BUSY, DONE


@pytest.fixture(autouse=True)
def scratch(tmp_path, monkeypatch):
    folder = tmp_path / "scratch"
    folder.mkdir(mode=0o700)
    monkeypatch.setattr("pushforward.study.apart._own_folder", lambda: folder)
    return folder


class Apart:
    """Every run is executed away from the ledger, and kept in it."""

    def run(self, work, tasks):
        for i, task in enumerate(tasks):
            desk = Desk(task)
            answer = desk.open() or desk.keep(run_apart(task))
            desk.close()
            yield Finished(i, answer)


def task_of(study, run):
    return {"ledger": str(study.folder), "run": run.to_json()}


def test_the_ledger_is_the_same_as_that_of_this_process(study, here, scratch):
    alone, apart = study("alone"), study("apart")
    alone.run(here)
    ended = apart.run(Apart())
    assert (ended.failed, ended.n_worked) == ({}, 6)
    assert results_of(apart.folder) == results_of(alone.folder)
    files = [sorted(p.name for p in s.folder.glob("runs/*/model/*")) for s in (alone, apart)]
    assert files[0] == files[1] != []
    assert list(scratch.iterdir()) == []
    assert list((apart.folder / "locks").iterdir()) == []


def test_a_run_that_fails_is_recorded_with_its_reason(study, scratch):
    made = study(generators=(GeneratorArm(name="jitter", settings={"diverge": True}),))
    ended = made.run(Apart())
    assert len(ended.failed) == 2
    assert all("the loss is nan" in error for error in made.results().errors.values())
    assert list(scratch.iterdir()) == []


def test_an_interrupted_training_goes_on_where_it_was(study, scratch, monkeypatch):
    made = study()
    run = next(run for run in made.runs if not run.control)

    def dies(done, total=None, note=""):
        if (done, total) == (2, 3):
            raise Killed

    with pytest.raises(Killed):
        run_apart(task_of(made, run), dies)
    assert Jitter.trained == [1, 2]
    assert run_apart(task_of(made, run))["state"] == DONE
    assert Jitter.trained == [1, 2, 3]


def test_a_second_attempt_beside_the_first_works_in_a_folder_of_its_own(study, scratch):
    made = study()
    run = next(run for run in made.runs if not run.control)
    first = run_apart(task_of(made, run))
    from pushforward.study.digests import sha256

    with Claim.take(scratch / f"{sha256(str(made.folder))[:12]}{run.id}.lock"):
        second = run_apart(task_of(made, run))
    assert second["artefacts"] == first["artefacts"]


def test_a_run_that_is_done_or_held_is_left_alone(study):
    made = study()
    made.run(Apart())
    desk = Desk(task_of(made, made.runs[0]))
    assert desk.open() == {"state": DONE, "worked": False, "error": ""}
    other = Desk(task_of(made, made.runs[0]))
    assert other.open()["state"] == BUSY
    desk.close()
