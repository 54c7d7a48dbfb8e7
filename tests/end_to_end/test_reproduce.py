"""`pushforward reproduce` as a user runs it: the list, a claim, checks that agree and disagree, bad input."""

import dataclasses
import json
from pathlib import Path

import pytest

from pushforward.commands import reproduce as command
from pushforward.reproduce import CLAIMS, Budget, claim_named, committed, record, running
from pushforward.reproduce.claims import errors_cause_drift
from pushforward.reproduce.page import claims_page
from pushforward.study.pools import Here

ROOT = Path(__file__).resolve().parents[2]
TINY = Budget(seeds=(0,), n=200, samples=120, steps=1, batch_size=8, resamples=99)
CLAIM = "errors-cause-drift"


@pytest.fixture
def tiny(folder, monkeypatch):
    """The claims at a budget of a second, with the smallest network, within this process."""
    made = errors_cause_drift.diffusion

    def small(budget):
        arm = made(budget)
        return dataclasses.replace(arm, settings={**arm.settings, "widths": (4,)})

    monkeypatch.setattr(errors_cause_drift, "diffusion", small)
    monkeypatch.setattr(
        command, "claim_named", lambda name: dataclasses.replace(claim_named(name), budget=TINY)
    )
    monkeypatch.setattr(running, "create_pool", lambda *_, **__: Here())
    return folder


def test_the_list_has_every_claim_with_its_committed_verdict(folder, run):
    ran = run("reproduce", "--json", "claims.json")
    assert ran.code == 0
    listed = json.loads((folder / "claims.json").read_text())["claims"]
    assert list(listed) == list(CLAIMS)
    for name, found in listed.items():
        line = next(line for line in ran.out.splitlines() if line.startswith(name))
        assert found["verdict"] in line


def test_a_claim_is_run_and_checked_against_what_was_committed(tiny, run, monkeypatch):
    ran = run("reproduce", CLAIM, "-o", "out", "--json", "first.json")
    assert ran.code == 0, ran.err
    assert "putting fresh data on the map changes nothing (premise)" in ran.out
    first = json.loads((tiny / "first.json").read_text())
    assert f"{CLAIM}: {first['verdict']}" in ran.out

    again = run("reproduce", CLAIM, "-o", "out")
    assert (again.code, "go on with it (--resume)" in again.err) == (2, True)

    monkeypatch.setattr(record, "committed", lambda name: record.Reproduced.from_json(first))
    same = run("reproduce", CLAIM, "-o", "out", "--resume", "--check", "--json", "check.json")
    assert same.code == 0, same.out
    assert "the same runs" in same.out
    assert json.loads((tiny / "check.json").read_text())["agreement"]["agrees"] is True

    changed = json.loads(json.dumps(first))
    number = next(check for check in changed["checks"] if check["role"] != "context")["numbers"][0]
    for seed in number["seeds"]:
        seed.update({name: seed[name] + 100 for name in ("value", "low", "high")})
    monkeypatch.setattr(record, "committed", lambda name: record.Reproduced.from_json(changed))
    other = run("reproduce", CLAIM, "-o", "out", "--resume", "--check")
    assert (other.code, "DISAGREES" in other.out) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("drift-across-clases",), "did you mean 'drift-across-classes'"),
        (("--check",), "expected a claim to run"),
        ((CLAIM, "--check", "--quick"), "got --quick too"),
        ((CLAIM, "--seeds", "1", "1"), "named twice"),
        ((CLAIM, "--seeds", "-1"), "seeds"),
        ((CLAIM, "--workers", "0"), "expected at least 1"),
        ((CLAIM, "--page", "page.md"), "shows all claims"),
        ((CLAIM, "-o", "data.npz"), "data.npz"),
    ],
)
def test_what_cannot_be_run_is_refused_in_one_line(folder, run, arguments, says):
    ran = run("reproduce", *arguments)
    assert ran.code == 2
    assert says in ran.err
    assert len(ran.err.strip().splitlines()) == 1


def test_a_claim_that_was_never_run_cannot_be_checked(folder, run, monkeypatch):
    monkeypatch.setattr(record, "committed", lambda name: None)
    ran = run("reproduce", CLAIM, "--check")
    assert (ran.code, "no verdict of" in ran.err) == (2, True)
    assert "not run" in run("reproduce").out


def test_the_page_is_what_the_committed_results_say(folder, run):
    assert run("reproduce", "--page", "claims.md").code == 0
    assert (folder / "claims.md").read_text(encoding="utf-8") == claims_page()
    shown = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    assert shown == claims_page(), (
        "docs/claims.md: write it anew with `pushforward reproduce --page docs/claims.md`"
    )


@pytest.mark.parametrize("name", CLAIMS)
def test_a_committed_verdict_is_of_the_claim_as_it_is_stated_now(name):
    found = committed(name)
    if found is not None:
        claim = claim_named(name)
        assert (found.claim, found.statement, found.rule) == (name, claim.statement, claim.rule)
        assert found.budget == claim.budget
