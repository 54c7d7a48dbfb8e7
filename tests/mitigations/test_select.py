import numpy as np
import pytest
from scipy import stats

import pushforward as pf
from pushforward.errors import InputError
from pushforward.mitigations import Select, mitigate
from pushforward.mitigations.select import _rank_within


def test_selection_restores_the_law_of_the_data_within_its_noise_floor(drifted, data, end):
    before = pf.audit(drifted.sample(4000, seed=1), against=data, quantities=[end])["end"]
    after = pf.audit(Select(end).apply(drifted, data).sample(4000, seed=1), against=data, quantities=[end])[
        "end"
    ]
    assert before.verdict == "drift"
    assert after.w1.value < after.w1.null_95
    assert after.tv.value < after.tv.null_95


def test_a_stated_law_is_restored_as_well(drifted, data, end):
    wanted = pf.Intended.parse("0.5*normal(-1, 0.3) + 0.5*normal(1, 0.3)")
    made = Select(end, wanted).apply(drifted, data).sample(3000, seed=2)
    assert stats.kstest(end(made), wanted.law.cdf).pvalue > 0.001


def test_each_bin_is_hit_as_often_as_independent_draws_would(drifted, data, end):
    """Counts of a bin over seeds have the binomial mean and variance."""
    wanted = pf.Intended.parse("normal(0, 1)")
    select = Select(end, wanted, bins=8).apply(drifted, data)
    counts = np.array([(end(select.sample(200, seed=s)) < -0.6744897501960817).sum() for s in range(60)])
    assert abs(counts.mean() - 50) < 4 * np.sqrt(37.5 / 60)
    assert 0.4 < counts.var(ddof=1) / 37.5 < 1.9


def test_few_wanted_take_few_draws(data, end, drifted):
    select = pf.mitigations.Select(end, bins=16).apply(drifted, data)
    assert len(select.sample(100, seed=0)) == 100
    # In batches of 4,096 it would be 41 for each.
    assert select.account.cost < 20


def test_the_cost_is_the_largest_ratio_of_the_laws(data, end, drifted):
    wanted = pf.Intended.parse("truncnormal(0.5, 1, -0.5, 1.5)")
    select = Select(end, wanted, bins=4).apply(drifted, data)
    select.sample(30_000, seed=0)
    kept_by_nature = stats.norm(0.5, 1).cdf(1.5) - stats.norm(0.5, 1).cdf(-0.5)
    assert select.account.cost == pytest.approx(1 / kept_by_nature, rel=0.05)
    assert select.account.effective_share == pytest.approx(kept_by_nature, rel=0.03)
    assert select.account.kept == 30_000
    assert select.account.outside == pytest.approx((1 - kept_by_nature) * select.account.drawn, rel=0.03)


def test_the_same_seed_gives_the_same_bytes_and_batches_are_the_sample(drifted, data, end):
    select = Select(end).apply(drifted, data)
    whole = select.sample(20_000, seed=3)
    parts = list(select.sample_batches(20_000, seed=3))
    assert len(parts) > 1
    assert whole.equals(pf.Trajectories.concat(parts))
    assert not whole.equals(select.sample(20_000, seed=4))


def test_a_prefix_of_the_sample_follows_the_law_too(drifted, data, end):
    made = Select(end, "normal(0, 1)").apply(drifted, data).sample(8000, seed=5)
    assert stats.kstest(end(made)[:1000], stats.norm.cdf).pvalue > 0.001


def test_a_law_out_of_the_models_reach_is_named_with_its_range(drifted, data, end):
    select = Select(end, "uniform(8, 9)", most=2).apply(drifted, data)
    with pytest.raises(InputError, match=r"select: end in \[8.*\]: got 0 of .* wanted trajectories in"):
        select.sample(500)


def test_undefined_values_are_counted_and_never_kept(data, drifted):
    sometimes = pf.Quantity(
        lambda t: np.where(t.values[:, 0, 0] > 1, np.nan, t.values[:, -1, 0]), name="sometimes"
    )
    select = Select(sometimes).apply(drifted, data)
    assert np.isfinite(sometimes(select.sample(2000, seed=0))).all()
    share = select.account.undefined / select.account.drawn
    assert share == pytest.approx(stats.norm.sf(1), abs=0.02)


def test_a_quantity_with_few_values_keeps_their_shares(data, drifted):
    sign = pf.Quantity(lambda t: np.sign(t.values[:, -1, 0]), name="sign")
    made = Select(sign).apply(drifted, data).sample(4000, seed=0)
    assert np.mean(sign(made) > 0) == pytest.approx(np.mean(sign(data) > 0), abs=0.03)


def test_it_is_refused_without_what_it_needs(drifted, end, data):
    with pytest.raises(InputError, match="is not fitted"):
        mitigate(drifted, Select(end)).sample(10)
    with pytest.raises(InputError, match="expected a law that varies"):
        Select(pf.Quantity(lambda t: np.zeros(len(t)), name="flat")).apply(drifted, data)
    with pytest.raises(InputError, match="bins = 1"):
        Select(end, bins=1)


def test_ranks_count_earlier_equals():
    assert _rank_within(np.array([3, 1, 3, 3, 1])).tolist() == [0, 0, 1, 2, 1]
    assert _rank_within(np.empty(0, dtype=np.int64)).tolist() == []
