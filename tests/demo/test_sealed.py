"""What was foretold stays what it was."""

from __future__ import annotations

import json
from dataclasses import asdict, replace

import numpy as np
import pytest

import pushforward as pf
from pushforward.demo import CHAPTERS, Budget
from pushforward.demo.sealed import recommendation_from_json, seal
from pushforward.demo.stages import DEVIATED, Task
from pushforward.kernels import Gaussian
from pushforward.pilots import Account

BUDGET = Budget(n_data=300, steps=10, n_made=10, n_forecast=200, n_explained=10)


@pytest.fixture
def tasks(tmp_path):
    """The two stages before training, done with Gaussian errors in a pilot's place."""
    chapter = replace(CHAPTERS[0], T=8)
    data = chapter.simulated(300, 0)
    foretell, rank = (Task(stage, chapter, BUDGET, tmp_path, 0) for stage in ("foretell", "rank"))
    shown = data.select(slice(0, 200))
    moved = Gaussian(0.05).fitted(data).deviate(shown, np.random.default_rng(0))
    found = pf.recommend(
        data, chapter.phi, representations=["map-parameter", "spherical"], valid=chapter.made_by.valid
    )
    account = asdict(Account(1.0, 10.0, 2.0, 20.0, (("blocks", 1),)))
    for task, record in ((foretell, {"account": account}), (rank, {"recommendation": found.to_json()})):
        task.room.mkdir()
        write(task, record)
    pf.write(foretell.room / DEVIATED, moved)
    return foretell, rank, data


def write(task, record):
    text = json.dumps({"format": f"pushforward-demo-{task.stage}", **record})
    (task.room / "done.json").write_text(text)


def test_it_is_written_once_and_made_again_to_the_same_numbers(tasks):
    foretell, _, data = tasks
    first = seal(*tasks)
    path = foretell.folder / "forecast.json"
    before = path.read_bytes()
    again = seal(*tasks)
    assert path.read_bytes() == before
    assert (again.written, again.digest) == (first.written, first.digest)
    record = json.loads(before)
    assert record["forecast"]["tv"]["value"] == pytest.approx(again.forecast.tv.value)
    assert record["recommendation"] == again.recommendation.to_json()
    assert again.forecast.n == 200
    assert len(data) == 300


@pytest.mark.parametrize("what", ["deviations", "recommendation"])
def test_stages_that_changed_afterwards_are_noticed(tasks, what):
    foretell, rank, data = tasks
    seal(*tasks)
    if what == "deviations":
        pf.write(foretell.room / DEVIATED, data.select(slice(0, 200)))
    else:
        record = rank.record
        record["recommendation"]["candidates"][0]["forecast_drift"] += 0.01
        write(rank, record)
    with pytest.raises(pf.InputError, match="says something else"):
        seal(*tasks)


def test_a_recommendation_comes_back_from_its_json_as_it_was(tasks):
    record = tasks[1].record["recommendation"]
    found = recommendation_from_json(record)
    assert found.to_json() == record
    assert found.refused[0][0] == "spherical"


@pytest.mark.parametrize(
    "damage",
    [
        lambda r: r.pop("recommendation"),
        lambda r: r["recommendation"]["candidates"].clear(),
        lambda r: r["recommendation"]["candidates"][0].update(forecast_drift="much"),
        lambda r: r.update(recommendation=[]),
    ],
)
def test_damage_is_one_line(tasks, damage):
    record = tasks[1].record
    damage(record)
    write(tasks[1], record)
    with pytest.raises(pf.InputError, match="the recommendation is damaged"):
        seal(*tasks)


@pytest.mark.parametrize(
    "account", [None, {}, {"flops": 1, "intended_flops": 0, "seconds": 1, "intended_seconds": 1}]
)
def test_a_damaged_account_is_one_line(tasks, account):
    write(tasks[0], {"account": account})
    with pytest.raises(pf.InputError, match="account is damaged"):
        seal(*tasks)


def test_a_task_is_the_same_after_its_way_to_a_worker(tasks):
    for task in tasks[:2]:
        again = Task.from_json(json.loads(json.dumps(task.to_json())))
        assert again.to_json() == task.to_json()
        assert again.room == task.room
