"""Truncated least squares for a factor: the ordinary one where nothing is far, and unmoved by what is."""

from __future__ import annotations

import numpy as np
import pytest

from pushforward.quantities.factor_fit import best_factor, fitted_factor

X = np.random.default_rng(0).uniform(1, 2, (5, 40))
TRUTH = np.array([0.7, 0.9, 1.0, 1.2, 1.6])


def line(noise=0.0, outliers=()):
    y = TRUTH[:, None] * X + noise * np.random.default_rng(1).standard_normal(X.shape)
    y[:, list(outliers)] += 5.0
    return y


def test_without_truncation_it_is_the_least_squares_factor():
    y = line(noise=0.1)
    found = fitted_factor(lambda c: c[:, None] * X - y, np.ones(5), np.inf, 3)
    np.testing.assert_allclose(found, (X * y).sum(axis=1) / (X * X).sum(axis=1), rtol=1e-9)


def test_what_is_far_away_pulls_nothing():
    y = line(outliers=(3, 17))
    start = best_factor(lambda c: c[:, None] * X - y, 5, np.linspace(0.5, 2, 61), 0.5)
    found = fitted_factor(lambda c: c[:, None] * X - y, start, 0.5, 5)
    np.testing.assert_allclose(found, TRUTH, rtol=1e-9)


def test_a_curved_law_is_followed_to_its_minimum():
    y = np.exp(TRUTH[:, None] * X)
    found = fitted_factor(lambda c: np.exp(c[:, None] * X) - y, np.ones(5), np.inf, 12)
    np.testing.assert_allclose(found, TRUTH, rtol=1e-8)


def test_residuals_that_do_not_count_are_left_out():
    y = line(outliers=(0,))
    skipped = np.arange(40) == 0
    found = fitted_factor(lambda c: np.where(skipped, np.nan, c[:, None] * X - y), np.ones(5), np.inf, 3)
    np.testing.assert_allclose(found, TRUTH, rtol=1e-9)


@pytest.mark.parametrize("nothing", [np.nan, np.inf, 1.0])
def test_where_no_factor_fits_or_none_matters_there_is_none(nothing):
    found = fitted_factor(lambda c: np.full((5, 4), nothing), np.ones(5), 0.5, 3)
    assert np.isnan(found).all()


def test_candidates_may_differ_from_row_to_row():
    y = line()
    candidates = TRUTH * np.array([[0.9], [1.0], [1.1]])
    assert (best_factor(lambda c: c[:, None] * X - y, 5, candidates, 1.0) == TRUTH).all()
