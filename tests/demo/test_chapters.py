"""The chapters: systems whose quantity has its law, and the user's own data."""

from __future__ import annotations

import numpy as np
import pytest

import pushforward as pf
from pushforward.demo import CHAPTERS
from pushforward.demo.chapters import own_chapter, own_data


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.key)
def test_its_data_are_true_and_its_quantity_has_the_intended_law(chapter):
    data = chapter.simulated(300, 0)
    assert data.T == 32
    assert chapter.made_by.valid(data).all()
    np.testing.assert_allclose(chapter.phi(data), data.quantity, rtol=1e-3, atol=1e-3)
    law = pf.Intended.parse(chapter.law)
    low, high = (
        law.ppf(np.array([0.0, 1.0])) if hasattr(law, "ppf") else (data.quantity.min(), data.quantity.max())
    )
    assert low <= data.quantity.min() <= low + 0.05 * (high - low)
    assert high - 0.05 * (high - low) <= data.quantity.max() <= high


@pytest.mark.parametrize("chapter", CHAPTERS, ids=lambda chapter: chapter.key)
def test_every_candidate_applies(chapter):
    data = chapter.simulated(60, 0)
    for name in chapter.representations:
        pf.representations.create(name).checked(data)


def test_own_data_are_drawn_by_their_seed_and_kept_whole_where_they_are_few():
    values = np.arange(400 * 6, dtype=float).reshape(400, 6, 1)
    data = pf.Trajectories(values, lengths=np.repeat([1, 6], [40, 360]), groups=np.arange(400))
    few, many = own_data(data, 100, 0), own_data(data, 1000, 0)
    assert (len(few), len(many)) == (100, 360)
    assert set(few.groups) <= set(range(40, 400))
    assert np.array_equal(own_data(data, 100, 0).values, few.values)
    assert not np.array_equal(own_data(data, 100, 1).values, few.values)


def test_own_data_default_to_their_own_quantity(tmp_path):
    maps = CHAPTERS[0].simulated(60, 0)
    assert own_chapter(tmp_path / "a.npz", maps, None).quantity == "logistic-map-r"
    walks = pf.Trajectories(np.random.default_rng(0).normal(size=(60, 5, 2)))
    assert own_chapter(tmp_path / "a.npz", walks, None).quantity == "path-length"
