"""Reweighting and deconvolution, with Gaussian laws that have exact answers."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

import pushforward as pf
from pushforward.errors import InputError
from pushforward.kernels import Gaussian
from pushforward.mitigations import Deconvolve, Reweight
from pushforward.mitigations.deconvolve import deconvolved
from pushforward.mitigations.weighting import effective_share, systematic


def test_reweighted_demonstrations_follow_the_intended_law(data, end):
    wanted = pf.Intended.parse("truncnormal(0.8, 0.5, -1, 2)")
    chosen, further = Reweight(end, wanted).training(data, seed=0)
    assert further == {}
    assert len(chosen) == len(data)
    assert np.mean(end(chosen)) == pytest.approx(wanted.mean, abs=0.03)
    assert np.std(end(chosen)) == pytest.approx(wanted.std, abs=0.03)


def test_reweighting_to_the_datas_own_law_changes_nothing(data, end):
    assert Reweight(end).weights(data) == pytest.approx(np.ones(len(data)))
    chosen, _ = Reweight(end).training(data, seed=0)
    assert chosen.equals(data)


def test_a_law_beyond_the_demonstrations_is_refused(data, end):
    with pytest.raises(InputError, match=r"of it lies where there is none of the 4,000 values, first in \["):
        Reweight(end, "uniform(0, 20)").training(data, seed=0)


def test_systematic_resampling_is_never_off_by_one():
    weight = np.array([0.5, 2.25, 0.0, 1.25])
    for seed in range(20):
        counts = np.bincount(systematic(weight, 8, np.random.default_rng(seed)), minlength=4)
        assert np.abs(counts - 2 * weight).max() < 1
        assert counts.sum() == 8


def test_the_effective_share_of_equal_weights_is_one():
    assert effective_share(np.ones(7)) == 1
    assert effective_share(np.array([1.0, 0, 0, 0])) == 0.25


def blur(B=16, width=1.2):
    """A κ that blurs over bins and keeps mass inside, and its edges."""
    place = np.arange(B + 2)
    kappa = np.exp(-0.5 * ((place[:, None] - place[None, :]) / width) ** 2)
    return kappa / kappa.sum(axis=1, keepdims=True), np.linspace(-3, 3, B + 1)


def test_what_a_kernel_made_of_a_law_is_undone_exactly_where_there_is_no_noise():
    kappa, edges = blur()
    before = np.full(18, 1 / 18)
    wanted = stats.binom(17, 0.5).pmf(np.arange(18)) * 0.5 + before * 0.5
    found = deconvolved(kappa, before, wanted @ kappa, 0.0, edges)
    assert found.remaining < 1e-5
    assert found.mass == pytest.approx(wanted, abs=1e-3)
    assert found.without > 0.1


def test_weights_are_never_negative_and_an_unreachable_law_keeps_its_distance():
    kappa, edges = blur(width=3.0)
    spike = np.eye(18)[9]
    found = deconvolved(kappa, np.full(18, 1 / 18), spike, 0.0, edges)
    assert (found.mass >= 0).all()
    assert found.mass.sum() == pytest.approx(1)
    assert 0.5 < found.remaining < found.without
    assert found.condition_number > 100


def test_noise_holds_the_weights_back():
    kappa, edges = blur()
    before = np.full(18, 1 / 18)
    within = deconvolved(kappa, before, before, 1.0, edges)
    assert within.mass == pytest.approx(before, abs=1e-4)


def test_demonstrations_are_chosen_so_that_blurred_they_have_the_intended_law(data, end):
    """normal(0, 0.9²) blurred by 0.5 is normal(0, 1.03²): narrower demonstrations than the data are asked for."""
    kernel = Gaussian(0.5, relative=False)
    fitted = Deconvolve(end, "normal(0, 1.03)", kernel=kernel, bins=16).fitted(data)
    chosen, _ = fitted.training(data, seed=0)
    assert np.std(end(chosen)) == pytest.approx(0.9, abs=0.06)
    assert fitted.solution.remaining < 0.5 * fitted.solution.without
    assert 0.3 < fitted.effective_share(data) <= 1


def test_what_remains_is_told_by_other_deviations_than_those_of_the_fit(data, end):
    """By those of the fit itself too little remains: the weights suit their noise."""
    few, wide = data.select(slice(0, 300)), Gaussian(1.0, relative=False)
    gains = []
    for seed in range(30):
        fitted = Deconvolve(end, kernel=wide, seed=seed).fitted(few)
        assert fitted.judged(few, seed).remaining == pytest.approx(fitted.solution.remaining, abs=1e-9)
        gains.append(fitted.judged(few, seed + 100).remaining - fitted.solution.remaining)
    assert stats.ttest_1samp(gains, 0, alternative="greater").pvalue < 0.01


def test_what_remains_counts_that_the_scale_may_be_another(data, end):
    """Weights that undo a blur exactly leave, of its drift, the share by which its scale is misjudged."""
    fitted = Deconvolve(end, "normal(0, 1.03)", kernel=Gaussian(0.5, relative=False), bins=16).fitted(data)
    exact = replace(fitted.solution, intended=fitted.solution.predicted)
    drift = np.abs(exact.predicted - exact.mass).sum() / 2
    assert exact.remaining_over(0.0) == pytest.approx(0, abs=1e-12)
    ends = (1 - np.exp(-0.35 * np.sqrt(3))) + (np.exp(0.35 * np.sqrt(3)) - 1)
    assert exact.remaining_over(0.35) == pytest.approx(drift * ends / 6)


def test_what_remains_by_other_errors_is_judged_by_them(data, end):
    kernel = Gaussian(0.5, relative=False)
    fitted = Deconvolve(end, "normal(0, 1.03)", kernel=kernel, bins=16).fitted(data)
    none = fitted.judged(data, seed=1, errors=replace(kernel, scale=0.0))
    np.testing.assert_allclose(none.predicted, fitted.solution.mass)
    assert none.remaining > 2 * fitted.solution.remaining


def test_a_kernel_without_scale_is_refused(data, end):
    with pytest.raises(InputError, match="has no scale"):
        Deconvolve(end, kernel="gaussian").fitted(data)


def test_what_acts_before_training_is_refused_to_a_trained_model(data, end, drifted):
    with pytest.raises(InputError, match="acts before or in training"):
        Reweight(end, "normal(0, 1)").apply(drifted, data)
