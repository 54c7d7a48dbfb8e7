"""The comparison of the demo with studies: equal laws agree, different ones do not."""

from __future__ import annotations

import numpy as np
from benchmarks.demo_seeds import FIGURES, OTHERS, REPAIRS, interval, plan, rows

from pushforward.demo.budgets import FULL
from pushforward.demo.chapters import CHAPTERS


def test_seeds_of_one_law_agree_about_as_often_as_they_should() -> None:
    rng = np.random.default_rng(0)
    inside = [
        low <= 0 <= high
        for low, high in (interval(rng.normal(size=5), rng.normal(scale=2, size=5)) for _ in range(400))
    ]
    assert 0.92 < np.mean(inside) < 0.99


def test_another_law_is_said_to_differ() -> None:
    same = {name: [1.0, 1.1, 0.9, 1.05, 0.95] for name in FIGURES}
    other = {**same, "drift, W1": [2.0, 2.1, 1.9, 2.05, 1.95]}
    found = {row["what"]: row["ratio"] for row in rows({"maze": {"demo": other, "study": same}})}
    assert [what for what, ratio in found.items() if ratio.endswith("differs")] == ["maze: drift, W1"]


def test_the_studies_have_the_demos_recipe_and_seeds_of_their_own() -> None:
    for chapter in CHAPTERS:
        made = plan(chapter)
        assert made.seeds == OTHERS
        assert [system.n for system in made.systems] == [FULL.n_data]
        assert {arm.settings["steps"] for arm in made.generators} == {FULL.steps}
        assert REPAIRS[chapter.key] in chapter.candidates
