"""The tables of the benchmark of repair come from its ledgers alone."""

import json

import pytest

from benchmarks import repair, repair_table


def cell(arm, seed, tv, w1, system="logistic-map"):
    return {
        "system": system, "arm": arm, "seed": seed, "tv": tv, "tv_null_95": 0.04, "w1": w1, "w1_null_95": 0.01,
        "mean_shift": -w1, "unit": "J", "valid": 0.5, "diversity": 1.0,
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
    told = {"identity": 0.1, "increments": 0.3, "map-parameter": 0.05, "condition(logistic-map-r)": 0.11}
    told["represent(map-parameter) + condition(logistic-map-r)"] = 0.01
    candidates = [{"name": name, "forecast_drift": tv} for name, tv in told.items()]
    for name, rows in (
        ("RESULTS", cells),
        ("RECOMMENDED", [{"system": "logistic-map", "candidates": candidates}]),
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
    # Two neighbours change places: ρ = 0.9 of five.
    assert row_of(table, "| all candidates |").startswith("| all candidates | 0.90 of 5 |")
    assert row_of(table, "| representations alone |").startswith("| representations alone | 1.00 of 3 |")


def test_what_is_left_counts_from_the_floor(ledgers):
    table = repair_table.halved("recommend")
    assert row_of(table, "| first of").startswith(
        "| first of `recommend` | `map-parameter + condition`: 0%, 0% |"
    )
    assert row_of(table, "| its best").startswith("| its best representation | `map-parameter`: 0%, 50% |")
    assert row_of(table, "| `condition`").startswith("| `condition` | 50%, 75% |")
