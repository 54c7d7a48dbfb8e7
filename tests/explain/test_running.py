"""explain as a whole: examples, streams, seeds, text and JSON."""

import json

import numpy as np
import pytest

import pushforward as pf
from pushforward.errors import InputError
from pushforward.explain import Channels, Explanation, Masked, explain
from pushforward.explain.examples import sampled
from pushforward.kernels import Gaussian
from pushforward.quantities import PathLength


def walks(n=900, seed=0):
    values = np.cumsum(np.random.default_rng(seed).normal(size=(n, 12, 2)), axis=1).astype(np.float32)
    return pf.Trajectories(values, channels=("x", "y"), units=("m", "m"))


@pytest.fixture(scope="module")
def made():
    return pf.explain(Gaussian(0.1), walks(), "path-length", seed=4)


def test_the_forecast_inside_is_the_forecast(made):
    ahead = pf.forecast(Gaussian(0.1), walks(), "path-length", seed=4)
    assert made.forecast.to_text() == ahead.to_text()
    np.testing.assert_allclose(made.flow, ahead.flow.toarray())


def test_the_same_seed_explains_the_same(made):
    again = pf.explain(Gaussian(0.1), walks(), "path-length", seed=4)
    assert again.to_text() == made.to_text()
    assert pf.explain(Gaussian(0.1), walks(), "path-length", seed=5).to_text() != made.to_text()


def test_examples_are_the_ones_that_move_most_and_are_found_again(made):
    movers, length = made.movers, PathLength()
    moved = np.abs(movers.after - movers.before)
    assert len(moved) == 6
    assert np.all(np.diff(moved) <= 0)
    original = walks().select(movers.index)
    assert np.array_equal(original.values, movers.original.values)
    np.testing.assert_allclose(length(original), movers.before)
    np.testing.assert_allclose(length(movers.deviated), movers.after)
    usual = np.abs(length(Gaussian(0.1).deviate(walks(), np.random.default_rng(0))) - length(walks()))
    assert moved.min() > np.quantile(usual, 0.95)


def test_streamed_data_are_explained_in_one_look_at_each_batch():
    def stream():
        yield from walks().batches(100)

    made = pf.explain(Gaussian(0.1), stream, "path-length", sample=300, settings=None)
    assert made.forecast.n == 900
    assert made.attribution("time").n == 300
    original = walks().select(made.movers.index)
    assert np.array_equal(original.values, made.movers.original.values)


def test_samples_are_even_over_the_stream():
    data = pf.Trajectories(np.arange(400, dtype=np.float32)[:, None, None])
    hits = np.zeros(400)
    for seed in range(200):
        found = sampled(lambda: data.batches(70), 100, seed)
        assert np.array_equal(found.trajectories.values[:, 0, 0], found.index)
        assert len(np.unique(found.index)) == 100
        hits[found.index] += 1
    assert hits.sum() == 200 * 100
    # Each is drawn Binomial(200, ¼) times: six standard deviations are 37.
    assert np.abs(hits - 50).max() < 37
    assert np.array_equal(sampled(data, 1000, 0).index, np.arange(400))


def test_text_says_what_was_found(made):
    text = str(made)
    for said in (
        "bias b alone",
        "who loses to whom",
        "by channels",
        "by frequency",
        "by time",
        "moved most",
        "path-length",
    ):
        assert said in text
    assert f"#{made.movers.index[0]}" in text


def test_json_holds_it_all(made):
    record = json.loads(made.to_text())
    W = made.forecast.grid.bins + 2
    assert record["format"] == "pushforward-explanation"
    assert len(record["limits"]) == W + 1
    for key in ("bias", "spread"):
        assert all(len(record[key][name]) == W for name in ("value", "low", "high"))
    parts = record["attributions"][0]["parts"]
    total = np.sum([part["drift"] for part in parts], axis=0)
    assert total.shape == (W,)
    assert sum(part["shift"]["value"] for part in parts) == pytest.approx(
        record["attributions"][0]["total_shift"]["value"]
    )
    assert record["movers"]["index"] == made.movers.index.tolist()
    assert record["net_flows"][0]["mass"] == made.flows[0].mass


def test_it_is_reached_by_its_short_name():
    assert pf.explain is explain or callable(pf.explain)
    assert isinstance(pf.explain(Gaussian(0.1), walks(50), "displacement", by=(), examples=0), Explanation)


def test_a_masked_kernels_explanation_is_written_too():
    kernel = Masked(kernel=Gaussian(0.1), parts=Channels(), keep=(0,))
    made = pf.explain(kernel, walks(60), "path-length", by=("channels",))
    assert json.loads(made.to_text())["forecast"]["settings"]["keep"] == [0]
    assert made.forecast.kernel == "masked(scale=0.1, kernel=gaussian(scale=0.1), parts=channels, keep=(0,))"
    assert not made.attribution("channels").drift[1].any()


@pytest.mark.parametrize("n", [2, 3])
def test_very_few_trajectories_are_explained_without_certainty(n):
    made = pf.explain(Gaussian(0.1), walks(n), "path-length")
    assert made.flows == ()
    assert all(
        np.isnan(one.value) for found in (made.moments, made.expansion) for one in found.share.values()
    )
    assert "not told from noise" in str(made)


def test_an_attribution_that_was_not_asked_for_is_named(made):
    with pytest.raises(InputError, match="noise-levels"):
        made.attribution("noise-levels")


def test_one_group_has_no_spread():
    data = pf.Trajectories(walks(60).values, groups=np.zeros(60, dtype=int))
    with pytest.raises(InputError, match="group"):
        pf.explain(Gaussian(0.1), data, "path-length")
