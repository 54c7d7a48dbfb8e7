"""The tables of the benchmark of repair come from its ledgers alone."""

import json

import pytest

from benchmarks import repair, repair_table


def cell(arm, seed, tv, w1, system="logistic-map"):
    return {
        "system": system, "arm": arm, "seed": seed, "tv": tv, "tv_null_95": 0.04, "w1": w1, "w1_null_95": 0.01,
        "mean_shift": -w1, "unit": "J", "valid": 0.5, "diversity": 1.0,
    }  # fmt: skip


def candidate(name, tv, valid):
    return {
        "name": name, "kind": "mitigation" if "(" in name else "representation", "forecast_drift": tv,
        "low": max(tv - 0.02, 0.0), "high": tv + 0.02, "w1": {"value": 1 - tv, "low": 0.0, "high": 1.0},
        "mean_shift": {"value": 0.0, "low": 0.0, "high": 0.0}, "error": 0.1, "diversity": 1.0, "validity": valid,
        "draws_per_kept": 2.0, "cost": "", "command": "",
    }  # fmt: skip


@pytest.fixture
def ledgers(tmp_path, monkeypatch):
    cells = [
        *(cell("none", seed, 0.11 + 0.02 * seed, 0.03) for seed in (0, 1)),
        cell("increments", 0, 0.4, 0.2),
        cell("map-parameter", 0, 0.08, 0.01),
        cell("condition", 0, 0.10, 0.02),
        cell("map-parameter + condition", 0, 0.03, 0.005),
        {"system": "logistic-map", "arm": "guide", "seed": 0, "refused": "no gradient"},
    ]
    told = {
        "guide(logistic-map-r)": (0.01, 0.2),
        "represent(map-parameter) + condition(logistic-map-r)": (0.015, 0.9),
        "map-parameter": (0.05, 0.9),
        "identity": (0.1, 0.3),
        "condition(logistic-map-r)": (0.11, 0.3),
        "increments": (0.3, 0.0),
    }
    candidates = [candidate(name, tv, valid) for name, (tv, valid) in told.items()]
    recommendation = {
        "system": "logistic-map", "quantity": "r", "unit": "", "kernel": "pilot", "intended": "data", "n": 10_000,
        "seed": 0, "level": 0.05, "candidates": candidates, "refused": [],
        "pilots": {"n": 6, "share": 0.6, "seconds": 60.0, "training_seconds": 30.0},
    }  # fmt: skip
    for name, rows in (
        ("RESULTS", cells),
        ("RECOMMENDED", [recommendation]),
    ):
        path = tmp_path / name
        path.write_text("\n".join(json.dumps(row) for row in rows))
        monkeypatch.setattr(repair, name, path)


def row_of(table, start):
    (line,) = [line for line in table.splitlines() if line.startswith(start)]
    return line


def test_arms_are_sorted_with_their_spread_over_seeds_floor_and_forecast(ledgers):
    lines = repair_table.arms("recommend").splitlines()
    assert [line.split(" | ")[1] for line in lines[2:7]] == [
        "as it is",
        "`map-parameter + condition`",
        "`map-parameter`",
        "`condition`",
        "`increments`",
    ]
    assert "| 2 | 0.03 ± 0 (0.01) J | 0.120 ± 0.014 (0.040) | −0.03 | 50.0 % | 1.00 | 0.100 |" in lines[2]
    assert "`guide` is refused: no gradient" in lines[7]


def test_the_ranking_is_that_of_means_over_seeds(ledgers):
    table = repair_table.ranking("recommend")
    # Two neighbours change places: ρ = 0.9 of five. The forecasts of W1 in this ledger are upside down.
    assert "| all candidates, total variation | 0.90 of 5 |" in table
    assert "| representations alone, total variation | 1.00 of 3 |" in table
    assert "| representations alone, W1 | -1.00 of 3 |" in table


def test_what_is_left_counts_from_the_floor(ledgers):
    table = repair_table.halved()
    assert row_of(table, "| as it is").startswith("| as it is | 100%, 100%; 50% |")
    assert row_of(table, "| its best").startswith(
        "| its best representation | `map-parameter`: 0%, 50%; 50% |"
    )
    assert row_of(table, "| `condition`").startswith("| `condition` | 50%, 75%; 50% |")


def test_of_those_not_told_apart_the_more_often_valid_is_what_was_recommended(ledgers):
    row = row_of(repair_table.halved(), "| what `recommend`")
    assert row.startswith("| what `recommend` recommends | `map-parameter + condition`: 0%, 0%; 50% |")
