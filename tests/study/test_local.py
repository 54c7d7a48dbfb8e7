"""Real worker processes: the same results as within one process, also when workers or the study itself are killed."""

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
from tests.study.conftest import LOGISTIC, results_of

from pushforward.errors import InputError
from pushforward.measure import AuditSettings
from pushforward.study.frames import read_frame, write_frame
from pushforward.study.local import LOST, Finished, LocalPool, Told, cores
from pushforward.study.locks import heartbeat
from pushforward.study.plan import GeneratorArm, Plan
from pushforward.study.pools import Here
from pushforward.study.study import Study

TINY = {"widths": [4], "blocks": 1, "kernel": 3, "batch_size": 8, "checkpoint_every": 5, "device": "cpu"}


def diffusion(steps, seeds):
    return Plan(
        systems=(LOGISTIC,),
        generators=(
            GeneratorArm(name="diffusion", settings={**TINY, "steps": steps}, sampling={"sampler_steps": 3}),
        ),
        seeds=tuple(range(seeds)),
        samples=(40,),
        audit=AuditSettings(resamples=99),
    )


def test_messages_pass_whole_or_not_at_all(tmp_path):
    path = tmp_path / "pipe"
    with path.open("wb") as stream:
        write_frame(stream, {"a": [1, None, "ü"]})
        write_frame(stream, 2)
    whole = path.read_bytes()
    with path.open("rb") as stream:
        assert (read_frame(stream), read_frame(stream), read_frame(stream)) == (
            {"a": [1, None, "ü"]},
            2,
            None,
        )
    path.write_bytes(whole[:-1])
    with path.open("rb") as stream:
        assert (read_frame(stream), read_frame(stream)) == ({"a": [1, None, "ü"]}, None)


def test_workers_times_threads_fill_the_cores_and_no_more():
    assert LocalPool().size == cores()
    assert LocalPool(threads=max(cores(), 1)).size == 1
    assert LocalPool(threads=10_000).size == 1
    assert LocalPool(workers=3).size == 3
    with pytest.raises(InputError, match="workers"):
        LocalPool(workers=0)


def test_a_worker_killed_while_training_changes_nothing(tmp_path):
    plan = diffusion(steps=40, seeds=1)
    alone, study = Study(plan, tmp_path / "alone"), Study(plan, tmp_path / "study")
    assert alone.run(Here()).failed == {}
    pool, killed = LocalPool(1), []

    class Killing:
        def run(self, work, tasks):
            for answer in pool.run(work, tasks):
                if isinstance(answer, Told) and "loss" in answer.note and not killed:
                    victim = next(w for w in pool._living if w.task and w.task.index == answer.index)
                    victim.process.kill()
                    killed.append(answer.index)
                yield answer

    ended = study.run(Killing())
    assert killed
    assert (ended.failed, ended.n_worked) == ({}, 2)
    assert results_of(study.folder) == results_of(alone.folder)


@pytest.mark.slow
def test_a_task_that_no_worker_survives_is_given_up_and_told(tmp_path):
    plan = diffusion(steps=100_000, seeds=1)
    study, pool = Study(plan, tmp_path / "study"), LocalPool(1, retries=0)

    class Killing:
        def run(self, work, tasks):
            for answer in pool.run(work, tasks):
                if isinstance(answer, Told) and "loss" in answer.note:
                    pool._living[0].process.kill()
                elif isinstance(answer, Finished) and answer.error:
                    assert answer.kind == LOST
                yield answer

    ended = study.run(Killing())
    assert list(ended.failed) == [run.id for run in study.runs if not run.control]
    results = study.results()
    assert "signal 9" in next(iter(results.errors.values()))
    assert results.count("done") == 1


SCRIPT = "import sys; from pushforward.cli import main; sys.exit(main())"


def command(plan, folder):
    return [sys.executable, "-c", SCRIPT, "study", str(plan), "-o", str(folder), "--resume", "--workers", "2"]


def temporary_files(folder):
    return any(part.startswith(".") for _, _, files in os.walk(folder) for part in files)


def wait_for(condition, process, seconds=300.0):
    deadline = time.monotonic() + seconds
    while not condition() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.001)


def children(pid):
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            if int(fields[1]) == pid:
                found.append(int(entry.name))
    return found


def at_work(process, study):
    """The workers of a running study that hold a run."""
    workers = children(process.pid)
    beats = [heartbeat(path) for path in (study / "locks").glob("*.lock")]
    return [beat.pid for beat in beats if beat is not None and beat.pid in workers]


def kill_at_a_random_moment(plan, study, moments, while_writing):
    process = subprocess.Popen(command(plan, study), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    wait_for(lambda: at_work(process, study), process)
    time.sleep(moments.uniform(0, 3))
    if while_writing:
        wait_for(lambda: temporary_files(study), process)
    workers = children(process.pid)
    process.send_signal(signal.SIGKILL)
    process.wait()
    deadline = time.monotonic() + 30
    while (
        alive := [pid for pid in workers if Path(f"/proc/{pid}").exists()]
    ) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert not alive  # nothing is left running


def records_of(study):
    return {path.name: path.read_bytes() for path in (study / "records").glob("*.jsonl")}


@pytest.mark.slow
@pytest.mark.timeout(7200)
def test_a_study_killed_at_twenty_moments_completes_with_the_same_bytes(tmp_path):
    plan = tmp_path / "plan.toml"
    plan.write_text(
        "seeds = [0, 1, 2, 3, 4, 5]\nsamples = 200\n[[system]]\nname = 'logistic-map'\nn = 200\nT = 16\n"
        "[[generator]]\nname = 'diffusion'\ngrid = { steps = [200, 300, 400] }\nsampling = { sampler_steps = 6 }\n"
        "settings = { widths = [8], blocks = 1, batch_size = 16, checkpoint_every = 10, device = 'cpu' }\n"
    )
    alone, study = tmp_path / "alone", tmp_path / "study"
    subprocess.run(command(plan, alone), check=True, capture_output=True)
    moments, before = random.Random(0), {}
    for kill in range(20):
        kill_at_a_random_moment(plan, study, moments, while_writing=kill % 2 == 1)
        # What was done stays as it was, times and all: it was not done again.
        assert before.items() <= records_of(study).items()
        before = records_of(study)
    assert 0 < len(before) < 24  # the kills fell into the study, not behind its end
    subprocess.run(command(plan, study), check=True, capture_output=True)
    assert before.items() <= records_of(study).items()
    assert len(records_of(study)) == 24
    assert results_of(study) == results_of(alone)
    assert not list(study.rglob(".damaged-*"))
    models = [
        sorted(path.name for path in folder.glob("runs/*/model/tensors-*")) for folder in (alone, study)
    ]
    assert models[0] == models[1]


def test_a_share_of_a_gpu_is_refused_where_nobody_gives_gpus_out(study):
    made = study(gpus=0.5)
    with pytest.raises(InputError, match="gives out no GPUs: expected runner 'ray'"):
        made.run("local")
    assert not made.folder.exists()
