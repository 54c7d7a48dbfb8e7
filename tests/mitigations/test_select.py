import numpy as np
import pytest
from scipy import stats

import pushforward as pf
from pushforward.errors import InputError
from pushforward.mitigations import Select, mitigate
from pushforward.mitigations.select import _rank_within, draws_until


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


def test_a_tolerance_leaves_no_more_than_that_of_the_law_unmet(drifted, data, end):
    """Total variation over the bins, beyond that of independent draws, and for fewer draws."""
    exact, loose = (
        Select(end, "uniform(-1.5, 1)", bins=32, tolerance=t).apply(drifted, data) for t in (0.0, 0.05)
    )
    every, most = (end(one.sample(10_000, seed=0)) for one in (exact, loose))
    assert loose.account.cost < 0.6 * exact.account.cost
    assert 0 < loose.account.stand_ins <= 500
    assert exact.account.stand_ins == 0
    assert "stand in for others made too rarely" in str(loose.account)
    edges = np.linspace(-1.5, 1, 33)
    apart = np.abs(np.histogram(most, edges)[0] - np.histogram(every, edges)[0]).sum() / 20_000
    # Both are filled to the same independent draws of the bins, but for those that stand in.
    assert apart == pytest.approx(loose.account.stand_ins / 10_000, abs=0.01)


def test_stand_ins_are_as_the_law_has_the_rest(drifted, data, end):
    """2 % of a law that the model never makes: the rest of it is kept as it is."""
    wanted = "0.98*normal(0.5, 1) + 0.02*uniform(7.9, 8)"
    select = Select(end, wanted, bins=50, tolerance=0.03).apply(drifted, data)
    values = end(select.sample(5000, seed=1))
    assert 50 < select.account.stand_ins <= 150
    assert stats.kstest(values, stats.norm(0.5, 1).cdf).pvalue > 0.001


def testdraws_until_is_the_least_that_leaves_what_is_tolerated():
    short, rate = np.array([10, 40, 0, 5]), np.array([0.1, 0.2, 0.5, 0.01])
    for left in (0.0, 1.0, 4.0, 20.0, 54.0):
        k = draws_until(short, rate, left)
        assert np.maximum(short - k * rate, 0).sum() == pytest.approx(left)
    assert draws_until(short, rate, 0.0) == pytest.approx(500)
    assert draws_until(short, rate, 55.0) == 0


def test_a_tolerance_that_allows_any_law_is_refused(end):
    with pytest.raises(InputError, match=r"tolerance = 0\.9; expected a total variation from 0 to 0\.2"):
        Select(end, tolerance=0.9)
