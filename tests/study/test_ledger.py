"""The ledger: records that tell when they are damaged, locks that two processes cannot share."""

import json
import os
import subprocess
import sys
import time

import pytest
from tests.study.conftest import tiny

from pushforward.errors import InputError
from pushforward.study import locks
from pushforward.study.ledger import Ledger
from pushforward.study.locks import Claim, heartbeat, is_held
from pushforward.study.records import Record
from pushforward.study.runs import expand


@pytest.fixture
def ledger(tmp_path):
    return Ledger.make(tmp_path / "study", "title", "control", expand(tiny()), "text")


def test_a_record_comes_back_as_it_was(ledger):
    body = {"metrics": [{"w1": 0.1, "verdict": "drift"}], "error": "", "text": "ü\n"}
    record = Record.of("a1", "done", body)
    ledger.write(record)
    assert ledger.record("a1") == record
    assert ledger.record("a1").body == body
    assert ledger.records() == ({"a1": record}, [])
    path = ledger.folder / "records" / "a1.jsonl"
    assert [json.loads(line)["run" if i == 0 else "error"] for i, line in enumerate(path.open())] == [
        "a1",
        "",
    ]


def test_every_damaged_byte_and_every_cut_is_detected():
    whole = Record.of("a1", "done", {"metrics": [1.5, None], "error": ""}).to_text().encode()
    assert Record.from_bytes("a1", whole) is not None
    for place in range(len(whole)):
        assert Record.from_bytes("a1", whole[:place]) is None
        for bit in (1, 32):
            broken = whole[:place] + bytes([whole[place] ^ bit]) + whole[place + 1 :]
            found = Record.from_bytes("a1", broken)
            # In the header, white space and the like may change without any meaning changing.
            assert found is None or found.to_text().encode() == whole
    assert Record.from_bytes("a2", whole) is None  # another run's record under this run's name
    assert Record.from_bytes("a1", b"[" * 100_000) is None


def test_a_failed_record_cannot_be_turned_into_a_done_one():
    failed = Record.of("a1", "failed", {"error": "diverged"}).to_text()
    assert Record.from_bytes("a1", failed.replace('"failed"', '"done"').encode()) is None


def test_damaged_records_are_set_aside_only_by_whoever_holds_the_run(ledger):
    path = ledger.folder / "records" / "a1.jsonl"
    path.write_text("half a rec")
    (ledger.folder / "records" / ".a1.jsonl.x8s.jsonl").write_text("left by a killed process")
    assert ledger.records() == ({}, ["a1"])
    assert path.exists()
    with ledger.claimed("a1") as claim:
        assert claim is not None
        kept = list(path.parent.iterdir())
        assert [file.read_text() for file in kept] == ["half a rec"]
        assert kept[0].name.startswith(".damaged-")
    assert ledger.records() == ({}, [])


def test_a_run_is_done_only_while_its_artefacts_are_whole(ledger):
    from pushforward.study.ledger import write_artefacts

    artefacts = write_artefacts(ledger.run_folder("a1"), {"audit.json": b"{}", "tallies.json": b"[]"})
    ledger.write(Record.of("a1", "done", {"artefacts": artefacts}))
    assert ledger.is_done("a1")
    (ledger.run_folder("a1") / "audit.json").write_bytes(b"{ }")
    assert not ledger.is_done("a1")
    assert ledger.damage(ledger.record("a1")) == ["audit.json"]


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"format": "pushforward-study", "format_version": 2}', '{"format": "other"}'],
)
def test_a_damaged_study_is_one_line(ledger, text):
    (ledger.folder / "study.json").write_text(text)
    with pytest.raises(InputError, match=r"study\.json"):
        ledger.study()


def test_a_study_with_damaged_runs_is_refused(ledger):
    study = ledger.study()
    for damage in ({"runs": 3}, {"runs": [{}]}, {"title": 1}, {"runs": [{**study["runs"][0], "seed": "0"}]}):
        (ledger.folder / "study.json").write_text(json.dumps({**study, **damage}))
        with pytest.raises(InputError, match="damaged"):
            ledger.study()


def test_a_folder_that_holds_no_study_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"holds no study\.json"):
        Ledger(tmp_path).study()
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        Ledger.make(tmp_path / "file", "", "", ())


def test_a_claim_excludes_every_other_until_it_is_released(tmp_path):
    path = tmp_path / "run.lock"
    first = Claim.take(path)
    assert first is not None
    assert Claim.take(path) is None
    assert is_held(path)
    first.release()
    assert not path.exists()
    assert not is_held(path)
    with Claim.take(path) as second:
        assert second is not None
    first.release()  # again, harmless


def test_the_heartbeat_tells_who_works_and_how_far(tmp_path, monkeypatch):
    monkeypatch.setattr(locks, "BEAT", 0.05)
    path = tmp_path / "run.lock"
    with Claim.take(path) as claim:
        first = heartbeat(path)
        assert (first.pid, first.alive, first.done) == (os.getpid(), True, None)
        claim.progress(3, 10, "loss 0.1")
        deadline = time.monotonic() + 20
        while (beat := heartbeat(path)) is None or beat.done != 3:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        assert (beat.total, beat.note) == (10, "loss 0.1")
    assert heartbeat(path) is None


HOLDER = """
import sys, time
from pathlib import Path
from pushforward.study.locks import Claim
claim = Claim.take(Path(sys.argv[1]))
print("none" if claim is None else "held", flush=True)
sys.stdin.readline()
"""


def test_a_process_that_is_killed_leaves_no_lock_behind(tmp_path):
    path = tmp_path / "run.lock"

    def holder():
        command = [sys.executable, "-c", HOLDER, str(path)]
        return subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    first = holder()
    assert first.stdout.readline() == "held\n"
    second = holder()
    assert second.stdout.readline() == "none\n"
    assert Claim.take(path) is None
    first.kill()
    first.wait()
    assert path.exists()  # what is left is a file, not a lock
    with Claim.take(path) as claim:
        assert claim is not None
    second.communicate("\n")


COUNTER = """
import sys
from pathlib import Path
from pushforward.study.locks import Claim
folder = Path(sys.argv[1])
for _ in range(100):
    claim = Claim.take(folder / "run.lock")
    if claim is None:
        continue
    value = int((folder / "value").read_text())
    (folder / "value").write_text(str(value + 1))
    (folder / sys.argv[2]).write_text(str(1 + int((folder / sys.argv[2]).read_text())))
    claim.release()
"""


def test_two_processes_never_work_on_one_run_at_a_time(tmp_path):
    for name in ("value", "a", "b"):
        (tmp_path / name).write_text("0")
    processes = [subprocess.Popen([sys.executable, "-c", COUNTER, str(tmp_path), name]) for name in "ab"]
    assert [process.wait() for process in processes] == [0, 0]
    value, a, b = (int((tmp_path / name).read_text()) for name in ("value", "a", "b"))
    assert value == a + b > 0
