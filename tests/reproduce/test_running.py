"""One claim from nothing to its verdict, with a tiny budget; what was done is never done again."""

import dataclasses
import json

import pytest

from pushforward.errors import InputError
from pushforward.reproduce import Budget, claim_named, reproduce
from pushforward.reproduce.record import Reproduced
from pushforward.study.ledger import Ledger
from pushforward.study.plan import GeneratorArm
from pushforward.study.pools import Here

TINY = Budget(seeds=(0,), n=200, samples=150, steps=1, batch_size=8, resamples=99)


def small(arm):
    """The same arm with a network that one step of training does not notice."""
    settings = {**arm.settings, "widths": (4,)}
    return GeneratorArm(name=arm.name, settings=settings, label=arm.label, mitigations=arm.mitigations)


@pytest.fixture(autouse=True)
def tiny_networks(monkeypatch):
    from pushforward.reproduce.claims import errors_cause_drift

    made = errors_cause_drift.diffusion
    monkeypatch.setattr(errors_cause_drift, "diffusion", lambda budget: small(made(budget)))


def times(folder):
    return {path: path.stat().st_mtime_ns for path in folder.glob("*/records/*.jsonl")}


def test_a_claim_reaches_its_verdict_and_keeps_all_of_it(tmp_path):
    claim = claim_named("errors-cause-drift")
    found = reproduce(claim, tmp_path, TINY, pool=Here())
    probed = {number.of for check in found.checks for number in check.numbers if number.mean is not None}
    assert "logistic-map, diffusion, fresh data put back on the map" in probed
    assert "logistic-map, diffusion, white errors" in probed
    folder = tmp_path / claim.name
    assert Reproduced.from_json(json.loads((folder / "verdict.json").read_text())).checks == found.checks
    assert len(found.runs) == 2
    assert found.cpu_seconds > 0
    assert all(Ledger(folder).is_done(run) for run in found.runs)

    with pytest.raises(InputError, match="holds this claim already"):
        reproduce(claim, tmp_path, TINY, pool=Here())
    before = times(tmp_path)
    again = reproduce(claim, tmp_path, TINY, pool=Here(), resume=True)
    assert again.checks == found.checks
    assert again.cpu_seconds > found.cpu_seconds
    assert times(tmp_path) == before

    # Another claim in the folder takes over what the first one has done.
    other = reproduce(dataclasses.replace(claim, name="another", probes=()), tmp_path, TINY, pool=Here())
    assert other.runs == found.runs
    ledgers = [Ledger(tmp_path / name) for name in (claim.name, "another")]
    assert all(len({ledger.record(run).text for ledger in ledgers}) == 1 for run in found.runs)
    assert all(ledgers[1].is_done(run) for run in found.runs)


def test_runs_that_fail_are_told_with_the_first_reason(tmp_path, monkeypatch):
    from pushforward.reproduce import probes

    def broken(looked):
        raise InputError("the probe broke")

    monkeypatch.setitem(probes.PROBES, "projected", broken)
    with pytest.raises(InputError, match=r"1 runs failed.*the probe broke"):
        reproduce(claim_named("errors-cause-drift"), tmp_path, TINY, pool=Here())


@pytest.mark.parametrize(
    "wrong", [{"seeds": ()}, {"seeds": (1, 1)}, {"seeds": (-1,)}, {"n": 10}, {"samples": 1}, {"resamples": 9}]
)
def test_a_budget_that_is_no_study_is_refused(wrong):
    with pytest.raises(InputError, match=next(iter(wrong))):
        Budget(**wrong)
